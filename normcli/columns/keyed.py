"""Keys and weights of rows: what a column says of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from normcli.blocks.record import Array, Codes
from normcli.columns.frame import Frame
from normcli.columns.numbers import EXACT
from normcli.errors import BadRowError, printable


def keys(frame: Frame, by: Sequence[str]) -> tuple[tuple[tuple[str | None, ...], ...], Codes]:
    """The keys of a frame's rows, a text (or None for null) for each column `by`, and (rows,) which of them each row
    has. A whole number is its decimal text, so that CSV and Parquet have the same keys. Raises BadRowError for what is
    neither text nor a whole number."""
    codes, values = frame.texts(by[0])
    texts: list[tuple[str | None, ...]] = [(value,) for value in values]
    for name in by[1:]:
        here, values = frame.texts(name)
        used, codes = np.unique(codes * len(values) + here, return_inverse=True)
        texts = [(*texts[c // len(values)], values[c % len(values)]) for c in used.tolist()]
    return tuple(texts), codes


def weights(frame: Frame, name: str, *, whole: bool = False) -> Array:
    """(rows,) a column of weights. Raises BadRowError where one is missing, negative, infinite or, if they are to be
    `whole`, a fraction."""
    found = np.asarray(frame.numbers(name), np.float64)
    bad = ~((found >= 0.0) & (found <= EXACT))
    if bad.any():
        row = int(np.argmax(bad))
        what = "is missing" if np.isnan(found[row]) else f"is {found[row]:g}"
        raise BadRowError(row, f"the weight in column '{printable(name)}' {what}", "weights are numbers from 0 to 2^53")
    if whole and (found != np.rint(found)).any():
        row = int(np.argmax(found != np.rint(found)))
        what = f"the weight in column '{printable(name)}' is {found[row]:g}"
        raise BadRowError(row, what, "quantiles take whole numbers of rows")
    return found
