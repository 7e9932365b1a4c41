"""Tables on standard output: fitted to the width of a terminal; elsewhere plain, never wrapped or truncated."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import click
from msgspec import Struct

from normcli.cli._terminal import cells, shortened, styled, width, wrapped
from normcli.errors import printable

ROWS = 20  # on a terminal
DIGITS, FEWEST = 6, 4  # range of significant digits on a terminal, by the available width
ALL = 10  # significant digits elsewhere
EXPONENT_FROM = 1e9  # magnitude from which a number has an exponent
SHORT, LEAST = 32, 20  # cells to which names are shortened before digits, and before columns are dropped
LABEL = 8  # cells
GAP = "  "


def number(value: Any, digits: int) -> str:
    """A value as text with at most `digits` significant digits, but all before the decimal point up to 9; integers in
    full, a dash for an unknown value."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, float):
        integer = f"{value:.0f}"
        return integer if len(integer.lstrip("-")) >= digits and abs(value) < EXPONENT_FROM else f"{value:.{digits}g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


class Column(Struct, frozen=True):
    """The header of a column, and the function `shown` that formats a value with a number of digits. On a narrow
    terminal, text is shortened by `cut` to `least` cells, and columns are dropped, those of the greatest `rank`
    first; those of rank 0 never."""

    name: str
    right: bool = True
    rank: int = 0
    least: int | None = None  # None: never shortened
    shown: Callable[[Any, int], str] = number
    cut: Callable[[str, int], str] = shortened


def names(head: str = "column") -> Column:
    """The column of names, the first of most tables."""
    return Column(head, right=False, least=LEAST)


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[Any]], *, marked: Sequence[bool] = (), mark: str = "",
    most: int = ROWS, more: str = "-v", full: bool = False,
) -> None:  # fmt: skip
    """Prints `rows`, with a value for each column; text is literal. A terminal shows no empty columns and only the
    first `most` rows, `marked` ones first and in colour; a note names the `mark` and the option `more` that shows all.
    With `full`, or elsewhere, everything is printed."""
    marks = marked or [False] * len(rows)
    order, notes = list(range(len(rows))), list[str]()
    if full or not sys.stdout.isatty():
        header, *lines = plain(columns, rows)
    else:
        order.sort(key=lambda i: not marks[i])
        header, *lines = fitted(columns, [rows[i] for i in order[:most]], width(1), more)
        if hidden := [marks[i] for i in order[most:]]:
            which = f", {sum(hidden):,} of them with {mark}" if any(hidden) else f", all without {mark}" if mark else ""
            notes.append(shortened(f"… {len(hidden):,} more{which} ({more})", width(1)))
    click.echo(styled(header, 1, bold=True), color=True)
    for i, line in enumerate(lines):
        red = i < len(order) and marks[order[i]]
        click.echo(styled(line, 1, fg="red") if red else line, color=True)
    for note in notes:
        click.echo(note)


def definitions(pairs: Sequence[tuple[str, str]]) -> None:
    """Prints terms and their meanings, wrapped on a terminal."""
    if not sys.stdout.isatty():
        table((names(""), Column("", right=False)), pairs)
        return
    formatter = click.HelpFormatter(width=width(1))
    formatter.write_dl(pairs)
    click.echo(formatter.getvalue(), nl=False)


def labelled(label: str, text: str) -> None:
    """Prints a label and a text, which a terminal shows on as many lines as it takes."""
    if not sys.stdout.isatty():
        click.echo(f"{label:{LABEL}} {text}")
        return
    for i, line in enumerate(wrapped(text, width(1) - LABEL - 1)):
        click.echo(f"{'' if i else label:{LABEL}} {line}")


def plain(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> list[str]:
    """The lines of a complete table for programs, header first."""
    text = _texts(columns, rows, ALL)
    return _lines(columns, text, [max(map(len, column)) for column in zip(*text, strict=True)], len)


def fitted(columns: Sequence[Column], rows: Sequence[Sequence[Any]], room: int, more: str) -> list[str]:
    """Lines of at most `room` cells, header first, and a note if a column is dropped. Empty columns are dropped first,
    then the rest of names beyond `SHORT` cells, then digits, then more of names; then whole columns, and last the rest
    of names."""
    places = [j for j in range(len(columns)) if not j or not all(_says_nothing(row[j]) for row in rows)]
    absent = list[int]()
    while True:
        some, values = [columns[j] for j in places], [[row[j] for j in places] for row in rows]
        text, ends = _with_digits(some, values, room)
        narrow = _narrowed(ends, [room if c.least is None else c.least for c in some], room)
        last = max(places[1:], key=lambda j: (columns[j].rank, j), default=0)
        if _over(narrow, room) <= 0 or not last or not columns[last].rank:
            break
        places.remove(last)
        absent.append(last)
    ends = _narrowed(narrow, [room if c.least is None else 1 for c in some], room)
    cut = [[c.cut(text, end) for c, text, end in zip(some, row, ends, strict=True)] for row in text]
    lines = [shortened(line, room) for line in _lines(some, cut, ends, cells)]
    absent_names = ", ".join(columns[j].name for j in sorted(absent))
    return [*lines, shortened(f"(no room for {absent_names}: {more})", room)] if absent else lines


def _says_nothing(value: Any) -> bool:
    return value is None or value is False or value == "" or (isinstance(value, float) and math.isnan(value))


def _texts(columns: Sequence[Column], rows: Sequence[Sequence[Any]], digits: int) -> list[list[str]]:
    """The cells of a table as text, header first. Integers have no separators beside decimals."""
    decimals = any(isinstance(value, float) for row in rows for value in row)

    def text(column: Column, value: Any) -> str:
        return printable(column.shown(str(value) if decimals and type(value) is int else value, digits))

    body = ([text(c, value) for c, value in zip(columns, row, strict=True)] for row in rows)
    return [[c.name for c in columns], *body]


def _with_digits(
    columns: Sequence[Column], rows: Sequence[Sequence[Any]], room: int
) -> tuple[list[list[str]], list[int]]:
    """The cells with as many digits as fit beside names of `SHORT` cells, and the widths of the columns."""
    least = [room if c.least is None else max(c.least, SHORT) for c in columns]
    for digits in count(DIGITS, -1):
        text = _texts(columns, rows, digits)
        ends = _narrowed([max(map(cells, column)) for column in zip(*text, strict=True)], least, room)
        if digits == FEWEST or _over(ends, room) <= 0:
            break
    return text, ends


def _over(ends: Sequence[int], room: int) -> int:
    """The number of cells by which columns of these widths exceed `room`."""
    return sum(ends) + len(GAP) * (len(ends) - 1) - room


def _narrowed(ends: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths of columns that fit into `room`, but not below `least`: the widest are reduced first."""
    ends = list(ends)
    for _ in range(_over(ends, room)):
        wider = [j for j in range(len(ends)) if ends[j] > least[j]]
        if wider:
            ends[max(wider, key=ends.__getitem__)] -= 1
    return ends


def _lines(
    columns: Sequence[Column], text: Sequence[Sequence[str]], ends: Sequence[int], wide: Callable[[str], int]
) -> list[str]:
    def padded(column: Column, cell: str, end: int) -> str:
        space = " " * (end - wide(cell))
        return space + cell if column.right else cell + space

    return [GAP.join(map(padded, columns, row, ends)).rstrip() for row in text]
