"""SQL: what each dialect parses, where columns stand, and what numbers become."""

import math
import re
import sqlite3
from fractions import Fraction
from functools import cache
from typing import Any

import duckdb
import numpy as np
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlglot import exp

import normcli
from normcli import registry
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.columns import Field
from normcli.errors import NoFormulaError, UsageError
from normcli.exports._sql_dialects import DIALECTS, or_scaled, scaled, with_exponent
from normcli.parameters import Parameters
from tests.conftest import examples, longer
from tests.exports.engines.sql import rows
from tests.exports.test_export_contract import FAR, METHODS, NAMES, assert_near, fitted, numbers, run

ENGINES = ("duckdb", "sqlite")
HOSTILE = ('"', "`", "]", "'; DROP TABLE data; --", "a.b", "\\", "v1", "S1", "a)(", "select", "ü 🙂", "x\ny", "--")
MATRICES = ("decorrelate", "whiten")
doubles = st.floats(allow_nan=False, allow_infinity=False)


def of(method: str, names: tuple[str, ...], values: Array, others: tuple[str, ...] = (), **options: Any) -> Parameters:
    """Parameters fitted on columns, with others before and after the first of them."""
    step = normcli.fit_blocks(registry.only("methods", method)(**options), [values], names)
    schema = (others[:1], names[:1], others[1:], names[1:])
    fields = tuple(Field(name, "float64") for part in schema for name in part)
    return Parameters((step,), fields, len(values))


def text(parameters: Parameters, dialect: str, **options: Any) -> str:
    return normcli.export(parameters, "sql", dialect=dialect, **options).decode()


