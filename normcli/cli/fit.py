"""normcli fit."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from normcli import registry
from normcli.cli._command import METHOD, PLACE, Entry, WithOptions, given
from normcli.cli._common import (
    blank_lines,
    check_format,
    common,
    console,
    counted,
    engine,
    of_inputs,
    progress,
    tell_only,
)
from normcli.cli._inputs import Readers, check_repeatable, find, many
from normcli.cli._outputs import Outputs, Pairs, add_to, as_input, is_directory, written
from normcli.cli._rejects import Rejects, rejects, skipping
from normcli.cli._report import current
from normcli.errors import BadDataError, printable

if TYPE_CHECKING:
    from normcli.cli._console import Console
    from normcli.formats import Reader
    from normcli.inputs import Input
    from normcli.outputs import Target
    from normcli.pipeline import Progress
    from normcli.plan import Plan
    from normcli.spool import Spool

EXAMPLE = "normcli fit data.csv -m zscore -p data.json"
EXAMPLES = (
    ("Standardize every numeric column, parameters to a file", "normcli fit data.csv -m zscore -p data.json"),
    ("Some columns, to a range", "normcli fit data.parquet -m minmax --range -1 1 -c 'x*' -x x7 -p data.json"),
    ("All files below a directory together", "normcli fit measurements/ -m zscore -p measurements.json"),
    ("Learn and normalize in one", "normcli fit data.csv -m zscore -p data.json -o data-z.csv"),
    ("From a pipe", "zcat data.csv.gz | normcli fit -m whiten --kind pca -p data.json"),
)


@click.command(cls=WithOptions, examples=EXAMPLES)
@click.option("-m", "--method", type=Entry("methods"), metavar="METHOD", help="What to learn; see `normcli methods`.")
@click.option(
    "-p",
    "--params",
    metavar="PARAMS",
    type=PLACE,
    help="The parameter file; default: standard output.",
)
@written
@click.option(
    "--spool-dir",
    metavar="DIR",
    type=click.Path(),
    envvar="NORMCLI_SPOOL_DIR",
    help="Where -o keeps what it has read, unnamed; default: TMPDIR, or where OUTPUT will be.",
)
@click.option("-c", "--columns", multiple=True, metavar="SELECTOR", help="A column, names between commas, or a glob.")
@click.option("-x", "--exclude", multiple=True, metavar="SELECTOR", help="Columns to leave out again.")
@click.option("--note", default="", help="Words of your own to keep in the parameter file.")
@skipping
@common
@many
def command(**values: Any) -> None:
    """Learn a method's parameters from data, in one pass; with -o, normalize the same data, too.

    INPUT is a CSV or Parquet file, a directory of them, a glob in quotes, or several of these, learned from together;
    without one, or for -, standard input. By default every numeric column takes part. Missing values are left out and
    counted.
    """
    from normcli import columns, formats, outputs, params, pipeline
    from normcli.cli._console import size
    from normcli.methods import listed

    method = chosen_method(values)
    told = console(values, "fit")
    inputs = find(values, told)
    check_places(values, inputs, learns=bool(method.statistics))
    output = values["output"]
    if any(s.repeats for s in method.statistics) and not output:  # what -o writes is kept, and can be read again
        check_repeatable(inputs, "--exact")
    with ExitStack() as opened:
        skipped = opened.enter_context(rejects(values))
        target = file = None
        if values["params"] or not output:
            target = opened.enter_context(outputs.open_target(values["params"]))
        if output and not is_directory(output):
            file = opened.enter_context(outputs.open_target(output))
        readers = Readers(inputs, values, to=values["to"] or formats.by_suffix(output), example=EXAMPLE)
        first = readers.first
        for flag, path in (("-p", values["params"]), ("-o", output)):
            if first.source.is_file(path):
                raise click.UsageError(f"{flag} {path} is the INPUT")
        names = selected(values, first, learns=bool(method.statistics))
        told.detail(f"{first.source.name}: columns: {columns.described(first.schema)}")
        explained(told, first, names, values["exclude"])
        if values["dry_run"]:
            paths = [t.name for t in (target, file) if t] + ([printable(output)] if output and not file else [])
            tell_only(readers, names, ", ".join(paths))
            return
        kept = spool_for(values, inputs, first) if output and method.statistics else None
        with progress(told, readers, values, skipped) as seen:
            plan = params.sealed(
                pipeline.fit(
                    (r for _, r in readers), first.schema, method, engine(values),
                    names=names, lengths=pipeline.lengths_of(first, names), infinite=values["infinite"],
                    note=values["note"], skip=skipped.skip, keep=kept, again=readers.again, progress=seen,
                )
            )  # fmt: skip
        current.facts["digest"] = plan.digest
        if output:
            applied = write_output(values, plan, readers, kept, target, file, told, skipped)
            seen = seen if kept else applied
            current.facts["rows_out"] = applied.rows
        elif not method.statistics:
            first.source.drain()
        told.settle()
        complete(plan, target, skipped.target, file)
    left = [f.name for f in first.schema if f.name not in names]
    where = [t.name for t in (target, file) if t] + ([printable(output)] if output and not file else [])
    told.summary(
        f"fit {values['method']}: {counted(seen.rows, 'row')}{of_inputs(seen)}{blank_lines(seen)}, "
        f"{counted(len(names), 'column')} ({listed(list(names))}), "
        f"{len(left)} left{f' ({listed(left)})' if left else ''}, "
        f"{size(seen.count or first.source.count)} in {told.seconds:.1f} s -> {', '.join(where)}"
    )


def selected(values: dict[str, Any], first: Reader, *, learns: bool) -> tuple[str, ...]:
    """The columns that take part. Raises BadDataError, naming the input."""
    from normcli import columns

    try:
        return columns.select(first.schema, values["columns"], values["exclude"], unseen=not learns)
    except BadDataError as e:
        raise BadDataError(f"{first.source.name}: {e.message}", e.hint) from None


def check_places(values: dict[str, Any], inputs: list[Input], *, learns: bool) -> None:
    """Raises UsageError where INPUT, PARAMS and OUTPUT can't be what they are."""
    from normcli.inputs import below
    from normcli.outputs import same_file

    check_format(values["from_"], "--from")
    check_format(values["to"], "--to")
    params, output = values["params"], values["output"]
    if not output:
        lost = next((flag for flag in ("to", "only", "dtype", "column_suffix") if values[flag]), None)
        if lost:
            raise click.UsageError(f"--{lost.replace('_', '-')} is for -o OUTPUT")
    elif learns and not params:
        raise click.UsageError("-o needs -p PARAMS: what was learned is wanted to undo it, and for new data")
    if params and output and (params == output or (params != "-" and output != "-" and same_file(params, output))):
        raise click.UsageError(f"-p and -o are both {params}")
    for flag, path in (("-p", params), ("-o", output)):
        if path not in (None, "-") and below(inputs, path):
            raise click.UsageError(f"{flag} {path} is the INPUT")


