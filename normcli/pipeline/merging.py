"""Several fits that become one, and what keeps them from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import asdict, replace

from normcli import registry
from normcli.errors import BadDataError, UsageError, printable
from normcli.methods import listed, spelled
from normcli.parameters import Parameters
from normcli.pipeline.learning import Total


def cut_batch(parameters: Parameters) -> str | None:
    """What should be known of a fit that goes on after these parameters: that it has ended within a batch."""
    size = parameters.unfitted_multiple
    if parameters.rows % size == 0:
        return None
    return (
        f"after {parameters.rows:,} rows a batch of {size:,} is cut short: what follows begins with a batch of its own"
    )


def check_continues(name: str, parameters: Parameters, what: str) -> None:
    """Raises UsageError, naming a file, where a fit can't be `what`, updated or merged: later passes saw results of the
    first, which other data would change."""
    if (count := parameters.passes.count) > 1:
        raise UsageError(
            f"{name}: a plan of {count} passes can't be {what}: its later steps learn from results of "
            "the first, which more data change",
            'from = "FILE" in its steps takes the first as they were fitted, and learns the others in one pass',
        )


def merge(fits: Iterable[tuple[str, Parameters]], *, allow_duplicates: bool = False) -> Parameters:
    """Parameters of several fits, each with the name of its file, equal to those of one fit over all inputs in that
    order, with the columns in the order of the first. Raises BadDataError, naming what differs, and, unless
    `allow_duplicates`, where an input was counted twice."""
    from normcli.parameters.alignment import align  # here, for other commands do without

    pairs = iter(fits)
    first_name, first = next(pairs)
    if not first.learns:
        hint = "fit it from the data" if any(s.external for s in first.steps) else "any one of the files is enough"
        raise BadDataError(f"{first_name}: {first.why_fixed}, so there is nothing to merge", hint)
    check_continues(first_name, first, "merged")
    total, note = Total(first), first.note
    counted_by = dict.fromkeys(first.inputs, first_name)
    for name, fitted in pairs:
        check_continues(name, fitted, "merged")
        parameters = align(fitted, first)
        difference = next(differences(first_name, first, parameters), None)
        if difference:
            raise BadDataError(f"{name}: {difference}", "only fits that differ in their data merge")
        twice = next((counted_by[i] for i in parameters.inputs if i in counted_by), None)
        if twice and not allow_duplicates:
            n = sum(i in counted_by for i in parameters.inputs)
            what = (
                f"{n} of the inputs that it has counted {'was' if n == 1 else 'were'} counted before, first by {twice}"
            )
            raise BadDataError(f"{name}: {what}", "--allow-duplicates counts an input twice")
        total.add_fit(parameters)
        counted_by |= dict.fromkeys(parameters.inputs, name)
        note = note if note == parameters.note else ""
    return replace(total.learned(), note=note)


def differences(first: str, a: Parameters, b: Parameters) -> Iterator[str]:
    """What keeps the states of `b` from those of `a`, which is that of the file `first`."""
    if len(a.steps) != len(b.steps):
        yield f"has {len(b.steps)} step{'' if len(b.steps) == 1 else 's'}, and {first} {len(a.steps)}"
    for (flag, was), (_, current) in zip(_flags(a), _flags(b), strict=True):
        if was != current:
            yield f"was fitted {_flag_phrase(flag, current)}, and {first} {_flag_phrase(flag, was)}"
    for i, (x, y) in enumerate(zip(a.steps, b.steps, strict=False)):
        one, other = registry.name_of(x.method), registry.name_of(y.method)
        where = f"steps[{i}] " if a.at(i) or b.at(i) else ""
        more, lacking = ([n for n in p.features if n not in q.features] for p, q in ((y, x), (x, y)))
        if one != other:
            yield f"{where}is of {other}, and {first} of {one}"
        elif x.method != y.method:
            option = next(n for n, value in asdict(x.method).items() if value != getattr(y.method, n))
            of = f" for {listed(list(x.columns))}" if option in x.method.per_column else ""
            yield f"{where}is of {one} {spelled(y.method, option)}{of}, and {first} {spelled(x.method, option)}"
        elif x.external != y.external:
            apart = "was imported, or taken from another fit, without counts of rows"
            mine, theirs = (apart if s.external else "was not" for s in (y, x))
            yield f"{where}{mine}, and {first} {theirs}"
        elif x.external and not x.does_as(y):
            yield f"{where}was taken from another fit of {one} than that of {first}"
        elif more or lacking:
            yield (
                f"{where}has {listed(more)}, and {first} has not"
                if more
                else f"{where}lacks {listed(lacking)}, and {first} has it"
            )
        elif x.length != y.length:
            lists = [listed(list(s.columns)) + (" of lists" if s.length else "") for s in (x, y)]
            yield f"{where}has {lists[1]}, and {first} {lists[0]}"
        elif x.features != y.features:
            orders = [listed(list(step.features)) for step in (y, x)]
            yield f"{where}has channels of the columns as {orders[0]}, and {first} as {orders[1]}"


def _flag_phrase(flag: str, names: Sequence[str]) -> str:
    return f"with --{flag} {','.join(map(printable, names))}" if names else f"without --{flag}"


def _flags(parameters: Parameters) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What is not of one step, and what was said of it."""
    yield "by", parameters.by
    yield "categories", tuple(category.name for category in parameters.categories)
    yield "weights", () if parameters.weights is None else (parameters.weights,)
    yield "unseen", (parameters.rules.unseen,)
    yield "min-count", (str(parameters.rules.min_count),)
