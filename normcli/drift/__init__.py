"""Drift: comparison of new data with the fitted data."""

from normcli.drift.comparing import Columns
from normcli.drift.comparison import Change, Comparison, Unseen
from normcli.drift.document import document, restored
from normcli.drift.fits import compared_fits
from normcli.drift.watching import DriftMonitor
from normcli.drift.words import changed, summary
from normcli.limits import Limits

__all__ = [
    "Change",
    "Columns",
    "Comparison",
    "DriftMonitor",
    "Limits",
    "Unseen",
    "changed",
    "compared_fits",
    "document",
    "restored",
    "summary",
]
