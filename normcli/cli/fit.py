"""normcli fit."""

from typing import Any

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
)
from normcli.cli._inputs import Readers, find, many

EXAMPLES = (
    ("Standardize every numeric column, parameters to a file", "normcli fit data.csv -m zscore -p data.json"),
    ("Some columns, to a range", "normcli fit data.parquet -m minmax --range -1 1 -c 'x*' -x x7 -p data.json"),
    ("All files below a directory together", "normcli fit measurements/ -m zscore -p measurements.json"),
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
@click.option("-c", "--columns", multiple=True, metavar="SELECTOR", help="A column, names between commas, or a glob.")
@click.option("-x", "--exclude", multiple=True, metavar="SELECTOR", help="Columns to leave out again.")
@click.option("--note", default="", help="Words of your own to keep in the parameter file.")
@common
@many
def command(**values: Any) -> None:
    """Learn a method's parameters from data, in one pass.

    INPUT is a CSV or Parquet file, a directory of them, a glob in quotes, or several of these, learned from together;
    without one, or for -, standard input. By default every numeric column takes part. Missing values are left out and
    counted.
    """
    from normcli import columns, outputs, params, pipeline
    from normcli.cli._console import size
    from normcli.inputs import below
    from normcli.methods import listed

    method = chosen_method(values)
    told = console(values)
    target_path = values["params"]
    check_format(values["from_"], "--from")
    inputs = find(values, told)
    if target_path not in (None, "-") and below(inputs, target_path):
        raise click.UsageError(f"-p {target_path} is the INPUT")
    with outputs.open_target(target_path) as target:
        readers = Readers(inputs, values, example="normcli fit data.csv -m zscore -p data.json")
        first = readers.first
        if first.source.is_file(target_path):
            raise click.UsageError(f"-p {target_path} is the INPUT")
        names = columns.select(first.schema, values["columns"], values["exclude"], unseen=not method.statistics)
        told.detail(f"{first.source.name}: columns: {columns.described(first.schema)}")
        explained(told, first, names, values["exclude"])
        with progress(told, readers) as seen:
            plan = pipeline.fit(
                (r for _, r in readers),
                first.schema,
                method,
                engine(values),
                names=names,
                lengths=pipeline.lengths_of(first, names),
                infinite=values["infinite"],
                note=values["note"],
                progress=seen,
            )
        if not method.statistics:
            first.source.drain()
        told.settle()
        target.write(params.write(plan))
        target.commit()
    left = [f.name for f in first.schema if f.name not in names]
    told.summary(
        f"fit {values['method']}: {counted(seen.rows, 'row')}{of_inputs(seen)}{blank_lines(seen)}, "
        f"{counted(len(names), 'column')} ({listed(list(names))}), "
        f"{len(left)} left{f' ({listed(left)})' if left else ''}, "
        f"{size(seen.count or first.source.count)} in {told.seconds:.1f} s -> {target.name}"
    )


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
