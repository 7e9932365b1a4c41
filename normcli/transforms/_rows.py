"""Formulas of the statistics of rows over runs of columns, as blocks/tensor.py computes them."""

import numpy as np

from normcli.blocks import tensor
from normcli.blocks.expressions import Expression, call, constant, spread, total, where_equal


def mean(x: Expression, runs: int) -> Expression:
    """(rows, runs) the mean of each run."""
    return total(x, runs) / (x.width // runs)


def centred_rows(x: Expression, runs: int) -> tuple[Expression, Expression]:
    """The deviations of each run from its mean, and the means (rows, runs)."""
    first = mean(x, runs)
    near = x - spread(first, x.width)
    low = mean(near, runs)
    return near - spread(low, x.width), first + low


def spread_rows(deviations: Expression, runs: int, norm: tensor.Norm = "l2") -> Expression:
    """(rows, runs) the mean square of deviations, or √(π/2) times their mean size."""
    if norm == "l1":
        return mean(call("abs", deviations), runs) * tensor.NORMAL
    return mean(deviations * deviations, runs)


def divisor(spread: Expression, eps: float, norm: tensor.Norm = "l2") -> Expression:
    """√(variance + eps), or s + eps; one of exactly 0 is 1."""
    by = spread + eps if norm == "l1" else call("sqrt", spread + eps)
    return where_equal(by, 0.0, 1.0, by)


def normalized_rows(x: Expression, runs: int, eps: float, *, centred: bool = True) -> Expression:
    """Each run minus its mean, if `centred`, over √(mean square + eps). Squares beyond a float are not rescued."""
    deviations = centred_rows(x, runs)[0] if centred else x
    by = constant(np.float64(1.0)) / divisor(spread_rows(deviations, runs), eps)
    return deviations * spread(by, x.width)
