"""Min-max scaling."""

from typing import Annotated

import numpy as np
from msgspec import Meta
from msgspec.structs import replace

from normcli.errors import UsageError
from normcli.methods import Method, Scaler, States
from normcli.methods._column import affine, ranges, terms_of
from normcli.methods._drawings import BY_COLUMN
from normcli.stats import Statistic
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from normcli.transforms import Terms, Transform


class MinMax(Method, frozen=True, kw_only=True):
    """lo + (x − min) / (max − min) · (hi − lo)

    Feature scaling to a range: the least value lands on lo and the greatest on hi, exactly.
    """

    invertible = "unless clipped"
    learns_all_groups = True
    shares = f"{BY_COLUMN}the least and the greatest value"
    source = "Han, Kamber and Pei (2011), Data Mining, 3rd ed., section 3.5.2"
    aliases = ("feature scaling", "min-max scaling", "min-max normalization", "rescaling", "minmaxscaler")
    example = "normcli fit train.csv -m minmax --range -1 1 --clip -p train.json"

    range: Annotated[tuple[float, float], Meta(description="where the least and the greatest value land")] = (0.0, 1.0)
    clip: Annotated[bool, Meta(description="hold new values outside the fitted range to LO and HI")] = False

    @property
    def scaler(self) -> Scaler:
        low, high = self.range
        return "MinMaxScaler", {"feature_range": (low + 0.0, high + 0.0), "clip": self.clip}

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return Extrema(), Moments()

    def check_options(self) -> None:
        low, high = self.range
        if not low < high or high - low == float("inf"):
            raise UsageError(f"--range {low:g} {high:g}: LO must be less than HI, and HI − LO a float")

    def terms(self, states: States, learned: Transform) -> Terms:
        return terms_of(learned, "min", "range")

    def learn(self, states: States) -> Transform:
        least = states[Extrema].least
        low, high = self.range
        learned = affine(states, least, np.zeros_like(least), ranges(states))
        return replace(learned, ends=(low + 0.0, high + 0.0), clip=self.clip)