def tree(statement: str, dialect: str) -> exp.Expression:
    return sqlglot.parse_one(statement, read=dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_names_are_names_whatever_they_hold(dialect: str) -> None:
    values = np.random.default_rng(1).normal(size=(50, len(HOSTILE)))
    for method in ("zscore", "whiten"):
        parsed = tree(text(of(method, HOSTILE, values), dialect, table='"a.b".s1'), dialect)
        assert isinstance(parsed, exp.Select)
        assert tuple(parsed.named_selects) == HOSTILE
        tables = [".".join(part.name for part in table.parts) for table in parsed.find_all(exp.Table)]
        assert [table for table in tables if "." in table] == ["a.b.s1"]


@pytest.mark.parametrize("dialect", ENGINES)
@pytest.mark.parametrize("method", ["zscore", "minmax", "unit", "whiten"])
def test_names_of_any_kind_are_read_and_written(method: str, dialect: str) -> None:
    values = np.random.default_rng(1).normal(size=(50, len(HOSTILE)))
    parameters = of(method, HOSTILE, values)
    result = rows(text(parameters, dialect), dict(zip(HOSTILE, values.T, strict=True)), len(HOSTILE), dialect)
    np.testing.assert_allclose(result, parameters.steps[0].fitted(Block.of(values)), rtol=1e-11, atol=1e-12)


def test_a_name_that_no_engine_can_write_is_refused() -> None:
    with pytest.raises(NoFormulaError, match="holds a NUL"):
        text(of("zscore", ("a\0",), np.arange(3.0)[:, None]), "duckdb")


@pytest.mark.parametrize("table", ["", ".", "a.", ".a", "a..b", '"a', 'a"b', '"a"b', '""'])
def test_the_name_of_a_table_is_a_path(table: str) -> None:
    with pytest.raises(UsageError, match="no name of a table"):
        text(fitted("zscore"), "duckdb", table=table)


# -- columns -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("method", "options"), [("zscore", {}), ("unit", {}), ("whiten", {"kind": "pca"})])
def test_columns_stand_where_apply_puts_them(method: str, options: Any, dialect: str) -> None:
    values = np.random.default_rng(1).normal(size=(50, 2))
    parameters = of(method, ("a", "b"), values, ("id", "city"), **options)
    first = ["pc1", "pc2", "city"] if options else ["a", "city", "b"]
    assert tree(text(parameters, dialect), dialect).named_selects == ["id", *first]
    if method != "unit":
        restored = ["a", "b", "city"] if options else ["a", "city", "b"]
        assert tree(text(parameters, dialect, inverse=True), dialect).named_selects == ["id", *restored]


@pytest.mark.parametrize("dialect", ENGINES)
@pytest.mark.parametrize("method", ["zscore", "layer"])
def test_other_columns_pass_as_they_are(method: str, dialect: str) -> None:
    parameters = of(method, ("a", "b"), np.array([[1.0, 2.0], [3.0, 5.0]]), ("id", "city"))
    connection: Any = duckdb.connect() if dialect == "duckdb" else sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE data (id BIGINT, a INTEGER, city TEXT, b DECIMAL(18, 4), more TEXT)")
    connection.execute("INSERT INTO data VALUES (9007199254740993, 3, '007', 1.25, 'x'), (2, NULL, NULL, 7, 'y')")
    result = connection.execute(text(parameters, dialect)).fetchall()
    y = parameters.steps[0].fitted(Block.of(np.array([[3.0, 1.25], [np.nan, 7.0]])))
    expected = [[None if math.isnan(v) else v for v in row] for row in y.tolist()]
    assert result == [(9007199254740993, y[0, 0], "007", y[0, 1]), (2, None, None, expected[1][1])]


def test_steps_follow_each_other() -> None:
    x = np.abs(np.random.default_rng(1).normal(3.0, 1.0, (40, 3)))
    first = normcli.fit_blocks(registry.only("methods", "log1p")(), [x], ("a", "b", "c"))
    between = first.fitted(Block.of(x))
    second = normcli.fit_blocks(registry.only("methods", "whiten")(kind="pca"), [between], ("a", "b", "c"))
    parameters = Parameters((first, second), tuple(Field(n, "float64") for n in "abc"), 40)
    y = second.fitted(Block.of(between))
    for dialect in ENGINES:
        result = rows(text(parameters, dialect), dict(zip("abc", x.T, strict=True)), 3, dialect)
        np.testing.assert_allclose(result, y, rtol=1e-11, atol=1e-12)
        names = dict(zip(("pc1", "pc2", "pc3"), y.T, strict=True))
        np.testing.assert_allclose(rows(text(parameters, dialect, inverse=True), names, 3, dialect), x, rtol=1e-11)


@cache
def connection(dialect: str) -> Any:
    """A database without a table."""
    return duckdb.connect() if dialect == "duckdb" else sqlite3.connect(":memory:")


@pytest.mark.parametrize("dialect", ENGINES)
@pytest.mark.parametrize("method", ["zscore", "unit", "whiten"])
def test_a_column_that_the_table_lacks_is_an_error(method: str, dialect: str) -> None:
    parameters = of(method, ("a", "b"), np.array([[1.0, 5.0], [2.0, 6.0], [4.0, 1.0]]))
    with pytest.raises((sqlite3.Error, duckdb.Error), match="b"):
        rows(text(parameters, dialect), {"a": np.ones(2)}, 2, dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("names", [("a", "A"), ("é", "É"), ("ab", "a"), ("x", "X1")])
def test_names_are_refused_that_the_engine_takes_for_the_same(names: tuple[str, str], dialect: str) -> None:
    distinct = names[0].lower() != names[1].lower() or dialect in ("postgres", "snowflake", "clickhouse")
    if dialect in ENGINES:
        try:
            connection(dialect).execute(f'CREATE TEMP TABLE pair ("{names[0]}" DOUBLE, "{names[1]}" DOUBLE)')
            connection(dialect).execute("DROP TABLE pair")
            distinct = True
        except (sqlite3.Error, duckdb.Error):
            distinct = False
    parameters = of("zscore", names, np.array([[1.0, 5.0], [2.0, 6.0]]))
    if distinct:
        assert text(parameters, dialect)
    else:
        with pytest.raises(UsageError, match=f"'{names[0]}' and '{names[1]}' are one name in"):
            text(parameters, dialect)


# -- text --------------------------------------------------------------------------------------------------------
NUMBER = re.compile(r"[ \t\n\r\f\v]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\n\r\f\v]*", re.ASCII)
TEXTS = ("39.1", "NA", "", " ", " 12 ", "12abc", "0x10", "1e400", "nan", "inf", "9007199254740993", "1_000", "٣", ".")
texts = st.sampled_from(TEXTS) | st.text("0123456789+-.eE naifx,_", max_size=8)


@settings(max_examples=examples(200))
@given(st.lists(texts, min_size=1, max_size=20))
def test_text_that_is_no_number_is_null_in_sqlite(values: list[str]) -> None:
    """Whatever the type of its column; else it is that number, to the last place of SQLite's own reading."""
    expected = [float(v) if NUMBER.fullmatch(v) and math.isfinite(float(v)) else math.nan for v in values]
    statement = text(of("center", ("x",), np.zeros((2, 1))), "sqlite")
    for kind in ("TEXT", "REAL", "INTEGER", "NUMERIC", ""):
        database = connection("sqlite")
        database.execute("DROP TABLE IF EXISTS data")
        database.execute(f"CREATE TABLE data (x {kind})")
        database.executemany("INSERT INTO data VALUES (?)", [(v,) for v in values])
        result = np.array(database.execute(statement).fetchall(), np.float64)[:, 0]
        np.testing.assert_allclose(result, expected, rtol=3e-16)


def test_numbers_of_any_type_are_read_in_sqlite() -> None:
    database = connection("sqlite")
    values = [1, 2.5, 2**53 + 1, -(2**63), 1.7976931348623157e308, -5e-324, None, b"1.5", math.inf, -math.inf]
    database.execute("DROP TABLE IF EXISTS data")
    database.execute("CREATE TABLE data (x)")
    database.executemany("INSERT INTO data VALUES (?)", [(v,) for v in values])
    result = [row[0] for row in database.execute(text(of("center", ("x",), np.zeros((2, 1))), "sqlite"))]
    assert result == [*map(float, [1, 2.5, 2**53 + 1, -(2**63), 1.7976931348623157e308, -5e-324]), *[None] * 4]


@pytest.mark.parametrize("method", ["zscore", "minmax", "unit"])
def test_an_empty_text_is_null_in_sql_server(method: str) -> None:
    """Which casts it to 0; a number has a digit."""
    parsed = tree(text(fitted(method), "tsql"), "tsql")
    casts = [cast for cast in parsed.find_all(exp.Cast) if isinstance(cast.this, exp.Column)]
    assert len(casts) >= len(NAMES)
    for cast in casts:
        assert isinstance(cast.parent, exp.If)
        assert cast.parent.this.sql("tsql") == f"{cast.this.sql('tsql')} LIKE '%[0-9]%'"


# -- numbers -----------------------------------------------------------------------------------------------------
@given(doubles)
def test_a_scaled_number_is_the_number(x: float) -> None:
    mark = "*" if "*" in scaled(x) else "/"
    first, *powers = map(Fraction, scaled(x).strip("()").split(mark))
    value = first * math.prod(powers) if mark == "*" else first / math.prod(powers)
    assert float(value) == x
    assert value == Fraction(x)
    assert math.copysign(1.0, float(scaled(x).strip("()").split(" ")[0])) == math.copysign(1.0, x)


@settings(max_examples=examples(300))
@given(st.lists(doubles, min_size=1, max_size=40))
def test_engines_read_the_numbers_that_are_written(values: list[float]) -> None:
    expected = np.array(values).tobytes()
    for dialect, spell in (("duckdb", with_exponent), ("sqlite", scaled), ("duckdb", or_scaled)):
        result = connection(dialect).execute(f"SELECT {', '.join(spell(x) for x in values)}").fetchone()
        assert np.array(result, np.float64).tobytes() == expected


@pytest.mark.parametrize("method", ["minmax", "unit", "power", "zscore"])
def test_nan_is_missing_in_an_engine_that_has_it(method: str) -> None:
    parameters = fitted(method)
    x = numbers(method)[:20]
    x[3, 0] = np.nan
    connection = duckdb.connect()
    connection.execute("""CREATE TABLE data ("a" DOUBLE, "b b" DOUBLE, "c""ü" DOUBLE, "d" DOUBLE)""")
    connection.executemany("INSERT INTO data VALUES (?, ?, ?, ?)", x.tolist())
    result = connection.execute(text(parameters, "duckdb")).fetchnumpy()
    values = np.column_stack([np.ma.filled(column, np.nan) for column in result.values()])
    np.testing.assert_array_equal(np.isnan(values), np.isnan(parameters.steps[0].fitted(Block.of(x))))


def test_a_column_without_values_is_null() -> None:
    values = np.column_stack([np.arange(5.0), np.full(5, np.nan)])
    statement = text(of("zscore", ("a", "b"), values), "postgres")
    assert statement.splitlines()[4] == '  CAST(NULL AS double precision) AS "b"'


@pytest.mark.parametrize("method", ["power", "asinh", "log1p"])
@pytest.mark.parametrize("inverse", [False, True])
def test_what_a_branch_is_not_defined_for_is_not_computed(
    method: str, inverse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Functions that raise, as those of PostgreSQL and SQL Server do."""
    monkeypatch.setitem(DIALECTS, "sqlite", replace(DIALECTS["sqlite"], functions=frozenset()))
    parameters, x = fitted(method), numbers(method)
    x = x if method == "log1p" else x - [3.0, 0.0, 3.0, 3.0]
    x = np.abs(x) * 1e170 if method == "asinh" and not inverse else x
    x = parameters.steps[0].fitted(Block.of(x)) if inverse else x
    connection = sqlite3.connect(":memory:")
    calls = []

    def strict(function: Any) -> Any:
        def work(x: float | None) -> float | None:
            calls.append(x)
            return None if x is None else function(x)

        return work

    for name, function in (("ln", math.log), ("exp", math.exp), ("sqrt", math.sqrt)):
        connection.create_function(name, 1, strict(function), deterministic=True)
    connection.execute("""CREATE TABLE data ("a" REAL, "b b" REAL, "c""ü" REAL, "d" REAL)""")
    connection.executemany("INSERT INTO data VALUES (?, ?, ?, ?)", x.tolist())
    result = np.array(connection.execute(text(parameters, "sqlite", inverse=inverse)).fetchall(), np.float64)
    step = parameters.steps[0].fitted
    expected = step.inverse(Block.of(x)) if inverse else step(Block.of(x))
    np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-12)
    assert calls


# -- size --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["zscore", "unit", "layer", "minmax", "power"])
def test_text_grows_with_the_columns(method: str) -> None:
    sizes = []
    for count in (20, 40):
        values = np.abs(np.random.default_rng(1).normal(3.0, 1.0, (100, count)))
        sizes.append(len(text(of(method, tuple(f"column{j}" for j in range(count)), values), "sqlite")))
    assert sizes[1] < 2.4 * sizes[0]


def test_a_matrix_has_at_most_64_columns() -> None:
    values = np.random.default_rng(1).normal(size=(100, 65))
    names = tuple(f"c{j}" for j in range(65))
    assert len(text(of("whiten", names[:64], values[:, :64]), "sqlite")) < 400_000
    with pytest.raises(NoFormulaError, match="a matrix of 65 columns"):
        text(of("whiten", names, values), "duckdb")


@pytest.mark.parametrize("method", ["zscore", "unit", "power"])
def test_a_select_has_as_many_columns_as_the_engine_takes(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also that of a stage: where one has too many, SQLite agrees."""
    most = 12
    monkeypatch.setitem(DIALECTS, "sqlite", replace(DIALECTS["sqlite"], most_columns=most))
    outcomes = set()
    for count in range(2, most + 2):
        names = tuple(f"c{j}" for j in range(count))
        values = np.abs(np.random.default_rng(1).normal(3.0, 1.0, (9, count)))
        parameters, database = of(method, names, values), sqlite3.connect(":memory:")
        database.execute(f"CREATE TABLE data ({', '.join(names)})")
        statement = text(parameters, "duckdb").replace(" AS (", " AS MATERIALIZED (").replace(" AS DOUBLE", " AS REAL")
        database.setlimit(sqlite3.SQLITE_LIMIT_COLUMN, most)
        try:
            text(parameters, "sqlite")
            outcomes.add(True)
            database.execute(statement)
        except NoFormulaError:
            outcomes.add(False)
            with pytest.raises(sqlite3.OperationalError, match="too many columns"):
                database.execute(statement)
    assert outcomes == {True, False}
    with pytest.raises(NoFormulaError, match=rf"one SELECT of it has [0-9]+ columns, and {most} are the most in SQ"):
        text(parameters, "sqlite")


def test_stages_are_computed_once() -> None:
    """PostgreSQL and SQLite would merge a stage into those after it, and compute it at each mention."""
    for dialect, begin, end in (("postgres", "AS (", "OFFSET 0)"), ("sqlite", "AS MATERIALIZED (", ")")):
        statement = text(fitted("unit"), dialect)
        stages = re.findall(r"s[0-9]+ (AS .*)\n  SELECT\n(?:    .*\n)+  FROM .*\n(.*\))", statement)
        assert len(stages) == statement.count("  FROM ") > 1
        assert set(stages) == {(begin, end)}


# -- many values -------------------------------------------------------------------------------------------------
def many(method: str, count: int) -> Array:
    """(count, 4), a quarter of any bits where nothing is squared, else of magnitudes far apart; zeros of either sign,
    and missing values."""
    rng, x = np.random.default_rng(7), numbers(method)
    x = np.tile(x, (count // len(x) + 1, 1))[:count] * (1.0 + rng.normal(0.0, 1e-3, (count, 4)))
    part = count // 4
    if method in FAR:
        bits = rng.integers(0, 2**64, (part, 4), dtype=np.uint64).view(np.float64)
        x[:part] = np.where(np.isfinite(bits), bits, 0.0)
    else:
        x[:part] = rng.normal(0.0, 1.0, (part, 4)) * 10.0 ** rng.integers(-30, 8, (part, 4))
    x[part : part + 9], x[part + 9 : part + 19], x[2 * part : 2 * part + 9, 1] = 0.0, -0.0, np.nan
    return np.abs(x) if method == "log1p" else x


@pytest.mark.parametrize("count", [800, *longer(100_000)])
@pytest.mark.parametrize("dialect", ENGINES)
def test_many_values_have_the_same_bits_where_all_is_arithmetic_in_an_order(dialect: str, count: int) -> None:
    """Also sums of rows, which are from the left on both sides; functions and products come near."""
    near = {"asinh", "decorrelate", "log1p", "power", "whiten"}
    for method in sorted(set(METHODS) - {"quantile"}):
        x = many(method, count)
        with np.errstate(all="ignore"):
            expected = fitted(method).steps[0].fitted(Block.of(x))
        result = run("sql", text(fitted(method), dialect).encode(), x, 4, {"dialect": dialect})
        assert_near(result, expected, 1e-12 if method in near else 0.0)
