"""Normalization layers by their formulas in exact fractions, roots to 60 digits: an independent source of numbers."""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction

Rows = Sequence[Sequence[float]]


def mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def variance(values: Sequence[Fraction], ddof: int = 0) -> Fraction:
    middle = mean(values)
    return sum(((v - middle) ** 2 for v in values), Fraction(0)) / (len(values) - ddof)


def root(value: Fraction) -> Fraction:
    with localcontext() as context:
        context.prec = 60
        return Fraction((Decimal(value.numerator) / Decimal(value.denominator)).sqrt())


def standardized(values: Sequence[Fraction], eps: float) -> list[Fraction]:
    by = root(variance(values) + Fraction(eps)) or Fraction(1)
    return [(v - mean(values)) / by for v in values]


def grouped(x: Rows, groups: int, eps: float) -> list[list[Fraction]]:
    """Each row by the mean and variance of each of so many runs of it."""
    out = []
    for row in x:
        width, fractions = len(row) // groups, [Fraction(v) for v in row]
        out.append([y for a in range(0, len(row), width) for y in standardized(fractions[a : a + width], eps)])
    return out


def rms(x: Rows, eps: float) -> list[list[Fraction]]:
    return [
        [Fraction(v) / root(mean([Fraction(w) ** 2 for w in row]) + Fraction(eps)) for v in row] for row in x
    ]  # fmt: skip


def furthest(got: Rows, exact: Sequence[Sequence[Fraction]]) -> float:
    """The greatest difference, over the larger of 1 and the exact value."""
    pairs = ((g, e) for row, other in zip(got, exact, strict=True) for g, e in zip(row, other, strict=True))
    return float(max(abs(Fraction(g) - e) / max(Fraction(1), abs(e)) for g, e in pairs))
