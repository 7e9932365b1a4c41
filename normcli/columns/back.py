"""Block to frame: normalized and restored values as columns of their type."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from normcli.blocks.record import Array
from normcli.columns.frame import Frame, Numbers
from normcli.columns.schema import Field
from normcli.errors import BadRowError, printable

if TYPE_CHECKING:
    from normcli.columns.fixed import Fixed, Where

Dtype = Literal["float32", "float64"]
NUMERIC_WORD = "\0"  # before a word that means missing though it reads as a number, until it is written as text


def put(
    frame: Frame,
    values: Mapping[str, Array | Fixed],
    places: Mapping[str, str],
    gone: Collection[str],
    *,
    restored: Mapping[str, str] | None = None,
    dtype: Dtype | None = None,
) -> Frame:
    """The frame with the columns that are `gone` replaced by others: (rows,) `values` of each.

    Each stands where the one among those gone did that `places` says, in order where they are several. What was
    missing in a column of the same name stays so, as `Frame.put` has it. What is Fixed is of its type. Of other values,
    each is of the type in `restored` by its name, a float; else of `dtype`; without either, float32 where a column of
    its name was, else float64. Raises BadRowError where a result does not fit the type.
    """
    names = frame.names
    there = set(names) if frame.typed and not restored and not dtype else set[str]()
    was = frame.types([o for o in values if o in there])
    kinds = {
        o: _restorable(restored[o]) if restored else dtype or ("float32" if was.get(o) == "float32" else "float64")
        for o in values
    }
    standing: dict[str, list[str]] = {}
    for o in values:
        standing.setdefault(places[o], []).append(o)

    def order() -> Iterator[str]:
        for n in names:
            yield from standing.get(n, []) if n in gone else [n]

    return frame.put(values, kinds, list(order()))


def _restorable(kind: str) -> str:
    """A recorded type, or float64 for that of a column without values."""
    return kind if Field("", kind).is_number else "float64"


def narrowed(y: Array, kind: str, name: str) -> tuple[Numbers, Where | None]:
    """(rows,) in a type of floats, NaN where missing; and where that is, if anywhere. Raises BadRowError beyond it."""
    with np.errstate(over="ignore"):
        total = y.sum()
        missing = np.isnan(y) if np.isnan(total) else None
        y = y if kind == "float64" else y.astype(kind) + 0.0  # where a small one below zero becomes zero
        finite = np.isfinite(total) and (kind == "float64" or np.isfinite(y.sum(dtype=np.float64)))
        beyond = np.zeros(0, np.bool_) if finite else np.isinf(y)
    if beyond.any():
        raise BadRowError(
            int(np.argmax(beyond)),
            f"the result in column '{printable(name)}' is beyond {kind}",
            "--dtype float64 takes it",
        )
    return y, missing
