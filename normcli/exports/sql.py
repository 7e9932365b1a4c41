"""sql: a SELECT for databases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

from normcli.blocks.expressions import Product, in_order
from normcli.errors import NoFormulaError, printable
from normcli.exports import Export, Target
from normcli.exports._elementary import elementary
from normcli.exports._scalars import scalars
from normcli.exports._sql_dialects import DIALECTS
from normcli.exports._sql_stages import Stages
from normcli.parameters import Parameters
from normcli.parameters.formulas import Formula

WIDEST = 64  # columns of a matrix; at 256 its text is 2 MB


class Sql(Target, frozen=True, kw_only=True):
    """A SELECT of the fitted columns of a table, normalized in their place; a missing value is NULL."""

    dialect: Annotated[
        Literal["duckdb", "postgres", "sqlite", "bigquery", "snowflake", "spark", "tsql", "clickhouse"],
        msgspec.Meta(description="Of which engine"),
    ] = "duckdb"
    table: Annotated[str, msgspec.Meta(description="What it selects from, as in main.sales")] = "data"

    def write(self, export: Export) -> bytes:
        dialect, formula = DIALECTS[self.dialect], export.formula
        _check(export)
        table = dialect.table(self.table)
        results = scalars(elementary(formula.result, {*dialect.functions, "abs", "sqrt", "exp", "log"}))
        before, after = _columns(export.parameters, inverse=export.inverse)
        for names in (before, after):
            dialect.check_names(names)
        inputs = {name: dialect.quoted(name) for name in before}
        stages = Stages(
            dialect,
            results,
            [inputs[name] for name in formula.inputs],
            _mark([*before, *re.split('[."]+', self.table)]),
        )
        texts = dict(zip(formula.outputs, stages.results, strict=True))
        others = [text for name, text in inputs.items() if name not in formula.inputs]
        select = [f"{texts[name]} AS {dialect.quoted(name)}" if name in texts else inputs[name] for name in after]
        text = stages.statement(others, select, table)
        return f"-- {export.heading}, for {dialect.title}\n-- {self.accuracy(export)}\n{text}\n".encode()

    def variants(self) -> Mapping[str, Target]:
        return {f"--dialect {name}": replace(self, dialect=name) for name in DIALECTS if name != self.dialect}

    def difference(self, formula: Formula) -> float:
        products = any(isinstance(x, Product) for x in in_order(formula.result))
        return super().difference(formula) and (1e-11 if products else 1e-12)


def _check(export: Export) -> None:
    """Raises NoFormulaError for what is not written in SQL."""
    if name := min(export.parameters.lists, default=None):
        raise NoFormulaError(f"column '{printable(name)}' holds lists, which each engine has in its own way")
    widest = max((x.x.width for x in in_order(export.formula.result) if isinstance(x, Product)), default=0)
    if widest > WIDEST:
        what = f"a matrix of {widest} columns is a text that grows with their square, and {WIDEST} are the most"
        raise NoFormulaError(what)


def _columns(parameters: Parameters, *, inverse: bool) -> tuple[list[str], list[str]]:
    """The names of the columns of the table and of the result, in order."""
    lineage = parameters.lineage
    needs = set(lineage.needs)
    names = list(dict.fromkeys([*(f.name for f in parameters.schema), *lineage.needs]))
    here = _by_value(lineage.places)
    normalized = [n for name in names for n in (here.get(name, []) if name in needs else [name])]
    if not inverse:
        return names, normalized
    sources = lineage.sources({name: i for i, name in enumerate(normalized)})
    there = _by_value({original: sources[original] for original in lineage.needs})
    return normalized, [n for name in normalized for n in (there.get(name, []) if name in lineage.origins else [name])]


def _by_value(places: Mapping[str, str]) -> dict[str, list[str]]:
    """The keys of each value, in order."""
    keys: dict[str, list[str]] = {}
    for key, value in places.items():
        keys.setdefault(value, []).append(key)
    return keys


def _mark(names: Iterable[str]) -> str:
    """What keeps s1 and v1, for stages and their columns, apart from all names."""
    longest = max((len(match[1]) for name in names if (match := re.match("[sv](_*)[0-9]", name, re.I))), default=-1)
    return "_" * (longest + 1)
