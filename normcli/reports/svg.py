"""Elements of SVG as text: pictures, paths, labels."""

from collections.abc import Iterable

import numpy as np

from normcli.blocks.record import Array
from normcli.reports.markup import escaped


def coordinate(x: float) -> str:
    """A coordinate with at most one decimal."""
    text = f"{x:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def picture(words: str, width: float, height: float, *parts: str, kind: str = "") -> str:
    """An image with `words` for those who can't see it; it is as wide as what it is in, and its class is `kind`."""
    name = f' class="{kind}"' if kind else ""
    box = f"0 0 {coordinate(width)} {coordinate(height)}"
    return f'<svg role="img" aria-label="{escaped(words)}"{name} viewBox="{box}">{"".join(parts)}</svg>'


def path(kind: str, data: str) -> str:
    """A path of class `kind`; nothing without data."""
    return f'<path class="{kind}" d="{data}"/>' if data else ""


def label(x: float, y: float, text: str, kind: str = "") -> str:
    """Text at a point, centred unless its class says otherwise."""
    name = f' class="{kind}"' if kind else ""
    return f'<text{name} x="{coordinate(x)}" y="{coordinate(y)}">{escaped(text)}</text>'


def polyline(x: Iterable[float], y: Iterable[float]) -> str:
    """The data of a path through points. Relative moves are shorter, and of rounded coordinates they do not drift."""
    points = np.round(np.column_stack([list(x), list(y)]), 1)
    moves = np.diff(points, axis=0).tolist()
    if not len(points):
        return ""
    first = f"M{coordinate(float(points[0, 0]))} {coordinate(float(points[0, 1]))}"
    return first + "".join(f"l{_pair(a, b)}" for a, b in moves)


def _pair(x: float, y: float) -> str:
    """Two coordinates; a sign separates them, too."""
    first, second = coordinate(x), coordinate(y)
    return f"{first}{second}" if second.startswith("-") else f"{first} {second}"


def staircase(edges: Array, tops: Array, base: float) -> str:
    """The data of the outline of a histogram: bins between `edges` (bins + 1,), as high as `tops` (bins,), on a
    `base`; all in units of the picture."""
    x, y = np.round(edges, 1), np.round(np.append(tops, base), 0)
    parts, here, at = [f"M{coordinate(x[0])} {coordinate(base)}"], float(np.round(base, 0)), float(x[0])
    for edge, top in zip(x.tolist(), y.tolist(), strict=True):
        if top == here:
            continue
        parts += [f"h{coordinate(edge - at)}"] if edge != at else []
        parts.append(f"v{coordinate(top - here)}")
        at, here = edge, top
    return "".join(parts) if len(parts) > 1 else ""


def verticals(x: Iterable[float], base: float, tops: Iterable[float]) -> str:
    """The data of lines from a base up."""
    at = coordinate(base)
    return "".join(f"M{coordinate(a)} {at}V{coordinate(b)}" for a, b in zip(x, tops, strict=True))
