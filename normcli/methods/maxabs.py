"""Scaling by the largest size."""

import numpy as np

from normcli.methods import Method, Scaler, States
from normcli.methods._column import affine, terms_of
from normcli.methods._drawings import BY_COLUMN
from normcli.stats import Statistic
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from normcli.transforms import Terms, Transform


class MaxAbs(Method, frozen=True, kw_only=True):
    """x / max|x|

    Each column within [−1, 1]; zero stays zero.
    """

    learns_all_groups = True
    shares = f"{BY_COLUMN}the largest size"
    source = "Pedregosa et al. (2011), Scikit-learn, JMLR 12: MaxAbsScaler"
    aliases = ("max-abs scaling", "maxabsscaler", "maximum absolute scaling")
    example = 'normcli fit data.csv -m maxabs -c "tfidf_*" -p data.json'

    @property
    def scaler(self) -> Scaler:
        return "MaxAbsScaler", {}

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return Extrema(), Moments()

    def terms(self, states: States, learned: Transform) -> Terms:
        return terms_of(learned, scale="max_abs")

    def learn(self, states: States) -> Transform:
        x = states[Extrema]
        zero = np.zeros_like(x.least)
        return affine(states, zero, zero, np.maximum(np.abs(x.least), np.abs(x.greatest)))
