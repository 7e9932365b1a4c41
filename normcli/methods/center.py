"""Centring."""

from dataclasses import dataclass

import numpy as np

from normcli.methods import Method, States
from normcli.methods._column import affine, means
from normcli.stats import Statistic
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from normcli.transforms import Transform


@dataclass(frozen=True, kw_only=True)
class Center(Method):
    """x − mean

    Moves each column's mean to 0 and leaves its units as they are.
    """

    at_once = True

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return Extrema(), Moments()

    def learn(self, states: States) -> Transform:
        hi, lo = means(states)
        return affine(states, hi, lo, np.ones_like(hi))
