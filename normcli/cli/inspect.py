"""normcli inspect: show what is in a parameter file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from normcli.cli._command import PLACE, Plain
from normcli.cli._common import ALLOW_EDITED, COLOR
from normcli.cli._names import KEY
from normcli.errors import UsageError, printable, short

ORDER = 5
aliases = ("show", "info", "view", "print", "cat", "list")
EXAMPLES = (
    ("What was learned of each column", "normcli inspect data.json"),
    ("For a machine", "normcli inspect data.json --json"),
    ("Of the rows of one key (fit --by)", "normcli inspect sales.json --key berlin"),
)

NOTHING = "''"  # the empty text in a shell
RANKS = {"type": 7, "count": 6, "missing": 5, "mean": 3, "std": 4, "min": 2, "max": 2}  # of columns not learned

HISTOGRAM = 5  # its rank
VALUES = 5  # of a column of categories that are shown


@click.command(cls=Plain, examples=EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output instead of tables")
@click.option("--json-schema", is_flag=True, help="Print the JSON Schema of parameter files instead")
@click.option("--keys", is_flag=True, help="List the keys of fit --by, each with its rows, instead")
@click.option("--key", type=KEY, metavar="KEY", help="Of the rows of one key of fit --by, a row of CSV")
@ALLOW_EDITED
@click.option("-v", "--verbose", is_flag=True, help="Show whole tables and lists")
@COLOR
@click.argument("params", required=False, type=PLACE)
def command(**values: Any) -> None:
    """Show what a parameter file has learned, in the terms of its method."""
    from normcli.jobs import inspect
    from normcli.jobs.parameter_files import read_parameters

    if values["json_schema"]:
        check_alone(
            {
                "--key": values["key"] is not None,
                "--keys": values["keys"],
                "PARAMS": values["params"] is not None,
                "--json": values["as_json"],
            }
        )
        click.echo(json.dumps(inspect.json_schema(), indent=1, ensure_ascii=False))
        return
    if not values["params"]:
        raise click.UsageError("PARAMS is missing", click.get_current_context())
    if values["keys"] and values["key"] is not None:
        raise UsageError("--key is not for --keys, which shows each")
    plan = read_parameters(values["params"], example="normcli inspect data.json", allow_edited=values["allow_edited"])
    document: Any = inspect.key_table(plan) if values["keys"] else inspect.document(plan, values["key"])
    if values["as_json"]:
        click.echo(json.dumps(document, ensure_ascii=False, allow_nan=False))
    elif values["keys"]:
        show_keys(document, plan.by, full=values["verbose"])
    else:
        show(document, full=values["verbose"], lines=sparklines(plan, values["key"]))


def check_alone(flags: Mapping[str, bool]) -> None:
    """Raises UsageError for a flag that is set and does not apply to --json-schema."""
    for flag in (flag for flag, is_set in flags.items() if is_set):
        raise UsageError(f"{flag} is not for --json-schema, which is of all parameter files")


def sparklines(plan: Any, key: str | None) -> list[dict[str, str]]:
    """The distributions of the columns of each step that are input columns, if they are known and can be shown."""
    if key is not None or not sys.stdout.isatty():
        return []
    from normcli.cli._sparkline import are_shown, sparkline
    from normcli.jobs.inspect import distributions

    steps = distributions(plan) if are_shown() else []
    return [{name: sparkline(heights) for name, heights in step.items()} for step in steps]


def show(document: Mapping[str, Any], *, full: bool, lines: Sequence[Mapping[str, str]] = ()) -> None:
    """Prints a parameter file for users; `lines` are sparklines of the columns of each step."""
    from normcli.cli._table import labelled
    from normcli.cli._terminal import truncated, width

    for label, text in heads(document):
        labelled(label, text)
    steps = document["steps"]
    for i, step in enumerate(steps):
        if len(steps) > 1:
            click.echo("\n" if i else "", nl=False)
            labelled(f"steps[{i}]", method(step))
        else:
            labelled("method", method(step))
        show_step(step, full=full, lines=lines[i] if lines else {})
    if document["categories"] and not document["key"]:
        show_categories(document["categories"], full=full)
    digest = document["digest"]
    click.echo(f"\n{digest if full or not sys.stdout.isatty() else truncated(digest, width(1))}")


def heads(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The lines that are not about one step: a label and a text each."""
    if document["note"]:
        yield "note", printable(document["note"])
    skipped = f", of which {document['skipped']:,} miss a value and took no part" if document["skipped"] else ""
    yield "rows", f"{document['rows']:,}{skipped}"
    if document["dialect"]:
        spelled = (f"{n.replace('_', '-')} {printable(text(v)) or NOTHING}" for n, v in document["dialect"].items())
        yield "dialect", ", ".join(spelled)
    if document["inputs"]:
        yield "inputs", f"{len(document['inputs']):,}"
    if document["weights"] is not None:
        yield "weights", printable(document["weights"])
    if document["by"]:
        yield "by", f"{', '.join(map(printable, document['by']))}: {document['keys']:,} keys"
        yield "unseen", f"{document['unseen']}, min-count {document['min_count']:,}"
    if document["key"]:
        from normcli.jobs.inspect import described

        key = described(document["by"], tuple(document["key"]["key"].values()))
        yield "key", f"{key}: {document['key']['rows']:,} rows"


