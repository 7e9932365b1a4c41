"""What a terminal can show: how wide it is, how wide text is on it, and colours."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

import click

AUTO, ALWAYS, NEVER = WHEN = ("auto", "always", "never")
ELLIPSIS = "…"
EMOJI = "\N{VARIATION SELECTOR-16}"  # what comes before it is two cells wide
NORMAL = 80  # cells of a terminal that does not say how wide it is


class Colours:
    """Whether there are any in this run."""

    def __init__(self) -> None:
        self.when = AUTO

    def choose(self, when: str) -> None:
        """What --color says."""
        self.when = when

    def on(self, fd: int) -> bool:
        """By default on a terminal that can show them, unless NO_COLOR says no."""
        if self.when != AUTO:
            return self.when == ALWAYS
        return is_capable(fd) and not os.environ.get("NO_COLOR")


colours = Colours()


def is_capable(fd: int) -> bool:
    """Whether it is a terminal that does more than to write line after line."""
    return os.isatty(fd) and os.environ.get("TERM", "dumb") != "dumb"


def styled(text: str, fd: int, **style: Any) -> str:
    """In colours, or bold, where there are any."""
    return click.style(text, **style) if colours.on(fd) else text


def width(fd: int) -> int:
    """Cells in a line."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    try:
        return os.get_terminal_size(fd).columns or NORMAL
    except OSError:
        return NORMAL


def cells(text: str) -> int:
    """How many cells `text` takes, at most; it is on one line, without control characters."""
    return len(text) if text.isascii() else sum(wide for _, wide in _clusters(text))


def shortened(text: str, wide: int) -> str:
    """`text` in at most so many cells, with an ellipsis in the middle where it is longer: names differ at both ends."""
    if cells(text) <= wide:
        return text
    tail = max(wide - 1, 0) // 2
    end = list(_within(reversed(list(_clusters(text))), tail))
    return "".join([*_within(_clusters(text), wide - 1 - tail), ELLIPSIS[:wide], *reversed(end)])


def _within(clusters: Iterable[tuple[str, int]], room: int) -> Iterator[str]:
    """As many of the first as have room."""
    for cluster, wide in clusters:
        room -= wide
        if room < 0:
            return
        yield cluster


def _clusters(text: str) -> Iterator[tuple[str, int]]:
    """Each character with the marks that combine with it, and how wide they are."""
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
