"""Winsorizing."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from msgspec import Meta

from normcli.errors import UsageError
from normcli.methods import Method, States, listed
from normcli.methods._drawings import BY_COLUMN
from normcli.methods._quantiles import quantiles
from normcli.stats import Statistic
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from normcli.stats.quantiles import Quantiles
from normcli.transforms import Transform
from normcli.transforms.limits import Limits


class Winsorize(Method, frozen=True, kw_only=True):
    """x, clipped to [q_lo, q_hi]

    Values below one quantile become that quantile, and those above another become that: outliers stay in the data, and
    lose their weight. Of up to 4,096 values of a column the quantiles are exact; beyond, they come from a sketch made
    in the one pass, and the rank of each is off by less than 0.1 % of the values, at 99 % confidence. --exact reads the
    input again and gives numpy's linear quantiles to the bit. What was clipped can't be told from what was there:
    --inverse refuses it, and with --lossy leaves it.
    """

    invertible = "no"
    shares = f"{BY_COLUMN}two quantiles"
    source = "Dixon (1960), Simplified estimation from censored normal samples, Annals of Mathematical Statistics 31"
    aliases = ("winsorization", "winsorizing", "winsorise", "outlier capping", "percentile clipping")
    example = "normcli fit data.csv -m winsorize --quantiles 0.05 0.95 -p data.json"

    quantiles: Annotated[tuple[float, float], Meta(description="shares of the values below the ends")] = (0.01, 0.99)
    exact: Annotated[bool, Meta(description="read the input again, for exact quantiles")] = False

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return Extrema(), Moments(), Quantiles(at=self.quantiles if self.exact else ())

    def check_options(self) -> None:
        low, high = self.quantiles
        if not 0.0 <= low < high <= 1.0:
            raise UsageError(f"--quantiles {low:g} {high:g}: LO must be less than HI, both from 0 to 1")

    def doubts(self, states: States, learned: Transform) -> Iterator[str]:
        assert isinstance(learned, Limits)
        x = states[Extrema]
        same = states.which((learned.low == learned.high) & (x.least < x.greatest))
        if same:
            yield f"the quantiles are the same in {listed(same)}: all values become one"

    def learn(self, states: States) -> Transform:
        ends = quantiles(states, np.array(self.quantiles), exact=self.exact)
        low, high = np.moveaxis(ends, 2, 0)
        return Limits(low + 0.0, np.maximum(low, high) + 0.0)
