"""Normalizes values by mixtures of instance, layer and batch statistics."""

from typing import ClassVar

import numpy as np

from normcli.blocks import tensor
from normcli.blocks.block import Block
from normcli.blocks.expressions import Expression, constant, if_complete, repeat, total, where_less
from normcli.blocks.record import Array, per_group
from normcli.blocks.tensor import OverBatches
from normcli.caching import cached_property
from normcli.errors import NotInvertibleError
from normcli.transforms import GREATEST, Terms
from normcli.transforms._batches import ByBatches
from normcli.transforms._rows import centred_rows, divisor, spread_rows

Weights = tuple[float, float, float]  # of instance, layer, batch


class Mixtures(ByBatches, frozen=True, dict=True):
    """y = (x − Σ w μ) / √(Σ w′ var + eps) · gamma + beta over the statistics of the row's channel, the row, and the
    channel's batches (Luo et al. 2019, eq. 2 to 5); w and w′ are softmax of logits.

    A number near the learned means, or in training those of the batch, is subtracted from x first, and variances of
    the layer are computed from centred instances: E[σ² + μ²] − μ², as in the paper, would cancel. If a row misses a
    value, all its values become missing.
    """

    variance: Array = per_group("feature", empty=np.nan, holds="not negative")  # input units, squared
    mean_logits: Weights = (0.0, 0.0, 0.0)
    variance_logits: Weights = (0.0, 0.0, 0.0)

    complete_rows: ClassVar[bool] = True

    def fault(self) -> tuple[str, str] | None:
        for name in ("mean_logits", "variance_logits"):
            if not np.isfinite(getattr(self, name)).all():
                return name, "must be finite"
        if self.channels == self.gamma.shape[1]:
            return "channels", "of one column each"
        return super().fault()

    def terms(self) -> Terms:
        logits = {"mean_weights": self.mean_logits, "variance_weights": self.variance_logits}
        weights = {name: _softmax(values).tolist() for name, values in logits.items()}  # of instance, layer, batch
        return Terms({"mean": self.mean[0] + self.mean_low[0], "variance": self.variance[0]}, values=weights)

    @cached_property
    def _about(self) -> float:
        """A number near the learned means."""
        known = self.mean[np.isfinite(self.mean)]
        return float((known / max(len(known), 1)).sum())

    def normalized(self, block: Block, batches: OverBatches | None) -> Array:
        features = len(block.columns)
        out, width = np.empty((block.rows, features), order="F"), features // self.channels
        if batches is None:  # (1, channels)
            about = np.array([self._about])
            mean, variance = ((self.mean - self._about) + self.mean_low)[:, ::width], self.variance[:, ::width]
            which = np.zeros(block.rows, np.intp)
        else:
            about = (batches.mean / self.channels).sum(axis=1)
            mean, variance = (batches.mean - about[:, None]) + batches.mean_low, batches.spread
            which = np.repeat(np.arange(len(batches.lengths)), batches.lengths)
        for rows in tensor.strips(block.rows, features):
            y, near = out[rows], about[which[rows]]
            for x, into in zip(block.columns, y.T, strict=True):
                np.subtract(x[rows], near, out=into)
            self._mix(y, mean[which[rows]], variance[which[rows]], width)
        if block.incomplete is not None:
            out[block.incomplete] = np.nan
        return self.finish(out)

    def formula(self, x: Expression) -> Expression:
        width, near = x.width // self.channels, x - self._about
        batch_mean = constant(((self.mean[0] - self._about) + self.mean_low[0])[::width], "batch_mean")
        batch_variance = constant(self.variance[0, ::width], "batch_variance")
        deviations, means = centred_rows(near, self.channels)
        variances = spread_rows(deviations, self.channels)
        between, layer_mean = centred_rows(means, 1)
        layer_variance = total(variances) / self.channels + spread_rows(between, 1)
        w, v = (_softmax(logits).tolist() for logits in (self.mean_logits, self.variance_logits))
        middle = means * w[0] + layer_mean * w[1] + batch_mean * w[2]
        variance = variances * v[0] + layer_variance * v[1] + batch_variance * v[2]
        by = where_less(GREATEST, variance, np.nan, divisor(variance, self.eps))  # squares beyond a float
        return self.finished(if_complete((near - repeat(middle, x.width)) / repeat(by, x.width), x))

    def _mix(self, y: Array, batch_mean: Array, batch_variance: Array, width: int) -> None:
        """Normalizes rows (n, features) in place, by their own statistics and those of their batch, (n, channels)."""
        means, variances = np.empty_like(batch_mean, order="F"), np.empty_like(batch_mean, order="F")
        for c in range(self.channels):
            centred = y[:, c * width : (c + 1) * width].copy(order="F")
            means[:, c] = tensor.centre_rows(centred)
            variances[:, c] = tensor.spread_rows(centred)
        between = means.copy(order="F")
        layer_mean = tensor.centre_rows(between)
        layer_variance = tensor.row_sums(variances) / self.channels + tensor.spread_rows(between)
        w, v = _softmax(self.mean_logits), _softmax(self.variance_logits)
        for c in range(self.channels):
            middle = w[0] * means[:, c] + w[1] * layer_mean + w[2] * batch_mean[:, c]
            spread = v[0] * variances[:, c] + v[1] * layer_variance + v[2] * batch_variance[:, c]
            channel = y[:, c * width : (c + 1) * width]
            channel -= middle[:, None]
            channel /= tensor.divisor(spread, self.eps)[:, None]
            channel[~np.isfinite(spread)] = np.inf  # squares beyond a float

    def check_invertible(self) -> None:
        raise NotInvertibleError("the mean and the size of each row are gone")


def _softmax(logits: Weights) -> Array:
    with np.errstate(over="ignore", under="ignore"):
        powers = np.exp(np.array(logits) - max(logits))
    return np.asarray(powers / powers.sum())
