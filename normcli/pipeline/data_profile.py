"""DataProfile: what describe reports of the columns of data, from a ProfileState."""

from __future__ import annotations

import math
import re
from typing import Any, Self, cast

import numpy as np
from msgspec import Struct

from normcli.columns import Field
from normcli.columns.numbers import EXACT
from normcli.pipeline.profile import ProfileState, Texts
from normcli.stats import Statistic
from normcli.stats.extrema import Extrema
from normcli.stats.frequencies import Frequencies
from normcli.stats.moments import Moments
from normcli.stats.quantiles import SURE, Quantiles

MOST = 10  # values reported as the most common
ZEROS = re.compile(r"\.0+(?!\d)")
SHARES = np.array([0.25, 0.5, 0.75])
LARGEST, SMALLEST = 1e150, 1e-150  # deviations whose squares stay well inside a float's range

Value = float | int | str


class ColumnProfile(Struct, frozen=True, kw_only=True):
    """The profile of a column. None: unknown or not applicable.

    `count` is the number of values, `numbers` of those that are numbers, including infinite ones. Mean, standard
    deviation (with divisor n), quartiles, `min` and `max` are of finite numbers; dates, times and durations have only
    `min` and `max`, as text. The ranks of quartiles are off by at most `rank_error`, a share of the numbers, at 99 %
    confidence. `distinct` is None for 1,000 distinct values or more, and for types whose values are not compared
    (lists). The counts in `most_common` are low by at most `count_error`; values that are not certain to be among the
    most common are omitted. Whole numbers are ints below 2^53, as are `min` and `max` beyond, which are exact.
    """

    column: str
    type: str
    count: int
    missing: int
    numbers: int = 0
    infinite: int = 0
    mean: float | None = None
    std: float | None = None
    min: Value | None = None
    q25: float | None = None
    median: float | None = None
    q75: float | None = None
    max: Value | None = None
    rank_error: float = 0.0
    distinct: int | None = None
    most_common: tuple[tuple[Value, int], ...] = ()
    count_error: int = 0


class DataProfile(Struct, frozen=True):
    """The number of rows, and the profiles of the columns."""

    rows: int
    columns: tuple[ColumnProfile, ...]

    @classmethod
    def of(cls, state: ProfileState) -> Self:
        """The profile of the rows of a state."""
        return cls(state.rows, tuple(_column(state, name, kind) for name, kind in state.types.items()))


def _column(state: ProfileState, name: str, kind: str) -> ColumnProfile:
    states, texts = state.numbers_of(name), state.texts.get(name)
    infinite, words = state.infinite.get(name, (0, 0)), texts.count if texts else 0
    moments = cast(Moments, states[0]) if states else None
    finite = int(moments.count[0, 0]) if moments else 0
    numbers = finite + sum(infinite)
    common = [texts.frequencies if texts else None, cast(Frequencies, states[3]) if states and finite else None]
    lost = max((float(f.lost[0, 0]) for f in common if f), default=0.0)
    known = [f for f in common if f]
    distinct = sum(float(f.distinct[0, 0]) for f in known) + np.count_nonzero(infinite)
    most = [*_common_texts(texts, kind), *(_common_numbers(common[1], kind) if common[1] else ())]
    figures: dict[str, Any] = {}
    if finite and states:
        integral = kind.startswith(("int", "uint"))
        figures = _of_numbers(states, integral=integral)
        if integral and name in state.ends:
            least, greatest = state.ends[name]
            figures["min"] = least if float(least) == figures["min"] else figures["min"]
            figures["max"] = greatest if float(greatest) == figures["max"] else figures["max"]
    elif texts and texts.ends:
        figures = {"min": _spelled(texts.ends[0][1], kind), "max": _spelled(texts.ends[1][1], kind)}
    is_countable = not (texts and texts.frequencies is None and texts.count)
    return ColumnProfile(
        column=name, type=kind, count=numbers + words, missing=state.rows - numbers - words, numbers=numbers,
        infinite=sum(infinite), distinct=int(distinct) if distinct < 1000 and is_countable else None,
        most_common=tuple((v, n) for v, n in sorted(most, key=_commonest) if n > lost)[:MOST], count_error=int(lost),
        **figures,
    )  # fmt: skip


def _commonest(pair: tuple[Value, int]) -> tuple[int, str]:
    return -pair[1], str(pair[0])


def _of_numbers(states: tuple[Statistic, ...], *, integral: bool) -> dict[str, Any]:
    """The figures of at least one finite number."""
    moments, extrema, sketch = cast(Moments, states[0]), cast(Extrema, states[1]), cast(Quantiles, states[2])
    least, greatest = float(extrema.least[0, 0]), float(extrema.greatest[0, 0])
    mean = min(max(float(moments.mean[0, 0] + moments.mean_low[0, 0]), least), greatest)
    farthest = max(greatest - mean, mean - least)
    known = farthest == 0.0 or SMALLEST <= farthest <= LARGEST
    std = 0.0 if least == greatest else math.sqrt(moments.variance(0)[0, 0])
    quartiles = sketch.quantiles(SHARES, extrema.least, extrema.greatest)[0, 0].tolist()
    values = zip(("min", "q25", "median", "q75", "max"), (least, *quartiles, greatest), strict=True)
    return {
        "mean": mean, "std": std if known else None, **{name: number(x, integral=integral) for name, x in values},
        "rank_error": 0.0 if sketch.is_exact else SURE / sketch.k,
    }  # fmt: skip


def number(value: float, *, integral: bool) -> float | int:
    """A value as an int if the column is `integral` and the value is inside ±2^53, else as a float, maybe rounded."""
    return int(value) if integral and value.is_integer() and abs(value) < EXACT else value + 0.0


def _common_texts(texts: Texts | None, kind: str) -> list[tuple[Value, int]]:
    if texts is None or texts.frequencies is None:
        return []
    hashes, counts = texts.frequencies.most_common(0, 0)
    totals: dict[Value, int] = {}
    for h, n in zip(hashes.tolist(), counts.tolist(), strict=True):
        text = _spelled(texts.spelled[h], kind)
        totals[text] = totals.get(text, 0) + int(n)
    return list(totals.items())


def _spelled(text: str, kind: str) -> str:
    """Text of a type; timestamps and times as ISO 8601 has them, whatever the format: with T, and a fraction only if it
    is not zero."""
    return ZEROS.sub("", text.strip(" \t").replace(" ", "T", 1)) if kind.startswith("time") else text


def _common_numbers(frequencies: Frequencies, kind: str) -> list[tuple[Value, int]]:
    values, counts = frequencies.most_common(0, 0)
    integral = Field("", kind).is_number and kind.startswith(("int", "uint"))
    return [(number(v, integral=integral), int(n)) for v, n in zip(values.tolist(), counts.tolist(), strict=True)]
