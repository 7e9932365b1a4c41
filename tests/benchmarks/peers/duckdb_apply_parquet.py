"""Standardize the f columns of a Parquet file with the JSON of duckdb_fit_parquet: SOURCE PARAMS OUTPUT."""

import json
import sys

import duckdb

source, params, output = sys.argv[1:]
with open(params, encoding="utf-8") as file:
    learned = json.load(file)
names = [key.removesuffix(" mean") for key in learned if key.endswith(" mean")]
pairs = [(name, learned[f"{name} mean"], learned[f"{name} std"]) for name in names]
scaled = ", ".join(f'("{name}" - {mean!r}::DOUBLE) / {std!r}::DOUBLE AS "{name}"' for name, mean, std in pairs)
target = output.replace("'", "''")
query = f"COPY (SELECT * REPLACE ({scaled}) FROM read_parquet(?)) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
duckdb.connect().execute(query, [source])
