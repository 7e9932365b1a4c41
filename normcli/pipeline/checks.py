"""Whether an input goes with a plan, and what will come of it: known before any row is read."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from normcli import columns, formats, registry
from normcli.columns import Frame
from normcli.errors import BadDataError, BadRowError
from normcli.formats import Description, LateColumn, Reader
from normcli.methods import listed
from normcli.parameters import Parameters, is_training, override_of, parameters_of
from normcli.pipeline.spool import SpoolReader


def needing(description: Description, needs: Sequence[str], by: Sequence[str]) -> Description:
    """An input of which columns are needed: those that may still come are expected, and those that rows are grouped by
    remain text."""
    keys = dict(description.keys)
    return description.expecting([n for n in (*needs, *by) if n not in keys]).with_texts(by)


def check_columns(plan: Parameters, description: Description, *, inverse: bool = False, extra: bool = True) -> None:
    """Raises BadDataError where an input's columns do not go with a plan; other orders do."""
    there = {f.name for f in description.schema}
    needs, name = plan.needs(inverse=inverse), description.name
    check_there(description, needs, plan.lists, by=plan.by)
    taken = plan.taken(there, inverse=inverse)
    if taken:
        hint = "rename it, or fit with --prefix" + (", or give another --column-suffix" if plan.form.suffix else "")
        raise BadDataError(f"{name}: a column is called {listed(taken)} already", hint)
    more = [f.name for f in description.schema if not _is_known(plan, f.name, inverse=inverse)]
    if more and not extra:
        raise BadDataError(f"{name}: columns that the fit did not see: {listed(more)}")


def check_late(plan: Parameters, column: LateColumn, where: str, *, inverse: bool = False) -> None:
    """Raises BadDataError for a column that the fit did not see, which late rows have."""
    if not _is_known(plan, column.name, inverse=inverse):
        raise BadDataError(f"{where}: a column that the fit did not see: {listed([column.name])}")


def _is_known(plan: Parameters, name: str, *, inverse: bool) -> bool:
    return name in plan.types or name in plan.by or name in plan.needs(inverse=inverse)


def check_there(description: Description, needs: Sequence[str], lists: frozenset[str], *, by: Sequence[str]) -> None:
    """Raises BadDataError where an input lacks a column, or one that rows are grouped by, or has one that is certainly
    not numeric, or holds no lists where it should."""
    there, name = {f.name: f for f in description.schema}, description.name
    gone = [n for n in needs if n not in there]
    if gone:
        hint = description.hint or f"there are {listed(list(there))}"
        raise BadDataError(f"{name}: no column is called {listed(gone)}", hint)
    gone = [n for n in by if n not in there and n not in dict(description.keys)]
    if gone:
        what = f"no column is called {listed(gone)}, by which rows are told apart"
        raise BadDataError(f"{name}: {what}", f"there are {listed(list(there))}")
    other = [n for n in needs if description.typed and n in lists and not there[n].list_of]
    if other:
        raise BadDataError(f"{name}: no lists of floats: {listed(other)}")
    text = [n for n in needs if description.typed and n not in lists and not there[n].may_be_number]
    if text:
        raise BadDataError(f"{name}: not numeric: {listed(text)}")


def check_rows(reader: Reader) -> None:
    """Raises BadDataError for an input in a spool of which no row is left."""
    if isinstance(reader, SpoolReader) and reader.rejected and not reader.rows:
        raise all_rejected(reader.description.name, reader.rejected)


def all_rejected(name: str, count: int, first: str = "") -> BadDataError:
    """What is wrong with an input of which no row is left."""
    if count == 1:
        return BadDataError(f"{name}: the only row is rejected" + (f": {first}" if first else ""))
    return BadDataError(f"{name}: every row is rejected ({count:,})" + (f", the first {first}" if first else ""))


def check_not_normalized(plan: Parameters, description: Description, hint: str) -> None:
    """Raises BadDataError where an input says that it was normalized by a plan's parameters, by whatever rules."""
    if parameters_of(plan.digest) in map(parameters_of, description.digests):
        raise BadDataError(f"{description.name}: is normalized by these parameters already", hint)


