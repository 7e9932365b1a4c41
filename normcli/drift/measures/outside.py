"""outside: the share of values beyond the fitted range."""

import numpy as np

from normcli.blocks.record import Array
from normcli.drift import bounds
from normcli.drift.measures import Measure, Pair

ORDER = 3


def value(pair: Pair) -> Array:
    """(columns,) NaN also where the range is not known, as of what was imported."""
    known = (pair.fitted["count"] > 0) & ~np.isnan(pair.fitted["min"])
    return np.where(known, pair.data["outside"], np.nan)


def floor(pair: Pair, alpha: float) -> Array:
    """(columns,) whatever the distribution."""
    return np.asarray(bounds.beyond(alpha, *pair.rows) / pair.rows[1])


MEASURE = Measure(key="outside", limit="max_outside", value=value, floor=floor, form=".2%", words="{} outside")
