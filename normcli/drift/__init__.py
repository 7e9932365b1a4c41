"""Drift: comparison of new data with the fitted data."""

from normcli.drift.comparing import Columns
from normcli.drift.document import document, restored
from normcli.drift.watching import Change, Comparison, DriftMonitor, Unseen
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
    "document",
    "restored",
    "summary",
]
