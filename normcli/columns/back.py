"""Block to frame: normalized and restored values as columns of their type."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Literal

import numpy as np

from normcli.blocks.record import Array
from normcli.columns.frame import Frame, Numbers
from normcli.columns.schema import Field
from normcli.errors import BadRowError, printable

if TYPE_CHECKING:
    from normcli.columns.fixed import Fixed, Where

Dtype = Literal["float32", "float64"]
NUMERIC_WORD = "\0"  # prefix of a missing-value word that parses as a number, removed when written as text


def put(
    frame: Frame,
    values: Mapping[str, Array | Fixed],
    places: Mapping[str, str],
    sources: Collection[str],
    *,
    restored: Mapping[str, str] | None = None,
    dtype: Dtype | None = None,
    digits: int | None = None,
) -> Frame:
    """The frame with the columns `sources` replaced by outputs: `values`, (rows,) each, by name.

    `places` says for each output which of the sources it takes the place of; several keep their order. Missing values
    in a source of the same name stay as they are (see `Frame.put`). Fixed values keep their type. Other values have the
    type in `restored` of their name; else `dtype`; without either, float32 if a column of their name was float32, else
    float64; floats are rounded to `digits`. Raises BadRowError if a result does not fit the type.
    """
    names = frame.names
    typed_names = set(names) if frame.typed and not restored and not dtype else set[str]()
    was = frame.types([o for o in values if o in typed_names])
    kinds = {
        o: _restorable(restored[o]) if restored else dtype or ("float32" if was.get(o) == "float32" else "float64")
        for o in values
    }
    if digits is not None:
        values = {o: significant(y, digits, kinds[o]) if isinstance(y, np.ndarray) else y for o, y in values.items()}
    standing: dict[str, list[str]] = {}
    for o in values:
        standing.setdefault(places[o], []).append(o)

    def order() -> Iterator[str]:
        for n in names:
            yield from standing.get(n, []) if n in sources else [n]

    return frame.put(values, kinds, list(order()))


def significant(values: Array, digits: int, kind: str) -> Array:
    """Floats rounded to so many significant digits."""
    from normcli.columns.significant import round_to

    return round_to(values, digits, kind)


def _restorable(kind: str) -> str:
    """A recorded type, or float64 for that of a column without values."""
    return kind if Field("", kind).is_number else "float64"


def check_finite(values: Mapping[str, Array]) -> None:
    """Raises BadRowError for an infinite value in the first of these columns (rows,) that has one."""
    with np.errstate(over="ignore", invalid="ignore"):
        totals = [float(np.add.reduce(y)) for y in values.values()]
    for (name, y), total in zip(values.items(), totals, strict=True):
        if not isfinite(total):
            narrowed(y, "float64", name)


def narrowed(y: Array, kind: str, name: str) -> tuple[Numbers, Where | None]:
    """Values (rows,) in a float type, NaN where missing, and the mask (rows,) of missing values, None if there are
    none. Raises BadRowError for a value beyond the type."""
    with np.errstate(over="ignore"):
        total = y.sum()
        missing = np.isnan(y) if np.isnan(total) else None
        y = y if kind == "float64" else y.astype(kind) + 0.0  # an underflow of a negative value is +0, not -0
        finite = np.isfinite(total) and (kind == "float64" or np.isfinite(y.sum(dtype=np.float64)))
        beyond = np.zeros(0, np.bool_) if finite else np.isinf(y)
    if beyond.any():
        raise BadRowError(
            int(np.argmax(beyond)),
            f"the result in column '{printable(name)}' is beyond {kind}",
            "" if kind == "float64" else "--dtype float64 takes it",
        )
    return y, missing
