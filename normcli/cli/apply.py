"""normcli apply."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from normcli import __version__
from normcli.cli._command import PLACE, Entry, WithOptions
from normcli.cli._common import (
    blank_lines,
    check_format,
    common,
    console,
    counted,
    engine,
    of_inputs,
    progress,
)
from normcli.cli._inputs import Readers, find, many
from normcli.errors import BadDataError, CannotCreateError, printable

if TYPE_CHECKING:
    from normcli.cli._console import Console
    from normcli.columns import Frame
    from normcli.formats import Reader
    from normcli.inputs import Input
    from normcli.manifest import Manifest
    from normcli.outputs import Target
    from normcli.pipeline import Progress
    from normcli.plan import Plan

# what a finished file does not depend on
INDIFFERENT = {"input", "files_from", "null", "params", "output", "resume", "threads", "quiet", "verbose", "werror"}
EXAMPLE = "normcli apply data.csv -p data.json -o data-z.csv"
EXAMPLES = (
    ("Normalize by what was fitted", "normcli apply new.csv -p data.json -o new-z.csv"),
    ("In a pipe", "zcat new.csv.gz | normcli apply -p data.json | gzip > new-z.csv.gz"),
    ("Each file below a directory", "normcli apply measurements/ -p measurements.json -o normalized/ --to parquet"),
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
@click.option(
    "-o",
    "--output",
    metavar="OUTPUT",
    type=PLACE,
    help="A file, or a directory (it is one, or ends in /); default: standard output.",
)
@click.option("--inverse", is_flag=True, help="Restore normalized data.")
@click.option("--only", is_flag=True, help="Write the normalized columns alone.")
@click.option("--no-extra", is_flag=True, help="Refuse columns that the fit did not see.")
@click.option(
    "--to",
    type=Entry("formats"),
    metavar="FORMAT",
    help="What OUTPUT is to be; else told by its suffix, else as INPUT.",
)
@click.option(
    "--resume",
    is_flag=False,
    flag_value="stat",
    type=click.Choice(("stat", "digest")),
    help="Into a directory: leave what an earlier run completed from the same inputs (told by size and time, or with "
    "--resume=digest by content), by the same parameters and options.",
)
@click.option("--in-place", is_flag=True, help="OUTPUT may be INPUT, though text can't tell that it was normalized.")
@click.option("--again", is_flag=True, help="Even if the data say that they were normalized by these parameters.")
@click.option("--allow-edited", is_flag=True, help="Take a parameter file whose digest does not match.")
@common
@many
def command(**values: Any) -> None:
    """Normalize data by the parameters that fit learned, or restore them.

    INPUT is a CSV or Parquet file, a directory of them, a glob in quotes, or several of these; without one, or for -,
    standard input. Columns are matched by name; all others pass through in place, character for character. OUTPUT
    appears whole or not at all; where it is a directory or ends in /, each input becomes a file of its own in it.
    """
    from normcli import params, pipeline
    from normcli.cli._console import size

    check_format(values["from_"], "--from")
    check_format(values["to"], "--to")
    told, inverse = console(values), values["inverse"]
    inputs = find(values, told)
    check_places(values, inputs)
    plan = params.read_file(
        values["params"], example="normcli apply data.csv -p data.json", allow_edited=values["allow_edited"]
    )
    if inverse:
        for step in plan.steps:
            step.fitted.check_invertible()
    if values["resume"] and not is_directory(values["output"]):
        raise click.UsageError("--resume is for an OUTPUT that is a directory")
    seen, name = (into_directory if is_directory(values["output"]) else into_one)(values, inputs, plan, told)
    what = "restored" if inverse else "applied"
    missing = f", {counted(seen.incomplete, 'row')} missing for a missing value" if seen.incomplete else ""
    told.summary(
        f"{what} {', '.join(pipeline.methods_of(plan))}: {counted(seen.rows, 'row')}{of_inputs(seen)}"
        f"{blank_lines(seen)}{missing}, {counted(len(plan.needs(inverse=inverse)), 'column')}, "
        f"{size(seen.count)} in {told.seconds:.1f} s -> {name}"
    )


def is_directory(output: str | None) -> bool:
    return output not in (None, "-") and (str(output).endswith("/") or os.path.isdir(str(output)))


def into_one(values: dict[str, Any], inputs: list[Input], plan: Plan, told: Console) -> tuple[Progress, str]:
    """All inputs, one after the other, into OUTPUT."""
    from normcli import formats, outputs, pipeline, registry

    with outputs.open_target(values["output"]) as target:
        to = values["to"] or formats.by_suffix(values["output"])
        readers = Readers(inputs, values, to=to, example=EXAMPLE)
        first = readers.first
        to = to or registry.name_of(first)
        check_output(values, readers, formats.module(to).magic != b"", to, target.fd)
        blank, digests = output_like(values, plan, readers.first_input, first)
        writer = formats.module(to).Writer.like(first, blank, readers.options(to), digests)
        work = pipeline.written_by(writer, blank, plan, infinite=values["infinite"], inverse=values["inverse"])
        told.detail(f"{first.source.name} is {registry.name_of(first)}, {target.name} will be {to}")

        def parts() -> Iterator[pipeline.Part]:
            for each, reader in readers:
                here, done = output_like(values, plan, each, reader)
                pipeline.check_same(reader, blank, here)
                if done != digests:
                    raise BadDataError(f"{reader.source.name}: was not normalized by the same parameters as the first")
                yield pipeline.Part(reader, replace(work, keys=each.keys))

        with progress(told, readers, shown=not os.isatty(target.fd)) as seen:
            pipeline.apply(parts(), engine(values), file=target, progress=seen)
        target.commit()
    return seen, target.name


def into_directory(values: dict[str, Any], inputs: list[Input], plan: Plan, told: Console) -> tuple[Progress, str]:
    """Each input into a file of its own below OUTPUT; with --resume, those that are not there yet."""
    from normcli import formats, pipeline, registry
    from normcli.inputs import renamed, targets
    from normcli.manifest import remove_stale

    directory, to = values["output"], values["to"]
    if any(i.path is None for i in inputs):
        raise click.UsageError(f"standard input has no name that a file in {directory} could have")
    suffix = formats.module(to).suffixes[0] if to else None
    old = [s for n in registry.names("formats") for s in formats.module(n).suffixes]
    paths = dict(zip(inputs, targets(inputs, directory, lambda relative: renamed(relative, old, suffix)), strict=True))
    manifest = manifest_of(values, plan)
    origins = {i: manifest.origin(str(i.path)) for i in inputs}
    if values["resume"]:
        remove_stale({os.path.dirname(path) for path in paths.values()})
        inputs = [i for i in inputs if not manifest.holds(paths[i], origins[i])]
        told.summary(f"{len(paths) - len(inputs)} of {len(paths)} are complete, {len(inputs)} are left")
        if not inputs:
            return pipeline.Progress(), printable(directory)
    readers = Readers(inputs, values, to=to, example=EXAMPLE)

    def parts() -> Iterator[pipeline.Part]:
        for each, reader in readers:
            form = to or registry.name_of(reader)
            blank, digests = output_like(values, plan, replace(each, keys=()), reader)
            writer = formats.module(form).Writer.like(reader, blank, readers.options(form), digests)
            work = pipeline.written_by(writer, blank, plan, infinite=values["infinite"], inverse=values["inverse"])
            done = partial(add_to, manifest, paths[each], origins[each])
            yield pipeline.Part(reader, work, output=partial(open_below, paths[each]), done=done)

    with progress(told, readers) as seen:
        pipeline.apply(parts(), engine(values), progress=seen)
    return seen, printable(directory)


def manifest_of(values: dict[str, Any], plan: Plan) -> Manifest:
    """The manifest of OUTPUT, for these parameters and the options that what is written depends on."""
    from normcli.manifest import Manifest

    decides = {k: v for k, v in values.items() if k not in INDIFFERENT} | {"version": __version__, "plan": plan.digest}
    made = hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()
    return Manifest(values["output"], made, contents=values["resume"] == "digest")


def add_to(manifest: Manifest, path: str, origin: dict[str, Any], target: Target) -> None:
    """Says that a file is complete."""
    assert target.hashed is not None
    manifest.add(path, origin, target.count, f"sha256:{target.hashed.hexdigest()}")


def output_like(values: dict[str, Any], plan: Plan, each: Input, reader: Reader) -> tuple[Frame, tuple[str, ...]]:
    """What an input's output will be like, as a frame of no rows, and the digests it will carry. Raises BadDataError
    where the input does not go with the plan."""
    from normcli import columns, pipeline

    inverse = values["inverse"]
    pipeline.check_columns(plan, reader, inverse=inverse, extra=not values["no_extra"])
    digests = pipeline.digests_after(plan, reader, inverse=inverse, again=values["again"])
    blank = pipeline.output_frame(plan, reader, inverse=inverse, only=values["only"])
    return columns.with_texts(blank, each.keys), digests


def open_below(path: str) -> Target:
    """A file in a directory that is made where it is not there."""
    from normcli import outputs

    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    except OSError as e:
        raise CannotCreateError(f"{printable(os.path.dirname(path))}: {e.strerror}") from None
    target = outputs.open_target(path)
    target.hashed = hashlib.sha256()
    return target


def check_places(values: dict[str, Any], inputs: list[Input]) -> None:
    """Raises UsageError where INPUT, PARAMS and OUTPUT can't be what they are."""
    from normcli.inputs import below
    from normcli.outputs import same_file

    params, output = values["params"], values["output"]
    asked = [any(i.path is None for i in inputs), params == "-", values["files_from"] == "-"]
    if sum(asked) > 1:
        which = [n for n, a in zip(("INPUT", "-p", "--files-from"), asked, strict=True) if a]
        raise click.UsageError(f"both {' and '.join(which)} are standard input", click.get_current_context())
    if params != "-" and below(inputs, params):
        raise click.UsageError(f"-p {params} is the INPUT")
    if params != "-" and output not in (None, "-") and same_file(output, params):
        raise click.UsageError(f"-p {params} is the OUTPUT")
    if len(inputs) > 1 and output not in (None, "-") and below(inputs, output):
        raise click.UsageError(f"-o {output} is one of the INPUTs")


def check_output(values: dict[str, Any], readers: Readers, binary: bool, to: str, fd: int) -> None:
    """Raises UsageError for binary data to a terminal, and for text over its own input unless asked for."""
    if binary and os.isatty(fd):
        raise click.UsageError(f"{to} to a terminal", click.get_current_context())
    if readers.first.source.is_file(values["output"]) and not binary and not values["in_place"]:
        raise click.UsageError("OUTPUT is the INPUT, and text can't tell that it was normalized; --in-place insists")
