"""The precision of a frame's numbers: the unit in the last place of a column's type."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from normcli.blocks.record import Array
from normcli.columns.fixed import Decimal
from normcli.columns.frame import Frame

SHORT = 6  # significant digits that a float32 keeps of any number


def unit(frame: Frame, name: str, values: Array, *, single: bool) -> Array | None:
    """(rows,) one unit in the last place of a column's values in its type; None for float64 and integers. Text has no
    type: with `single`, it is treated as float32."""
    kind = frame.types([name])[name] if frame.typed else "float32" if single else ""
    if decimals := Decimal.of(kind):
        return np.full(len(values), float(f"1e{-decimals.scale}"))
    return spacing(values, kind) if kind in ("float16", "float32") else None


def is_coarse(frame: Frame, name: str) -> bool:
    """Whether a column's type has less precision than float64."""
    return unit(frame, name, np.empty(0), single=False) is not None


def spacing(values: Array, kind: Any) -> Array:
    """(rows,) distance to the next value of a float type; NaN where there is none."""
    with np.errstate(all="ignore"):
        return np.asarray(np.abs(np.spacing(values.astype(kind))), np.float64)


def is_single(values: Array) -> NDArray[np.bool_]:
    """(rows,) whether a value is the shortest decimal representation of a float32."""
    import polars as pl

    with np.errstate(all="ignore"):
        single = pl.Series(values.astype(np.float32))
    return np.asarray(single.cast(pl.String).cast(pl.Float64).to_numpy() == values)


def is_long(values: Array) -> bool:
    """Whether a value has more significant digits than a float32 keeps of any number."""
    magnitudes = np.abs(values[(values != 0.0) & np.isfinite(values)])
    scaled = magnitudes / 10.0 ** (np.floor(np.log10(magnitudes)) + 1 - SHORT)
    return bool((np.abs(scaled - np.rint(scaled)) > 1e-9 * scaled).any())
