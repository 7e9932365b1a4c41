"""Batch normalization."""

from dataclasses import dataclass

from normcli.methods import States
from normcli.methods._batches import Formed
from normcli.stats import Statistic
from normcli.transforms import Transform
from normcli.transforms.batches import Batches


@dataclass(frozen=True, kw_only=True)
class Batch(Formed):
    """(x − running mean) / √(running var + eps) · γ + β

    Batches are consecutive rows of all inputs together; a batch's mean and unbiased variance, of each channel's
    present values, enter running averages. apply uses these, or with --training each batch's own mean and biased
    variance, which can't be undone.
    """

    invertible = "with running statistics"
    shares = "one channel of a batch of rows, and its positions: (N, L)"
    source = "Ioffe and Szegedy (2015), Batch Normalization; --norm l1: Wu et al. (2018), L1-Norm Batch Normalization"
    aliases = ("batch norm", "BatchNorm", "mean-only batch normalization")

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return self._blanks(norm=self.norm)

    def learn(self, states: States) -> Transform:
        d = len(states.names)
        mean, low, spread = self._running(states, squares=not self.mean_only)
        return Batches(
            mean, low, scale=self._divisor(spread), gamma=self._each("gamma", d), beta=self._each("beta", d),
            size=self.batch_size, channels=self._channels(d), eps=self.eps, norm=self.norm, mean_only=self.mean_only,
        )  # fmt: skip
