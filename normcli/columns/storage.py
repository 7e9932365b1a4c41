"""How exactly a frame holds its numbers: what a unit in the last place of a column's type is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from normcli.blocks.record import Array
from normcli.columns.fixed import Decimal
from normcli.columns.frame import Frame

SHORT = 6  # significant digits that a float32 keeps of any number


def unit(frame: Frame, name: str, values: Array, *, single: bool) -> Array | None:
    """(rows,) one unit in the last place of a column's values in its type; None of those that hold float64 or whole
    numbers. Text does not say its type: with `single`, it is taken for that of float32."""
    kind = frame.types([name])[name] if frame.typed else "float32" if single else ""
    if decimals := Decimal.of(kind):
        return np.full(len(values), float(f"1e{-decimals.scale}"))
    return spacing(values, kind) if kind in ("float16", "float32") else None


def is_coarse(frame: Frame, name: str) -> bool:
    """Whether a column's type says that its values have been rounded to less than a float64."""
    return unit(frame, name, np.empty(0), single=False) is not None


def spacing(values: Array, kind: Any) -> Array:
    """(rows,) how far the next number of a type of floats is; NaN where there is none."""
    with np.errstate(all="ignore"):
        return np.asarray(np.abs(np.spacing(values.astype(kind))), np.float64)


def like_single(values: Array) -> NDArray[np.bool_]:
    """(rows,) whether that is how float32 are written: the shortest decimal that no other float32 is nearer to."""
    import polars as pl

    with np.errstate(all="ignore"):
        single = pl.Series(values.astype(np.float32))
    return np.asarray(single.cast(pl.String).cast(pl.Float64).to_numpy() == values)


def is_long(values: Array) -> bool:
    """Whether a value has more digits than any float32 would keep."""
    there = np.abs(values[(values != 0.0) & np.isfinite(values)])
    scaled = there / 10.0 ** (np.floor(np.log10(there)) + 1 - SHORT)
    return bool((np.abs(scaled - np.rint(scaled)) > 1e-9 * scaled).any())
