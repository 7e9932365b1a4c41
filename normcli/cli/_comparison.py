"""A comparison for users: tables of columns, of values with their limits and floors, and of keys."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import click

from normcli.cli._sparkline import histogram_column
from normcli.cli._table import DIGITS, LEAST, Column, names, number, table
from normcli.errors import short
from normcli.jobs.comparisons import changed, described, measures
from normcli.limits import OFF
from normcli.methods import listed

if TYPE_CHECKING:
    from normcli.jobs.comparisons import Columns, Comparison

Row = tuple[float | str, ...]
RANKS = {
    "shift": 2, "scale": 3, "outside": 4, "missing": 5, "ks": 6, "wasserstein": 7, "psi": 8
}  # the greatest is dropped first on a narrow terminal  # fmt: skip
CATEGORY = ("share", "fitted share", "distance", "limit", "floor")  # of the value that differs most
HISTOGRAM = 9  # its rank
FORMS = {"shift": "+.3f", "scale": ".3f", "outside": ".2%", "ks": ".3f", "wasserstein": ".3f", "psi": ".3f"}


def show_table(
    comparison: Comparison, *, full: bool, lines: Mapping[str, tuple[str, str]] = MappingProxyType({})
) -> None:
    """Prints a comparison for users: a line for each column, and one for each value that is drift, with its limit and
    its floor; with `full`, for every value. `lines` are sparklines of columns, now and in the fit."""
    _show_rows(comparison)
    columns = [(step, j) for step in comparison.steps for j in range(len(step.names))]
    if columns:
        reasons = {reason for column in columns for reason in _reasons(*column)}
        click.echo()
        heads = _columns_shown(reasons, shaped=comparison.shaped)
        rows_shown = [_row(*c, shaped=comparison.shaped) for c in columns]
        if lines:
            heads = (*heads, *(histogram_column(HISTOGRAM, name) for name in ("histogram", "fitted histogram")))
            rows_shown = [(*row, *lines.get(str(row[0]), ("", ""))) for row in rows_shown]
        table(
            heads, rows_shown,
            marked=[bool(_reasons(*column)) for column in columns], mark="drift", full=full,
        )  # fmt: skip
        values = [row for column in columns for row in _values(*column) if full or row[-1]]
        if values:
            click.echo()
            table(
                _value_columns(names()), values, marked=[bool(row[-1]) for row in values], mark="drift", full=full
            )  # fmt: skip
    if comparison.categories:
        click.echo()
        table(
            (names(), Column("value", right=False), *(Column(name) for name in CATEGORY), Column("drift", right=False)),
            list(_category_rows(comparison)),
            marked=[bool(change.drift) for change in comparison.categories], mark="drift", full=full,
        )  # fmt: skip
    if comparison.keys is not None:
        by = comparison.keys.by
        rows = [
            (described(by, of_key.key), of_key.rows, *row)
            for of_key in comparison.keys.drifted
            for step in of_key.columns
            for j in range(len(step.names))
            for row in _values(step, j)
            if row[-1]
        ]
        click.echo(f"\nkeys     {len(comparison.keys.drifted):,} of {comparison.keys.compared:,} have drifted")
        if rows:
            head = (names("key"), Column("rows", rank=1), Column("column", right=False, least=LEAST))
            table((*head, *_value_columns()), rows, full=full)


def _show_rows(comparison: Comparison) -> None:
    """What is compared of rows and names of columns."""
    rows, incomplete, unseen = comparison.rows, comparison.incomplete, comparison.unseen
    counts = "not counted: nothing was learned" if rows is None else f"{rows:,}, fitted {comparison.fitted_rows:,}"
    click.echo(f"rows     {counts}")
    if incomplete is not None:
        shares = f"{incomplete.share:.2%} of rows miss a value, fitted {incomplete.fitted:.2%}"
        click.echo(f"missing  {shares}{_marked(incomplete.drift)}")
    if unseen is not None:
        some = "; ".join(described(unseen.by, key) for key in unseen.some[:3])
        more = f" ({some}{' …' if len(unseen.some) > 3 else ''})" if some else ""
        click.echo(f"unseen   {unseen.share:.2%} of rows have a key that was not fitted{more}{_marked(unseen.drift)}")
    for change in (c for c in comparison.changes if c.drift):
        click.echo(f"column   {short(change.column)}: {changed(change)}{_marked(True)}")
    for what in ("gone", "new"):
        quiet = [c.column for c in comparison.changes if c.what == what and not c.drift]
        if quiet:
            click.echo(f"{what:8} {listed(quiet)}")


def _marked(drift: bool) -> str:
    return "  drift" if drift else ""


def _reasons(step: Columns, j: int) -> list[str]:
    """The reasons why a column has drifted; empty if there are too few values for a verdict."""
    return step.reasons(j) if step.judged[j] else []


def _columns_shown(drifting: Collection[str], *, shaped: bool) -> tuple[Column, ...]:
    """The columns of the table: those of measures in `drifting` are dropped last."""
    rank = {name: 1 if name in drifting else rank for name, rank in RANKS.items()}
    share = partial(_shown, how=".2%")

    def of(name: str) -> Column:
        return Column(name, rank=rank[name], shown=partial(_shown, how=FORMS[name]))

    return (
        names(),
        *(Column(name, rank=1, shown=partial(_shown, how="g")) for name in ("mean", "fitted mean")),
        *map(of, ("shift", "scale", "outside")),
        *(Column(name, rank=rank["missing"], shown=share) for name in ("missing", "fitted missing")),
        *(map(of, ("ks", "wasserstein", "psi")) if shaped else ()),
        Column("drift", right=False, least=LEAST),
    )


def _row(step: Columns, j: int, *, shaped: bool) -> Row:
    fitted, data, apart = ({n: float(a[j]) for n, a in d.items()} for d in (step.fitted, step.data, step.apart))
    verdict = ", ".join(step.reasons(j)) if step.judged[j] else "too few values"
    return (
        step.names[j], data["mean"], fitted["mean"], apart["shift"], apart["scale_ratio"], apart["outside"],
        data["missing"], fitted["missing"], *([apart[n] for n in ("ks", "wasserstein", "psi")] if shaped else ()),
        verdict,
    )  # fmt: skip


def _value_columns(*first: Column) -> tuple[Column, ...]:
    """The columns of the table of values: a limit is of the size of a value, and so is the floor, what undrifted rows
    exceed by chance."""
    return (
        *first,
        Column("measure", right=False),
        *(Column(name, shown=lambda text, _: text) for name in ("value", "limit", "floor")),
        Column("drift", right=False),
    )


def _values(step: Columns, j: int) -> Iterator[Row]:
    """Each value of a column that is defined, with its limit and its floor, on its side of no drift."""
    for name, measure in measures().items():
        value, limit, floor = (float(a[measure.key][j]) for a in (step.apart, step.limits, step.floors))
        if not math.isnan(value):
            ends = [measure.spelled(measure.on_side_of(value, end)).lstrip("+") for end in (limit, floor)]
            drift = "drift" if name in _reasons(step, j) else ""
            yield step.names[j], name, measure.spelled(value), "off" if limit == OFF else ends[0], ends[1], drift


def _category_rows(comparison: Comparison) -> Iterator[Row]:
    """Of each column of categories, the value whose share differs most."""
    for change in comparison.categories:
        value = "missing" if change.value is None else short(change.value)
        numbers = (change.share, change.fitted, change.distance, change.limit, change.floor)
        verdict = "too few rows" if change.drift is None else "drift" if change.drift else ""
        yield change.column, value, *("off" if share == OFF else f"{share:.1%}" for share in numbers), verdict


def _shown(value: float, digits: int, *, how: str) -> str:
    """A mean as a number with at most 6 digits; any other value in the format `how`."""
    if how == "g":
        return number(value + 0.0, min(digits, DIGITS))
    if abs(value) >= 1e6 and how[-1] != "%":
        how = "+.3g"
    text = f"{value:{how}}"
    if not text.strip("-0.%"):  # no -0
        text = f"{0.0:{how}}"
    return "-" if math.isnan(value) else text
