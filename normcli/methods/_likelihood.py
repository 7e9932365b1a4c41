"""The likelihood of a power, from a fine histogram of a column.

Yeo and Johnson (2000), eq. 3.1: up to a constant, llf(λ)/n = −½·log var ψ(x, λ) + (λ − 1)·mean(±log(1 + |x|)). In
terms of φ = (ψ − ψ(origin))/ψ'(origin) and of logarithms counted from the origin's, it reads the same, and neither
cancels nor overflows where values lie far from zero.
"""

from math import factorial

import numpy as np
from msgspec import Struct

from normcli.blocks.record import Array
from normcli.errors import BadDataError, printable
from normcli.stats.local_moments import FEW, LocalMoments
from normcli.transforms import RESTORED
from normcli.transforms.power import blur, forth, stretched

STEEPEST = 3.0  # λ times the width of a cell: a cell's polynomial is the power's square to 5e-7, at a tenth to 1e-12
ACCURACY = 1e-6  # of a variance that few cells are to tell
STEEPEST_OF_TWO = 100.0  # λ times the distance of two values that are known themselves
SLACK = 2.0  # how much nearer than they must restored values are to be where a power was chosen for it
MESH = 129  # places where the likelihood is looked at before the best is refined
STEP = 1e-6  # of what there is from limit to limit: places nearer to each other count as one
GOLDEN = (5.0**0.5 - 1.0) / 2.0


class Likelihood(Struct, frozen=True):
    """Of one column's λ, given its values as weighted points. Where all are below zero, the points are those of −x and
    what is said of them is said of 2 − λ."""

    logs: Array  # (points,): ±log(1 + |x|), less that of the origin
    weights: Array  # (points,)
    origin: float
    mirrored: bool
    least: float  # of λ
    most: float

    ends: tuple[float, float] | None = None  # the least and the greatest value, input units

    @classmethod
    def of(
        cls, moments: LocalMoments, group: int, feature: int, ends: tuple[float, float] | None = None
    ) -> "Likelihood":
        middles, away, weights = moments.points(group, feature, ends)
        mirrored = bool(middles[-1, 0] < 0)
        if mirrored:
            middles, weights = -middles[::-1], weights[::-1]
        sides = np.where(middles < 0, -1.0, 1.0)
        first, last = np.log1p(np.abs(middles[[0, -1], 0]))
        far = sides[0, 0] > 0 and 2.0 * first > last  # farther from zero than from end to end
        start = float(middles[len(middles) // 2, 0]) if far else 0.0
        logs = sides * (np.log1p((np.abs(middles) - start) / (1.0 + start)) + away)
        half = float(np.abs(away).max())
        few = bool(np.ptp(logs) < FEW * half)
        steepest = (_steepest(away.shape[1]) if few else STEEPEST) / (2.0 * half)
        least, most = (-steepest if sides[0, 0] > 0 else 2.0 - steepest), steepest
        if mirrored:
            least, most = 2.0 - most, 2.0 - least
        return cls(logs.ravel(), weights.ravel(), -start if mirrored else start, mirrored, least, most, ends)

    def check(self, exponent: float, name: str) -> None:
        """Raises BadDataError for a power whose mean and deviation can't be had."""
        if not self.least <= exponent <= self.most:
            raise BadDataError(
                f"--lambda {exponent:g} is too steep for column '{printable(name)}'",
                f"there it can be from {self.least:.3g} to {self.most:.3g}",
            )

    def ends_at(self, exponent: float) -> bool:
        """Whether the likeliest power, of which `exponent` is as much as can be undone, is one of the limits."""
        if not self.undone(exponent + np.copysign(STEP * (self.most - self.least), exponent - 1.0)):
            exponent = self._likeliest(self.least, self.most)
        return min(exponent - self.least, self.most - exponent) <= STEP * (self.most - self.least)

    def mean_and_deviation(self, exponent: float) -> tuple[float, float]:
        """Of φ(x)."""
        power = 2.0 - exponent if self.mirrored else exponent
        below, phi = self.logs < 0.0, np.empty_like(self.logs)
        if self.origin == 0.0:
            phi[below] = -stretched(-self.logs[below], 2.0 - power)
            phi[~below] = stretched(self.logs[~below], power)
        else:
            phi = (1.0 + abs(self.origin)) * stretched(self.logs, power)
        count = self.weights.sum()
        mean = float((self.weights * phi).sum() / count)
        variance = float((self.weights * (phi - mean) ** 2).sum() / count)
        return -mean if self.mirrored else mean, float(np.sqrt(max(variance, 0.0)))

    def at(self, exponent: float) -> float:
        """llf(λ)/n, less what does not depend on λ."""
        _, deviation = self.mean_and_deviation(exponent)
        if deviation == 0.0:
            return -np.inf
        log = float((self.weights * self.logs).sum() / self.weights.sum())
        return float(-np.log(deviation) + (exponent - 1.0) * (-log if self.mirrored else log))

    def greatest(self) -> float:
        """The λ of greatest likelihood, within the limits, and among those that can be undone."""
        likeliest = self._likeliest(self.least, self.most)
        if self.undone(likeliest):
            return likeliest
        return self._likeliest(self._steepest_undone(self.least), self._steepest_undone(self.most))

    def undone(self, exponent: float) -> bool:
        """Whether what it makes of any value from the least to the greatest restores that: what rounding blurs is most
        at one of these, or at zero, where the curve of φ has its bend."""
        if self.ends is None:
            return True
        low, high = self.ends
        x = np.array([low, high, min(max(0.0, low), high)])
        with np.errstate(over="ignore", invalid="ignore"):
            phi = forth(x, exponent, self.origin)
            sizes = SLACK * (np.abs(phi) + np.abs(phi - self.mean_and_deviation(exponent)[0]))
            off = blur(x, phi, sizes, exponent, self.origin)
        return bool((off <= RESTORED * max(-low, high)).all())

    def _steepest_undone(self, limit: float) -> float:
        """The λ farthest from 1, which leaves a shape as it is, to a limit that can be undone."""
        a, b = 1.0, limit
        if self.undone(b):
            return b
        while abs(b - a) > STEP * abs(limit - 1.0):
            middle = (a + b) / 2.0
            a, b = (middle, b) if self.undone(middle) else (a, middle)
        return a

    def _likeliest(self, least: float, most: float) -> float:
        """The λ of greatest likelihood from `least` to `most`: best of a mesh, then golden sections around it."""
        mesh = np.linspace(least, most, MESH)
        best = int(np.argmax([self.at(float(e)) for e in mesh]))
        a, b = float(mesh[max(best - 1, 0)]), float(mesh[min(best + 1, MESH - 1)])
        c, d = b - GOLDEN * (b - a), a + GOLDEN * (b - a)
        at_c, at_d = self.at(c), self.at(d)
        tolerance = 1e-9 * (most - least)
        while b - a > tolerance:
            if at_c >= at_d:
                b, d, at_d = d, c, at_c
                c = b - GOLDEN * (b - a)
                at_c = self.at(c)
            else:
                a, c, at_c = c, d, at_d
                d = a + GOLDEN * (b - a)
                at_d = self.at(d)
        return (a + b) / 2.0


def _steepest(points: int) -> float:
    """λ times the width of a cell of so many points, among few cells, as far as their polynomial is the power's square:
    its error is about (λ · width)^n / (2^(n − 1) · n!), where the variance is as (λ · width)²."""
    if points == 2:
        return STEEPEST_OF_TWO
    return min(STEEPEST / 2.0, float((ACCURACY * 2.0 ** (points - 1) * factorial(points)) ** (1.0 / (points - 2))))
