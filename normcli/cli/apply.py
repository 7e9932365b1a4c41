"""normcli apply."""

import os
from typing import Any

import click

from normcli.cli._command import PLACE, Entry, WithOptions
from normcli.cli._common import (
    blank_lines,
    check_format,
    common,
    console,
    counted,
    engine,
    format_options,
    progress,
    reader,
)

EXAMPLES = (
    ("Normalize by what was fitted", "normcli apply new.csv -p data.json -o new-z.csv"),
    ("In a pipe", "zcat new.csv.gz | normcli apply -p data.json | gzip > new-z.csv.gz"),
    ("Restore", "normcli apply new-z.csv -p data.json --inverse -o new.csv"),
)


@click.command(cls=WithOptions, examples=EXAMPLES)
@click.option(
    "-p",
    "--params",
    required=True,
    metavar="PARAMS",
    type=PLACE,
    help="Made by fit.",
)
@click.option("-o", "--output", metavar="OUTPUT", type=PLACE, help="A file; default: standard output.")
@click.option("--inverse", is_flag=True, help="Restore normalized data.")
@click.option("--only", is_flag=True, help="Write the normalized columns alone.")
@click.option("--no-extra", is_flag=True, help="Refuse columns that the fit did not see.")
@click.option(
    "--to",
    type=Entry("formats"),
    metavar="FORMAT",
    help="What OUTPUT is to be; else told by its suffix, else as INPUT.",
)
@click.option("--in-place", is_flag=True, help="OUTPUT may be INPUT, though text can't tell that it was normalized.")
@click.option("--again", is_flag=True, help="Even if the data say that they were normalized by these parameters.")
@click.option("--allow-edited", is_flag=True, help="Take a parameter file whose digest does not match.")
@common
@click.argument("input", required=False, type=PLACE)
def command(**values: Any) -> None:
    """Normalize data by the parameters that fit learned, or restore them.

    INPUT is a CSV or Parquet file; without one, or for -, standard input. Columns are matched by name; all others
    pass through in place, character for character. OUTPUT appears whole or not at all.
    """
    from normcli import formats, outputs, params, pipeline, sources
    from normcli.cli._console import size

    check_format(values["from_"], "--from")
    check_format(values["to"], "--to")
    told, inverse = console(values), values["inverse"]
    path, target_path = values["input"], values["output"]
    check_places(values)
    plan = params.read_file(
        values["params"], example="normcli apply data.csv -p data.json", allow_edited=values["allow_edited"]
    )
    if inverse:
        for step in plan.steps:
            step.fitted.check_invertible()
    with outputs.open_target(target_path) as target:
        source = sources.open_source(path, example="normcli apply data.csv -p data.json -o data-z.csv")
        format = values["from_"] or formats.of_source(source)
        to = values["to"] or formats.by_suffix(target_path) or format
        options = format_options(values, sorted({format, to}))
        check_output(values, source, formats.module(to).magic != b"", to, target.fd)
        data = reader(source, format, options[format])
        pipeline.check_columns(plan, data, inverse=inverse, extra=not values["no_extra"])
        digests = pipeline.digests_after(plan, data, inverse=inverse, again=values["again"])
        blank = pipeline.output_frame(plan, data, inverse=inverse, only=values["only"])
        writer = formats.module(to).Writer.like(data, blank, options[to], digests)
        told.detail(f"{source.name} is {format}, {target.name} will be {to}")
        with progress(told, data, shown=not os.isatty(target.fd)) as seen:
            pipeline.apply(
                plan, data, writer, blank, target, engine(values),
                infinite=values["infinite"], inverse=inverse, progress=seen,
            )  # fmt: skip
        target.commit()
    what = "restored" if inverse else "applied"
    missing = f", {counted(seen.incomplete, 'row')} missing for a missing value" if seen.incomplete else ""
    told.summary(
        f"{what} {', '.join(pipeline.methods_of(plan))}: {counted(seen.rows, 'row')}{blank_lines(seen)}{missing}, "
        f"{counted(len(plan.needs(inverse=inverse)), 'column')}, "
        f"{size(source.count)} in {told.seconds:.1f} s -> {target.name}"
    )


def check_places(values: dict[str, Any]) -> None:
    """Raises UsageError where INPUT, PARAMS and OUTPUT can't be what they are."""
    from normcli.outputs import same_file

    path, params, output = values["input"] or "-", values["params"], values["output"]
    if params == "-" and path == "-":
        raise click.UsageError("both INPUT and -p are standard input", click.get_current_context())
    if params != "-" and path != "-" and same_file(path, params):
        raise click.UsageError(f"-p {params} is the INPUT")
    if params != "-" and output not in (None, "-") and same_file(output, params):
        raise click.UsageError(f"-p {params} is the OUTPUT")


def check_output(values: dict[str, Any], source: Any, binary: bool, to: str, fd: int) -> None:
    """Raises UsageError for binary data to a terminal, and for text over its own input unless asked for."""
    if binary and os.isatty(fd):
        raise click.UsageError(f"{to} to a terminal", click.get_current_context())
    if source.is_file(values["output"]) and not binary and not values["in_place"]:
        raise click.UsageError("OUTPUT is the INPUT, and text can't tell that it was normalized; --in-place insists")
