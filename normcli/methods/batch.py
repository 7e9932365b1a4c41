"""Batch normalization."""

from normcli.methods import States
from normcli.methods._batches import Formed
from normcli.methods._drawings import BY_BATCH
from normcli.stats import Statistic
from normcli.transforms import Transform
from normcli.transforms.batches import Batches


class Batch(Formed, frozen=True, kw_only=True):
    """(x − running mean) / √(running var + eps) · γ + β

    Batches are consecutive rows of all inputs together; a batch's mean and unbiased variance, of each channel's
    present values, enter running averages. apply uses these, or with --training each batch's own mean and biased
    variance, which can't be undone.
    """

    invertible = "with running statistics"
    shares = f"{BY_BATCH}mean and variance of a channel in a batch (of two rows, here); what is learned runs"
    source = "Ioffe and Szegedy (2015), Batch Normalization; --norm l1: Wu et al. (2018), L1-Norm Batch Normalization"
    aliases = ("batch norm", "batchnorm", "mean-only batch normalization")
    example = "normcli fit train.parquet -m batch --batch-size 128 -p batch.json -o train-bn.parquet"

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return self._blanks(norm=self.norm)

    def learn(self, states: States) -> Transform:
        d = len(states.names)
        mean, low, spread = self._running(states, squares=not self.mean_only)
        return Batches(
            mean, low, scale=self._divisor(spread),
            gamma=self._per_feature("gamma", d), beta=self._per_feature("beta", d),
            size=self.batch_size, channels=self._channels(d), eps=self.eps, norm=self.norm, mean_only=self.mean_only,
        )  # fmt: skip
