"""Switchable normalization."""

from typing import Annotated

from msgspec import Meta, field

from normcli.methods import States
from normcli.methods._axes import SPLIT, Channels, check_groups
from normcli.methods._batches import Batched
from normcli.methods._drawings import BY_BATCH_AND_CHANNEL
from normcli.stats import Statistic
from normcli.transforms import Transform
from normcli.transforms.mixtures import Mixtures, Weights


class Switchable(Batched, frozen=True, kw_only=True):
    """(x − Σ w μ) / √(Σ w′ var + eps) · γ + β

    Means and variances over instance, layer and batch are mixed before anything is subtracted; w and w′ are softmax of
    three logits each. apply uses running statistics of batches, or with --training each batch's own. Only rows that
    miss no value take part.
    """

    invertible = "no"
    by_row = True
    shares = f"{BY_BATCH_AND_CHANNEL}means and variances of a channel in a row, of the row, of a channel in a batch"
    source = "Luo, Ren, Peng, Zhang and Li (2019), Differentiable Learning-to-Normalize via Switchable Normalization"
    aliases = ("switchable norm", "sn")
    example = "normcli fit images.parquet -m switchable --channels 3 -c pixels -p sn.json"

    channels: Annotated[Channels, SPLIT] = field()  # required here
    mean_weights: Annotated[Weights, Meta(description="logits of instance, layer and batch for the mean")] = (
        0.0,
        0.0,
        0.0,
    )
    var_weights: Annotated[Weights, Meta(description="and for the variance")] = (0.0, 0.0, 0.0)

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return self._blanks()

    def check_features(self, count: int) -> None:
        super().check_features(count)
        check_groups(self.channels, count, "--channels")

    def learn(self, states: States) -> Transform:
        d = len(states.names)
        mean, low, variance = self._running(states)
        return Mixtures(
            mean, low, gamma=self._per_feature("gamma", d), beta=self._per_feature("beta", d), variance=variance,
            size=self.batch_size, channels=self._channels(d), eps=self.eps,
            mean_logits=self.mean_weights, variance_logits=self.var_weights,
        )  # fmt: skip
