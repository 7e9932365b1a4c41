"""shift: the difference of the means, in fitted standard deviations."""

import numpy as np

from normcli.blocks.record import Array
from normcli.drift import bounds
from normcli.drift.measures import Measure, Pair

ORDER = 1


def value(pair: Pair) -> Array:
    """(columns,) infinite where a column was constant."""
    was, now = pair.fitted, pair.data
    gap = (now["mean"] - was["mean"]) + (now["mean_low"] - was["mean_low"])
    return np.where(gap == 0.0, 0.0, gap / was["std"])


def floor(pair: Pair, alpha: float) -> Array:
    """(columns,) Student's, with the freedom of the smaller sample. New data of a greater deviation have it; those of a
    smaller one the fitted one, for few rows may lack the tail."""
    n, m = pair.rows
    ratio = np.fmax(pair.data["std"] / pair.fitted["std"], 1.0)
    return np.asarray(bounds.student(alpha / 2, np.minimum(n, m) - 1) * np.sqrt(1 / n + ratio * ratio / m))


MEASURE = Measure(key="shift", limit="max_shift", value=value, floor=floor, form="+.3g", words="shift {}")
