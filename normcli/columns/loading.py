"""Loading the libraries that hold frames, before data are read."""

from __future__ import annotations

import io
from typing import cast


def load() -> None:
    """Imports them, starts their threads, and initializes what polars allocates once: it can't recover if memory for
    that runs out while data are processed."""
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet

    rows = pl.concat([cast(pl.DataFrame, pl.from_arrow(pa.table({"x": [1.0], "s": [s]}))) for s in ("a", None)])
    rows.select(pl.concat_str("x", "s")).write_csv(file := io.BytesIO())
    pl.read_csv(file.getvalue())
