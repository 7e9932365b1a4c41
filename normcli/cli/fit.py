"""normcli fit."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from normcli import registry
from normcli.cli._command import METHOD, PLACE, Entry, WithOptions, given, method_called
from normcli.cli._common import (
    common,
    console,
    counted,
    counted_rows,
    engine,
    methods_of,
    progress,
    tell_only,
)
from normcli.cli._continuing import check_update, continued, continuing, relearned
from normcli.cli._inputs import Readers, check_repeatable, find, many
from normcli.cli._keys import rules
from normcli.cli._needs import DATA, LEARNS, check_needs, need, option
from normcli.cli._outputs import Outputs, Pairs, as_input, check_suffix, is_directory, paths_below, written
from normcli.cli._params import WAIT, lock, replacing, rows_before
from normcli.cli._rejects import Rejects, rejects, skipping
from normcli.cli._report import current
from normcli.errors import BadDataError, printable, short

if TYPE_CHECKING:
    from normcli.cli._console import Console
    from normcli.formats import Reader
    from normcli.inputs import Input
    from normcli.outputs import Target
    from normcli.pipeline import Part, Progress
    from normcli.plan import Plan
    from normcli.recipe import Recipe
    from normcli.spool import Spool
    from normcli.transaction import Transaction

EXAMPLE = "normcli fit data.csv -m zscore -p data.json"
EXAMPLES = (
    ("Standardize every numeric column, parameters to a file", "normcli fit data.csv -m zscore -p data.json"),
    ("Some columns, to a range", "normcli fit data.parquet -m minmax --range -1 1 -c 'x*' -x x7 -p data.json"),
    ("All files below a directory together", "normcli fit measurements/ -m zscore -p measurements.json"),
    ("Learn and normalize in one", "normcli fit data.csv -m zscore -p data.json -o data-z.csv"),
    ("Add tonight's data", "normcli fit --update -p data.json tonight.csv"),
    ("Another method from what was seen", "normcli fit --relearn data.json -m minmax --range -1 1 -p minmax.json"),
    ("Each store by its own statistics", "normcli fit sales.csv -m zscore --by store -p sales.json"),
    ("Several steps in one pass, as a file says", "normcli fit embeddings.parquet --plan plan.toml -p p.json"),
    ("Two title lines, single quotes", 'normcli fit export.csv -m zscore -p p.json --skip-lines 2 --quote "\'"'),
    ("In a bucket", "normcli fit s3://lake/measurements/ -m zscore -p s3://lake/measurements.json"),
    ("From a pipe", "zcat data.csv.gz | normcli fit -m whiten --kind pca -p data.json"),
)


@click.command(cls=WithOptions, examples=EXAMPLES)
@click.option("-m", "--method", type=Entry("methods"), metavar="METHOD", help="What to learn; see `normcli methods`.")
@option(
    "--plan",
    metavar="FILE",
    type=PLACE,
    needs=(need("no relearn", "not for --relearn, which learns one method again"),),
    help="In place of -m: a TOML file with several steps, each with method, columns, exclude and options; see above.",
)
@click.option(
    "-p",
    "--params",
    metavar="PARAMS",
    type=PLACE,
    help="The parameter file; default: standard output.",
)
@written
@option(
    "-c",
    "--columns",
    multiple=True,
    metavar="SELECTOR",
    needs=(DATA,),
    help="A column, names between commas, or a glob.",
)
@option("-x", "--exclude", multiple=True, metavar="SELECTOR", needs=(DATA,), help="Columns to leave out again.")
@option(
    "--by",
    multiple=True,
    metavar="COLUMN[,COLUMN]",
    needs=(DATA, LEARNS),
    help="Learn from the rows of each key apart, too: of each text or whole number, or pair of them, in these columns.",
)
@option(
    "--weights",
    metavar="COLUMN",
    needs=(DATA, LEARNS),
    help="How often each row counts: numbers of at least 0, not only whole.",
)
@rules("error, and 0; kept in PARAMS")
@continuing
@WAIT
@option(
    "--note",
    default="",
    needs=(need("params written", "for PARAMS"),),
    help="Words of your own to keep in the parameter file.",
)
@skipping
@common
@many
def command(**values: Any) -> None:
    """Learn a method's parameters from data, in one pass; with -o, normalize the same data, too.

    INPUT is a CSV or Parquet file, a directory of them, a glob in quotes, or several of these, learned from together;
    without one, or for -, standard input. Each, as PARAMS and OUTPUT, may be in an object store: s3://bucket/key. By
    default every numeric column takes part. Missing values are left out and counted.

    A plan (--plan) is steps that follow each other, learned together in one pass: a column learns in one of them at
    most; before that come only steps of single values (log1p, asinh), after it those that learn nothing (unit). So
    embeddings are whitened, then brought to unit length:

    \b
        [[steps]]
        method = "whiten"
        columns = ["embedding"]
        options = { kind = "pca", components = 64 }
        [[steps]]
        method = "unit"
        columns = ["embedding"]
    """
    from normcli import columns, formats, params, pipeline
    from normcli.methods import listed
    from normcli.transaction import Transaction

    told = console(values, "fit")
    check_needs(**{"data written": None if values["output"] else ""})
    if values["relearn"]:
        relearn(values, told)
        return
    recipe = chosen(values)
    inputs = find(values, told)
    output = values["output"]
    if recipe:
        check_exact(values, inputs, recipe)
    check_update(values)
    check_places(values, inputs)
    if is_directory(output):
        paths_below(values, inputs)  # what can't be is told before hours of reading
    with Transaction() as changes:
        lock(values["params"], values["wait"], changes)
        old = continued(values, recipe, told)
        wanted = old or needed(recipe, values)
        learns, methods = wanted.learns, methods_of(wanted)
        current.facts["method"] = methods
        check_needs(**lacking(values, wanted))
        if output and learns and not values["params"]:
            raise click.UsageError("-o needs -p PARAMS: what was learned is wanted to undo it, and for new data")
        check_exact(values, inputs, wanted)
        before = rows_before(values["params"])
        target = file = None
        if values["params"] or not output:
            target = changes.open(values["params"], spool_dir=values["spool_dir"])
        skipped = rejects(values, changes)
        if output and not is_directory(output):
            file = changes.open(output, spool_dir=values["spool_dir"])
        to = values["to"] or formats.by_suffix(output)
        readers = Readers(
            inputs, values, to=to, writes=bool(output), dialect=old.dialect if old else (), example=EXAMPLE,
            notice=told.notice,
        )  # fmt: skip
        first = readers.first
        for flag, path in (("-p", values["params"]), ("-o", output)):
            if first.source.is_file(path):
                raise click.UsageError(f"{flag} {path} is the INPUT")
        begun = old or planned(values, first, needed(recipe, values), told, readers.options.dialect)
        needs = set(begun.needs())
        names = [f.name for f in begun.schema if f.name in needs]
        told.detail(f"{first.source.name}: columns: {columns.described(first.schema)}")
        fitting = writable(values, begun, readers, file) if output else (r for _, r in readers)
        if values["dry_run"]:
            next(fitting)
            paths = [t.name for t in (target, file) if t] + ([printable(output)] if output and not file else [])
            tell_only(readers, names, ", ".join(paths))
            return
        kept = spool_for(values, inputs, first, to) if output and learns else None
        workers = engine(values, begun, told)
        with progress(told, readers, values, skipped) as seen:
            fitted = pipeline.fit(
                fitting, replace(begun, note=values["note"] or begun.note), workers,
                infinite=values["infinite"], skip=skipped.skip, once=values["update"] and not values["again"],
                keep=kept, again=readers.again, progress=seen, max_memory=values["max_memory"],
                excludes=recipe.excludes if recipe else lambda name: True,
            )  # fmt: skip
        plan = params.sealed(fitted)
        current.facts["digest"] = plan.digest
        replaced = None if old and plan.digest == old.digest else target
        commit = partial(complete, changes, plan, replaced)
        if output:
            applied = write_output(values, plan, readers, kept, file, told, skipped, commit, seen.warnings)
            seen = seen if kept else applied
            current.facts["rows_out"] = applied.rows
        elif not learns:
            first.source.drain()
        told.settle()
        commit(skipped.target, file)
    taken = set(names)
    left = [f.name for f in first.schema if f.name not in taken]
    where = [target.name + replacing(0 if old else before, plan.rows)] if target else []
    where += [file.name if file else printable(output)] if output else []
    rows = plan.rows - old.rows if old else plan.rows or seen.rows
    more = f", {plan.rows:,} in all" if old else ""
    more += f", {counted(len(plan.keys), 'key')} of {','.join(map(printable, plan.by))}" if plan.by else ""
    told.summary(
        f"{'update' if old else 'fit'} {methods}: {counted_rows(rows, seen)}{more}, "
        f"{counted(len(names), 'column')} ({listed(names)}), {len(left)} left{f' ({listed(left)})' if left else ''}, "
        f"{told.took(seen.count or first.source.count)} -> {', '.join(where)}"
    )


def planned(
    values: dict[str, Any], first: Reader, recipe: Recipe, told: Console, dialect: tuple[tuple[str, Any], ...]
) -> Plan:
    """What is to be learned of the columns that were selected, or all that can be."""
    from normcli.plan import Plan, Rules

    first.expect(recipe.named(first.schema))
    by, weights = named_columns(values["by"], first), values["weights"]
    first.expect([n for n in (*by, *([] if weights is None else [weights])) if n not in dict(first.source.keys)])
    if weights in by:
        raise click.UsageError(f"--weights {weights}: is a column of --by")
    beside = {*by, *([] if weights is None else [weights])}
    if beside and any(s.multiple > 1 for method in recipe.methods for s in method.statistics):
        what = f"{methods_of(recipe)} learns from batches of rows that follow each other"
        raise click.UsageError(f"{what}: --by and --weights are not for it")
    gone = sorted(beside.difference((f.name for f in first.schema), dict(first.source.keys)))
    if gone:
        raise BadDataError(f"{first.source.name}: no column is called '{printable(gone[0])}'")
    schema = recipe.insisted(first.schema, first.identifiers)
    try:
        steps = recipe.steps(
            schema, lambda name: first.list_size(name), beside,
            data=first.source.name, others=first.others, indexes=first.indexes | first.identifiers, hint=first.hint,
        )  # fmt: skip
    except BadDataError:
        if not any(c.columns for c in recipe.choices):  # none is left, and why not each
            explained(told, first, {*beside, *recipe.excluded(first.schema)})
        raise
    plan = Plan(
        steps, schema, by=by, weights=weights, rules=Rules().override(values["unseen"], values["min_count"]),
        dialect=dialect,
    )  # fmt: skip
    plan.check_rules()
    on_purpose = recipe.excluded(first.schema).union(first.indexes if all(c.columns for c in recipe.choices) else ())
    explained(told, first, {*plan.needs(), *beside, *on_purpose})
    return plan


def check_exact(values: dict[str, Any], inputs: list[Input], wanted: Plan | Recipe) -> None:
    """Raises UsageError where the data would have to be read more than once, and can't be."""
    if not any(s.repeats for method in wanted.methods for s in method.statistics):
        return
    for flag in ("by", "weights", "update"):
        if values[flag] not in (None, False, ()):
            why = "what was counted before can't be read again" if flag == "update" else "a sketch of each key is kept"
            why = "it is of rows, not of how often they count" if flag == "weights" else why
            raise click.UsageError(f"--exact with --{flag}: {why}")
    if not values["output"]:  # what -o writes is kept, and can be read again
        check_repeatable(inputs, "--exact")


