"""The header of delimited text: names of columns, by its first row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from normcli.errors import BadDataError, short
from normcli.formats._delimited.faults import fault, hint_at, likely_delimiter
from normcli.formats._delimited.fields import NUMBER, numbered, split_row
from normcli.formats._delimited.layout import Kind, Layout
from normcli.formats._delimited.opening import Beginning
from normcli.formats._delimited.options import DelimitedOptions
from normcli.formats._text.cutting import encoding_hint
from normcli.formats._text.names import first_twice

YEAR = re.compile("[12][0-9]{3}")


class Header(Struct, frozen=True):
    """What the first row says: the layout with the names of the columns, which are text until values are known; a hint
    at another delimiter; and what may be a mistake, and what should be known of it."""

    layout: Layout
    other_delimiter: str  # a hint; empty where the delimiter is right
    doubt: str = ""
    notices: tuple[str, ...] = ()

    @property
    def hint(self) -> str:
        """At what may be wrong with how the input is read."""
        return self.other_delimiter or ("is the delimiter right?" if len(self.layout.names) == 1 else "")


def header(first: bytes, place: int, name: str, options: DelimitedOptions, beginning: Beginning) -> Header:
    """By the first row, of an input called `name`, which begins at a place. Raises BadDataError."""
    dialect, where, separator = beginning.dialect, f"{name}:{place + 1}", beginning.dialect.separator
    crlf = first.endswith(b"\r\n")
    layout = Layout((), (), separator, options.missing, crlf, dialect, options.notation, beginning.titles)
    names = _names(layout.without_spaces(first), place, name, layout)
    likely = likely_delimiter(layout.without_spaces(first), separator)
    notices: tuple[str, ...] = ()
    if not options.headed:
        names = [f"column_{j + 1}" for j in range(len(names))]
    elif options.duplicate_names == "number":
        originals, names = names, numbered(names)
        notices = _renamed(name, originals, names)
    twice = first_twice(names)
    if twice is not None:
        title = f"--skip-lines {place + 1} if it is a title; " if not twice and len(set(names[1:])) == 1 else ""
        what = f"{where}: two columns are called '{short(twice)}'"
        raise BadDataError(what, likely or f"{title}--duplicate-names number makes them differ")
    doubt = ""
    if options.header is None and is_row_of_numbers(names):
        what = "the names of all columns are numbers: the first row is taken for the header, not for data"
        doubt = f"{where}: {what} (--no-header if it is data, --header if it is not)"
    kinds: tuple[Kind, ...] = tuple("text" for _ in names)
    return Header(replace(layout, names=tuple(names), kinds=kinds), likely, doubt, notices)


def _names(first: bytes, place: int, name: str, layout: Layout) -> list[str]:
    """The fields of the first row. Raises BadDataError."""
    dialect, where = layout.dialect, f"{name}:{place + 1}"
    broken = fault(first, layout.separator, b'"' in first)
    if broken:
        at, what = broken
        hint = hint_at(what, first, at, layout.separator)
        raise BadDataError(f"{name}:{place + dialect.lines(first, at) + 1}: {layout.wording(what)}", hint)
    try:
        names = split_row(first, layout.separator)
    except UnicodeDecodeError as e:
        what = f"{where}: not UTF-8: byte 0x{first[e.start]:02x}"
        raise BadDataError(what, encoding_hint(first, e.start)) from None
    doubt = next(filter(None, (dialect.doubtful(n, layout.missing) for n in names)), None)
    if doubt:
        raise BadDataError(f"{where}: {doubt}", hint_at(doubt, first, 0, layout.separator))
    names = [dialect.meant(n) for n in names]
    if dialect.trailing and len(names) > 1 and not names[-1]:
        names.pop()
    return names


def _renamed(name: str, originals: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """A notice of the columns whose names differ from those in the header."""
    changed = [f"'{short(n)}'" for n, was in zip(names, originals, strict=True) if n != was]
    more = f" and {len(changed) - 20} more" if len(changed) > 20 else ""
    return (f"{name}: columns are called {', '.join(changed[:20])}{more} now",) if changed else ()


def is_row_of_numbers(names: Sequence[str]) -> bool:
    """Whether a header may be a row of data: all of it is numbers, but neither 0, 1, … as pandas calls columns that
    have no names, nor years that rise."""
    if not all(NUMBER.fullmatch(n.strip()) for n in names):
        return False
    rising = len(names) > 1 and all(a < b for a, b in pairwise(names))
    years = rising and all(YEAR.fullmatch(n) for n in names)
    return not years and list(names) != [str(j) for j in range(len(names))]
