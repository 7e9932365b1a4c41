"""Base of methods of batches: options of batches and of running statistics."""

from typing import Annotated, Literal

import numpy as np
from msgspec import Meta
from msgspec.structs import replace

from normcli.blocks import tensor
from normcli.blocks.record import Array
from normcli.errors import BadDataError
from normcli.methods import States, beside, listed
from normcli.methods._axes import SPLIT, Channels, Shifted
from normcli.methods._column import refuse_unsquarable
from normcli.stats import Statistic
from normcli.stats.extrema import Extrema
from normcli.stats.running import Running
from normcli.transforms import Terms, Transform

DIVIDED = beside("mean_only", "for a division", lambda mean_only: not mean_only)


class Batched(Shifted, frozen=True, kw_only=True):
    """A method that learns from batches of consecutive rows, the newest with most weight."""

    channels: Annotated[Channels | None, SPLIT] = None
    batch_size: Annotated[
        int, Meta(ge=2, le=1 << 40, description="rows to a batch; a single row that is left at the end joins the last")
    ] = 256
    momentum: Annotated[
        Annotated[float, Meta(gt=0, le=1)] | None,
        Meta(description="weight of a new batch in the running statistics; none: all weigh the same"),
    ] = 0.1
    start: Annotated[
        Literal["torch"] | None,
        Meta(
            description="torch: running statistics begin at 0 and 1; else they are corrected for their beginning",
            extra=beside(
                "momentum", "for a --momentum below 1", lambda momentum: momentum is not None and momentum < 1
            ),
        ),
    ] = None

    def runs(self, count: int) -> int:
        return self._channels(count)

    def terms(self, states: States, learned: Transform) -> Terms:
        terms, batches = learned.terms(), int(states[Running].updates.max(initial=0.0))
        return replace(terms, values={"batches": batches, **terms.values})

    def _blanks(self, *, norm: tensor.Norm = "l2", rooted: bool = False) -> tuple[Statistic, ...]:
        eps = self.eps if rooted else 0.0
        running = Running(
            size=self.batch_size, momentum=self.momentum, channels=self.channels, norm=norm, rooted=rooted, eps=eps
        )
        return Extrema(), running

    def _running(self, states: States, *, squares: bool = True) -> tuple[Array, Array, Array]:
        """Mean (high and low part) and spread, (1, columns) each; NaN without values. Raises BadDataError for columns
        without a batch of two values, and with `squares`, for those whose squared deviations leave the range of a
        float."""
        r = states[Running]
        if squares:
            refuse_unsquarable(states, r.mean)
        nothing = states.which((r.count > 0) & (r.updates == 0))
        if nothing and self.start is None:
            raise BadDataError(f"no batch has two values in {listed(nothing)}", "a larger --batch-size may have")
        mean, low, spread = r.mean, r.mean_low, r.spread
        if self.start == "torch":
            weight = np.minimum(r.weight(r.updates), 1.0)
            mean, low, spread = mean * weight, low * weight, (1.0 - weight) + weight * spread
        empty = r.count == 0
        return tuple(np.where(empty, np.nan, a) + 0.0 for a in (mean, low, spread))  # type: ignore[return-value]


class Formed(Batched, frozen=True, kw_only=True):
    """A method of batches with other divisors than the standard deviation."""

    eps: Annotated[float, Meta(ge=0, description="added below the root", extra=DIVIDED)] = 1e-5
    norm: Annotated[
        Literal["l2", "l1"],
        Meta(description="l1: divide by √(π/2) times the mean size of deviations, plus eps", extra=DIVIDED),
    ] = "l2"
    mean_only: Annotated[bool, Meta(description="subtract the mean, and divide by nothing")] = False

    def _divisor(self, spread: Array) -> Array:
        """(1, columns) the divisor from a running variance or s; NaN where unknown."""
        return (
            np.where(np.isnan(spread), np.nan, 1.0) if self.mean_only else tensor.divisor(spread, self.eps, self.norm)
        )
