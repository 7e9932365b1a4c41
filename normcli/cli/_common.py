"""What fit and apply share: their options, how they open an input, and how they say what they did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from normcli import registry
from normcli.cli._command import FORMAT, NEAR, Entry, given

if TYPE_CHECKING:
    from normcli.cli._console import Console
    from normcli.cli._inputs import Readers
    from normcli.cli._rejects import Rejects
    from normcli.engines.threads import Threads
    from normcli.inputs import Input
    from normcli.pipeline import Progress

F = TypeVar("F", bound=Callable[..., Any])

COMMON = (
    click.option(
        "--from",
        "from_",
        type=Entry("formats"),
        metavar="FORMAT",
        help="What INPUT is; else told by its suffix or first bytes.",
    ),
    click.option(
        "--inf",
        "infinite",
        type=click.Choice(("error", "missing")),
        default="error",
        show_default=True,
        help="An infinite value is an error, or counts as missing and comes out as such.",
    ),
    click.option(
        "--threads",
        type=click.IntRange(1, 1024),
        envvar="NORMCLI_THREADS",
        help="Workers; default: the CPUs this process may use. Changes no byte of a result.",
    ),
    click.option(
        "--min-rows", type=click.IntRange(0), default=0, metavar="N", help="Fewer rows are an error: exit 65."
    ),
    click.option("--report", metavar="FILE", type=NEAR, help="Write what was done, or what went wrong, as JSON."),
    click.option("--dry-run", is_flag=True, help="Say what would be read and written, and do nothing."),
    click.option("--werror", is_flag=True, help="Warnings are errors: exit 65, and no file is replaced."),
    click.option(
        "-q", "--quiet", count=True, envvar="NORMCLI_QUIET", help="Only warnings and errors; -qq only errors."
    ),
    click.option("-v", "--verbose", is_flag=True, help="Say what is done and why."),
)


def common(function: F) -> F:
    """The options that every command over data has, in the order that --help shows."""
    for option in reversed(COMMON):
        function = option(function)
    return function


def console(values: dict[str, Any], command: str) -> Console:
    """Where a command speaks; and its report, where one is asked for."""
    from normcli.cli._console import Console
    from normcli.cli._report import current

    current.path = values["report"]
    current.facts |= {"command": command} | {k: values[k] for k in ("method", "params", "output") if k in values}
    return Console(quiet=values["quiet"], verbose=values["verbose"], werror=values["werror"])


def engine(values: dict[str, Any]) -> Threads:
    from normcli.engines.threads import Threads, available

    return Threads(values["threads"] or available())


def check_format(name: str | None, flag: str) -> None:
    """Raises UsageError for a format that there is not; csv.gz is csv."""
    from normcli import formats

    if name is not None and formats.bare(name) not in registry.names("formats"):
        raise click.UsageError(f"{flag} {name}: none of {', '.join(registry.names('formats'))}")


def format_options(values: dict[str, Any], used: list[str]) -> dict[str, Any]:
    """The options given for each format in use, None where none was. Raises UsageError for one of another format."""
    fields = given(values, FORMAT)
    kinds = {n: registry.load("formats", n).Options for n in registry.names("formats")}
    having = {field: [n for n, kind in kinds.items() if field in kind.__dataclass_fields__] for field in fields}
    for field, names in having.items():
        if not set(names) & set(used):
            flag, whose = field.replace("_", "-"), ", ".join(names)
            raise click.UsageError(f"--{flag} is an option of {whose}, and what is used here is {', '.join(used)}")
    made: dict[str, Any] = {}
    for name in used:
        own = {field: value for field, value in fields.items() if name in having[field]}
        made[name] = kinds[name](**own) if own else None
        if own:
            made[name].check()
    return made


@contextmanager
def progress(
    told: Console, readers: Readers, values: dict[str, Any], skipped: Rejects, *, shown: bool = True
) -> Iterator[Progress]:
    """What the pipeline tells goes to the console; with a bar while it runs."""
    from normcli.cli._report import current
    from normcli.pipeline import Progress

    first = readers.first
    with told.bar(first.size if len(readers.inputs) == 1 else None, first.unit, shown=shown) as advance:
        made = Progress(warn=told.warn, advance=advance, settle=told.settle, least=values["min_rows"])
        made.reject, made.most = skipped.add, skipped.most
        current.facts |= {"inputs": [i.path or "-" for i in readers.inputs]}
        current.facts |= {"bytes_in": lambda: made.count or readers.first.source.count}
        current.facts |= {"rows_in": lambda: made.rows + made.rejected, "rows_rejected": lambda: made.rejected}
        yield made


def tell_only(readers: Readers, names: Sequence[str], written: Mapping[Input, str] | str) -> None:
    """What a dry run says: what would be read, which columns take part, where it would go."""
    from normcli.columns import described
    from normcli.errors import printable

    inputs = readers.inputs
    single = written if isinstance(written, str) else None
    for each in inputs:
        click.echo(f"read     {each.name}" + ("" if single else f" -> {printable(written[each])}"))  # type: ignore[index]
    schema = readers.first.schema
    for what, wanted in (("columns", True), ("left", False)):
        chosen = tuple(f for f in schema if (f.name in names) is wanted)
        click.echo(f"{what:8} {described(chosen) or 'none'}")
    if single:
        click.echo(f"write    {single}")


def of_inputs(progress: Progress) -> str:
    return f" of {progress.inputs:,} inputs" if progress.inputs > 1 else ""


def counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def blank_lines(progress: Progress) -> str:
    n, bad = progress.blank_lines, progress.rejected
    said = f", {counted(n, 'blank line')} skipped" if n else ""
    return said + (f", {counted(bad, 'bad row')} rejected" if bad else "")
