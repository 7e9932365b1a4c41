"""normcli export: write what a parameter file computes for another engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from normcli import registry
from normcli.cli._command import PLACE, TARGET, Entry, Plain
from normcli.cli._common import ALLOW_EDITED, COLOR, QUIET, RUN_REPORT, VERBOSE
from normcli.cli._names import KEY
from normcli.cli._request import or_stdout, request

if TYPE_CHECKING:
    from collections.abc import Iterator

ORDER = 8
aliases = ("convert", "save-as", "onnx", "sql", "codegen")
EXAMPLES = (
    ("A module of Python that needs numpy alone", "normcli export data.json --to numpy -o scale.py"),
    ("Numbers for any language", "normcli export data.json --to json"),
    ("What undoes it, for PyTorch", "normcli export data.json --to torch --inverse -o back.py"),
    ("An estimator of scikit-learn", "normcli export data.json --to sklearn -o scale.skops"),
    ("Of the rows of one key (fit --by)", "normcli export sales.json --to numpy --key berlin"),
)


class WithTargets(Plain):
    """A command with the flags of all targets, and help that lists them by target."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        params = super().get_params(ctx)
        return [*params[:-1], *{flag.name: flag for _, flag in _flags()}.values(), params[-1]]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from normcli.cli._help import TERM, write_options, write_rows
        from normcli.jobs.requests import groups

        having: dict[str, list[str]] = {}
        for target, flag in _flags():
            having.setdefault(str(flag.name), []).append(target)
        of: dict[str, str | None] = {**groups("export")}
        of |= {name: f"Options of --to {', '.join(targets)}" for name, targets in having.items()}
        options = (p for p in self.get_params(ctx) if isinstance(p, click.Option))
        write_options(formatter, options, of, rest="messages")
        with formatter.section("Targets"):
            rows = ((name, registry.title("exports", name).rstrip(".")) for name in registry.names("exports"))
            write_rows(formatter, rows, widest=TERM)


def _flags() -> Iterator[tuple[str, click.Option]]:
    """The flags of each target, with the name of the target."""
    from normcli.cli._flags import flags

    for target in registry.names("exports"):
        yield from ((target, flag) for flag in flags(registry.only("exports", target), TARGET))


@click.command(cls=WithTargets, examples=EXAMPLES, more=("exports",))
@click.option(
    "--to", default="", type=Entry("exports"), metavar="TARGET", help="What is written; the targets are listed below"
)
@click.option("-o", "--output", metavar="FILE", type=PLACE, help="Where; default: standard output")
@click.option("--inverse", is_flag=True, help="What restores the original values instead")
@click.option("--key", type=KEY, metavar="KEY", help="Of the rows of one key of fit --by, a row of CSV")
@ALLOW_EDITED
@RUN_REPORT
@QUIET
@VERBOSE
@COLOR
@click.argument("params", metavar="PARAMS", required=True, type=PLACE)
def command(**values: Any) -> None:
    """Write what a parameter file computes for another engine: the same numbers, without normcli.

    A target says which methods it can compute; the others are refused with the reason. A missing value is NaN, or NULL,
    there too. What no engine does: it checks neither types nor drift, and knows no infinite values.
    """
    from normcli.cli._console import Console
    from normcli.jobs.export import export
    from normcli.jobs.requests.export import ExportRequest

    console = Console(quiet=values["quiet"], verbose=values["verbose"])
    result = export(request(ExportRequest, values, output=or_stdout(values["output"])), console)
    console.info(f"exported {result.method} to {values['to']} -> {result.targets[0]}")
