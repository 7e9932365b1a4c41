"""Heat maps of symmetric matrices of correlations or covariances."""

from collections import defaultdict

import numpy as np

from normcli.blocks.record import Array
from normcli.reports.scales import number
from normcli.reports.svg import path, picture

MOST = 64  # columns
LEVELS = 5  # of each sign


def heat_map(what: str, matrix: Array, names: tuple[str, ...]) -> str:
    """The picture of a matrix (d, d), which is 1 where a cell is darkest; a cell below zero has a bar in it, and is
    another colour."""
    d = len(matrix)
    levels = np.clip(np.rint(matrix * LEVELS), -LEVELS, LEVELS).astype(np.intp)
    runs: dict[int, list[str]] = defaultdict(list)
    for i in range(d):
        ends = np.append(np.flatnonzero(np.diff(levels[i])) + 1, d).tolist()
        start = 0
        for end in ends:
            if level := int(levels[i, start]):
                runs[level].append(f"M{start} {i}h{end - start}v1h{start - end}z")
            start = end
    cells = (path(f"h{'n' if level < 0 else 'p'}{abs(level)}", "".join(data)) for level, data in sorted(runs.items()))
    minus = "".join(f"M{j}.3 {i}.5h.4" for i, j in np.argwhere(levels <= -2).tolist())
    frame = path("o", f"M0 0h{d}v{d}h-{d}z")
    return picture(_words(what, matrix, names), d, d, *cells, path("m", minus), frame, kind="map")


def _words(what: str, matrix: Array, names: tuple[str, ...]) -> str:
    d = len(matrix)
    if d < 2:
        return f"{what} of one column"
    off = np.where(np.eye(d, dtype=bool), 0.0, np.nan_to_num(matrix))
    i, j = np.unravel_index(int(np.abs(off).argmax()), off.shape)
    if abs(off[i, j]) < 1e-9:
        return f"{what} of {d} columns: off the diagonal all is 0 to nine decimals"
    pair = f"{_short(names[int(i)])} and {_short(names[int(j)])}"
    return f"{what} of {d} columns: farthest from 0 off the diagonal are {pair}, {number(float(off[i, j]), 3)}"


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:40]}…"
