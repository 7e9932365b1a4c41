"""Whether an input fits parameters, and what its output will be: checked before any row is read."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Sequence
from functools import partial

import numpy as np

from normcli import columns, formats, registry, suggestions
from normcli.columns import Frame
from normcli.errors import BadDataError, BadRowError, UsageError, printable, short
from normcli.formats import Description, LateColumn, Reader
from normcli.methods import listed
from normcli.parameters import FrameTransform, Parameters, is_training, marks, override_of, parameters_of
from normcli.pipeline.spool import SpoolReader

FEW = 5  # columns that a hint names


def needing(description: Description, needs: Sequence[str], texts: Sequence[str]) -> Description:
    """An input of which columns are needed: those that may still come are expected, and those that are taken as
    texts remain text."""
    keys = dict(description.keys)
    return description.expecting([n for n in (*needs, *texts) if n not in keys]).with_texts(texts)


def check_columns(transform: FrameTransform, description: Description, *, extra: bool = True) -> None:
    """Raises BadDataError where an input's columns do not go with a transform; other orders do."""
    name, suffix = description.name, transform.form.suffix
    check_present(
        description, transform.needs(), transform.lists, by=transform.parameters.by,
        otherwise=partial(_some_alone, transform),
    )  # fmt: skip
    clashes = transform.clashes({f.name for f in description.schema})
    if clashes:
        hint = "rename it, or fit with --prefix" + (", or give another --column-suffix" if suffix else "")
        raise BadDataError(f"{name}: a column is called {listed(clashes)} already", hint)
    more = [f.name for f in description.schema if not _is_known(transform, f.name)]
    if more and not extra:
        raise BadDataError(f"{name}: columns that were not fitted: {listed(more)}", "without --no-extra they pass")


def _some_alone(transform: FrameTransform, names: Collection[str]) -> str:
    """How a transform takes some of the columns that it needs without the others, or why not; empty without any."""
    columns = transform.origins(names)
    if not columns:
        return ""
    try:
        transform.parameters.only(columns)
    except UsageError as e:
        return e.message
    which = shlex.quote(",".join(map(printable, columns)))
    return f"-c {which} takes {'it' if len(columns) == 1 else 'them'} alone" if len(columns) <= FEW else "-c takes some"


def check_late(transform: FrameTransform, column: LateColumn, where: str) -> None:
    """Raises BadDataError for a column of late rows that the fit did not have."""
    if not _is_known(transform, column.name):
        what = f"{where}: a column that was not fitted: {listed([column.name])}"
        raise BadDataError(what, "without --no-extra it passes")


def _is_known(transform: FrameTransform, name: str) -> bool:
    return name in transform.parameters.types or name in transform.parameters.by or name in transform.needs()


def check_present(
    description: Description,
    needs: Sequence[str],
    lists: frozenset[str],
    *,
    by: Sequence[str],
    categories: Sequence[str] = (),
    otherwise: Callable[[Collection[str]], str] = lambda names: "",
) -> None:
    """Raises BadDataError where an input lacks a column, one that rows are grouped by or one of categories, or has one
    that is certainly not numeric, or holds no lists where it should. Where it has some of the columns, what may be done
    instead is said `otherwise`."""
    fields, name = {f.name: f for f in description.schema}, description.name
    absent = [n for n in needs if n not in fields]
    if absent:
        hint = suggestions.question(absent[0], fields) or description.hint or f"there are {listed(list(fields))}"
        some = otherwise([n for n in needs if n in fields])
        what = f"{name}: {none_called(absent)}, which the parameters need"
        raise BadDataError(what, f"{hint}; {some}" if some else hint)
    absent = [n for n in (*by, *categories) if n not in fields and n not in dict(description.keys)]
    if absent:
        what = f"{none_called(absent[:1])}, {'by which rows are grouped' if absent[0] in by else 'of --categories'}"
        raise BadDataError(
            f"{name}: {what}", suggestions.question(absent[0], fields) or f"there are {listed(list(fields))}"
        )
    unread = [n for n in (*needs, *by, *categories) if n in fields and fields[n].is_opaque]
    if unread:
        raise BadDataError(description.not_numbers[unread[0]], "convert it to a type of Arrow")
    other = [n for n in needs if description.typed and n in lists and not fields[n].list_of]
    if other:
        raise BadDataError(f"{name}: no lists of numbers in {listed(other)}", "the fit had lists there")
    text = [n for n in needs if description.typed and n not in lists and not fields[n].may_be_number]
    if text:
        what = f"column '{short(text[0])}' is not numeric but {fields[text[0]].type}"
        raise BadDataError(f"{name}: {what}", "the fit had numbers there")


def none_called(names: list[str]) -> str:
    """That an input has no such column, or columns."""
    return f"no column{' is' if len(names) == 1 else 's are'} called {listed(names)}"


def check_rows(reader: Reader) -> None:
    """Raises BadDataError for an input in a spool of which no row is left."""
    if isinstance(reader, SpoolReader) and reader.rejected and not reader.rows:
        raise all_rejected(reader.description.name, reader.rejected)


def all_rejected(name: str, count: int, first: str = "") -> BadDataError:
    """The fault of an input without any good row."""
    hint = "is it the right file, and the right --delimiter?"
    if count == 1:
        return BadDataError(f"{name}: the only row is rejected" + (f": {first}" if first else ""), hint)
    return BadDataError(f"{name}: every row is rejected ({count:,})" + (f", the first {first}" if first else ""), hint)


