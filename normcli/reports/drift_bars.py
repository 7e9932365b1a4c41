"""Bars of drift: each measure of a column in units of what would be drift, which is a line across all of them."""

from collections.abc import Sequence

from normcli.reports.measures import MeasuredDrift
from normcli.reports.svg import coordinate, path, picture

WIDTH, ROW = 72.0, 20.0
ONE = 40.0  # where drift begins


def drift_bars(measures: Sequence[MeasuredDrift]) -> str:
    """The picture: a row for each measure, as high as a row of the table beside it. A bar that reaches the end would
    go on."""
    within, beyond, floors = "", "", ""
    for i, measure in enumerate(measures):
        y = (i + 0.5) * ROW
        if measure.severity is not None:
            width = min(measure.severity * ONE, WIDTH)
            bar = f"M0 {coordinate(y)}h{coordinate(max(width, 1.0))}"
            within, beyond = (within, beyond + bar) if measure.drift else (within + bar, beyond)
        if measure.floor_share is not None:
            x = coordinate(min(measure.floor_share * ONE, WIDTH))
            floors += f"M{x} {coordinate(y - 7)}v14"
    height = ROW * len(measures)
    line = path("d", f"M{coordinate(ONE)} 0V{coordinate(height)}")
    return picture(
        _words(measures), WIDTH, height, path("w", within), path("r", beyond), path("t", floors), line, kind="bars"
    )


def _words(measures: Sequence[MeasuredDrift]) -> str:
    drifting = [m.name for m in measures if m.drift]
    if drifting:
        return f"Beyond what would be drift: {', '.join(drifting)}"
    known = [m for m in measures if m.severity is not None]
    if not known:
        return "No measure of drift is known"
    worst = max(known, key=lambda m: m.severity or 0.0)
    return f"Within all limits; {worst.name} is nearest, at {worst.severity:.0%} of it"
