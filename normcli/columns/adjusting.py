"""What is done with output values before they are written: limits hold them, then missing ones are filled."""

from __future__ import annotations

import decimal
from collections.abc import Mapping

import numpy as np
from msgspec.structs import replace

from normcli.blocks.record import Array
from normcli.columns.fixed import Decimal, Fixed
from normcli.errors import BadRowError, UsageError, printable

Limits = tuple[float, float]
CONTEXT = decimal.Context(prec=2000)  # digits, so that no float is rounded


def adjust(
    values: Mapping[str, Array | Fixed], limits: Limits | None, fill: float | None, *, text: bool
) -> tuple[dict[str, Array | Fixed], int, int]:
    """Columns (rows,), or matrices of lists, held within `limits`, then filled; how many values were held, and how many
    filled. Both are in the units of the output. Integers and decimals may become fractions in `text`. Raises UsageError
    where no value of a column's type is within the limits, BadRowError at the first missing value where its type does
    not hold `fill`."""
    out, clips, fills = dict[str, Array | Fixed](), 0, 0
    for name, x in values.items():
        if limits is not None:
            x, count = _clip_fixed(x, *limits, name) if isinstance(x, Fixed) else _clip(x, *limits)
            clips += count
        if fill is not None:
            x, count = _fill_fixed(x, fill, name, text=text) if isinstance(x, Fixed) else _fill(x, fill)
            fills += count
        out[name] = x
    return out, clips, fills


def _clip(x: Array, low: float, high: float) -> tuple[Array, int]:
    count = int(np.count_nonzero(x < low)) + int(np.count_nonzero(x > high))
    return (np.clip(x, low, high) if count else x), count


def _fill(x: Array, fill: float) -> tuple[Array, int]:
    missing = np.isnan(x)
    count = int(np.count_nonzero(missing))
    return (np.where(missing, fill, x) if count else x), count


def _clip_fixed(x: Fixed, low: float, high: float, name: str) -> tuple[Fixed, int]:
    """A column within limits, as far as its type holds them. Raises UsageError."""
    least, greatest = _multiple(low, x.kind, decimal.ROUND_CEILING), _multiple(high, x.kind, decimal.ROUND_FLOOR)
    first, last = _ends(x.kind)
    if least > greatest or least > last or greatest < first:
        what = f"--limit {low:g} {high:g}: no {x.kind} is between, as column '{printable(name)}' is restored to"
        raise UsageError(what, "--dtype float64 takes fractions")
    numbers = x.nearest if x.fractions is None else np.where(x.fractions, x.values, x.nearest)
    below, above = numbers < float(least), numbers > float(greatest)
    outside = below | above
    count = int(np.count_nonzero(outside))
    if not count:
        return x, 0
    end = np.where(below, float(least), float(greatest))
    values, nearest = np.where(outside, end, x.values), np.where(outside, end, x.nearest)
    masks = {n: mask & ~outside for n in ("fractions", "above", "below") if (mask := getattr(x, n)) is not None}
    return replace(x, values=values, nearest=nearest, **masks), count


def _fill_fixed(x: Fixed, fill: float, name: str, *, text: bool) -> tuple[Fixed, int]:
    """A column without missing values; text shows a fraction. Raises BadRowError where the type does not hold it."""
    if x.missing is None:
        return x, 0
    first, last = _ends(x.kind)
    number = decimal.Decimal(repr(fill))
    fits = _multiple(fill, x.kind, decimal.ROUND_FLOOR) == number
    if not first <= number <= last or not (fits or text):
        what = f"--fill {fill!r} is no {x.kind}, as column '{printable(name)}' is restored to"
        raise BadRowError(int(np.argmax(x.missing)), what, "--dtype float64 takes it")
    values, nearest = np.where(x.missing, fill, x.values), np.where(x.missing, fill, x.nearest)
    fractions = x.fractions
    if not fits:
        fractions = x.missing if fractions is None else fractions | x.missing
    count = int(np.count_nonzero(x.missing))
    return replace(x, values=values, nearest=nearest, missing=None, fractions=fractions), count


def _multiple(number: float, kind: str, rounding: str) -> decimal.Decimal:
    """The value of a type that is next to a number, which is taken for the decimal that it is spelled as."""
    decimals = Decimal.of(kind)
    unit = decimal.Decimal((0, (1,), -decimals.scale if decimals else 0))
    return decimal.Decimal(repr(number)).quantize(unit, rounding, CONTEXT)


def _ends(kind: str) -> tuple[decimal.Decimal, decimal.Decimal]:
    """The least and the greatest value of a type."""
    decimals = Decimal.of(kind)
    if decimals:
        return decimals.ends
    limits = np.iinfo(kind)
    return decimal.Decimal(int(limits.min)), decimal.Decimal(int(limits.max))
