"""Conversion of frames to blocks: selected columns as float64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from normcli.blocks.block import Block
from normcli.blocks.reductions import Sampling
from normcli.columns.frame import Frame
from normcli.errors import InfiniteValueError

Infinite = Literal["error", "missing"]
EXACT = 1 << 53  # float64 holds every integer up to this


def inexact(frame: Frame, wanted: Sequence[str]) -> tuple[str, ...]:
    """The wanted columns with an integer or a decimal beyond ±2^53, where float64 rounds neighbours to the same
    value."""
    return tuple(n for n in wanted if any(abs(end) > EXACT for end in frame.ends(n) if end is not None))


def block(
    frame: Frame, wanted: Sequence[str], infinite: Infinite = "error", *, reduce: bool = False,
    sampling: Sampling | None = None,
) -> Block:  # fmt: skip
    """The wanted columns as float64, with `reduce` reduced for statistics while they are read, and so sampled. Raises
    InfiniteValueError for the first infinite value, unless those count as missing."""
    columns = [frame.numbers(name) for name in wanted]
    matrix = None
    if any(x.dtype != np.float64 for x in columns):
        matrix = np.empty((frame.rows, len(wanted)), order="F")
        for x, to in zip(columns, matrix.T, strict=True):
            to[:] = x
        columns = list(matrix.T)
    result = Block(tuple(columns), matrix)
    if reduce:
        result.reduce(sampling)  # with the sums, by which infinite values are noticed
    return finite(result, wanted, infinite)


def finite(block: Block, names: Sequence[str], infinite: Infinite) -> Block:
    """The block with infinite values replaced by NaN. Raises InfiniteValueError for the first, unless they
    count as missing."""
    doubtful = np.flatnonzero(~np.isfinite(block.sums)).tolist()
    infinities = {j: where for j in doubtful if (where := np.isinf(block.columns[j])).any()}
    if not infinities:
        return block
    if infinite == "error":
        row, j = min((int(np.argmax(where)), j) for j, where in infinities.items())
        raise InfiniteValueError(row, names[j])
    columns = (np.where(infinities[j], np.nan, x) if j in infinities else x for j, x in enumerate(block.columns))
    return Block(tuple(columns))
