"""normcli describe: show every column of data at a glance, without a method."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import asdict

from normcli.cli._command import PLACE, WithOptions
from normcli.cli._common import common
from normcli.cli._params import WAIT
from normcli.cli._reading import many, selecting, skipping
from normcli.cli._request import request
from normcli.cli._words import counted, counted_rows, replacing, show

if TYPE_CHECKING:
    from normcli.jobs.results import ColumnProfile, DataProfile

ORDER = 4
aliases = ("summarize", "summary", "stats", "profile", "head", "columns")
EXAMPLES = (
    ("What is in this file?", "normcli describe data.csv"),
    ("Some columns of all files below a directory", "normcli describe measurements/ -c 'x*,site'"),
    ("Columns that miss a value", "normcli describe d.csv --json | jq '.columns[] | select(.missing > 0)'"),
    ("Keep what new data are compared with", "normcli describe data.csv --save data.json"),
    ("From a pipe", "zcat data.csv.gz | normcli describe"),
)

HISTOGRAM = 2  # its rank


@click.command(cls=WithOptions, examples=EXAMPLES, more=("columns", "formats"))
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output instead of tables")
@click.option("--save", metavar="PARAMS", type=PLACE, help="Keep what check and report compare with, a file")
@click.option("--note", default="", metavar="TEXT", help="Words of your own to keep in PARAMS")
@WAIT
@partial(selecting, numbers=False)
@partial(common, infinite=False)
@many
@skipping
def command(**values: Any) -> None:
    """Show every column at a glance: type, missing values, mean, quartiles, different values, the most common.

    INPUT is read once, in little memory, and need not be clean: a column may hold numbers and other words. Infinite
    values are counted apart. The deviation is that of all values (divided by their number). Quartiles are exact up to
    4,096 values; beyond, the rank of each is off by less than 0.1 % of the values, at 99 % confidence. From 1,000
    different values on they are not counted, and how often the most common occur is low by at most 0.1 % of the values.
    --save writes a parameter file of the columns of numbers, as fit -m zscore does; infinite values count as missing.
    """
    from normcli.cli._console import Console
    from normcli.cli._sparkline import are_shown, sparkline
    from normcli.jobs.describe import describe, distributions
    from normcli.jobs.requests.describe import DescribeRequest

    console = Console(quiet=values["quiet"], verbose=values["verbose"])
    table = "--json" if values["as_json"] else "the table"
    result = describe(request(DescribeRequest, values, table=table), console)
    profile = result.profile
    if profile is None:
        assert result.preview is not None
        show(result.preview)
        return
    if values["as_json"]:
        click.echo(json.dumps(document(profile), ensure_ascii=False, allow_nan=False))
    else:
        assert result.state is not None
        lines = (
            {name: sparkline(heights) for name, heights in distributions(result.state).items()} if are_shown() else {}
        )
        show_tables(profile, lines, full=bool(values["verbose"]))
    sys.stdout.flush()
    console.info(
        f"described {counted_rows(profile.rows, result.progress)}, "
        f"{counted(len(profile.columns), 'column')}, {console.took(result.bytes_in)}"
        + "".join(f" -> {target}{replacing(result.rows_before, profile.rows)}" for target in result.targets)
    )


def document(profile: DataProfile) -> dict[str, Any]:
    """The JSON document of a profile."""
    columns = [asdict(column) for column in profile.columns]
    for column in columns:
        column["most_common"] = [{"value": value, "count": count} for value, count in column["most_common"]]
    return {"rows": profile.rows, "columns": columns}


def show_tables(profile: DataProfile, lines: Mapping[str, str], *, full: bool) -> None:
    """Prints tables for users: a line per column, and another per column with numbers, which has a sparkline if there
    are any; `full` tables, or what fits."""
    from normcli.cli._sparkline import histogram_column
    from normcli.cli._table import Column, labelled, names, table
    from normcli.cli._terminal import truncated

    columns = profile.columns
    click.echo(f"rows     {profile.rows:,}\n")
    infinite = any(column.infinite for column in columns)
    header = [names(), Column("type", right=False, least=8), Column("count", rank=2), Column("missing")]
    header += [Column("infinite")] if infinite else []
    header += [Column("distinct"), Column("values", right=False, rank=1, least=8, cut=truncated)]
    table(header, [tuple(_cells(column, profile.rows, infinite)) for column in columns], full=full)
    figures = [tuple(_figures(column)) for column in columns if column.mean is not None]
    if figures:
        click.echo()
        ranks = {"mean": 1, "deviation": 2, "least": 3, "25 %": 4, "median": 1, "75 %": 4, "greatest": 3}
        heads = [names(), *(Column(title, rank=rank) for title, rank in ranks.items())]
        if lines:
            heads.append(histogram_column(HISTOGRAM))
            figures = [(*row, lines.get(row[0], "")) for row in figures]
        table(heads, figures, full=full)
        if error := max(column.rank_error for column in columns):
            click.echo()
            labelled(
                "accuracy", f"the rank of a quartile is off by less than {error:.1%} of the values, at 99 % confidence"
            )


def _cells(column: ColumnProfile, rows: int, infinite: bool) -> Iterator[Any]:
    """The cells of any column in the first table."""
    yield from (column.column, column.type, column.count)
    yield f"{column.missing / rows:.2%}" if column.missing else "-"
    if infinite:
        yield f"{column.infinite:,}" if column.infinite else "-"
    several = column.distinct is None and column.count >= 1000 and not column.type.startswith("list<")
    yield f"{column.distinct:,}" if column.distinct is not None else "1,000+" if several else "-"
    yield ", ".join(_values(column))


def _values(column: ColumnProfile) -> Iterator[str]:
    """The values of a column that is not all numbers, as text."""
    from normcli.errors import short

    if 0 < column.numbers < column.count:
        yield f"{column.numbers / column.count:.1%} numbers"
    if isinstance(column.min, str):
        yield column.min if column.min == column.max else f"{column.min} … {column.max}"
        return
    text, count = next(((v, n) for v, n in column.most_common if isinstance(v, str)), ("", 0))
    if (count > 1 and count >= column.count / 1000) or count == column.count == 1:
        yield f"{short(text)} ({'≥ ' if column.count_error else ''}{count / column.count:.1%})"


def _figures(column: ColumnProfile) -> Iterator[Any]:
    """The cells of a column with numbers in the second table."""
    ranks = (column.min, column.q25, column.median, column.q75, column.max)
    yield from (column.column, column.mean, column.std)
    yield from (_shortest(x) if column.type == "float32" and isinstance(x, float) else x for x in ranks)


def _shortest(value: float) -> float:
    """A float32 as the number with the fewest digits that is rounded to it; any other number as it is."""
    import numpy as np

    return float(str(np.float32(value))) if value == np.float32(value) else value
