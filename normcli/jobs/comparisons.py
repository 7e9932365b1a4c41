"""How new data compare with the fitted ones: what is said of it to a person, and to a machine."""

from normcli.drift import Columns, Comparison, changed, summary
from normcli.drift.figures import figures
from normcli.parameters.keys import described

__all__ = ["Columns", "Comparison", "changed", "described", "figures", "summary"]
