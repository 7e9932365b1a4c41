"""How far new data may be from those that were fitted."""

import math
from collections.abc import Mapping

from msgspec import Struct, field


class Limits(Struct, frozen=True):
    """Past one of these is drift, and past what undrifted rows exceed by chance; nothing is past infinity, which
    switches a measure off. `columns` are limits of columns by themselves, by name, as {"price": {"max_psi": 0.5}}, and
    `given` the names of those of all columns that are no defaults."""

    max_shift: float = 0.5  # of the mean, in fitted standard deviations
    max_scale_ratio: float = 2.0  # of the distances between deciles, or of deviations, the larger by the smaller
    max_outside: float = 0.01  # share of values beyond the fitted range, or of rows whose key was not fitted
    max_missing: float = 0.05  # how much more is missing, as a share
    max_ks: float = 0.1  # difference of the shares up to a value
    max_wasserstein: float = 0.25  # mean distance by which values are moved, in robust deviations
    max_psi: float = 0.2  # population stability index over deciles
    max_category: float = 0.1  # difference of the shares of a value
    min_rows: int = 30  # fewer are too few for a verdict
    columns: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    given: frozenset[str] = frozenset()

    def of(self, name: str, column: str, of: str) -> float:
        """The limit called `name` of a column; of an element of the lists `of`, its own one, or that of the lists."""
        for key in (column, of):
            if name in self.columns.get(key, {}):
                return self.columns[key][name]
        limit: float = getattr(self, name)
        return limit


LEAST = {"max_scale_ratio": 1}
GREATEST = {"max_outside": 1, "max_missing": 1, "max_ks": 1, "max_category": 1}
OFF = math.inf
NAMES = tuple(name for name in Limits.__struct_fields__ if name.startswith("max_"))
