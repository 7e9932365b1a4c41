"""Keys and weights of rows: what a column says of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from normcli.columns.buffers import as_numpy
from normcli.columns.frames import Frame, is_polars, series
from normcli.columns.numbers import EXACT, decoded, numbers_in
from normcli.errors import BadRowError, printable
from normcli.record import Array, Codes


def keys(frame: Frame, by: Sequence[str]) -> tuple[tuple[tuple[str | None, ...], ...], Codes]:
    """The keys of a frame's rows, a text (or None for null) for each column `by`, and (rows,) which of them each row
    has. A whole number is its decimal text, so that CSV and Parquet have the same keys. Raises BadRowError for what is
    neither text nor a whole number."""
    codes, values = _coded(frame, by[0])
    texts: list[tuple[str | None, ...]] = [(value,) for value in values]
    for name in by[1:]:
        here, values = _coded(frame, name)
        used, codes = np.unique(codes * len(values) + here, return_inverse=True)
        texts = [(*texts[c // len(values)], values[c % len(values)]) for c in used.tolist()]
    return tuple(texts), codes


def _coded(frame: Frame, name: str) -> tuple[Codes, list[str | None]]:
    """(rows,) which of the values each row has, and the values of a column as texts, each of them once."""
    import pyarrow as pa

    column = series(frame, name).to_arrow() if is_polars(frame) else decoded(frame.column(name))
    kind = column.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    if not (text or pa.types.is_integer(kind) or pa.types.is_null(kind)):
        raise BadRowError(0, f"column '{printable(name)}' is {kind}: keys are texts or whole numbers")
    if not pa.types.is_integer(kind):  # of which few are to be spelled
        column = column.cast(pa.large_string())
    made = column.dictionary_encode(null_encoding="encode")
    codes = as_numpy(made.indices).astype(np.intp)
    return codes, made.dictionary.cast(pa.large_string()).to_pylist()


def weights(frame: Frame, name: str, *, whole: bool = False) -> Array:
    """(rows,) a column of weights. Raises BadRowError where one is missing, negative, infinite or, if they are to be
    `whole`, a fraction."""
    found = np.asarray(numbers_in(frame, name), np.float64)
    bad = ~((found >= 0.0) & (found <= EXACT))
    if bad.any():
        row = int(np.argmax(bad))
        what = "is missing" if np.isnan(found[row]) else f"is {found[row]:g}"
        raise BadRowError(row, f"the weight in column '{printable(name)}' {what}", "weights are numbers from 0 to 2^53")
    if whole and (found != np.rint(found)).any():
        row = int(np.argmax(found != np.rint(found)))
        what = f"the weight in column '{printable(name)}' is {found[row]:g}: quantiles take whole numbers of rows"
        raise BadRowError(row, what)
    return found
