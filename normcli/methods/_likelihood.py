"""The likelihood of a power, from a fine histogram of a column.

Yeo and Johnson (2000), eq. 3.1: up to a constant, llf(λ)/n = −½·log var ψ(x, λ) + (λ − 1)·mean(±log(1 + |x|)). In
terms of φ = (ψ − ψ(origin))/ψ'(origin) and of logarithms counted from the origin's, it reads the same, and neither
cancels nor overflows where values lie far from zero.
"""

from dataclasses import dataclass

import numpy as np

from normcli.errors import BadDataError, printable
from normcli.record import Array
from normcli.stats.local_moments import LocalMoments
from normcli.transforms.power import stretched

STEEPEST = 3.0  # λ times the width of a cell: a cell's polynomial is the power's square to 5e-7, at a tenth to 1e-12
MESH = 129  # places where the likelihood is looked at before the best is refined
GOLDEN = (5.0**0.5 - 1.0) / 2.0


@dataclass(frozen=True)
class Likelihood:
    """Of one column's λ, given its values as weighted points. Where all are below zero, the points are those of −x and
    what is said of them is said of 2 − λ."""

    logs: Array  # (points,): ±log(1 + |x|), less that of the origin
    weights: Array  # (points,)
    origin: float
    mirrored: bool
    least: float  # of λ
    most: float

    @classmethod
    def of(cls, moments: LocalMoments, group: int, feature: int) -> "Likelihood":
        middles, away, weights = moments.points(group, feature)
        mirrored = bool(middles[-1, 0] < 0)
        if mirrored:
            middles, weights = -middles[::-1], weights[::-1]
        sides = np.where(middles < 0, -1.0, 1.0)
        first, last = np.log1p(np.abs(middles[[0, -1], 0]))
        far = sides[0, 0] > 0 and 2.0 * first > last  # farther from zero than from end to end
        start = float(middles[len(middles) // 2, 0]) if far else 0.0
        logs = sides * (np.log1p((np.abs(middles) - start) / (1.0 + start)) + away)
        steepest = STEEPEST / (2.0 * float(away.max()))
        least, most = (-steepest if sides[0, 0] > 0 else 2.0 - steepest), steepest
        if mirrored:
            least, most = 2.0 - most, 2.0 - least
        return cls(logs.ravel(), weights.ravel(), -start if mirrored else start, mirrored, least, most)

    def check(self, exponent: float, name: str) -> None:
        """Raises BadDataError for a power whose mean and deviation can't be had."""
        if not self.least <= exponent <= self.most:
            raise BadDataError(
                f"--lambda {exponent:g} is too steep for column '{printable(name)}'",
                f"there it can be from {self.least:.3g} to {self.most:.3g}",
            )

    def ends_at(self, exponent: float) -> bool:
        """Whether a power is one of the limits."""
        return min(exponent - self.least, self.most - exponent) <= 1e-6 * (self.most - self.least)

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
        """The λ of greatest likelihood, within the limits: best of a mesh, then golden sections around it."""
        mesh = np.linspace(self.least, self.most, MESH)
        best = int(np.argmax([self.at(float(e)) for e in mesh]))
        a, b = float(mesh[max(best - 1, 0)]), float(mesh[min(best + 1, MESH - 1)])
        c, d = b - GOLDEN * (b - a), a + GOLDEN * (b - a)
        at_c, at_d = self.at(c), self.at(d)
        tolerance = 1e-9 * (self.most - self.least)
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
