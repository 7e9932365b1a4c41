"""Quantile–quantile lines: new data against the fit, or the fit against a normal distribution."""

from statistics import NormalDist

import numpy as np

from normcli.reports.distribution import Distribution, evenly
from normcli.reports.histogram import BASE, HEIGHT, LEFT, RIGHT, TOP, WIDTH, axis
from normcli.reports.scales import Scale, number
from normcli.reports.svg import path, picture, polyline

POINTS = 17
SHARES = evenly(POINTS)
NORMAL = np.array([NormalDist().inv_cdf(share) for share in SHARES.tolist()])


def of_new(fit: Distribution, new: Distribution) -> str:
    """Quantiles of new data, upwards, against those of the fit: on the diagonal where both are the same."""
    x, y = fit.quantiles(SHARES), new.quantiles(SHARES)
    scale = Scale.around(float(min(x[0], y[0])), float(max(x[-1], y[-1])))
    middle = POINTS // 2
    words = f"Quantiles, new against fit: median {number(float(y[middle]))} against {number(float(x[middle]))}"
    right, up = _placed(scale.at(x), scale.at(y))
    return picture(words, WIDTH, HEIGHT, axis(scale), _line((0.0, 1.0), (0.0, 1.0)), path("n", polyline(right, up)))


def of_fit(fit: Distribution) -> str:
    """Quantiles of the fit, upwards, against those of a normal distribution, and the line through both quartiles."""
    y = fit.quantiles(SHARES)
    scale, across = Scale.around(float(y[0]), float(y[-1])), Scale(-2.5, 2.5)
    up = scale.at(y)
    low, high = np.interp((-0.6745, 0.6745), NORMAL, up)
    slope = (high - low) / 1.349
    ends = np.array([(low + high) / 2 + slope * x for x in (-2.5, 2.5)])
    away = float(np.abs(up - ((low + high) / 2 + slope * NORMAL)).max())
    how = "close to" if away < 0.05 else "away from" if away > 0.15 else "not far from"
    words = (
        f"Quantiles of the fit against a normal distribution, 1 to 99 %, {number(float(y[0]))} to "
        f"{number(float(y[-1]))}: {how} a line"
    )
    x = Scale(-2.5, 2.5).at(NORMAL)
    parts = (axis(across), _line((0.0, 1.0), ends), path("q", polyline(*_placed(x, up))))
    return picture(words, WIDTH, HEIGHT, *parts)


def _placed(x: np.ndarray, y: np.ndarray) -> tuple[list[float], list[float]]:
    """Places in the picture of shares of its width and height."""
    return [LEFT + (RIGHT - LEFT) * a for a in x.tolist()], [BASE - (BASE - TOP) * b for b in y.tolist()]


def _line(x: tuple[float, float], y: np.ndarray | tuple[float, float]) -> str:
    """A straight line, cut where it leaves the picture."""
    (x0, x1), (y0, y1) = x, (float(y[0]), float(y[1]))
    points = [(x0, y0), (x1, y1)]
    if y1 > y0:
        points = [(x0 + (h - y0) / (y1 - y0) * (x1 - x0), h) for h in (max(y0, 0.0), min(y1, 1.0))]
    right, up = _placed(np.array([p[0] for p in points]), np.array([p[1] for p in points]))
    return path("d", polyline(right, up))
