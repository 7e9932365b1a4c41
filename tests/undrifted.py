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


# -- pairs of distributions, by their quantile functions --------------------------------------------------------------
Quantile = Callable[[Array], Array]


def _mixture(a: Quantile, b: Quantile, share: float) -> Draw:
    def draw(r: np.random.Generator, n: int) -> Array:
        return np.where(r.uniform(size=n) < share, a(r.uniform(size=n)), b(r.uniform(size=n)))

    return draw


def _of(quantile: Quantile) -> Draw:
    return lambda r, n: quantile(r.uniform(size=n))


def pairs() -> dict[str, tuple[Draw, Draw]]:
    """40 pairs of distributions: moved, wider, of other shapes, with more of a value, with other tails."""
    from scipy import stats  # type: ignore[import-untyped]

    normal = stats.norm.ppf
    some: dict[str, tuple[Draw, Draw]] = {}
    for move in (0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 2.0):
        some[f"normal moved by {move}"] = (_of(normal), _of(lambda u, d=move: normal(u) + d))
    for factor in (0.3, 0.5, 0.7, 0.9, 1.2, 1.5, 2.0, 3.0, 10.0):
        some[f"normal times {factor}"] = (_of(normal), _of(lambda u, f=factor: normal(u) * f))
    for move in (0.1, 0.3, 0.6, 1.0):
        some[f"lognormal, mean of logarithms {move}"] = (
            _of(lambda u: np.exp(normal(u))), _of(lambda u, d=move: np.exp(normal(u) + d))
        )  # fmt: skip
    for half in (0.5, 0.7, 0.95):
        humps = _mixture(
            lambda u, a=half: normal(u) * np.sqrt(1 - a * a) - a,
            lambda u, a=half: normal(u) * np.sqrt(1 - a * a) + a,
            0.5,
        )
        some[f"two humps at {half} of the same deviation"] = (_of(normal), humps)
    for name, other in {
        "uniform": stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)).ppf, "Laplace": stats.laplace(scale=np.sqrt(0.5)).ppf,
        "t2": stats.t(2).ppf, "Cauchy": stats.cauchy.ppf, "exponential": lambda u: stats.expon.ppf(u) - 1,
        "gamma": lambda u: stats.gamma(4).ppf(u) / 2 - 2,
    }.items():  # fmt: skip
        some[f"{name} after normal"] = (_of(normal), _of(other))
    for zeros in (0.55, 0.65, 0.8, 0.95):
        after = _mixture(np.zeros_like, stats.expon.ppf, zeros)
        some[f"{zeros:.0%} zeros after 70 %"] = (DISTRIBUTIONS["zero-inflated"], after)
    for shares in (
        (0.4, 0.3, 0.2, 0.07, 0.03),
        (0.5, 0.25, 0.1, 0.1, 0.05),
        (0.2, 0.2, 0.2, 0.2, 0.2),
        (0, 0.5, 0.3, 0.15, 0.05),
    ):
        some[f"five values {shares}"] = (
            DISTRIBUTIONS["five values"], lambda r, n, p=shares: r.choice(5, size=n, p=p).astype(np.float64)
        )  # fmt: skip
    some["t2 times 2"] = (_of(stats.t(2).ppf), _of(lambda u: 2 * stats.t(2).ppf(u)))
    some["Cauchy moved by 1"] = (_of(stats.cauchy.ppf), _of(lambda u: stats.cauchy.ppf(u) + 1))
    return some


def exact(old: Array, new: Array) -> dict[str, float]:
    """Distances of large samples, from all of their values."""
    from scipy import stats

    low, high, first, last = np.quantile(old, [0.005, 0.995, 0.025, 0.975], method="inverted_cdf")
    found = {"ks": float(stats.ks_2samp(old, new).statistic)}
    unit = (last - first) / 3.92
    if unit > 0:
        found["wasserstein"] = stats.wasserstein_distance(np.clip(old, low, high), np.clip(new, low, high)) / unit
    values, counts = np.unique(old, return_counts=True)
    upto, heavy = np.cumsum(counts) / len(old), counts >= 0.1 * len(old)
    edges = {int(np.searchsorted(upto, d / 10 - 1e-12)) for d in range(1, 10)}
    edges |= {*np.flatnonzero(heavy).tolist(), *(np.flatnonzero(heavy) - 1).tolist()} - {-1}
    ends = values[sorted(e for e in edges if upto[e] < 1 - 1e-12)]
    shares = []
    for x in (old, new):
        bins = np.bincount(np.searchsorted(ends, x, "left"), minlength=len(ends) + 1)
        shares.append((bins + 0.5) / (len(x) + len(bins) / 2))
    found["psi"] = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    distance, other = (np.subtract(*np.quantile(x, [0.9, 0.1], method="inverted_cdf")) for x in (old, new))
    if distance > 0:
        found["scale"] = float(max(other / distance, distance / other)) if other > 0 else float("inf")
    found["shift"] = abs(float(new.mean() - old.mean())) / float(old.std())
    return found
