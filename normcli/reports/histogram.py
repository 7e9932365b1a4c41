"""Histograms: of the fit as an area, of new data as an outline over it; frequent values as lines."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from normcli.blocks.record import Array
from normcli.reports.distribution import Bins, Distribution
from normcli.reports.scales import Scale, number, share
from normcli.reports.svg import coordinate, label, path, picture, staircase, verticals

WIDTH, HEIGHT = 168.0, 86.0
LEFT, RIGHT, TOP, BASE = 4.0, 164.0, 4.0, 70.0
ROOM = 2.5  # how much higher than bins a line may be


class Histogram(Struct, frozen=True):
    """A histogram to be drawn: what it shows in words, its scale, and what stands above the axis."""

    words: str
    scale: Scale
    body: str

    def picture(self, identity: str = "") -> str:
        """The picture; with an `identity` by which another one may refer to what stands above the axis."""
        body = f'<g id="{identity}">{self.body}</g>' if identity else self.body
        return picture(self.words, WIDTH, HEIGHT, axis(self.scale), body)

    def shared(self, words: str, scale: Scale, identity: str) -> str:
        """The same picture with another scale, which refers to the first."""
        return picture(words, WIDTH, HEIGHT, axis(scale), f'<use href="#{identity}"/>')


def histogram(what: str, fit: Distribution, new: Distribution | None = None) -> Histogram:
    """Heights are shares of the rows; a value with a tenth of them is a line beside the bins, which is cut where it is
    much higher than they are."""
    bins = Bins.over(fit, new)
    sides = [fit] if new is None else [fit, new]
    lines = np.unique(np.concatenate([side.frequent() for side in sides]))
    lines = lines[(lines >= bins.scale.low) & (lines <= bins.scale.high)]
    heights, peaks = [side.within(bins, lines) for side in sides], [side.shares(lines) for side in sides]
    top = _top(np.concatenate(heights), np.concatenate(peaks))
    edges, at = _across(np.linspace(0.0, 1.0, bins.count + 1)), _across(bins.scale.at(lines))
    parts = []
    for kind, shift, bars, peak in zip("fn", (-1.5, 1.5), heights, peaks, strict=False):
        parts.append(path(kind, staircase(edges, _up(bars / top), BASE)))
        has = peak > 0
        ends = _up(np.minimum(peak[has] / top, 1.0))
        parts.append(path(f"{kind}l", verticals(at[has] + (shift if new is not None else 0.0), BASE, ends)))
    parts.append(_cut_marks(at, np.max(peaks, axis=0, initial=0.0) > top))
    return Histogram(_words(what, bins, sides, heights, lines, peaks), bins.scale, "".join(parts))


def axis(scale: Scale, *, base: float = BASE) -> str:
    """A horizontal axis with its ticks and labels."""
    ticks = scale.ticks()
    places = [round(LEFT + (RIGHT - LEFT) * float(scale.at(x))) for x, _ in ticks]
    line = f"M{coordinate(LEFT)} {coordinate(base)}H{coordinate(RIGHT)}"
    marks = "".join(f"M{coordinate(x)} {coordinate(base)}v3" for x in places)
    labels = (
        label(x, base + 13, text, "b" if x < LEFT + 12 else "e" if x > RIGHT - 12 else "")
        for x, (_, text) in zip(places, ticks, strict=True)
    )
    return path("x", line + marks) + "".join(labels)


def _top(bars: Array, peaks: Array) -> float:
    """The share at the top of the picture."""
    highest, peak = float(bars.max(initial=0.0)), float(peaks.max(initial=0.0))
    return (min(peak, ROOM * highest) if highest and peak > highest else max(highest, peak)) or 1.0


def _across(places: Array) -> Array:
    return np.asarray(LEFT + (RIGHT - LEFT) * places)


def _up(heights: Array) -> Array:
    return np.asarray(BASE - (BASE - TOP) * heights)


def _cut_marks(at: Array, cut: NDArray[np.bool_]) -> str:
    """A gap in each line that is higher than the picture."""
    return path("g", "".join(f"M{coordinate(x - 5)} 12l10-4" for x in at[cut].tolist()))


def _words(
    what: str, bins: Bins, sides: list[Distribution], heights: list[Array], lines: Array, peaks: list[Array]
) -> str:
    """What the picture shows."""
    low, high = sides[0].values[0], sides[0].values[-1]
    words = [f"{what}: {number(low)} to {number(high)}"]
    for side, bars, name in zip(sides, heights, ("most", "new most"), strict=False):
        if bars.any():
            half, middle = (bins.scale.high / 2 - bins.scale.low / 2), (int(bars.argmax()) + 0.5) / bins.count
            words.append(f"{name} near {number(bins.scale.low + 2 * half * middle, 3)}")
        outside = 1.0 - float(side.shares(lines).sum() + bars.sum())
        if outside > 1e-9:
            words.append(f"{share(outside)} beyond the picture")
    some = [f"{share(float(peak), 1)} are {number(x)}" for x, peak in zip(lines.tolist()[:5], peaks[0], strict=False)]
    return "; ".join([*words, *some])
