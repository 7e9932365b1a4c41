"""Loading the libraries that frames are of, ahead of data."""

from __future__ import annotations

import io
from typing import cast


def load() -> None:
    """Loads them, has their threads begin, and makes what polars makes once: it can't do without where it had no memory
    for that in the midst of data."""
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet

    rows = pl.concat([cast(pl.DataFrame, pl.from_arrow(pa.table({"x": [1.0], "s": [s]}))) for s in ("a", None)])
    rows.select(pl.concat_str("x", "s")).write_csv(file := io.BytesIO())
    pl.read_csv(file.getvalue())
