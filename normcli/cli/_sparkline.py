"""Sparklines: histograms in a cell of a table, on a terminal that can show them."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from normcli.cli._table import Column

BARS = "▁▂▃▄▅▆▇█"


def are_shown() -> bool:
    """Whether standard output is a terminal whose characters include the bars."""
    try:
        BARS.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return sys.stdout.isatty()


def histogram_column(rank: int, name: str = "histogram") -> Column:
    """The column of sparklines."""
    from normcli.cli._table import Column

    return Column(name, right=False, rank=rank)


def sparkline(heights: Sequence[float]) -> str:
    """A bar for each height from 0 to 1; a space for 0."""
    return "".join(BARS[math.ceil(h * len(BARS)) - 1] if h > 0 else " " for h in heights)
