"""Mean and deviation of the f columns of a Parquet file as JSON: SOURCE PARAMS."""

import json
import sys

import duckdb

source, params = sys.argv[1:]
columns = r"COLUMNS('^f\d+$')"
query = rf"SELECT avg({columns}) AS '\0 mean', stddev_pop({columns}) AS '\0 std' FROM read_parquet(?)"
result = duckdb.connect().execute(query, [source])
names = [column[0] for column in result.description]
(values,) = result.fetchall()
with open(params, "w", encoding="utf-8") as sink:
    json.dump(dict(zip(names, values, strict=True)), sink)
