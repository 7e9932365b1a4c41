"""normcli apply."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from normcli.cli._command import WithOptions, Word
from normcli.cli._common import (
    ALLOW_EDITED,
    PARAMS,
    common,
    console,
    counted,
    counted_rows,
    engine,
    methods_of,
    parameters,
    progress,
    tell_only,
)
from normcli.cli._drift import check_keeping, thresholds, watched
from normcli.cli._inputs import Readers, check_params, find, many
from normcli.cli._keys import rules
from normcli.cli._needs import check_needs, need, option
from normcli.cli._outputs import (
    Outputs,
    as_input,
    check_form,
    check_suffix,
    is_directory,
    paths_below,
    written,
)
from normcli.cli._rejects import Rejects, rejects, skipping
from normcli.cli._report import current
from normcli.errors import EmptyInputError, printable

if TYPE_CHECKING:
    from normcli.cli._console import Console
    from normcli.drift import Watch
    from normcli.inputs import Input
    from normcli.pipeline import Progress
    from normcli.plan import Plan
    from normcli.transaction import Transaction

    Done = tuple[Progress, str]  # what it told, and where all went

EXAMPLE = "normcli apply data.csv -p data.json -o data-z.csv"
EXAMPLES = (
    ("Normalize by what was fitted", "normcli apply new.csv -p data.json -o new-z.csv"),
    ("In a pipe", "zcat new.csv.gz | normcli apply -p data.json | gzip > new-z.csv.gz"),
    ("Each file below a directory", "normcli apply measurements/ -p measurements.json -o normalized/ --to parquet"),
    ("Unless the data have drifted", "normcli apply new.csv -p data.json -o new-z.csv --check"),
    ("Restore", "normcli apply new-z.csv -p data.json --inverse -o new.csv"),
)


@click.command(cls=WithOptions, examples=EXAMPLES)
@PARAMS
@written
@click.option("--inverse", is_flag=True, help="Restore normalized data.")
@rules("what the parameters say")
@option(
    "--training",
    is_flag=True,
    needs=(need("no inverse", "not for --inverse: what each batch was normalized by is gone"),),
    help="Each batch of rows by its own statistics, as a network in training does; for methods of batches. Batches are "
    "cut over all INPUTs together, or in a directory, over each.",
)
@click.option("--no-extra", is_flag=True, help="Refuse columns that the fit did not see.")
@option(
    "--check",
    needs=(need("no inverse", "not for --inverse: it is about data that are not normalized yet"),),
    is_flag=False,
    flag_value="refuse",
    type=Word(("refuse", "warn")),
    help="See in the same pass whether the data still look like those that were fitted, as normcli check does: if not, "
    "exit 1 and leave the old OUTPUT, a file, as it is; or with --check=warn, warn and go on.",
)
@thresholds
@option(
    "--resume",
    needs=(need("directory", "for an OUTPUT that is a directory"),),
    is_flag=False,
    flag_value="stat",
    type=Word(("stat", "digest")),
    help="Into a directory: leave what an earlier run completed from the same inputs (told by size and time, or with "
    "--resume=digest by content), by the same parameters and options.",
)
@click.option("--in-place", is_flag=True, help="OUTPUT may be INPUT, though text can't tell that it was normalized.")
@click.option("--again", is_flag=True, help="Even if the data say that they were normalized by these parameters.")
@ALLOW_EDITED
@skipping
@common
@many
def command(**values: Any) -> None:
    """Normalize data by the parameters that fit learned, or restore them.

    INPUT is a CSV or Parquet file, a directory of them, a glob in quotes, or several of these; without one, or for -,
    standard input. Each, as PARAMS and OUTPUT, may be in an object store: s3://bucket/key. Columns are matched by name;
    all others pass through in place, character for character. OUTPUT appears whole or not at all; where it is a
    directory or ends in /, each input becomes a file of its own in it.
    """
    from normcli import stores
    from normcli.transaction import Transaction

    check_form(values)
    told, inverse = console(values, "apply"), values["inverse"]
    inputs = find(values, told)
    check_places(values, inputs)
    plan = parameters(values, values["params"], example="normcli apply data.csv -p data.json")
    current.facts |= {"digest": plan.digest, "method": methods_of(plan)}
    check_needs(
        keys=None if plan.by else "these are not (fit --by)",
        learns=None if plan.learns else f"{methods_of(plan)} learned nothing",
        spool=None if any(stores.is_uri(values[n]) for n in ("output", "rejects")) else "nothing is spooled here",
        directory=None if is_directory(values["output"]) else "",
    )
    watch = watch_of(values, plan)
    plan = plan.override(values["unseen"], values["min_count"])
    if values["training"]:
        plan = plan.in_training()
    if inverse:
        plan.check_invertible()
    check_keeping(values)
    if values["resume"] and stores.is_uri(values["output"]):
        raise click.UsageError("--resume is for a directory of this machine: an object store keeps no manifest")
    into = into_directory if is_directory(values["output"]) else into_one
    with Transaction() as changes:
        skipped = rejects(values, changes)
        done = into(values, inputs, plan, watch, told, skipped, changes)
        if done is None:
            return
    seen, name = done
    current.facts |= {"rows_out": seen.rows}
    what = "restored" if inverse else "applied"
    missing = f", {counted(seen.incomplete, 'row')} missing for a missing value" if seen.incomplete else ""
    told.summary(
        f"{what} {methods_of(plan)}: {counted_rows(seen.rows, seen)}{missing}, "
        f"{counted(len(plan.needs(inverse=inverse)), 'column')}, {told.took(seen.count)} -> {name}"
    )


def watch_of(values: dict[str, Any], plan: Plan) -> Watch | None:
    """What compares the data with those that were fitted, as --check asks for."""
    if not values["check"]:
        return None
    from normcli.drift import Watch

    return Watch(plan)


def into_one(
    values: dict[str, Any], inputs: list[Input], plan: Plan, watch: Watch | None, told: Console, skipped: Rejects,
    changes: Transaction,
) -> Done | None:  # fmt: skip
    """All inputs, one after the other, into OUTPUT; None where that was only told."""
    from normcli import formats, pipeline, registry

    target = changes.open(values["output"], spool_dir=values["spool_dir"])
    to = values["to"] or formats.by_suffix(values["output"])
    readers = Readers(inputs, values, to=to, dialect=plan.dialect, example=EXAMPLE, notice=told.notice)
    to = formats.of_output(values["to"], values["output"], as_input(readers.first, target))
    if readers.first.source.is_file(values["output"]) and formats.is_text(to) and not values["in_place"]:
        why = "text can't tell that it was normalized; --in-place insists"
        raise click.UsageError(f"OUTPUT is the INPUT, and {why}")
    told.detail(f"{readers.first.source.name} is {registry.name_of(readers.first)}, {target.name} will be {to}")
    made = Outputs(values, plan, readers.options.writing, watch)
    parts = made.into(target, to, (readers.first_input, readers.first), readers)
    if values["dry_run"]:
        tell_only(readers, made.needs, target.name)
        return None
    with progress(told, readers, values, skipped, shown=not os.isatty(target.fd)) as seen:
        if target.streamed:
            seen.before_end = partial(changes.commit, skipped.target)
        seen.judge = watched(values, watch, told)
        pipeline.apply(parts, engine(values, plan, told), file=target, progress=seen)
    changes.commit(skipped.target, target)
    return seen, target.name


def into_directory(
    values: dict[str, Any], inputs: list[Input], plan: Plan, watch: Watch | None, told: Console, skipped: Rejects,
    changes: Transaction,
) -> Done | None:  # fmt: skip
    """Each input into a file of its own below OUTPUT; with --resume, those that are not there yet."""
    from normcli import pipeline
    from normcli.manifest import remove_stale
    from normcli.resuming import Files

    made = Outputs(values, plan, lambda format: readers.options.writing(format) if readers else None, watch)
    files = Files(paths_below(values, inputs), made.manifest(), watch)
    if values["resume"] and not values["dry_run"]:
        remove_stale({os.path.dirname(path) for path in files.paths.values()})
    if values["resume"]:
        inputs = files.unfinished(strict=values["werror"])
        complete, left = len(files.paths) - len(inputs), len(inputs)
        told.summary(f"{complete} of {len(files.paths)} complete, {left} left")
    try:
        known: dict[str, Any] = {"to": values["to"], "dialect": plan.dialect, "notice": told.notice}
        readers = Readers(inputs, values, example=EXAMPLE, **known) if inputs else None
    except EmptyInputError:  # of all that is left, of which no file is made
        if len(inputs) == len(files.paths) or not all(i.implicit for i in inputs):
            raise
        readers = None
    if values["dry_run"]:
        if readers:
            next(made.below(files, readers))  # which is refused where it would be
            tell_only(readers, made.needs, files.paths)
        return None
    with progress(told, readers, values, skipped) as seen:
        seen.judge = watched(values, watch, told)
        files.begin(seen)
        seen.empty = readers.empty if readers else inputs
        parts = made.below(files, readers) if readers else ()
        pipeline.apply(parts, engine(values, plan, told), progress=seen)
    changes.commit(skipped.target)
    return seen, printable(values["output"])


def check_places(values: dict[str, Any], inputs: list[Input]) -> None:
    """Raises UsageError where INPUT, PARAMS and OUTPUT can't be what they are."""
    from normcli.inputs import below
    from normcli.outputs import same_file

    params, output = values["params"], values["output"]
    check_params(values, inputs)
    if params != "-" and output not in (None, "-") and same_file(output, params):
        raise click.UsageError(f"-p {params} is the OUTPUT")
    if len(inputs) > 1 and output not in (None, "-") and below(inputs, output):
        raise click.UsageError(f"-o {output} is one of the INPUTs")
    check_suffix(values)
