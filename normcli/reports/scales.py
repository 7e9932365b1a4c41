"""Scales: which values a picture shows, and where; and numbers as text."""

import math
from typing import Self

import numpy as np
from msgspec import Struct

from normcli.blocks.record import Array

MINUS, NOTHING = "−", "–"
LARGEST = 1e300  # beyond, sums of values may overflow
GREATEST = float(np.finfo(np.float64).max)
NARROW = 7  # characters of a label that has room beside two others


class Scale(Struct, frozen=True):
    """The values from `low` to `high` as shares of a width, 0 to 1. Halves of values never overflow."""

    low: float
    high: float

    @classmethod
    def around(cls, low: float, high: float) -> Self:
        """From `low` to `high`, or about them where they are the same."""
        if low < high:
            return cls(low, high)
        room = abs(low) / 10 or 1.0
        return cls(max(low - room, -GREATEST), min(low + room, GREATEST))

    def at(self, values: Array | float) -> Array:
        """The places of values, which may lie outside."""
        low, high = self.low / 2, self.high / 2
        with np.errstate(all="ignore"):
            return np.asarray((np.asarray(values, np.float64) / 2 - low) / ((high - low) or 1.0))

    def ticks(self, count: int = 3) -> list[tuple[float, str]]:
        """About so many round values, each with its label."""
        span = self.high - self.low
        if not math.isfinite(span) or max(abs(self.low), abs(self.high)) > LARGEST:
            return [(x, number(x, 3)) for x in (self.low, self.high)]
        power = 10.0 ** math.floor(math.log10(span / count)) if span / count > 1e-300 else 0.0
        step = next((n * power for n in (1, 2, 5, 10) if n * power * count >= span * 0.999), 0.0)
        first = math.ceil(self.low / step) if step else 0
        values = [(first + i) * step for i in range(count + 1) if (first + i) * step <= self.high] if step else []
        if len({float(x) for x in values}) < 2:
            values = [self.low, self.high]
        return _labelled([float(x) for x in values])


def _labelled(values: list[float]) -> list[tuple[float, str]]:
    """Values with as few digits as tell them apart; the outer ones where all have no room."""
    digits = next((d for d in range(1, 17) if _tells_apart(values, d)), 17)
    labels = [(x, number(x, digits)) for x in values]
    return labels if max(len(text) for _, text in labels) <= NARROW else [labels[0], labels[-1]]


def _tells_apart(values: list[float], digits: int) -> bool:
    """Whether rounding to so many digits moves no value by much of the distance between them."""
    gap = abs(values[-1] - values[0]) / (len(values) - 1)
    return all(abs(float(f"{x:.{digits}g}") - x) <= gap / 50 for x in values)


def number(x: float | None, digits: int = 5) -> str:
    """A number for people, with so many digits; a dash where there is none."""
    if x is None or not math.isfinite(x):
        return NOTHING if x is None or math.isnan(x) else ("∞" if x > 0 else f"{MINUS}∞")
    mantissa, _, exponent = f"{x:.{digits - 1}e}".partition("e")
    if x == 0.0:
        return "0"
    power = int(exponent)
    if -4 <= power < 6:
        text = f"{float(f'{x:.{digits}g}'):,.{max(0, digits - 1 - power)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        text = f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{power}"
    return text.replace("-", MINUS)


def digits_of(low: float, high: float) -> int:
    """As many digits as show a thousandth of the way between two values, 5 at least."""
    if not low < high or not math.isfinite(high / 2 - low / 2):
        return 5
    return min(max(5, 5 + math.floor(math.log10(max(abs(low), abs(high)) / (high - low)))), 17)


def count(x: float) -> str:
    """A number of rows or values; sums of weights may be fractions."""
    return f"{int(x):,}" if float(x).is_integer() and abs(x) < 1e15 else number(x, 6)


def share(x: float | None, digits: int = 2) -> str:
    """A share in per cent."""
    if x is None or not math.isfinite(x):
        return NOTHING
    text = f"{100 * x:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{'<0.01' if text in ('0', '-0') and x > 0 else text.replace('-', MINUS)} %"
