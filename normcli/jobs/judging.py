"""Notices on a comparison, with either verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from normcli.drift import Comparison
    from normcli.parameters import Parameters
    from normcli.pipeline import Events

HINT = "fit again without --no-sketch"


def warn(events: Events, comparison: Comparison, parameters: Parameters, other: Parameters | None = None) -> None:
    """Of rows that are too few for a verdict; and, without sketches in one of two fits, of what can't be compared."""
    if not comparison.judged:
        least = comparison.limits.min_rows
        events.warning(
            f"{comparison.rows:,} row{'s are' if comparison.rows != 1 else ' is'} too few for a verdict on drift, "
            f"which takes {least:,} (--min-rows)"
        )
    if comparison.rows is None or comparison.shaped:
        return
    lacking = "PARAMS have" if parameters.sketches is None else "the other parameters have"
    if parameters.sketches is None or (other is not None and other.sketches is None):
        from normcli.drift.measures import measures

        names = [name for name, measure in measures().items() if measure.of_shape]
        what = f"{', '.join(names[:-1])} and {names[-1]} are not compared: {lacking} no sketches of columns"
        weights = (parameters if parameters.sketches is None else other or parameters).weights
        events.info(f"{what}; {HINT}" if weights is None else f"{what}, which take weights that are whole")