def named_columns(texts: Sequence[str], first: Reader) -> tuple[str, ...]:
    """The columns of --by: of each text that which is called so, or names between commas. Raises UsageError for one
    given twice."""
    from normcli import columns

    there = {*dict(first.source.keys), *(f.name for f in first.schema)}
    names = tuple(name for text in texts for name in columns.parts(text, there))
    if len(set(names)) < len(names) or not there.issuperset(n for n in names if not n):
        raise click.UsageError(f"--by {' --by '.join(texts)}: a column is named twice, or not at all")
    return names


def relearn(values: dict[str, Any], told: Console) -> None:
    """Learns from a parameter file."""
    from normcli import learning
    from normcli.transaction import Transaction

    method = chosen_method(values)
    with Transaction() as changes:
        lock(values["params"], values["wait"], changes)
        before = rows_before(values["params"])
        plan = relearned(values, method)
        learning.warn_of_columns(plan, told.warn)
        target = changes.open(values["params"])
        told.settle()
        complete(changes, plan, target)
    current.facts["digest"] = plan.digest
    where = f"{target.name}{replacing(before, plan.rows)}"
    told.summary(f"relearned {registry.name_of(method)}: {counted(len(plan.needs()), 'column')} -> {where}")


def lacking(values: dict[str, Any], wanted: Plan | Recipe) -> dict[str, str | None]:
    """What options may need, and is not there in a fit."""
    from normcli.stores import is_uri

    none = None if wanted.learns else f"{methods_of(wanted)} learns nothing from data"
    spools = any(is_uri(values[n]) for n in ("params", "output", "rejects")) or (values["output"] and wanted.learns)
    return {
        "learns": none,
        "keys": None if values["by"] or getattr(wanted, "by", None) else "these are not (fit --by)",
        "rows": f"{none}: without -o only the header is read" if none and not values["output"] else None,
        "params written": None if values["params"] or not values["output"] else "none are written here",
        "spool": None if spools else "nothing is spooled here",
    }


