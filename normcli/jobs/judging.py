"""Notices on a comparison, with either verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from normcli.drift import Comparison
    from normcli.pipeline import Events


def warn_of_few(events: Events, comparison: Comparison) -> None:
    """Of rows that are too few for a verdict."""
    if not comparison.judged:
        least = comparison.limits.min_rows
        events.warning(
            f"{comparison.rows:,} rows are too few for a verdict on drift, which takes {least:,} (--min-rows)"
        )
