"""What fit and apply share: their options, how they open an input, and how they say what they did."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from normcli import registry
from normcli.cli._command import NEAR, PLACE, Format
from normcli.cli._distance import Distance
from normcli.cli._needs import DATA, ROWS, check_line, need, option

if TYPE_CHECKING:
    from normcli.cli._console import Console
    from normcli.cli._inputs import Readers
    from normcli.cli._rejects import Rejects
    from normcli.engines.threads import Threads
    from normcli.inputs import Input
    from normcli.pipeline import Progress
    from normcli.plan import Plan
    from normcli.recipe import Recipe

F = TypeVar("F", bound=Callable[..., Any])

FEWEST = option(
    "--min-rows",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    needs=(DATA, ROWS),
    help="Fewer rows, of all INPUTs, are an error: exit 65.",
)
PARAMS = click.option("-p", "--params", required=True, metavar="PARAMS", type=PLACE, help="Made by fit.")
ALLOW_EDITED = click.option("--allow-edited", is_flag=True, help="Take a parameter file whose digest does not match.")
REPORT = click.option("--report", metavar="FILE", type=NEAR, help="Write what was done, or what went wrong, as JSON.")
QUIET = click.option(
    "-q", "--quiet", count=True, envvar="NORMCLI_QUIET", help="Only warnings and errors; -qq only errors."
)
COMMON = (
    option(
        "--from",
        "from_",
        type=Format(),
        metavar="FORMAT",
        needs=(DATA,),
        help="What INPUT is; else told by its suffix or first bytes.",
    ),
    option(
        "--inf",
        "infinite",
        needs=(DATA, ROWS),
        type=click.Choice(("error", "missing")),
        default="error",
        show_default=True,
        help="An infinite value is an error, or counts as missing and comes out as such.",
    ),
    option(
        "--threads",
        needs=(DATA,),
        type=click.IntRange(1, 1024),
        envvar="NORMCLI_THREADS",
        help="Workers; default: the CPUs this process may use. Changes no byte of a result.",
    ),
    option(
        "--max-memory",
        needs=(DATA,),
        metavar="SIZE",
        envvar="NORMCLI_MAX_MEMORY",
        callback=lambda ctx, param, value: memory_size(ctx, param, value),
        help="About how much to use: 500M, 2G; default: four fifths of what there is. Changes no byte of a result.",
    ),
    REPORT,
    option("--dry-run", is_flag=True, needs=(DATA,), help="Say what would be read and written, and do nothing."),
    click.option(
        "--werror",
        is_flag=True,
        help="Warnings are errors: exit 65, and OUTPUT is not replaced; in a directory, no further file is.",
    ),
    QUIET,
    option("-v", "--verbose", is_flag=True, needs=(need("no quiet", "not for -q"),), help="Say what is done and why."),
)


def common(function: F, *, fewest: Callable[[F], F] | None = None) -> F:
    """The options that every command over data has, in the order that --help shows; `fewest` is a --min-rows of its
    own."""
    for decorate in reversed(COMMON):
        function = decorate(function)
    return (fewest or FEWEST)(function)


def console(values: dict[str, Any], command: str) -> Console:
    """Where a command speaks; and its report, where one is asked for."""
    from normcli.cli._apart import check_apart, check_outputs
    from normcli.cli._console import Console
    from normcli.cli._report import current

    check_outputs(values, command)
    check_apart(values)
    current.begin(values["report"], values.get("output"))
    check_line(values)
    current.facts |= {"command": command} | {k: values[k] for k in ("method", "params", "output") if k in values}
    return Console(quiet=values["quiet"], verbose=values.get("verbose", False), werror=values.get("werror", False))


def engine(values: dict[str, Any], plan: Plan, told: Console) -> Threads:
    """What runs a plan. Raises UsageError where there is too little memory for it."""
    from normcli import memory
    from normcli.engines.threads import Threads, available
    from normcli.errors import size

    workers = Threads(values["threads"] or available())
    window = memory.window(plan, values["max_memory"], workers.most)
    there, each = size(memory.room(values["max_memory"])), size(memory.block(plan))
    blocks = f"{counted(window, 'block')} of {each} at once"
    told.detail(f"{workers.count} threads, {blocks}, {there} of memory to use")
    return Threads(workers.count, window, memory.of_blocks(plan, values["max_memory"], workers.most))


def parameters(values: dict[str, Any], path: str, *, example: str) -> Plan:
    """The plan of a parameter file, as large as there is memory for. Raises NormcliError."""
    from normcli import memory, params

    largest = memory.largest_file(values.get("max_memory"))
    return params.read_file(path, example=example, allow_edited=values["allow_edited"], largest=largest)


def memory_size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Bytes of 500M, 2G, 1GiB or plain bytes. Raises BadParameter."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?) ?([kMGT]?)(i?)B?", value)
    count = float(found[1]) * (1024 if found[3] else 1000) ** " kMGT".index(found[2] or " ") if found else 0.0
    if not 1 <= count < 1e18:
        raise click.BadParameter(f"{value!r} is no size: 500M, 2G or 1GiB is", ctx, param)
    return int(count)


@contextmanager
def progress(
    told: Console, readers: Readers | None, values: dict[str, Any], skipped: Rejects, *, shown: bool = True
) -> Iterator[Progress]:
    """What the pipeline tells goes to the console; with a bar while it runs. No readers: there is nothing to read."""
    from normcli.cli._report import current
    from normcli.pipeline import Progress

    made = Progress(warn=told.warn, settle=told.settle, least=values["min_rows"], most=skipped.most)
    made.reject = skipped.add
    current.facts |= {"rows_in": lambda: made.rows + made.rejected, "rows_rejected": lambda: made.rejected}
    current.facts |= {"bytes_in": lambda: made.count}
    if readers is None:
        yield made
        return
    distance, source = Distance.of(readers.inputs, readers.first), readers.first.source
    current.facts |= {"bytes_in": lambda: made.count or source.count}
    made.empty = readers.empty
    with told.bar(distance.total, distance.unit, shown=shown) as advance:
        made.advance = lambda reader, weight, ended: advance(distance.step(reader, weight, ended=ended))
        yield made


def tell_only(readers: Readers, names: Sequence[str], written: Mapping[Input, str] | str | None) -> None:
    """What a dry run says: what would be read, which columns take part, where it would go, if anywhere."""
    from normcli.columns import described
    from normcli.errors import printable

    inputs = readers.inputs
    for each in inputs:
        click.echo(
            f"read     {each.name}" + (f" -> {printable(written[each])}" if isinstance(written, Mapping) else "")
        )
    schema = readers.first.schema
    for what, wanted in (("columns", True), ("left", False)):
        chosen = tuple(f for f in schema if (f.name in names) is wanted)
        click.echo(f"{what:8} {described(chosen) or 'none'}")
    if isinstance(written, str):
        click.echo(f"write    {written}")


def methods_of(plan: Plan | Recipe) -> str:
    """By name, each once."""
    return ", ".join(dict.fromkeys(map(registry.name_of, plan.methods)))


def counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def counted_rows(rows: int, progress: Progress) -> str:
    """How many rows, of how many inputs, and what was no row, or no input."""
    n, bad, none = progress.blank_lines, progress.rejected, len(progress.empty)
    of = f" of {progress.inputs:,} inputs" if progress.inputs > 1 else ""
    skipped = f", {counted(n, 'blank line')} skipped" if n else ""
    left = f", {counted(none, 'empty input')} left out" if none else ""
    rejected = f", {counted(bad, 'bad row')} rejected" if bad else ""
    return f"{counted(rows, 'row')}{of}{skipped}{rejected}{left}"
