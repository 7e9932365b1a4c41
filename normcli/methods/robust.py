"""Robust scaling."""

from statistics import NormalDist
from typing import Annotated

import numpy as np
from msgspec import Meta
from msgspec.structs import replace

from normcli.blocks.record import Array
from normcli.errors import UsageError
from normcli.methods import Method, Scaler, States
from normcli.methods._column import affine, spans
from normcli.methods._drawings import BY_COLUMN
from normcli.methods._quantiles import quantiles
from normcli.stats import Statistic
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from normcli.stats.quantiles import Quantiles
from normcli.transforms import Terms, Transform


class Robust(Method, frozen=True, kw_only=True):
    """(x − median) / (q_hi − q_lo)

    Median and quartiles, or other quantiles, in place of mean and standard deviation: a few wild values move neither.
    Of up to 4,096 values of a column they are exact; beyond, they come from a sketch made in the one pass, and the
    rank of each is off by less than 0.1 % of the values, at 99 % confidence. --exact reads the input again and
    gives numpy's linear quantiles to the bit. A range of zero is taken as 1.
    """

    shares = f"{BY_COLUMN}the median and two quantiles"
    source = (
        "Rousseeuw and Croux, Alternatives to the median absolute deviation, 1993; the sketch: Karnin, Lang and "
        "Liberty, Optimal quantile approximation in streams, 2016"
    )
    aliases = ("robust scaling", "robustscaler", "median and interquartile range", "iqr scaling")
    example = "normcli fit data.csv -m robust --quantiles 0.1 0.9 -p data.json"

    quantiles: Annotated[tuple[float, float], Meta(description="shares of the values below the ends of the range")] = (
        0.25,
        0.75,
    )
    unit_variance: Annotated[bool, Meta(description="times what gives normally distributed values variance 1")] = False
    exact: Annotated[bool, Meta(description="read the input again, for exact quantiles")] = False

    @property
    def scaler(self) -> Scaler:
        low, high = self.quantiles
        return "RobustScaler", {"quantile_range": (100.0 * low, 100.0 * high), "unit_variance": self.unit_variance}

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        low, high = self.quantiles
        return Extrema(), Moments(), Quantiles(at=(low, 0.5, high) if self.exact else ())

    def check_options(self) -> None:
        low, high = self.quantiles
        if not 0.0 <= low < high <= 1.0:
            raise UsageError(f"--quantiles {low:g} {high:g}: LO must be less than HI, both from 0 to 1")
        if self.unit_variance and not 0.0 < low < high < 1.0:
            raise UsageError("--unit-variance: a normal distribution has no quantiles at 0 and 1")

    def terms(self, states: States, learned: Transform) -> Terms:
        low, median, high = self._quantiles(states)
        ends = (f"q{100.0 * share:g}" for share in self.quantiles)
        return Terms({next(ends): low[0], "median": median[0], next(ends): high[0]})

    def _quantiles(self, states: States) -> tuple[Array, Array, Array]:
        """(groups, features) each: the lower one, the median, and the higher one."""
        shares = np.array([self.quantiles[0], 0.5, self.quantiles[1]])
        low, median, high = np.moveaxis(quantiles(states, shares, exact=self.exact), 2, 0)
        return low, median, high

    def learn(self, states: States) -> Transform:
        low, median, high = self._quantiles(states)
        learned = affine(states, median, np.zeros_like(median), spans(states, low, high, "the range of the quantiles"))
        if not self.unit_variance:
            return learned
        normal = [NormalDist().inv_cdf(share) for share in self.quantiles]
        return replace(learned, gain=normal[1] - normal[0])
