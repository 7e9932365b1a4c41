"""Drift: whether new data still look like those that were fitted."""

from normcli.drift.comparing import SAID, Columns, Limits
from normcli.drift.watching import Change, Comparison, Unseen, Watch

__all__ = ["SAID", "Change", "Columns", "Comparison", "Limits", "Unseen", "Watch"]