def check_not_normalized(parameters: Parameters, description: Description, hint: str) -> None:
    """Raises BadDataError where an input is marked as normalized by these parameters, with any rules."""
    for mark in description.digests:
        if parameters_of(mark) == parameters_of(parameters.digest):
            of = marks.columns_of(mark)
            twice = [n for n in parameters.needs() if of is None or n in of]
            which = f" in {listed(twice)}" if of else ""
            if twice:
                raise BadDataError(f"{description.name}: is normalized by these parameters already{which}", hint)


def digests_after(transform: FrameTransform, description: Description, *, repeatedly: bool = False) -> tuple[str, ...]:
    """The digests that the output will carry. Raises BadDataError where those of the input show that it is normalized
    already, or, to be restored, by other parameters."""
    parameters, done = transform.parameters, description.digests
    if not transform.inverse:
        if not repeatedly:
            check_not_normalized(parameters, description, "--allow-normalized insists")
        return marks.add(done, parameters.digest, parameters.every)
    left = marks.remove(done, parameters.digest, parameters.every)
    if left is not None:
        return left
    if done and not repeatedly:
        raise BadDataError(f"{description.name}: {_other_way(parameters, done[-1])}", "--allow-normalized insists")
    return done


def _other_way(parameters: Parameters, digest: str) -> str:
    """How data were normalized that parameters do not restore."""
    theirs, ours = override_of(digest), override_of(parameters.digest)
    if parameters_of(digest) != parameters_of(parameters.digest):
        return f"was normalized by other parameters ({digest})"
    if theirs == ours:
        return f"was normalized in {listed(list(marks.columns_of(digest) or ()))} only"
    if not theirs:
        return f"was normalized as the parameters say, without {ours}"
    how = "which can't be undone" if is_training(digest) else f"and is restored with {theirs} only"
    return f"was normalized with {theirs}, {how}"


def doubt(transform: FrameTransform, description: Description, to: str) -> str:
    """What should be known of data that are normalized, or restored, otherwise than the parameters say, where neither
    the input nor output of the format `to` can say so. Empty where there is nothing of that kind."""
    parameters = transform.parameters
    override = override_of(parameters.digest)
    if not override:
        return ""
    if transform.inverse:
        what = f"{override}: restores what was normalized with {override}, and the data do not say whether they were"
        return "" if description.digests[-1:] == (parameters.digest,) else what
    if formats.keeps_marks(to):
        return ""
    output = "text" if formats.is_text(to) else to
    if is_training(parameters.digest):  # what can never be undone is known for that
        lost = all(method.invertible != "no" for method in parameters.methods)
        return f"{override}: what is written can't be undone, and {output} can't say so" if lost else ""
    only = f"{override}: what is written can be undone with {override} only, and {output} can't say so"
    return only if parameters.is_invertible else ""


def output_frame(transform: FrameTransform, description: Description, *, only: bool = False) -> Frame:
    """What the output will be like: a frame of no rows."""
    empty = description.blank(frozenset(transform.needs()))
    if transform.form.texts:
        empty = empty.with_originals(description.blank(frozenset()), transform.needs())
    texts = columns.with_texts(empty, description.keys)
    try:
        with np.errstate(all="ignore"):
            (blank,) = transform.transform([empty], "error", texts=[texts]).frames
    except BadRowError as e:  # of a column as a whole
        raise BadDataError(f"{description.name}: {e.what}", e.hint) from None
    hidden = blank.hidden
    visible = [n for n in blank.names if n not in hidden and n not in transform.constants]
    if only:
        normalized = set(transform.gives())
        return blank.select([n for n in visible if n in normalized])
    if transform.inverse:
        visible = list(transform.original_order(visible))
    return blank.select([*visible, *hidden]) if transform.inverse or transform.constants else blank


def passing_frame(transform: FrameTransform, description: Description, *, only: bool = False) -> Frame:
    """What the output will be like as far as that is known before anything is learned: a frame of no rows, without the
    numbers that are normalized; lists remain lists."""
    needs = frozenset(transform.needs())
    blank = description.blank(needs)
    numbers = needs - transform.lists if not transform.form.suffix or only else frozenset()
    names = blank.names
    return blank.select([n for n in names if n not in numbers and (n in needs or not only)])


def check_writable(to: str, description: Description, blank: Frame, normalized: Collection[str]) -> None:
    """Raises BadDataError where the output of an input, a frame like `blank`, has a column that the format `to` can't
    hold. The names `normalized` are those of normalized columns; the others pass through."""
    wrong = formats.refused(to, description, blank)
    if not wrong:
        return
    possible = [n for n in registry.names("formats") if not formats.refused(n, description, blank)]
    hints = [f"--to {' or '.join(possible)} has one"] if possible else []
    if not {f.name for f in wrong}.intersection(normalized):
        hints.append(f"--only leaves {'it' if len(wrong) == 1 else 'them'} out")
    what = f"column{'s' * (len(wrong) > 1)} {columns.described(wrong)}"
    raise BadDataError(f"{description.name}: {formats.bare(to)} has no place for {what}", "; ".join(hints))


def check_same(description: Description, first: Frame, blank: Frame) -> None:
    """Raises BadDataError where an input can't follow the first one in the same output, because it has other columns.
    Types are checked by the writer."""
    here, before = ({*f.names}.difference(f.hidden) for f in (blank, first))
    for wrong, what, than in ((before - here, "lacks", "has"), (here - before, "has", "lacks")):
        if wrong:
            which = f"{what} {listed(sorted(wrong))}, which the first input {than}"
            raise BadDataError(f"{description.name}: {which}", "one output has one set of columns")
