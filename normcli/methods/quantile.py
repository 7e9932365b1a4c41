"""Ranks."""

from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from normcli.methods import Method, States
from normcli.methods._drawings import BY_COLUMN
from normcli.methods._quantiles import quantiles
from normcli.stats import Statistic
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from normcli.stats.quantiles import Quantiles, spaced
from normcli.transforms import Transform
from normcli.transforms.ranks import Ranks


class Quantile(Method, frozen=True, kw_only=True):
    """the share of values below x, or the normal quantile of that share

    Whatever the distribution, what comes out is spread evenly from 0 to 1, or as a normal distribution (within
    ±5.1993, the least and the greatest value). Between quantiles the share is interpolated; of equal
    values it is the middle one; beyond the least and the greatest, 0 and 1.
    Of up to 4,096 values of a column the quantiles are exact; beyond, they come from a sketch made in the one pass,
    and the rank of each is off by less than 0.1 % of the values, at 99 % confidence. --exact reads the input again, a
    few times where there is much of it, and gives numpy's linear quantiles to the bit.
    """

    invertible = "approximately"
    shares = f"{BY_COLUMN}the quantiles"
    source = (
        "Bolstad and others, A comparison of normalization methods for high density oligonucleotide array data, 2003; "
        "as scikit-learn's QuantileTransformer; the sketch: Karnin, Lang and Liberty, Optimal quantile approximation "
        "in streams, 2016"
    )
    aliases = ("quantile transform", "quantiletransformer", "rank transform", "rank gauss", "probability integral")
    example = "normcli fit data.csv -m quantile --distribution normal -p data.json"

    distribution: Annotated[Literal["uniform", "normal"], Meta(description="of what comes out")] = "uniform"
    resolution: Annotated[int, Meta(ge=2, le=100_000, description="how many quantiles; no more than rows")] = 1000
    exact: Annotated[bool, Meta(description="read the input again, for exact quantiles")] = False

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return Extrema(), Moments(), Quantiles(at=self.resolution if self.exact else ())

    def learn(self, states: States) -> Transform:
        m, sketches = states[Moments], states[Quantiles]
        rows = int((m.count + m.missing).max(initial=0.0))
        wanted = sketches.exact.shape[1] or max(1, min(self.resolution, rows))
        values = quantiles(states, spaced(wanted), exact=self.exact)
        return Ranks(np.maximum.accumulate(values, axis=2) + 0.0, self.distribution)
