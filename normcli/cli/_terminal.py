"""Properties of the terminal: width, width of text, colours."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

import click

AUTO, ALWAYS, NEVER = WHEN = ("auto", "always", "never")
ELLIPSIS = "…"
EMOJI = "\N{VARIATION SELECTOR-16}"  # makes the character before it two cells wide
NORMAL = 80  # cells of a terminal of unknown width


class Colours:
    """Whether output of this run is coloured."""

    def __init__(self) -> None:
        self.when = AUTO

    def choose(self, when: str) -> None:
        """Sets the value of --color."""
        self.when = when

    def on(self, fd: int) -> bool:
        """Whether to colour a descriptor; by default if it is a capable terminal and NO_COLOR is not set."""
        if self.when != AUTO:
            return self.when == ALWAYS
        return is_capable(fd) and not os.environ.get("NO_COLOR")


colours = Colours()


def is_capable(fd: int) -> bool:
    """Whether a descriptor is a terminal with control sequences."""
    return os.isatty(fd) and os.environ.get("TERM", "dumb") != "dumb"


def styled(text: str, fd: int, **style: Any) -> str:
    """Text with colours or bold, if the descriptor has colours."""
    return click.style(text, **style) if colours.on(fd) else text


def width(fd: int) -> int:
    """The width of a descriptor's terminal in cells."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(fd).columns or NORMAL
    except OSError:
        return NORMAL


def cells(text: str) -> int:
    """The width of `text` in cells, at most; it must be one line without control characters."""
    return len(text) if text.isascii() else sum(wide for _, wide in _clusters(text))


def shortened(text: str, wide: int) -> str:
    """`text` in at most `wide` cells, with an ellipsis in the middle if it is longer: names differ at both ends."""
    if cells(text) <= wide:
        return text
    tail = max(wide - 1, 0) // 2
    end = list(_within(reversed(list(_clusters(text))), tail))
    return "".join([*_within(_clusters(text), wide - 1 - tail), ELLIPSIS[:wide], *reversed(end)])


def truncated(text: str, wide: int) -> str:
    """`text` in at most `wide` cells, with an ellipsis at its end if it is longer."""
    if cells(text) <= wide:
        return text
    return "".join(_within(_clusters(text), wide - 1)) + ELLIPSIS[:wide]


def wrapped(text: str, room: int) -> list[str]:
    """`text` in lines of at most `room` cells, broken at spaces; a longer word is shortened in the middle."""
    lines = [""]
    for word in (shortened(word, room) for word in text.split(" ")):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if cells(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _within(clusters: Iterable[tuple[str, int]], room: int) -> Iterator[str]:
    """The first clusters that fit into `room` cells."""
    for cluster, wide in clusters:
        room -= wide
        if room < 0:
            return
        yield cluster


def _clusters(text: str) -> Iterator[tuple[str, int]]:
    """Each character with its combining marks, and their width in cells."""
    cluster, wide = "", 0
    for c in text:
        if cluster and unicodedata.category(c) in ("Mn", "Me"):
            cluster, wide = cluster + c, 2 if c == EMOJI else wide
            continue
        if cluster:
            yield cluster, wide
        cluster, wide = c, 2 if unicodedata.east_asian_width(c) in "WF" else 1
    if cluster:
        yield cluster, wide
