"""Frame to block: selected columns as float64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from normcli.blocks.block import Block
from normcli.columns.frame import Frame
from normcli.errors import BadRowError, printable

Infinite = Literal["error", "missing"]
EXACT = 1 << 53  # up to which a float64 holds every whole number


def inexact(frame: Frame, wanted: Sequence[str]) -> tuple[str, ...]:
    """The wanted columns with a whole number, or a decimal, beyond ±2^53, where a float can't tell neighbours apart."""
    return tuple(n for n in wanted if any(abs(end) > EXACT for end in frame.ends(n) if end is not None))


def block(frame: Frame, wanted: Sequence[str], infinite: Infinite = "error") -> Block:
    """The wanted columns as numbers. Raises BadRowError at the first infinite value, unless that is missing."""
    given = [frame.numbers(name) for name in wanted]
    matrix = None
    if any(x.dtype != np.float64 for x in given):
        matrix = np.empty((frame.rows, len(wanted)), order="F")
        for x, to in zip(given, matrix.T, strict=True):
            to[:] = x
        given = list(matrix.T)
    return finite(Block(tuple(given), matrix), wanted, infinite)


def finite(made: Block, names: Sequence[str], infinite: Infinite) -> Block:
    """The block without infinite values. Raises BadRowError at the first, unless they count as missing."""
    doubtful = np.flatnonzero(~np.isfinite(made.sums)).tolist()
    infinities = {j: where for j in doubtful if (where := np.isinf(made.columns[j])).any()}
    if not infinities:
        return made
    if infinite == "error":
        row, j = min((int(np.argmax(where)), j) for j, where in infinities.items())
        raise BadRowError(
            row, f"infinite value in column '{printable(names[j])}'", "--inf missing treats it as missing"
        )
    columns = (np.where(infinities[j], np.nan, x) if j in infinities else x for j, x in enumerate(made.columns))
    return Block(tuple(columns))