def check_places(values: dict[str, Any], inputs: list[Input]) -> None:
    """Raises UsageError where INPUT, PARAMS and OUTPUT can't be what they are."""
    from normcli.inputs import below
    from normcli.outputs import same_file

    params, output = values["params"], values["output"]
    for flag, path in (("-p", params), ("-o", output)):
        if path not in (None, "-") and below(inputs, path):
            raise click.UsageError(f"{flag} {path} is the INPUT")
        if path not in (None, "-") and values["plan"] and same_file(path, values["plan"]):
            raise click.UsageError(f"{flag} {path} is the --plan")
    check_suffix(values)


def writable(values: dict[str, Any], plan: Plan, readers: Readers, file: Target | None) -> Iterator[Reader]:
    """The inputs, each once it is known that its columns have a place in the output."""
    from normcli import formats

    made = Outputs(values, plan, readers.options.writing)
    paths = {} if file else paths_below(values, readers.inputs)
    for each, reader in readers:
        path = values["output"] if file else paths[each]
        given = as_input(readers.first, file) if file else registry.name_of(reader)
        made.check_passing(formats.of_output(values["to"], path, given), reader)
        yield reader


def spool_for(values: dict[str, Any], inputs: list[Input], first: Any, to: str | None) -> Spool:
    """Where the data wait until all of them were seen. Raises OutputError where there is no room."""
    import tempfile

    from normcli import formats
    from normcli.spool import Spool

    output = values["output"]
    beside = output if is_directory(output) else os.path.dirname(os.path.realpath(output))
    there = beside if output != "-" and os.path.isdir(beside) else tempfile.gettempdir()
    expected = None
    if first.unit == "B" and all(i.path is not None and os.path.isfile(i.path) for i in inputs):
        expected = sum(os.path.getsize(str(i.path)) for i in inputs)  # numbers take about as much as their text
    binary = to is not None and not formats.is_text(to)
    texts = bool(values["column_suffix"]) and not values["only"] and not binary
    return Spool(values["spool_dir"] or os.environ.get("TMPDIR") or there, expected, texts=texts)


