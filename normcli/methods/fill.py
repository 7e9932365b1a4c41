"""Filling of what is missing."""

from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from normcli.methods import Method, Scaler, States, beside
from normcli.methods._column import means
from normcli.methods._drawings import BY_COLUMN
from normcli.methods._quantiles import quantiles
from normcli.stats import Statistic
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from normcli.stats.quantiles import Quantiles
from normcli.transforms import Transform
from normcli.transforms.fills import Fills


class Fill(Method, frozen=True, kw_only=True):
    """x, or where it is missing, the mean, the median or a number

    For what can't do with missing values, as most models can't. By key, a column that has no value with a key is filled
    by that of all rows; one that has no value at all stays as it is. What was filled can't be told from what was there:
    --inverse refuses it, and with --lossy leaves it filled. The median of up to 4,096 values is exact; beyond, it comes
    from a sketch, as that of robust. A number learns nothing: fit reads only the header.
    """

    invertible = "no"
    learns_all_groups = True
    shares = f"{BY_COLUMN}the mean or the median"
    source = "Little and Rubin (2019), Statistical Analysis with Missing Data, 3rd ed., section 4.2"
    aliases = ("imputation", "impute", "simpleimputer", "fillna", "missing values")
    example = "normcli fit data.csv -m fill --with median -p data.json -o data-filled.csv"

    with_: Annotated[Literal["mean", "median"] | float, Meta(description="what goes there")] = "mean"
    exact: Annotated[
        bool,
        Meta(
            description="read the input again, for the exact median",
            extra=beside("with_", "for --with median", lambda with_: with_ == "median"),
        ),
    ] = False

    @property
    def scaler(self) -> Scaler:
        if isinstance(self.with_, str):
            return "SimpleImputer", {"strategy": self.with_}
        return "SimpleImputer", {"strategy": "constant", "fill_value": float(self.with_)}

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        if self.with_ == "mean":
            return Extrema(), Moments()
        if self.with_ == "median":
            return Extrema(), Moments(), Quantiles(at=(0.5,) if self.exact else ())
        return ()

    def learn(self, states: States) -> Transform:
        if self.with_ == "mean":
            high, low = means(states)
            values = high + low
        elif self.with_ == "median":
            values = quantiles(states, np.array([0.5]), exact=self.exact)[:, :, 0]
        else:
            values = np.full((1, len(states.names)), self.with_, np.float64)
        return Fills(np.where(np.isnan(values), values[:1], values) + 0.0)
