"""Functions by fewer ones: for engines that have no log1p, expm1, asinh or sinh.

The formulas are accurate to a few units in the last place: log1p and expm1 as in Kahan's lecture notes (Goldberg 1991,
theorem 4; Higham 2002, section 1.14.1), where the error of u = 1 + x, or of u = eˣ, cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from msgspec.structs import replace

from normcli.blocks.expressions import (
    Call,
    Expression,
    Take,
    call,
    folded,
    operands,
    where_equal,
    where_less,
)

LARGE = 1e8  # from here on, x² + 1 is x²
HUGE = 1e17  # from here on, 1 + x is x
VANISHING = -40.0  # up to here, eˣ − 1 is −1; some engines refuse an eˣ that is too small for a float
LOG_2 = 0.6931471805599453


def elementary(x: Expression, functions: Collection[str]) -> Expression:
    """The expression with only these functions, of which exp, log, sqrt and abs must be."""

    def work(node: Expression, parts: tuple[Expression, ...]) -> Expression:
        if isinstance(node, Call) and node.function not in functions:
            return FORMULAS[node.function](parts[0])
        return rebuilt(node, parts)

    return folded(x, work)


def rebuilt(node: Expression, parts: tuple[Expression, ...]) -> Expression:
    """An expression of other operands."""
    if isinstance(node, Take):
        sources = dict(zip(map(id, operands(node)), parts, strict=True))
        return replace(node, columns=tuple((sources[id(source)], j) for source, j in node.columns))
    names: dict[str, Any] = {
        name: value for name in node.__struct_fields__ if isinstance(value := getattr(node, name), Expression)
    }
    return replace(node, **dict(zip(names, parts, strict=True)))


def log1p(x: Expression) -> Expression:
    """log(1 + x)."""
    u = x + 1.0
    near = where_equal(u, 1.0, x, call("log", u) * x / (u - 1.0))
    return where_less(HUGE, x, call("log", x), near)


def expm1(x: Expression) -> Expression:
    """eˣ − 1."""
    u = call("exp", x)
    below = u - 1.0
    near = where_equal(u, 1.0, x, below * x / call("log", u))
    return where_less(x, VANISHING, -1.0, where_less(x, -1.0, below, where_less(1.0, x, below, near)))


def asinh(x: Expression) -> Expression:
    """log(x + √(x² + 1)), of the size, with its sign."""
    size = call("abs", x)
    square = size * size
    small = log1p(size + square / (call("sqrt", square + 1.0) + 1.0))
    result = where_less(LARGE, size, call("log", size) + LOG_2, small)
    return where_less(x, 0.0, -result, result)


def sinh(x: Expression) -> Expression:
    """(eˣ − e⁻ˣ) / 2, of the size, with its sign; large ones in two steps, since eˣ overflows before."""
    size = call("abs", x)
    grown = expm1(size)
    half = call("exp", size / 2.0)
    result = where_less(LARGE, half, half * 0.5 * half, (grown + grown / (grown + 1.0)) / 2.0)
    return where_less(x, 0.0, -result, result)


FORMULAS: Mapping[str, Callable[[Expression], Expression]] = {
    "log1p": log1p,
    "expm1": expm1,
    "asinh": asinh,
    "sinh": sinh,
}