def write_output(
    values: dict[str, Any], plan: Plan, readers: Readers, kept: Spool | None, file: Target | None, told: Console,
    skipped: Rejects, commit: Callable[..., int], warnings: list[str],
) -> Progress:  # fmt: skip
    """Normalizes what was read, from the spool, or the inputs themselves where nothing had to be learned. PARAMS are
    committed, with what was rejected where that is known, before the end of a stream, and into a directory with the
    first file. The `warnings` of the fit are not told again."""
    from normcli import formats, pipeline
    from normcli.resuming import Files

    made = Outputs(values, plan, readers.options.writing)
    first: tuple[Input, Reader] = readers.first_input, readers.first
    pairs: Pairs = readers
    if kept:
        pairs = list(zip(readers.inputs, kept.readers, strict=True))
        first = next(pair for pair in pairs if pair[0] == readers.first_input)
    with progress(told, readers, values, skipped, shown=False) as seen:
        seen.warnings = list(warnings)
        if file is not None:
            to = formats.of_output(values["to"], values["output"], as_input(readers.first, file))
            if file.streamed:
                seen.before_end = partial(commit, skipped.target)
            pipeline.apply(made.into(file, to, first, pairs), engine(values, plan, told), file=file, progress=seen)
            return seen
        files = Files(paths_below(values, readers.inputs), made.manifest())
        files.begin(seen)
        parts: Iterable[Part] = made.below(files, pairs)
        if kept:  # what is known of all inputs is told before anything is replaced
            parts = list(parts)
            for part in parts:
                pipeline.check_rows(part.reader)

        seen.commit = partial(commit, skipped.target if kept else None)
        pipeline.apply(parts, engine(values, plan, told), progress=seen)
    return seen


