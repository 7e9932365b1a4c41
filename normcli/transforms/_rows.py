"""Formulas of the statistics of rows over runs of columns, as blocks/tensor.py computes them."""

import numpy as np

from normcli.blocks import tensor
from normcli.blocks.expressions import Expression, Operand, call, constant, repeat, total, where_equal, where_less

SMALL, LARGE = 2.0**-400, 2.0**400  # sums of sizes, between which all squares are within the range of a float
SHIFT = 600  # to units of others, as a power of two


def mean(x: Expression, runs: int) -> Expression:
    """(rows, runs) the mean of each run."""
    return total(x, runs) / (x.width // runs)


def centred_rows(x: Expression, runs: int) -> tuple[Expression, Expression]:
    """The deviations of each run from its mean, and the means (rows, runs)."""
    first = mean(x, runs)
    near = x - repeat(first, x.width)
    low = mean(near, runs)
    return near - repeat(low, x.width), first + low


def spread_rows(deviations: Expression, runs: int, norm: tensor.Norm = "l2") -> Expression:
    """(rows, runs) the mean square of deviations, or √(π/2) times their mean size."""
    if norm == "l1":
        return mean(call("abs", deviations), runs) * tensor.NORMAL
    return mean(deviations * deviations, runs)


def divisor(spread: Expression, eps: Operand, norm: tensor.Norm = "l2") -> Expression:
    """√(variance + eps), or s + eps; one of exactly 0 is 1."""
    by = spread + eps if norm == "l1" else call("sqrt", spread + eps)
    return where_equal(by, 0.0, 1.0, by)


def normalized_rows(x: Expression, runs: int, eps: float, *, centred: bool = True) -> Expression:
    """Each run minus its mean, if `centred`, over √(mean square + eps), in units in which no square leaves the range of
    a float."""
    x, eps_in_units = _in_units(x, runs, eps)
    deviations = centred_rows(x, runs)[0] if centred else x
    by = constant(np.float64(1.0)) / divisor(spread_rows(deviations, runs), eps_in_units)
    return deviations * repeat(by, x.width)


def _in_units(x: Expression, runs: int, eps: float) -> tuple[Expression, Expression]:
    """Each run, and eps in the units of its squares: units are powers of two, other than 1 where the sizes of a run are
    beyond LARGE, or below SMALL and eps does not outweigh their squares."""
    size = total(call("abs", x), runs)
    unit, squared = constant(1.0), constant(eps)
    if eps < tensor.FINE[0]:
        unit, squared = (where_less(size, SMALL, np.ldexp(of, by * SHIFT), of) for of, by in ((1.0, 1), (eps, 2)))
    unit = where_less(LARGE, size, np.ldexp(1.0, -SHIFT), unit)
    squared = where_less(LARGE, size, np.ldexp(eps, -2 * SHIFT), squared)
    return x * repeat(unit, x.width), squared
