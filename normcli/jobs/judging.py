"""Notices on a comparison, with either verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from normcli.drift import Comparison
    from normcli.parameters import Parameters
    from normcli.pipeline import Events

HINT = "fit again without --no-sketch"


def warn(events: Events, comparison: Comparison, parameters: Parameters, other: Parameters | None = None) -> None:
    """Of rows that are too few for a verdict; of limits that were given for what can't be compared; and of what that is
    without sketches in one of two fits."""
    if not comparison.judged:
        least = comparison.limits.min_rows
        events.warning(
            f"{comparison.rows:,} row{'s are' if comparison.rows != 1 else ' is'} too few for a verdict on drift, "
            f"which takes {least:,} (--min-rows)"
        )
    if comparison.limits.given or comparison.limits.columns:
        _warn_of_gaps(events, comparison, parameters, "PARAMS do" if other is None else "one of the fits does")
    if comparison.rows is None or comparison.shaped:
        return
    lacking = "PARAMS have" if parameters.sketches is None else "the other parameters have"
    if parameters.sketches is None or (other is not None and other.sketches is None):
        from normcli.drift.measures import measures

        names = [name for name, measure in measures().items() if measure.of_shape]
        what = f"{', '.join(names[:-1])} and {names[-1]} are not compared: {lacking} no sketches of columns"
        weights = (parameters if parameters.sketches is None else other or parameters).weights
        events.info(f"{what}; {HINT}" if weights is None else f"{what}, which take weights that are whole")


def _warn_of_gaps(events: Events, comparison: Comparison, parameters: Parameters, who: str) -> None:
    from normcli.drift.coverage import gaps
    from normcli.methods import listed

    for limit, measure, columns in gaps(comparison, parameters):
        flag = f"--{limit.replace('_', '-')}"
        events.warning(f"{measure} is not compared in {listed(columns)}: {who} not say enough, so {flag} is idle there")
