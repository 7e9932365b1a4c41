"""What people read of a profile."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self, cast

import numpy as np

from normcli.columns import Field
from normcli.pipeline.profile import Profile, Texts
from normcli.stats import Statistic
from normcli.stats.extrema import Extrema
from normcli.stats.frequencies import Frequencies
from normcli.stats.moments import Moments
from normcli.stats.quantiles import SURE, Quantiles

MOST = 10  # values that are told as the most common
SHARES = np.array([0.25, 0.5, 0.75])
LARGEST, SMALLEST = 1e150, 1e-150  # deviations whose squares stay well inside a float's range

Value = float | int | str


@dataclass(frozen=True, kw_only=True)
class ColumnDescription:
    """A column at a glance. None: not known, or there is no such thing.

    `count` are its values, `numbers` those of them that are numbers, infinite ones too. Mean, deviation (the square
    root of the mean of squares), quartiles and ends are of finite numbers; days and moments have ends alone, as text.
    The ranks of quartiles are off by at most `rank_error`, a share of the numbers, at 99 % confidence. `distinct` is
    None for 1,000 different values and more, or where they are not told apart (lists). The counts in `most_common` are
    low by at most `count_error`; what is not certain to be among the most common is left out.
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


@dataclass(frozen=True)
class Description:
    """The columns of so many rows."""

    rows: int
    columns: tuple[ColumnDescription, ...]

    @classmethod
    def of(cls, profile: Profile) -> Self:
        return cls(profile.rows, tuple(_described(profile, name, kind) for name, kind in profile.types.items()))


def _described(profile: Profile, name: str, kind: str) -> ColumnDescription:
    states, texts = profile.numbers_of(name), profile.texts.get(name)
    infinite, words = profile.infinite.get(name, (0, 0)), texts.count if texts else 0
    moments = cast(Moments, states[0]) if states else None
    finite = int(moments.count[0, 0]) if moments else 0
    numbers = finite + sum(infinite)
    common = [texts.frequencies if texts else None, cast(Frequencies, states[3]) if states and finite else None]
    lost = max((float(f.lost[0, 0]) for f in common if f), default=0.0)
    known = [f for f in common if f]
    distinct = sum(float(f.distinct[0, 0]) for f in known) + np.count_nonzero(infinite)
    most = [*_common_texts(texts), *(_common_numbers(common[1], kind) if common[1] else ())]
    found: dict[str, Any] = {}
    if finite and states:
        found = _of_numbers(states, whole=kind.startswith(("int", "uint")))
    elif texts and texts.ends:
        found = {"min": texts.ends[0][1], "max": texts.ends[1][1]}
    whole = not (texts and texts.frequencies is None and texts.count)
    return ColumnDescription(
        column=name, type=kind, count=numbers + words, missing=profile.rows - numbers - words, numbers=numbers,
        infinite=sum(infinite), distinct=int(distinct) if distinct < 1000 and whole else None,
        most_common=tuple((v, n) for v, n in sorted(most, key=_commonest) if n > lost)[:MOST], count_error=int(lost),
        **found,
    )  # fmt: skip


def _commonest(pair: tuple[Value, int]) -> tuple[int, str]:
    return -pair[1], str(pair[0])


def _of_numbers(states: tuple[Statistic, ...], *, whole: bool) -> dict[str, Any]:
    """What there is to say of numbers, one of which at least there is."""
    moments, extrema, sketch = cast(Moments, states[0]), cast(Extrema, states[1]), cast(Quantiles, states[2])
    least, greatest = float(extrema.least[0, 0]), float(extrema.greatest[0, 0])
    mean = min(max(float(moments.mean[0, 0] + moments.mean_low[0, 0]), least), greatest)
    farthest = max(greatest - mean, mean - least)
    known = farthest == 0.0 or SMALLEST <= farthest <= LARGEST
    std = 0.0 if least == greatest else math.sqrt(moments.variance(0)[0, 0])
    q25, median, q75 = (q + 0.0 for q in sketch.quantiles(SHARES, extrema.least, extrema.greatest)[0, 0].tolist())
    return {
        "mean": mean, "std": std if known else None, "min": number(least, whole=whole), "q25": q25, "median": median,
        "q75": q75, "max": number(greatest, whole=whole), "rank_error": 0.0 if sketch.is_exact else SURE / sketch.k,
    }  # fmt: skip


def number(value: float, *, whole: bool) -> float | int:
    """As it is written: without a point where the column is of whole numbers."""
    return int(value) if whole and value.is_integer() else value + 0.0


def _common_texts(texts: Texts | None) -> list[tuple[Value, int]]:
    if texts is None or texts.frequencies is None:
        return []
    hashes, counts = texts.frequencies.most_common(0, 0)
    return [(texts.spelled[h], int(n)) for h, n in zip(hashes.tolist(), counts.tolist(), strict=True)]


def _common_numbers(frequencies: Frequencies, kind: str) -> list[tuple[Value, int]]:
    values, counts = frequencies.most_common(0, 0)
    whole = Field("", kind).is_number and kind.startswith(("int", "uint"))
    return [(number(v, whole=whole), int(n)) for v, n in zip(values.tolist(), counts.tolist(), strict=True)]
