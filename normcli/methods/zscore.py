"""Standardization."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from normcli.methods import Method, States
from normcli.methods._column import affine, deviations, means
from normcli.stats import Statistic
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from normcli.transforms import Transform


@dataclass(frozen=True, kw_only=True)
class ZScore(Method):
    """(x − mean) / std

    Standardization: each column has mean 0 and standard deviation 1.
    """

    ddof: Annotated[int, Meta(ge=0, description="std divides by count − ddof")] = 0
    center: Annotated[bool, Meta(description="subtract the mean")] = True
    scale: Annotated[bool, Meta(description="divide by the standard deviation")] = True

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return Extrema(), Moments()

    def learn(self, states: States) -> Transform:
        hi, lo = means(states)
        zero, one = np.zeros_like(hi), np.ones_like(hi)
        scale = deviations(states, self.ddof) if self.scale else one
        return affine(states, hi if self.center else zero, lo if self.center else zero, scale)
