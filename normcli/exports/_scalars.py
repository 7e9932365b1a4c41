"""Formulas by column: each result as an expression of width 1, for engines whose values are single numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from normcli.blocks.expressions import (
    Binary,
    Call,
    Conditional,
    Constant,
    Expression,
    IfComplete,
    IfMissing,
    Input,
    Product,
    Reduction,
    Repeat,
    Take,
    binary,
    call,
    constant,
    folded,
    if_complete,
    maximum,
    operands,
    where_equal,
    where_less,
)

Columns = tuple[Expression, ...]  # of width 1 each

MOST = 250  # conditions that are joined: engines limit how deep an expression is
OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "**": np.power,
}  # fmt: skip


def scalars(x: Expression) -> Columns:
    """The columns of an expression. Those of the input are `Take`s of one column, `IfComplete` has a `Take` of what it
    looks at and is 1 where that is complete; nothing else has more than one column. An operation on constants is a
    constant, and so is what is missing in all rows."""
    return folded(x, _columns)


def _columns(x: Expression, parts: tuple[Columns, ...]) -> Columns:
    match x:
        case Input():
            return tuple(Take(1, ((x, j),)) for j in range(x.width))
        case Constant():
            return tuple(constant(v) for v in x.values)
        case Call():
            return tuple(a if is_missing(a) else call(x.function, a) for a in parts[0])
        case Binary():
            return tuple(_binary(x.operator, *pair) for pair in _broadcast(x.width, parts))
        case Conditional():
            return tuple(_conditional(x.equal, *four) for four in _broadcast(x.width, parts))
        case Reduction():
            length = x.x.width // x.width
            runs = (parts[0][at : at + length] for at in range(0, x.x.width, length))
            return tuple(map(_greatest if x.operation == "maximum" else _sum, runs))
        case Repeat():
            return tuple(a for a in parts[0] for _ in range(x.width // len(parts[0])))
        case Product():
            return tuple(_weighted(parts[0], weights) for weights in x.matrix.T.tolist())
        case Take():
            sources = dict(zip(map(id, operands(x)), parts, strict=True))
            return tuple(sources[id(source)][j] for source, j in x.columns)
        case IfComplete():
            flag = _complete(parts[1])
            return tuple(_conditional(True, flag, constant(1.0), a, constant(math.nan)) for a in parts[0])
        case IfMissing():
            pairs = _broadcast(x.width, parts)
            return tuple(_conditional(True, _complete((a,)), constant(1.0), a, b) for a, b in pairs)
    raise AssertionError(type(x))


def _broadcast(width: int, parts: Sequence[Columns]) -> list[Columns]:
    """The operands of each column; one column goes with any other."""
    return list(zip(*(part * width if len(part) == 1 else part for part in parts), strict=True))


def is_missing(x: Expression) -> bool:
    """Whether it is a constant that is missing."""
    return isinstance(x, Constant) and math.isnan(x.values[0])


def _binary(operator: Any, a: Expression, b: Expression) -> Expression:
    if is_missing(a) or is_missing(b):
        return constant(math.nan)
    if isinstance(a, Constant) and isinstance(b, Constant):
        with np.errstate(all="ignore"):
            return constant(OPERATIONS[operator](np.float64(a.values[0]), np.float64(b.values[0])))
    return binary(operator, a, b)


def _conditional(equal: bool, a: Expression, b: Expression, then: Expression, otherwise: Expression) -> Expression:
    """Where one side is known to be missing, or beyond all numbers, the other branch alone."""
    least = isinstance(b, Constant) and b.values[0] == -math.inf
    most = isinstance(a, Constant) and a.values[0] == math.inf
    if is_missing(a) or is_missing(b) or (not equal and (least or most)):
        return otherwise
    return (where_equal if equal else where_less)(a, b, then, otherwise)


def _sum(columns: Sequence[Expression]) -> Expression:
    """From the left."""
    result = columns[0]
    for column in columns[1:]:
        result = _binary("+", result, column)
    return result


def _weighted(columns: Sequence[Expression], weights: Sequence[float]) -> Expression:
    return _sum([_binary("*", column, constant(w)) for column, w in zip(columns, weights, strict=True)])


def _greatest(columns: Sequence[Expression]) -> Expression:
    """Of pairs, of pairs of these and so on, so that it takes few steps; missing where one is."""
    level = list(columns)
    while len(level) > 1:
        pairs = [maximum(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(pairs) * 2 :]
    if len(columns) == 1:
        return level[0]
    return _conditional(True, _complete(columns), constant(1.0), level[0], constant(math.nan))


def _complete(columns: Sequence[Expression]) -> Expression:
    """1 where no column is missing, else missing."""
    if any(map(is_missing, columns)):
        return constant(math.nan)
    if len(columns) > MOST:
        return _complete([_complete(columns[at : at + MOST]) for at in range(0, len(columns), MOST)])
    looks_at = [column for column in columns if not isinstance(column, Constant)]
    if not looks_at:
        return constant(1.0)
    return if_complete(constant(1.0), Take(len(looks_at), tuple((column, 0) for column in looks_at)))
