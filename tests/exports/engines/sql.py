"""A SELECT, run by DuckDB and by SQLite; that of another dialect by DuckDB, once sqlglot has translated it."""

import sqlite3
from functools import cache
from typing import Any

import duckdb
import numpy as np
import sqlglot
from sqlglot import exp

from normcli.blocks.record import Array
from normcli.exports._sql_dialects import DIALECTS

OPTIONS = tuple({"dialect": dialect} for dialect in DIALECTS)
# functions that DuckDB lacks, by Kahan's formulas
MACROS = (
    "CREATE MACRO log1p(x) AS CASE WHEN 1e0 + x = 1e0 THEN x ELSE ln(1e0 + x) * x / ((1e0 + x) - 1e0) END",
    "CREATE MACRO expm1(x) AS CASE WHEN exp(x) = 1e0 THEN x WHEN exp(x) - 1e0 = -1e0 THEN -1e0 "
    "WHEN x > 1e0 THEN exp(x) - 1e0 ELSE (exp(x) - 1e0) * x / ln(exp(x)) END",
)


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
    listed = ", ".join('"' + name.replace('"', '""') + '" DOUBLE' for name in columns)
    if dialect == "sqlite":
        connection = sqlite3.connect(":memory:")
        connection.execute(f"CREATE TABLE data ({listed})")
        marks, values = ", ".join("?" * len(columns)), (column.tolist() for column in columns.values())
        connection.executemany(f"INSERT INTO data VALUES ({marks})", zip(*values, strict=True))
        return np.array(connection.execute(text).fetchall(), np.float64).reshape(-1, outputs)
    database = _duckdb()
    arrays = {f"c{j}": np.ascontiguousarray(column) for j, column in enumerate(columns.values())}
    database.execute(f"CREATE OR REPLACE TABLE data ({listed})")
    database.register("arrays", arrays)
    casts = ", ".join(f"CASE WHEN NOT isnan({name}) THEN {name} END" for name in arrays)
    database.execute(f"INSERT INTO data SELECT {casts} FROM arrays")
    result = database.execute(text if dialect == "duckdb" else translated(text, dialect)).fetchnumpy()
    return np.column_stack([np.ma.filled(column.astype(np.float64), np.nan) for column in result.values()])


@cache
def _duckdb() -> Any:
    """A database with all functions."""
    database = duckdb.connect()
    for macro in MACROS:
        database.execute(macro)
    return database


def translated(text: str, dialect: str) -> str:
    """A statement of another dialect in that of DuckDB, with the type of doubles and the pattern of SQL Server."""
    if dialect == "tsql":
        text = text.replace(" AS float)", " AS double precision)")  # which sqlglot takes for one of 32 bits
    tree = sqlglot.parse_one(text, read=dialect)
    for like in list(tree.find_all(exp.Like)):
        assert like.expression.this == "%[0-9]%"
        like.replace(exp.func("regexp_matches", exp.cast(like.this, "text"), exp.Literal.string("[0-9]")))
    return tree.sql("duckdb")
