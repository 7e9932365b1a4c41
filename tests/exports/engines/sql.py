"""A SELECT, run by DuckDB and by SQLite."""

import sqlite3
from typing import Any

import duckdb
import numpy as np
import sqlglot
from sqlglot import exp

from normcli.blocks.record import Array

OPTIONS = ({"dialect": "duckdb"}, {"dialect": "sqlite"})


def run(content: bytes, x: Array, outputs: int, dialect: str) -> Array:
    text = content.decode()
    names = inputs(text, dialect)
    assert x.shape[1] == len(names)
    return rows(text, dict(zip(names, x.T, strict=True)), outputs, dialect)


def inputs(text: str, dialect: str) -> list[str]:
    """The names of the columns that a statement reads from its table, in order."""
    tree = sqlglot.parse_one(text, read=dialect)
    first = next((cte.this for cte in tree.find_all(exp.CTE)), tree)
    return list(dict.fromkeys(column.name for item in first.expressions for column in item.find_all(exp.Column)))


def rows(text: str, columns: dict[str, Any], outputs: int, dialect: str) -> Array:
    """(rows, outputs) what a statement makes of a table `data` of doubles, NaN where NULL."""
    connection: Any = duckdb.connect() if dialect == "duckdb" else sqlite3.connect(":memory:")
    listed = ", ".join('"' + name.replace('"', '""') + '" DOUBLE' for name in columns)
    connection.execute(f"CREATE TABLE data ({listed})")
    if dialect == "duckdb":
        arrays = {f"c{j}": np.ascontiguousarray(column) for j, column in enumerate(columns.values())}
        connection.register("arrays", arrays)
        casts = ", ".join(f"CASE WHEN NOT isnan({name}) THEN {name} END" for name in arrays)
        connection.execute(f"INSERT INTO data SELECT {casts} FROM arrays")
        result = connection.execute(text).fetchnumpy()
        return np.column_stack([np.ma.filled(column.astype(np.float64), np.nan) for column in result.values()])
    marks, values = ", ".join("?" * len(columns)), (column.tolist() for column in columns.values())
    connection.executemany(f"INSERT INTO data VALUES ({marks})", zip(*values, strict=True))
    return np.array(connection.execute(text).fetchall(), np.float64).reshape(-1, outputs)
