"""Batch-instance normalization."""

from typing import Annotated

from msgspec import Meta, field

from normcli.methods import States
from normcli.methods._axes import SPLIT, Channels, check_groups
from normcli.methods._batches import Formed
from normcli.methods._drawings import BY_BATCH_AND_CHANNEL
from normcli.stats import Statistic
from normcli.transforms import Transform
from normcli.transforms.blends import Blends

Share = Annotated[float, Meta(ge=0, le=1)]


class BatchInstance(Formed, frozen=True, kw_only=True):
    """(ρ · x̂_batch + (1 − ρ) · x̂_instance) · γ + β

    x̂_batch is what batch makes of a value, and x̂_instance what instance does: what tells rows apart (style) is kept
    for ρ of 1, and normalized away for 0. apply uses running statistics of batches, or with --training each batch's
    own. Only rows that miss no value take part.
    """

    invertible = "no"
    by_row = True
    shares = f"{BY_BATCH_AND_CHANNEL}mean and variance of a channel in a batch, and of its positions in a row"
    source = "Nam and Kim (2018), Batch-Instance Normalization for Adaptively Style-Invariant Neural Networks"
    aliases = ("batch-instance norm", "bin")
    example = "normcli fit images.parquet -m batch-instance --channels 3 --rho 0.3 -c pixels -p bin.json"
    per_column = ("gamma", "beta", "rho")

    channels: Annotated[Channels, SPLIT] = field()  # required here
    rho: Annotated[
        Share | tuple[Share, ...],
        Meta(description="the batch's share: a number, or a JSON file of one for each channel"),
    ] = 0.5

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return self._blanks(norm=self.norm)

    def check_features(self, count: int) -> None:
        super().check_features(count)
        check_groups(self.channels, count, "--channels")

    def learn(self, states: States) -> Transform:
        d = len(states.names)
        mean, low, spread = self._running(states, squares=not self.mean_only)
        return Blends(
            mean, low, scale=self._divisor(spread),
            gamma=self._per_feature("gamma", d), beta=self._per_feature("beta", d),
            share=self._per_feature("rho", d), size=self.batch_size, channels=self._channels(d), eps=self.eps,
            norm=self.norm, mean_only=self.mean_only,
        )  # fmt: skip
