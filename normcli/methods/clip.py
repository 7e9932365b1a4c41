"""Clipping to given limits."""

from typing import Annotated

from msgspec import Meta

from normcli.errors import UsageError
from normcli.methods import Method, States
from normcli.methods._drawings import BY_VALUE
from normcli.transforms import Transform
from normcli.transforms.interval import Interval


class Clip(Method, frozen=True, kw_only=True):
    """x, clipped to [low, high]

    For limits that are known: values below --low become that, and those above --high become that. One of them may be
    left out. What was clipped can't be told from what was there: --inverse refuses it, and with --lossy leaves it.
    Learns nothing: fit reads only the header.
    """

    invertible = "no"
    element_wise = True
    shares = f"{BY_VALUE}nothing: each value stands alone"
    source = "as numpy's clip; Huber (1964), Robust estimation of a location parameter, holds residuals so"
    aliases = ("clipping", "clamp", "cap", "truncate values")
    example = "normcli fit data.csv -m clip --low 0 --high 100 -p data.json -o data-clipped.csv"

    low: Annotated[float | None, Meta(description="the least value that stays")] = None
    high: Annotated[float | None, Meta(description="the greatest value that stays")] = None

    def check_options(self) -> None:
        if self.low is None and self.high is None:
            raise UsageError("clip needs --low, --high or both")
        if self.low is not None and self.high is not None and not self.low <= self.high:
            raise UsageError(f"--low {self.low:g} --high {self.high:g}: low must not be above high")

    def learn(self, states: States) -> Transform:
        low, high = (None if end is None else end + 0.0 for end in (self.low, self.high))
        return Interval(low, high)
