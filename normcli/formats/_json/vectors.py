"""Lists of numbers in JSON: a column of text becomes one of lists, and the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from normcli.errors import BadRowError, printable

if TYPE_CHECKING:
    import polars as pl


def lists(texts: pl.Series, size: int | None) -> pl.Series | None:
    """JSON arrays of numbers as lists of float64, null and null within staying null. None where one is of something
    else, or not of the size that is given. The texts are JSON arrays, or null."""
    import polars as pl
    import pyarrow as pa

    bodies = texts.set((texts == "null").fill_null(value=True), None).str.replace_all(r"[ \t\r]", "")
    bodies = bodies.str.strip_prefix("[").str.strip_suffix("]")
    commas = bodies.str.count_matches(",", literal=True).fill_null(0).to_numpy().astype(np.int64)
    valid = bodies.is_not_null().to_numpy()
    sizes = np.where((bodies == "").fill_null(value=True).to_numpy(), 0, commas + 1)
    if size is not None and (sizes[valid] != size).any():
        return None
    numbers = _numbers(bodies.filter(pl.Series(sizes > 0)).str.join(",")[0])
    if numbers is None or len(numbers) != sizes.sum():
        return None
    offsets = pa.array(np.concatenate([[0], np.cumsum(sizes)]))
    lists_of_numbers = pa.LargeListArray.from_arrays(offsets, numbers.to_arrow(), mask=pa.array(~valid))
    return pl.Series(texts.name, pl.Series(lists_of_numbers))


def _numbers(text: str) -> pl.Series | None:
    """Numbers and nulls between commas; None where there is anything else."""
    import polars as pl

    if not text:
        return pl.Series(dtype=pl.Float64)
    try:
        return pl.read_csv(
            text.encode(),
            has_header=False,
            schema={"": pl.Float64},
            eol_char=",",
            separator="\t",
            quote_char=None,
            null_values="null",
        ).to_series()
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
        return None


def as_json(series: pl.Series, name: str) -> pl.Series:
    """Lists of floats as JSON arrays of the shortest numbers that read back to the same; NaN and null as null. Raises
    BadRowError for an infinite value, which JSON does not have."""
    import polars as pl

    rows = series.arr.to_list() if isinstance(series.dtype, pl.Array) else series
    words = rows.list.eval(pl.element().fill_nan(None).cast(pl.String).fill_null("null")).list.join(",")
    infinite = words.str.contains("inf", literal=True).fill_null(value=False)
    if infinite.any():
        what = f"infinite value in column '{printable(name)}', which JSON can't hold"
        raise BadRowError(int(infinite.arg_max() or 0), what)
    return pl.select(pl.lit("[") + pl.lit(words) + pl.lit("]")).to_series().fill_null("null")
