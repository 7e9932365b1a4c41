"""Batch renormalization."""

from typing import Annotated

import numpy as np
from msgspec import Meta

from normcli.methods import States
from normcli.methods._batches import DIVIDED, Formed
from normcli.methods._drawings import BY_BATCH
from normcli.stats import Statistic
from normcli.transforms import Transform
from normcli.transforms.batches import Batches


class BatchRenorm(Formed, frozen=True, kw_only=True):
    """(x − running mean) / running √(var + eps) · γ + β

    As batch, but it is the divisor of each batch that is averaged. With --training: ((x − μ_B)/σ_B · r + d)·γ + β
    with r = σ_B/σ within 1/rmax and rmax and d = (μ_B − μ)/σ within ±dmax, so that a batch is normalized as later data
    will be, unless it is far from the others. Without limits that is (x − μ)/σ exactly.
    """

    invertible = "with running statistics"
    shares = f"{BY_BATCH}the mean and the deviation of a channel in a batch, here of two rows, and the running ones"
    source = "Ioffe (2017), Batch Renormalization"
    aliases = ("batch renorm", "batchrenorm")
    example = "normcli fit train.parquet -m batch-renorm --rmax 2 -p renorm.json"

    rmax: Annotated[
        Annotated[float, Meta(ge=1)] | None,
        Meta(description="the greatest r, and its inverse the least; none: any", extra=DIVIDED),
    ] = 3.0
    dmax: Annotated[Annotated[float, Meta(ge=0)] | None, Meta(description="the greatest size of d; none: any")] = 5.0

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return self._blanks(norm=self.norm, rooted=True)

    def learn(self, states: States) -> Transform:
        d = len(states.names)
        mean, low, scale = self._running(states, squares=not self.mean_only)
        scale = np.where(np.isnan(scale), np.nan, 1.0) if self.mean_only else scale
        return Batches(
            mean, low, scale=scale, gamma=self._per_feature("gamma", d), beta=self._per_feature("beta", d),
            size=self.batch_size, channels=self._channels(d), eps=self.eps, norm=self.norm, mean_only=self.mean_only,
            limits=(self.rmax, self.dmax),
        )  # fmt: skip