def complete(changes: Transaction, plan: Plan, params: Target | None, *others: Target | None) -> int:
    """Puts PARAMS in place, then what was rejected, then OUTPUT, once all of them are on the disk. Of what is in place
    already, nothing. How many files it replaced."""
    from normcli.params import pieces

    if params is not None and not params.count:
        for piece in pieces(plan):
            params.write(piece)
    return changes.commit(params, *others)


def chosen(values: dict[str, Any]) -> Recipe | None:
    """What the command line wants, or the file that it names; None where it says nothing. Raises UsageError."""
    from normcli import recipe

    if not values["plan"]:
        if not values["method"]:
            return None
        return recipe.Recipe((recipe.Choice(chosen_method(values), values["columns"], values["exclude"]),))
    for flag in ("method", "columns", "exclude"):
        if values[flag]:
            raise click.UsageError(f"{'-m' if flag == 'method' else f'--{flag}'} and --plan: the steps say that")
    if values["plan"] == "-":
        raise click.UsageError("--plan -: a plan is a file")
    return recipe.read(values["plan"], example=EXAMPLE)


def needed(recipe: Recipe | None, values: dict[str, Any]) -> Recipe:
    """What is wanted, where something must be. Raises UsageError, naming the methods."""
    if recipe is None:
        chosen_method(values)
    assert recipe is not None
    return recipe


def chosen_method(values: dict[str, Any]) -> Any:
    """The method with its options. Raises UsageError, naming the methods, for none or an unknown one."""
    name = values["method"]
    if name not in registry.names("methods"):
        meant = method_called(name) if name else None
        if meant:
            raise click.UsageError(f"-m {name}: that is called {meant} here")
        what = f"-m {name}: no such method" if name else "-m METHOD is missing"
        raise click.UsageError(f"{what}; the methods are {', '.join(registry.names('methods'))}")
    options = given(values, METHOD)
    method = registry.only("methods", name)(**options)
    method.check(options)
    return method


def explained(told: Console, data: Reader, known: Container[str]) -> None:
    """Warns of a header that looks like data, and of columns that were left out, not on purpose, and look as if they
    should not be; says which are left out as an index."""
    from normcli.methods import listed

    if data.doubt:
        told.warn(data.doubt)
    doubts = data.doubts | data.nearly
    for name in (f.name for f in data.schema if f.name in doubts and f.name not in known):
        told.warn(doubts[name])
    if names := [f.name for f in data.schema if f.name in data.identifiers and f.name not in known]:
        takes = f"-c {short(names[0])} takes it" if len(names) == 1 else "-c takes each by its name"
        told.notice(
            f"{data.source.name}: {listed(names)} left out: numbers that begin with zeros, as names do ({takes})"
        )
    indexes = [f.name for f in data.schema if f.is_number and f.name in data.indexes and f.name not in known]
    if indexes:
        told.notice(f"{data.source.name}: {listed(indexes)} left out: an index of pandas (-c takes it)")
