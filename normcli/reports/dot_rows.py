"""Rows of dots with whiskers: a location and a spread for each column, on one scale."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from normcli.reports.scales import number
from normcli.reports.svg import coordinate, path, picture

WIDTH, EDGE = 170.0, 6.0


class Dot(Struct, frozen=True):
    """A location, and the ends of its spread, in units in which all rows are 0 ± 1; NaN where unknown."""

    at: float
    low: float
    high: float


def dot_rows(words: str, dots: Sequence[Dot], reach: float, *, row: float = 14.0, kind: str = "") -> str:
    """The picture of a row for each dot, from −`reach` to `reach`; what lies beyond stands at the edge as a triangle.
    The band is 0 ± 1."""
    height = row * len(dots)
    band = f"M{_x(-1, reach)} 0H{_x(1, reach)}V{coordinate(height)}H{_x(-1, reach)}z"
    whiskers = points = beyond = ""
    for i, dot in enumerate(dots):
        y = i * row + row / 2
        if not np.isfinite([dot.at, dot.low, dot.high]).all():
            continue
        whiskers += f"M{_x(dot.low, reach)} {coordinate(y)}H{_x(dot.high, reach)}"
        if abs(dot.at) <= reach:
            points += f"M{_x(dot.at, reach)} {coordinate(y)}h0"
        else:
            beyond += f"M{_x(dot.at, reach)} {coordinate(y - 4)}v8l{'5' if dot.at > 0 else '-5'}-4z"
    zero = f"M{_x(0, reach)} 0V{coordinate(height)}"
    parts = path("k", band), path("d", zero), path("u", whiskers), path("p", points), path("v", beyond)
    return picture(words, WIDTH, max(height, row), *parts, kind=kind)


def _x(value: float, reach: float) -> str:
    held = min(max(value, -reach), reach)
    return coordinate(EDGE + (WIDTH - 2 * EDGE) * (held + reach) / (2 * reach))


def farthest(names: Sequence[str], dots: Sequence[Dot]) -> str:
    """The dot farthest from zero, in words."""
    known = [(abs(dot.at), name, dot.at) for name, dot in zip(names, dots, strict=True) if np.isfinite(dot.at)]
    if not known:
        return "no value"
    _, name, at = max(known)
    return f"farthest is {name[:40]}, {number(at, 3)} deviations from the mean of all"
