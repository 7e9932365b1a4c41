"""Why columns of delimited text are left out, whether that may be a mistake, and what would take them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, cast

from msgspec import Struct, field

from normcli.errors import BadPlaceError, printable
from normcli.formats._delimited.faults import HEADER, WIDTHS, header_hint
from normcli.formats._delimited.layout import Layout, present
from normcli.formats._delimited.options import NONE, DelimitedOptions
from normcli.formats._delimited.sampling import Sampled

if TYPE_CHECKING:
    import polars as pl


class Doubts(Struct):
    """Of columns of text by their names, as a Description has them."""

    doubts: dict[str, str] = field(default_factory=dict)
    unread_numbers: dict[str, str] = field(default_factory=dict)
    not_numbers: dict[str, str] = field(default_factory=dict)


def doubts(
    sampled: Mapping[str, Sampled],
    values: Mapping[str, pl.Series | Sequence[str]],
    layout: Layout,
    options: DelimitedOptions,
    place_of: Callable[[int], str],
) -> Doubts:
    """Of sampled columns with their values; `place_of` gives the place of a row as messages call it."""
    result = Doubts()
    words = list(dict.fromkeys(word for s in sampled.values() if s.doubtful for word in s.placeholders))
    for name, about in sampled.items():
        if about.kind != "text":
            continue
        word, column = values[name][about.other], f"column '{printable(name)}'"
        where, shown = f"{place_of(about.other)}: ", f"'{printable(word[:80])}'"
        what = "begins with a zero, as names do" if about.identifier else "is not a number"
        likely_words = chain(words, _distinct(values[name], layout.missing))
        hint = "" if about.identifier else _hint(name, word, likely_words, layout)
        if not hint and not options.headed and about.other == 0:
            hint = HEADER
        hint = f" ({hint})" if hint else ""
        result.not_numbers[name] = f"{where}{shown} in {column} {what}{hint}"
        if about.doubtful:
            of_kind = result.doubts if about.half else result.unread_numbers
            hint = hint or f" (-x {printable(name)} if that is right)"
            of_kind[name] = f"{where}{column} is left out: {shown} in it is not a number{hint}"
    return result


def _hint(name: str, word: str, more: Iterable[str], layout: Layout) -> str:
    bare = word.strip(" \t")
    return header_hint(bare, name) or layout.remedy(bare, more)


def _distinct(values: pl.Series | Sequence[str], missing: frozenset[str]) -> Iterator[str]:
    """Each value of a column of text, without spaces around, once."""
    if not isinstance(values, list):
        yield from present(cast("pl.Series", values), missing).drop_nulls().unique(maintain_order=True)
        return
    words = dict.fromkeys(value.strip(" \t") for value in values)
    yield from (word for word in words if word and word not in missing)


def title_hint(error: BadPlaceError, line: int, layout: Layout, options: DelimitedOptions) -> str:
    """What to do where one of the first rows, on a line counted from 0, has fields, and the one that was taken for the
    header is a field alone: that may be a title, or a comment."""
    widths, by_excel = WIDTHS.match(error.what), layout.separator != options.separator
    if not widths or widths[2] != "1" or by_excel:  # Excel names the delimiter after titles
        return ""
    name = layout.names[0] if options.headed else ""
    if name[:1] in ("#", "%") and options.comment == NONE:
        return f"--comment '{name[:1]}' leaves out lines that begin so"
    return f"--skip-lines {line} if line {line + 1} is the header"
