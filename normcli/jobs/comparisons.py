"""How new data compare with the fitted ones: the texts for people, and the figures for programs."""

from normcli.drift import Columns, Comparison, changed, summary
from normcli.drift.figures import figures
from normcli.drift.measures import measures
from normcli.parameters.keys import described

__all__ = ["Columns", "Comparison", "changed", "described", "figures", "measures", "summary"]