def digests_after(
    plan: Parameters, description: Description, *, inverse: bool = False, again: bool = False
) -> tuple[str, ...]:
    """The digests that the output will carry. Raises BadDataError where the input's say that this was done already,
    or was not what is to be undone."""
    done = description.digests
    if not inverse:
        if not again:
            check_not_normalized(plan, description, "--allow-normalized insists")
        return (*done, plan.digest)
    if done and done[-1] == plan.digest:
        return done[:-1]
    if done and not again:
        raise BadDataError(f"{description.name}: {_other_way(plan, done[-1])}", "--allow-normalized insists")
    return done


def _other_way(plan: Parameters, digest: str) -> str:
    """How data were normalized that a plan does not restore."""
    theirs, ours = override_of(digest), override_of(plan.digest)
    if parameters_of(digest) != parameters_of(plan.digest):
        return f"was normalized by other parameters ({digest})"
    if not theirs:
        return f"was normalized as the parameters say, without {ours}"
    how = "which can't be undone" if is_training(digest) else f"and is restored with {theirs} only"
    return f"was normalized with {theirs}, {how}"


def doubt(plan: Parameters, description: Description, to: str, *, inverse: bool = False) -> str:
    """What should be known of data that are normalized, or restored, otherwise than the parameters say, where neither
    the input nor output of the format `to` can say so. Empty where there is nothing of that kind."""
    override = override_of(plan.digest)
    if not override:
        return ""
    if inverse:
        what = f"{override}: restores what was normalized with {override}, and the data do not say whether they were"
        return "" if description.digests[-1:] == (plan.digest,) else what
    if not formats.is_text(to):
        return ""
    if is_training(plan.digest):  # what can never be undone is known for that
        lost = all(method.invertible != "no" for method in plan.methods)
        return f"{override}: what is written can't be undone, and text can't say so" if lost else ""
    only = f"{override}: what is written can be undone with {override} only, and text can't say so"
    return only if plan.is_invertible else ""


def output_frame(plan: Parameters, description: Description, *, inverse: bool = False, only: bool = False) -> Frame:
    """What the output will be like: a frame of no rows."""
    empty = description.blank(frozenset(plan.needs(inverse=inverse)))
    if plan.form.texts:
        empty = empty.with_originals(description.blank(frozenset()), plan.needs())
    texts = columns.with_texts(empty, description.keys)
    try:
        with np.errstate(all="ignore"):
            (blank,), *_ = plan.transform([empty], "error", inverse=inverse, texts=[texts])
    except BadRowError as e:  # of a column as a whole
        raise BadDataError(f"{description.name}: {e.what}", e.hint) from None
    hidden = blank.hidden
    there = [n for n in blank.names if n not in hidden]
    if only:
        given = set(plan.gives(inverse=inverse))
        return blank.select([n for n in there if n in given])
    return blank.select([*plan.restored_order(there), *hidden]) if inverse else blank


def passing_frame(plan: Parameters, description: Description, *, only: bool = False) -> Frame:
    """What the output will be like as far as that is known before anything is learned: a frame of no rows, without the
    numbers that are normalized; lists remain lists."""
    blank, needs = description.blank(frozenset(plan.needs())), set(plan.needs())
    gone = needs - plan.lists if not plan.form.suffix or only else set()
    there = blank.names
    return blank.select([n for n in there if n not in gone and (n in needs or not only)])


def check_writable(to: str, description: Description, blank: Frame, given: Collection[str]) -> None:
    """Raises BadDataError where what comes of an input, a frame like `blank`, has a column that the format `to` has no
    place for; those `given` are normalized, and the others pass."""
    wrong = formats.refused(to, description, blank)
    if not wrong:
        return
    others = [n for n in registry.names("formats") if not formats.refused(n, description, blank)]
    hints = [f"--to {' or '.join(others)} has one"] if others else []
    if not {f.name for f in wrong}.intersection(given):
        hints.append(f"--only leaves {'it' if len(wrong) == 1 else 'them'} out")
    what = f"column{'s' * (len(wrong) > 1)} {columns.described(wrong)}"
    raise BadDataError(f"{description.name}: {formats.bare(to)} has no place for {what}", "; ".join(hints))


def check_same(description: Description, first: Frame, blank: Frame) -> None:
    """Raises BadDataError where what comes of an input can't follow, in one output, on what came of the first, for it
    has other columns; of their types, the writer knows."""
    here, there = ({*f.names}.difference(f.hidden) for f in (blank, first))
    for wrong, what in (
        (there - here, "no column"),
        (here - there, "the first has no column"),
    ):
        if wrong:
            raise BadDataError(
                f"{description.name}: {what} {listed(sorted(wrong))}", "one output has one set of columns"
            )
