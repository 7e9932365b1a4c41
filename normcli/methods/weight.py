"""Weight normalization."""

from typing import Annotated, Literal

import numpy as np
from msgspec import Meta
from msgspec.structs import replace

from normcli.blocks.record import Array
from normcli.errors import BadDataError, UsageError
from normcli.methods import Method, Numbers, Scaler, States, listed, per_column
from normcli.methods._column import affine, refuse_light, terms_of
from normcli.methods._drawings import BY_COLUMN
from normcli.stats import Statistic
from normcli.stats._compensated import GREATEST
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from normcli.stats.powers import Powers
from normcli.transforms import Terms, Transform
from normcli.transforms.rows import Rows

ORDERS = {"l1": 1.0, "l2": 2.0}


class _OfAxis:
    """`by_row`, which depends on an option; False for the class."""

    def __get__(self, method: "Weight | None", kind: type) -> bool:
        return method is not None and method.axis == "row"


class Weight(Method, frozen=True, kw_only=True):
    """g · v / ‖v‖ for each column v

    Weight normalization: the length of a weight vector and its direction apart. Each column comes out with the length
    g asked for; a column of zeros stays. By row it learns nothing, and fit reads only the header.
    """

    invertible = "by column"
    by_row = _OfAxis()
    learns_all_groups = True
    shares = f"{BY_COLUMN}the length (by row: each row its own, and nothing is learned)"
    source = "Salimans and Kingma (2016), Weight normalization, NeurIPS 29"
    aliases = ("weight normalization", "weight norm")
    example = "normcli fit weights.parquet -m weight --gain 2 -p weights.json"
    per_column = ("gain",)

    axis: Annotated[Literal["column", "row"], Meta(description="what a vector is")] = "column"
    norm: Annotated[
        Literal["l1", "l2", "max"] | Annotated[float, Meta(ge=1)],
        Meta(description="which length: the sum of sizes, Euclid's, the largest size, or the P-norm for a number P"),
    ] = "l2"
    gain: Annotated[
        Numbers, Meta(description="the length afterwards, not 0: one, or a JSON file of one per column")
    ] = 1.0

    @property
    def scaler(self) -> Scaler:
        return "StandardScaler", {}

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        if self.axis == "row":
            return ()
        if self.norm == "max":
            return Extrema(), Moments()
        return Extrema(), Moments(), Powers(order=ORDERS[self.norm] if isinstance(self.norm, str) else self.norm)

    def check_options(self) -> None:
        if self.axis == "row" and isinstance(self.gain, tuple):
            raise UsageError("--gain with --axis row is one number")
        if 0.0 in (self.gain if isinstance(self.gain, tuple) else (self.gain,)):
            raise UsageError("--gain 0 would leave nothing")

    def check_features(self, count: int) -> None:
        per_column(self.gain, count, "--gain")

    def terms(self, states: States, learned: Transform) -> Terms:
        return terms_of(learned, scale="norm")

    def learn(self, states: States) -> Transform:
        if self.axis == "row":
            assert not isinstance(self.gain, tuple), "check"
            return Rows(norm=self.norm, gain=self.gain)
        zero = np.zeros_like(states[Extrema].least)
        return replace(affine(states, zero, zero, self._lengths(states)), gain=self.gain)

    def _lengths(self, states: States) -> Array:
        """(groups, features). Refuses columns longer than a float."""
        x = states[Extrema]
        if self.norm == "max":
            return np.maximum(np.abs(x.least), np.abs(x.greatest))
        refuse_light(states, states[Moments].count)
        lengths = states[Powers].norms()
        bad = states.which((lengths == GREATEST) & (states[Moments].count > 0))
        if bad:
            raise BadDataError(f"the length is beyond the range of a float in {listed(bad)}", states.hint())
        return lengths
