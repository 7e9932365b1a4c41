"""Trials of drift: new data against fits, in arrays, for many trials at once."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.drift.measures import Pair, measures
from normcli.drift.shapes import Counted, Cuts, Shapes, joined
from normcli.limits import Limits
from normcli.stats.quantiles import SURE, Quantiles

K = 256
BLOCK = 20_000  # rows that are added to a sketch at once
Draw = Callable[[np.random.Generator, int], Array]

DISTRIBUTIONS: Mapping[str, Draw] = {
    "normal": lambda r, n: r.normal(size=n),
    "lognormal": lambda r, n: r.lognormal(size=n),
    "t2": lambda r, n: r.standard_t(2, size=n),
    "cauchy": lambda r, n: r.standard_cauchy(size=n),
    "five values": lambda r, n: r.choice(5, size=n, p=[0.5, 0.25, 0.15, 0.07, 0.03]).astype(np.float64),
    "zero-inflated": lambda r, n: np.where(r.uniform(size=n) < 0.7, 0.0, r.exponential(size=n)),
    "constant": lambda r, n: np.full(n, 3.0),
}


def sketch(x: Array) -> tuple[Array, Array, float]:
    """Items, weights and the error of ranks."""
    total = blank = Quantiles(k=K)
    for start in range(0, len(x), BLOCK):
        total = total.merge(blank.of(Block.of(x[start : start + BLOCK, None])))
    return *total.weighted(0, 0), 0.0 if total.is_exact else SURE / K


def shapes(fits: Sequence[tuple[Array, Array, float]], fitted: int, samples: Sequence[Array]) -> Shapes:
    """Of sketches of `fitted` rows, and of sorted new data."""
    columns = [Cuts.of(values, weights) for values, weights, _ in fits]
    counts = [Counted.of(c, x, np.ones(len(x)), 0.0) for c, x in zip(columns, samples, strict=True)]
    rows, data = np.full(len(fits), float(fitted)), np.array([len(x) for x in samples], np.float64)
    errors = np.array([error for _, _, error in fits])
    ends = np.array([x[0] for x in samples]), np.array([x[-1] for x in samples])
    return joined(list(zip(columns, counts, strict=True)), (rows, data), errors, ends)


def pair(old: Sequence[Array], samples: Sequence[Array]) -> Pair:
    """Of fitted columns and new ones, one after the other."""
    new = [np.sort(x) for x in samples]
    fitted, data = (
        {
            "count": np.array([len(x) for x in side], np.float64),
            "missing": np.zeros(len(side)),
            "mean": np.array([x.mean() for x in side]),
            "mean_low": np.zeros(len(side)),
            "std": np.array([x.std() for x in side]),
            "min": np.array([x.min() for x in side]),
            "max": np.array([x.max() for x in side]),
        }
        for side in (old, new)
    )
    beyond = [np.mean((y < x.min()) | (y > x.max())) for x, y in zip(old, new, strict=True)]
    data["outside"] = np.array(beyond)
    rows = fitted["count"], data["count"]
    return Pair(fitted, data, rows, rows, shapes([sketch(x) for x in old], len(old[0]), new))


def alarms(both: Pair, columns: int) -> dict[str, Array]:
    """Which of the pairs each measure takes for drift, where there are so many columns."""
    with np.errstate(all="ignore"):
        values = {name: measure.value(both) for name, measure in measures().items()}
        varied = both.fitted["min"] < both.fitted["max"]
        alpha = 0.01 / (len(values) * columns)
        floors = {name: measure.floor(both, alpha) for name, measure in measures().items()}
        return {
            name: varied & (measure.size(values[name]) > np.fmax(floors[name], getattr(Limits(), measure.limit)))
            for name, measure in measures().items()
        }
