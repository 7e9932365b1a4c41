"""Scree plots: falling variances of components, and what they add up to."""

import numpy as np

from normcli.blocks.record import Array
from normcli.reports.scales import share
from normcli.reports.svg import coordinate, label, path, picture, polyline

WIDTH, HEIGHT, LEFT, TOP, BASE = 360.0, 170.0, 34.0, 8.0, 146.0


def scree(shares: Array) -> str:
    """The picture of (components,) shares of the variance: bars, and the line of the cumulated share."""
    total, count = np.cumsum(shares), len(shares)
    step = (WIDTH - LEFT) / count
    bars = "".join(
        f"M{coordinate(LEFT + i * step + step * 0.1)} {coordinate(BASE)}"
        f"V{coordinate(BASE - (BASE - TOP) * s)}h{coordinate(step * 0.8)}V{coordinate(BASE)}z"
        for i, s in enumerate(shares.tolist())
    )
    middle = LEFT + step * (np.arange(count) + 0.5)
    line = polyline(middle.tolist(), (BASE - (BASE - TOP) * total).tolist())
    grid = "".join(f"M{coordinate(LEFT)} {coordinate(_up(s))}H{coordinate(WIDTH)}" for s in (0.0, 0.5, 1.0))
    labels = [label(LEFT - 5, _up(s) + 4, f"{s:.0%}".replace("%", " %"), "e") for s in (0.0, 0.5, 1.0)]
    ends = [label(float(middle[k]), BASE + 15, str(k + 1)) for k in sorted({0, count - 1})]
    return picture(
        _words(shares, total), WIDTH, HEIGHT, path("x", grid), path("f", bars), path("n", line), *labels, *ends
    )


def _up(part: float) -> float:
    return BASE - (BASE - TOP) * part


def _words(shares: Array, total: Array) -> str:
    first, count = share(float(shares[0]), 1), len(shares)
    return f"Variance of components: the first has {first}, all {count} have {share(float(total[-1]), 1)}{_most(total)}"


def _most(total: Array) -> str:
    """How many components have nine tenths, if any number has."""
    enough = np.flatnonzero(total >= 0.9 - 1e-12)
    return f", the first {enough[0] + 1} at least 90 %" if len(enough) else ""
