"""Standardization."""

from dataclasses import dataclass, replace
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
    """(x − mean) / std · target-std + target-mean

    Standardization: each column has mean 0 and standard deviation 1, or those asked for.
    """

    at_once = True

    ddof: Annotated[int, Meta(ge=0, description="std divides by count − ddof")] = 0
    center: Annotated[bool, Meta(description="subtract the mean")] = True
    scale: Annotated[bool, Meta(description="divide by the standard deviation")] = True
    target_mean: Annotated[float, Meta(description="the mean afterwards")] = 0.0
    target_std: Annotated[float, Meta(gt=0, description="the standard deviation afterwards")] = 1.0

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return Extrema(), Moments()

    def learn(self, states: States) -> Transform:
        hi, lo = means(states)
        zero, one = np.zeros_like(hi), np.ones_like(hi)
        scale = deviations(states, self.ddof) if self.scale else one
        learned = affine(states, hi if self.center else zero, lo if self.center else zero, scale)
        return replace(learned, gain=self.target_std, offset=self.target_mean + 0.0)
