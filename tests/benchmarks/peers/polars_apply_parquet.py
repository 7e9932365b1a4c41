"""Standardize the f columns of a Parquet file with the JSON of polars_fit_parquet: SOURCE PARAMS OUTPUT."""

import json
import sys

import polars as pl

source, params, output = sys.argv[1:]
with open(params, encoding="utf-8") as file:
    learned = json.load(file)
names = [key.removesuffix(" mean") for key in learned if key.endswith(" mean")]
scaled = [(pl.col(name) - learned[f"{name} mean"]) / learned[f"{name} std"] for name in names]
pl.scan_parquet(source).with_columns(scaled).sink_parquet(output, engine="streaming")
