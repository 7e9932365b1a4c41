"""What undrifted, independent rows exceed with a given probability: quantiles of distributions, in closed form.

Arrays broadcast. `alpha` is the probability, and h = 1/n + 1/m of n fitted and m new values.
"""

import math

import numpy as np

from normcli.blocks.record import Array
from normcli.transforms._normal import ppf

RATE = 0.01  # of checks of undrifted data that may find drift
STEPS = 64  # of a fixed-point iteration whose error shrinks geometrically


def inverse_counts(n: Array, m: Array) -> Array:
    """h = 1/n + 1/m; infinite without values."""
    with np.errstate(divide="ignore"):
        return np.asarray(1.0 / np.asarray(n, np.float64) + 1.0 / np.asarray(m, np.float64))


def normal(alpha: float) -> float:
    """The z that a standard normal value exceeds."""
    return float(-ppf(np.array([alpha]))[0])


def student(alpha: float, freedom: Array) -> Array:
    """The t that a value of Student's distribution exceeds, to 1 % from 3 degrees of freedom on (Wallace 1959, with
    his correction of z); infinite without freedom."""
    with np.errstate(all="ignore"):
        z = normal(alpha) * (8 * freedom + 3) / (8 * freedom + 1)
        return np.where(freedom > 0, np.sqrt(freedom * np.expm1(z * z / freedom)), np.inf)


def chi_squared(alpha: float, freedom: Array) -> Array:
    """The value that χ² exceeds (Wilson and Hilferty 1931); 0 without freedom."""
    with np.errstate(all="ignore"):
        spread = 2.0 / (9.0 * freedom)
        return np.where(freedom > 0, freedom * (1.0 - spread + normal(alpha) * np.sqrt(spread)) ** 3, 0.0)


def share_between(alpha: float, share: float, h: Array) -> tuple[Array, Array]:
    """The interval of Wilson (1927) in which a share of the population lies, given that of a sample."""
    with np.errstate(all="ignore"):
        square = normal(alpha) ** 2 * h
        middle = (share + square / 2) / (1 + square)
        reach = np.sqrt(square * (share * (1 - share) + square / 4)) / (1 + square)
    return np.where(np.isfinite(square), middle - reach, 0.0), np.where(np.isfinite(square), middle + reach, 1.0)


def beyond(alpha: float, n: Array, m: Array) -> Array:
    """The number of m new values that lie below the least or above the greatest of n fitted ones: any order of all
    n + m is as likely as another, so that the k greatest are new with probability below ρ^k, ρ = m/(n + m), and k at
    both ends together with ρ^k·(1 + k·(1 − ρ))."""
    with np.errstate(all="ignore"):
        share = m / (n + m)
        rate, k = -np.log(share), np.zeros(np.broadcast(n, m).shape)
        for _ in range(STEPS):
            k = (math.log(1 / alpha) + np.log1p(k * (1 - share))) / rate
        return np.where(np.asarray(n) > 0, np.ceil(k) - 1, np.inf)


def more(alpha: float, share: Array, n: Array, m: Array) -> Array:
    """How much larger than a share of n fitted rows that of m new ones may be: a share q has a probability below
    exp(−n·D(p‖r) − m·D(q‖r)), D the divergence of the fitted share p and of q from that of all rows, r (Chernoff).
    Infinite where any share may be."""
    with np.errstate(all="ignore"):
        low, high = np.array(share, np.float64), np.ones(np.shape(share))
        bound = np.full(np.shape(share), np.inf)
        for _ in range(STEPS):
            middle = (low + high) / 2
            common = (n * share + m * middle) / (n + m)
            unlikely = n * _divergence(share, common) + m * _divergence(middle, common) > math.log(1 / alpha)
            bound = np.where(unlikely, middle - share, bound)
            low, high = np.where(unlikely, low, middle), np.where(unlikely, middle, high)
        return np.where(np.isnan(share), np.nan, bound)


def _divergence(share: Array, common: Array) -> Array:
    """Of Kullback and Leibler, of two shares."""
    terms = (share, common), (1 - share, 1 - common)
    with np.errstate(all="ignore"):
        return np.asarray(sum(np.where(a > 0, a * np.log(a / b), 0.0) for a, b in terms))


def new_keys(alpha: float, singles: int, pairs: int, n: float, m: float) -> float:
    """The number of m new rows whose key is none of n fitted ones. That of fitted rows with a key of their own alone,
    `singles`, has its mean times n/m (Good 1953): given both together, s, new ones are x of them with probability below
    exp(−s·D(x/s‖ρ)), ρ = m/(n + m). Keys of two rows, `pairs`, make singles vary more than by chance."""
    share, spread = m / (n + m), 1.0 + 2.0 * pairs / (singles + 1.0)
    low, high = singles * m / n, float(m)
    for _ in range(STEPS):
        middle = (low + high) / 2
        both = singles + middle
        unlikely = both * float(_divergence(np.array(middle / both), np.array(share))) > spread * math.log(1 / alpha)
        low, high = (low, middle) if unlikely else (middle, high)
    return high