def spool_for(values: dict[str, Any], inputs: list[Input], first: Any) -> Spool:
    """Where the data wait until all of them were seen. Raises OutputError where there is no room."""
    from normcli.spool import Spool

    output = values["output"]
    beside = output if is_directory(output) else os.path.dirname(os.path.realpath(output))
    there = beside if output != "-" and os.path.isdir(beside) else tempfile.gettempdir()
    expected = None
    if first.unit == "B" and all(i.path is not None and os.path.isfile(i.path) for i in inputs):
        expected = sum(os.path.getsize(str(i.path)) for i in inputs)  # numbers take about as much as their text
    texts = bool(values["column_suffix"]) and not values["only"]
    return Spool(values["spool_dir"] or os.environ.get("TMPDIR") or there, expected, texts=texts)


def write_output(
    values: dict[str, Any], plan: Plan, readers: Readers, kept: Spool | None, target: Target | None,
    file: Target | None, told: Console, skipped: Rejects,
) -> Progress:  # fmt: skip
    """Normalizes what was read, from the spool, or the inputs themselves where nothing had to be learned."""
    from normcli import formats, pipeline

    made = Outputs(values, plan, readers.options)
    first: tuple[Input, Reader] = readers.first_input, readers.first
    pairs: Pairs = readers
    if kept:
        pairs = list(zip(readers.inputs, kept.readers, strict=True))
        first = next(pair for pair in pairs if pair[0] == readers.first_input)
    with progress(told, readers, values, skipped, shown=False) as seen:
        if file is not None:
            to = formats.of_output(values["to"], values["output"], as_input(readers.first, file))
            pipeline.apply(made.into(file, to, first, pairs), engine(values), file=file, progress=seen)
            return seen
        paths, manifest = made.paths(readers.inputs), made.manifest()
        origins = {i: manifest.origin(str(i.path)) for i in readers.inputs}
        told.settle()
        complete(plan, target, skipped.target, None)
        parts = made.below(paths, pairs, partial(add_to, manifest, paths, origins))
        pipeline.apply(parts, engine(values), progress=seen)
    return seen


def complete(plan: Plan, target: Target | None, rejected: Target | None, file: Target | None) -> None:
    """Puts PARAMS in place, then what was rejected, then OUTPUT, once all of them are on the disk."""
    from normcli import params

    if target is not None and not target.count:
        target.write(params.write(plan))
    targets = [t for t in (target, rejected, file) if t is not None]
    for each in targets:
        each.prepare()
    for each in targets:
        each.commit()


def chosen_method(values: dict[str, Any]) -> Any:
    """The method with its options. Raises UsageError, naming the methods, for none or an unknown one."""
    name = values["method"]
    if name not in registry.names("methods"):
        what = f"-m {name}: no such method" if name else "-m METHOD is missing"
        raise click.UsageError(f"{what}; the methods are {', '.join(registry.names('methods'))}")
    method = registry.only("methods", name)(**given(values, METHOD))
    method.check()
    return method


def explained(told: Any, data: Any, names: tuple[str, ...], exclude: tuple[str, ...]) -> None:
    """Warns of columns that were left out and look as if they should not be."""
    from normcli.columns import excluded

    gone = excluded(data.schema, exclude)
    for name, doubt in data.doubts.items():
        if name not in names and name not in gone:
            told.warn(doubt)
