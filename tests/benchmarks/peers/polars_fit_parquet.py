"""Mean and deviation of the f columns of a Parquet file as JSON: SOURCE PARAMS."""

import json
import sys

import polars as pl

source, params = sys.argv[1:]
columns = pl.col(r"^f\d+$")
row = (
    pl.scan_parquet(source)
    .select(columns.mean().name.suffix(" mean"), columns.std(ddof=0).name.suffix(" std"))
    .collect(engine="streaming")
    .row(0, named=True)
)
with open(params, "w", encoding="utf-8") as sink:
    json.dump(row, sink)
