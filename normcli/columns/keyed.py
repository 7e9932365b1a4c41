"""Keys and weights of rows, from columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from normcli.blocks.record import Array, Codes
from normcli.columns.frame import Frame
from normcli.columns.numbers import EXACT
from normcli.errors import BadRowError, printable


def keys(frame: Frame, by: Sequence[str]) -> tuple[tuple[tuple[str | None, ...], ...], Codes]:
    """The distinct keys of the rows, each a text (None: null) per column `by`, and the codes (rows,) of the rows. An
    integer becomes its decimal text, so that CSV and Parquet have the same keys. Raises BadRowError for a column that
    is neither text nor integers."""
    codes, values = frame.texts(by[0])
    texts: list[tuple[str | None, ...]] = [(value,) for value in values]
    for name in by[1:]:
        here, values = frame.texts(name)
        used, codes = np.unique(codes * len(values) + here, return_inverse=True)
        texts = [(*texts[c // len(values)], values[c % len(values)]) for c in used.tolist()]
    return tuple(texts), codes


def weights(frame: Frame, name: str, *, integral: bool = False) -> Array:
    """(rows,) weights from a column. Raises BadRowError for the first that is missing, negative, infinite or, if
    `integral`, a fraction."""
    values = np.asarray(frame.numbers(name), np.float64)
    bad = ~((values >= 0.0) & (values <= EXACT))
    if bad.any():
        row = int(np.argmax(bad))
        what = "is missing" if np.isnan(values[row]) else f"is {values[row]:g}"
        raise BadRowError(row, f"the weight in column '{printable(name)}' {what}", "weights are numbers from 0 to 2^53")
    if integral and (values != np.rint(values)).any():
        row = int(np.argmax(values != np.rint(values)))
        what = f"the weight in column '{printable(name)}' is {values[row]:g}"
        raise BadRowError(row, what, "quantiles take whole numbers of rows")
    return values
