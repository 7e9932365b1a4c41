"""missing: how much more is missing, as a share of the rows."""

import numpy as np

from normcli.blocks.record import Array
from normcli.drift import bounds
from normcli.drift.measures import Measure, Pair

ORDER = 4


def value(pair: Pair) -> Array:
    """(columns,) negative where less is missing, which is no drift."""
    return pair.data["missing"] - pair.fitted["missing"]


def floor(pair: Pair, alpha: float) -> Array:
    """(columns,) of the difference of two shares."""
    return bounds.more(alpha, pair.fitted["missing"], *pair.all_rows)


MEASURE = Measure(
    key="missing_change", limit="max_missing", value=value, floor=floor, form="+.2%", words="{} missing",
    size=np.positive,
)  # fmt: skip
