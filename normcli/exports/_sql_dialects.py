"""Dialects of SQL: how each spells names, numbers and functions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from fractions import Fraction

from msgspec import Struct

from normcli.errors import NoFormulaError, UsageError, printable

PART = re.compile(r'"((?:[^"]|"")+)"|([^."]+)')  # of the name of a table
SHIFT = 62  # the greatest power of two that all integers of 64 bits have


def with_exponent(x: float) -> str:
    """The shortest decimal of a float, as a literal that is no decimal number: 1.5e0."""
    text = repr(x)
    return text if "e" in text else f"{text}e0"


def scaled(x: float) -> str:
    """An integer times or over powers of two, which no engine rounds: for those that misread decimals. A decimal that
    is the float itself stays."""
    if x == 0.0 or (1e-3 <= abs(x) < 1e15 and Fraction(repr(x)) == Fraction(x)):
        return repr(x)
    mantissa, exponent = math.frexp(x)
    integer = int(mantissa * 2**53)
    zeros = (integer & -integer).bit_length() - 1
    integer, exponent = integer >> zeros, exponent - 53 + zeros
    sign, steps = ("*", exponent) if exponent > 0 else ("/", -exponent)
    powers = [SHIFT] * (steps // SHIFT) + [steps % SHIFT] * (steps % SHIFT > 0)
    return "(" + f" {sign} ".join([f"{integer}.0", *(f"{2**power}.0" for power in powers)]) + ")"


def or_scaled(x: float) -> str:
    """For an engine that can't read the decimals of subnormal numbers."""
    return with_exponent(x) if x == 0.0 or abs(x) >= 2.0**-1022 else scaled(x)


class Dialect(Struct, frozen=True, kw_only=True):
    """How one engine spells it."""

    title: str
    double: str  # the type of doubles
    number: Callable[[float], str] = with_exponent  # a literal of that type, of a finite number
    log: str = "ln"
    functions: frozenset[str] = frozenset()  # that are accurate, beyond abs, sqrt, exp and log
    quotes: str = '""'
    escape: str = ""  # before a quote within quotes, and before itself; without, a quote is doubled
    nan: bool = True  # whether a double may be NaN, which equals itself and is the greatest, or not
    is_number: str = ""  # true of a column {0} that holds a number or the text of one: where others become 0 in silence
    fold: Callable[[str], object] = str  # what is equal for names that the engine takes for the same
    most_columns: int = 1 << 20  # of one SELECT
    stage: tuple[str, str] = ("AS (", ")")  # around a SELECT that is to be computed once

    def quoted(self, name: str) -> str:
        """A name as an identifier. Raises NoFormulaError."""
        if "\0" in name:
            raise NoFormulaError(f"the name '{printable(name)}' holds a NUL, which SQL has no way to write")
        first, last = self.quotes[0], self.quotes[1]
        if self.escape:
            name = name.replace(self.escape, self.escape * 2).replace(last, self.escape + last)
        else:
            name = name.replace(last, last * 2)
        return f"{first}{name}{last}"

    def table(self, path: str) -> str:
        """The name of a table, whose parts are between dots. Raises UsageError."""
        parts, at = [], 0
        while match := PART.match(path, at):
            parts.append(match[1].replace('""', '"') if match[1] else match[2])
            at = match.end() + 1
            if path[at - 1 : at] != ".":
                break
        if at != len(path) + 1 or not parts:
            hint = 'as in main.sales; a part with a dot goes between quotation marks: "2026.csv"'
            raise UsageError(f"--table '{printable(path)}' is no name of a table", hint)
        return ".".join(map(self.quoted, parts))

    def function(self, name: str) -> str:
        """The name of a function of expressions."""
        return self.log if name == "log" else name

    def cast(self, text: str) -> str:
        """As a double."""
        return f"CAST({text} AS {self.double})"

    def check_width(self, columns: int) -> None:
        """Raises NoFormulaError for a SELECT, of the result or of a stage, of too many columns."""
        if columns > self.most_columns:
            what = f"one SELECT of it has {columns:,} columns, and {self.most_columns:,} are the most in {self.title}"
            raise NoFormulaError(what)

    def check_names(self, names: Sequence[str]) -> None:
        """Raises UsageError for names of columns that the engine takes for the same."""
        first: dict[object, str] = {}
        for name in names:
            other = first.setdefault(self.fold(name), name)
            if other != name:
                what = f"columns '{printable(other)}' and '{printable(name)}' are one name in {self.title}"
                raise UsageError(what, "it takes letters of either case for the same; rename one before the fit")


def _without_case(name: str) -> bytes:
    """A name by the case of ASCII alone."""
    return name.encode("utf-8", "surrogatepass").lower()


HYPERBOLIC = frozenset({"sinh", "asinh"})
DIALECTS = {
    "duckdb": Dialect(title="DuckDB", double="DOUBLE", functions=HYPERBOLIC, fold=_without_case),
    "postgres": Dialect(
        title="PostgreSQL",
        double="double precision",
        number=lambda x: f"'{x!r}'::float8",  # without quotes it is a decimal number
        functions=HYPERBOLIC,
        most_columns=1664,
        stage=("AS (", "OFFSET 0)"),  # else a stage is merged into those after it, and computed for each mention
    ),
    "sqlite": Dialect(
        title="SQLite",
        double="REAL",
        number=scaled,
        functions=HYPERBOLIC,
        quotes="``",  # within "" the name of a column that is not there is a text
        nan=False,
        is_number="{0} > CAST(-9e999 AS REAL) AND {0} < CAST(9e999 AS REAL)",  # which text is not, once compared as one
        fold=_without_case,
        most_columns=2000,
        stage=("AS MATERIALIZED (", ")"),  # likewise
    ),
    "bigquery": Dialect(
        title="BigQuery",
        double="FLOAT64",
        functions=HYPERBOLIC,
        quotes="``",
        escape="\\",
        fold=str.lower,
        most_columns=10_000,
    ),
    "snowflake": Dialect(title="Snowflake", double="DOUBLE", number=lambda x: f"'{x!r}'::DOUBLE"),
    "spark": Dialect(
        title="Spark",
        double="DOUBLE",
        number=lambda x: f"{x!r}D".upper(),
        functions=frozenset({"sinh", "log1p", "expm1"}),  # its asinh is log(x + sqrt(x * x + 1)), which cancels
        quotes="``",
        fold=str.lower,
    ),
    "tsql": Dialect(
        title="SQL Server",
        double="float",
        log="log",
        quotes="[]",
        nan=False,
        is_number="{0} LIKE '%[0-9]%'",  # an empty text is cast to 0
        fold=str.lower,
        most_columns=4096,
    ),
    "clickhouse": Dialect(
        title="ClickHouse",
        double="Nullable(Float64)",
        number=or_scaled,
        functions=HYPERBOLIC | {"log1p"},
        quotes="``",
        escape="\\",
    ),
}
