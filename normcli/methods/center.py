"""Centring."""

import numpy as np

from normcli.methods import Method, Scaler, States
from normcli.methods._column import affine, means, terms_of
from normcli.methods._drawings import BY_COLUMN
from normcli.stats import Statistic
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from normcli.transforms import Terms, Transform


class Center(Method, frozen=True, kw_only=True):
    """x − mean

    Moves each column's mean to 0 and leaves its units as they are.
    """

    learns_all_groups = True
    shares = f"{BY_COLUMN}the mean"
    source = "Bro and Smilde (2003), Centering and scaling in component analysis, Journal of Chemometrics 17"
    aliases = ("centring", "centering", "mean removal", "mean centering", "demeaning")
    example = "normcli fit data.csv -m center -p data.json -o data-centred.csv"

    @property
    def scaler(self) -> Scaler:
        return "StandardScaler", {"with_std": False}

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return Extrema(), Moments()

    def terms(self, states: States, learned: Transform) -> Terms:
        return terms_of(learned, "mean")

    def learn(self, states: States) -> Transform:
        hi, lo = means(states)
        return affine(states, hi, lo, np.ones_like(hi))