def method(step: Mapping[str, Any]) -> str:
    """The method of a step and its options, as text."""
    options = ", ".join(f"{n.rstrip('_').replace('_', '-')} {printable(text(v))}" for n, v in step["options"].items())
    return f"{step['method']} ({options})" if options else str(step["method"])


def show_step(step: Mapping[str, Any], *, full: bool, lines: Mapping[str, str]) -> None:
    """Prints what a step has learned."""
    from normcli.cli._table import Column, labelled, names, table

    for line in step["accuracy"]:
        labelled("accuracy", line)
    learned = (f"{name.replace('_', ' ')} {text(value)}" for name, value in step["learned"].items())
    summary = ", ".join(learned) if step["learns"] else "nothing: it does not depend on the data"
    if step.get("external"):
        summary = "elsewhere: what it does is known, and no statistics"
    if summary:
        labelled("learned", summary)
    labelled("gives", gives(step, full=full))
    click.echo()
    columns = step["columns"]
    if columns:
        ranks = RANKS | dict.fromkeys(step["terms"], 1)
        heads = [names(), *(Column(h, right=h != "type", rank=ranks.get(h, 1)) for h in [*columns[0]][1:])]
        rows = [tuple(row.values()) for row in columns]
        if lines:
            from normcli.cli._sparkline import histogram_column

            heads.append(histogram_column(HISTOGRAM))
            rows = [(*row, lines.get(row[0], "")) for row in rows]
        table(heads, rows, full=full)
    if step["components"]:
        click.echo()
        shown = [Column(head, rank=1) for head in [*step["components"][0]][1:]]
        table([names("component"), *shown], [tuple(row.values()) for row in step["components"]], full=full)


def show_categories(categories: Sequence[Mapping[str, Any]], *, full: bool) -> None:
    """Prints what is known of columns of categories: the first of their values, all if `full`."""
    from normcli.cli._table import Column, names, table
    from normcli.cli._terminal import truncated

    rows = [
        (
            *(category[name] for name in ("column", "count", "missing", "distinct", "count_error")),
            ", ".join(values(category, None if full else VALUES)),
        )
        for category in categories
    ]
    heads = [Column(text, rank=rank) for text, rank in (("count", 2), ("missing", 1), ("distinct", 1), ("lost", 3))]
    click.echo()
    table([names("categories"), *heads, Column("values", right=False, least=8, cut=truncated)], rows, full=full)


def values(category: Mapping[str, Any], most: int | None) -> Iterator[str]:
    """The most common values of a column of categories, each with its share of all rows."""
    rows = category["count"] + category["missing"]
    for pair in category["most_common"][:most]:
        about = "≥ " if category["count_error"] else ""
        yield f"{short(pair['value'])} ({about}{pair['count'] / rows:.1%})"
    if most is not None and len(category["most_common"]) > most:
        yield "…"


def gives(step: Mapping[str, Any], *, full: bool) -> str:
    """The output columns of a step, as text."""
    from normcli.methods import listed

    takes, count, outputs = step["takes"], step["gives"], step["outputs"]
    if step["list"] is not None:
        return f"{printable(step['list'])}: lists of {takes:,}" + (f" → {count:,}" if count != takes else "")
    if outputs is None:
        return "the same columns"
    names = ", ".join(map(printable, outputs)) if full or not sys.stdout.isatty() else listed(outputs)
    return f"{takes:,} → {count:,} columns: {names}"


def show_keys(keys: Sequence[Mapping[str, Any]], by: Sequence[str], *, full: bool) -> None:
    """Prints the table of keys, each in the spelling of --key."""
    from normcli.cli._table import Column, names, table

    heads = (names(",".join(map(printable, by))), Column("rows", rank=1), Column("below min-count", rank=2))
    table(heads, [(row["spelled"] or NOTHING, row["rows"], row["too_few"]) for row in keys], full=full)


def text(value: Any) -> str:
    """A value for users: numbers with six digits on a terminal, which is narrow, and ten elsewhere."""
    from normcli.cli._table import ALL, DIGITS, number

    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "-"
    if isinstance(value, list):
        return " ".join(map(text, value))
    if isinstance(value, float):
        return number(value, DIGITS if sys.stdout.isatty() else ALL)
    return f"{value:,}" if isinstance(value, int) else str(value)
