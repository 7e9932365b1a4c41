"""Expressions: formulas over the columns of a block, as data: what a transform computes, for those who compute it
elsewhere.

An expression stands for a matrix (rows, width) of float64, NaN where a value is missing. One of width 1 goes with any
other: it is the same for all columns. All arithmetic is that of IEEE 754 in the order of the expression, so that who
evaluates it in doubles gets the same bits, up to functions (`Call`), whose last places differ between libraries, and
sums of products, whose order is free.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
from msgspec import Struct

from normcli.blocks.record import Array

Function = Literal["abs", "sqrt", "exp", "expm1", "log", "log1p", "sinh", "asinh"]
Operator = Literal["+", "-", "*", "/", "**"]
T = TypeVar("T")


class Expression(Struct, frozen=True, eq=False):
    """A matrix (rows, `width`)."""

    width: int

    def __add__(self, other: Operand) -> Expression:
        return binary("+", self, other)

    def __sub__(self, other: Operand) -> Expression:
        return binary("-", self, other)

    def __mul__(self, other: Operand) -> Expression:
        return binary("*", self, other)

    def __truediv__(self, other: Operand) -> Expression:
        return binary("/", self, other)

    def __pow__(self, other: Operand) -> Expression:
        return binary("**", self, other)

    def __neg__(self) -> Expression:
        return binary("-", constant(-0.0), self)

    def __getitem__(self, columns: slice) -> Expression:
        return Take(len(range(self.width)[columns]), tuple((self, j) for j in range(self.width)[columns]))


Operand = Expression | Array | Sequence[float] | float


class Input(Expression, frozen=True, eq=False):
    """The columns that an expression begins with."""


class Constant(Expression, frozen=True, eq=False):
    """The same numbers (width,) in all rows; the `label` is what a reader calls them."""

    values: tuple[float, ...]
    label: str = ""


class Call(Expression, frozen=True, eq=False):
    """A function of each value."""

    function: Function
    x: Expression


class Binary(Expression, frozen=True, eq=False):
    """`left` and `right`, value by value."""

    operator: Operator
    left: Expression
    right: Expression


class Conditional(Expression, frozen=True, eq=False):
    """`then` where `left` is less than `right`, or with `equal`, where they are the same; else `otherwise`, also where
    one of them is missing. Either branch may be undefined where the other is taken."""

    equal: bool
    left: Expression
    right: Expression
    then: Expression
    otherwise: Expression


class Reduction(Expression, frozen=True, eq=False):
    """For each of `width` equal runs of the columns of `x`: their sum, column by column from the left, or the greatest
    of them; missing where one of them is."""

    operation: Literal["sum", "maximum"]
    x: Expression


class Repeat(Expression, frozen=True, eq=False):
    """Each column of `x` repeated, width / x.width times in a row."""

    x: Expression


class Product(Expression, frozen=True, eq=False):
    """x · matrix (x.width, width); a row that misses a value misses all."""

    x: Expression
    matrix: Array


class Take(Expression, frozen=True, eq=False):
    """Columns of others, each an expression and the position in it."""

    columns: tuple[tuple[Expression, int], ...]


class IfComplete(Expression, frozen=True, eq=False):
    """`x` in rows where `of` misses no value, else missing."""

    x: Expression
    of: Expression


class IfMissing(Expression, frozen=True, eq=False):
    """`x`, or `otherwise` where that is missing."""

    x: Expression
    otherwise: Expression


# -- making them -------------------------------------------------------------------------------------------------
def constant(value: Operand, label: str = "") -> Expression:
    """Numbers as an expression: one, or one for each column; the `label` is what a reader calls them."""
    if isinstance(value, Expression):
        return value
    values = tuple(map(float, np.atleast_1d(np.asarray(value, np.float64)).tolist()))
    if len(set(map(repr, values))) == 1:
        values = values[:1]
    return Constant(len(values), values, label)


def binary(operator: Operator, left: Operand, right: Operand) -> Expression:
    """`left` and `right`, value by value; without an operation that changes nothing."""
    x, y = constant(left), constant(right)
    one = operator in "*/" and isinstance(y, Constant) and y.values == (1.0,)
    if one or (operator == "-" and isinstance(y, Constant) and set(map(repr, y.values)) == {"0.0"}):
        return x
    return Binary(max(x.width, y.width), operator, x, y)


def call(function: Function, x: Expression) -> Expression:
    """A function of each value."""
    return Call(x.width, function, x)


def where_less(left: Operand, right: Operand, then: Operand, otherwise: Operand) -> Expression:
    """`then` where `left` < `right`, else `otherwise`."""
    return _conditional(False, left, right, then, otherwise)


def where_equal(left: Operand, right: Operand, then: Operand, otherwise: Operand) -> Expression:
    """`then` where `left` == `right`, else `otherwise`."""
    return _conditional(True, left, right, then, otherwise)


def _conditional(equal: bool, *operands: Operand) -> Expression:
    left, right, then, otherwise = map(constant, operands)
    if isinstance(left, Constant) and isinstance(right, Constant):
        same = [a == b if equal else a < b for a, b in zip(*_even(left.values, right.values), strict=True)]
        if len(set(same)) == 1:
            return then if same[0] else otherwise
    return Conditional(max(x.width for x in (left, right, then, otherwise)), equal, left, right, then, otherwise)


def _even(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return (a * len(b) if len(a) == 1 else a), (b * len(a) if len(b) == 1 else b)


def maximum(x: Expression, least: Operand) -> Expression:
    """The greater of both; `x` where that is missing."""
    return where_less(x, least, least, x)


def minimum(x: Expression, greatest: Operand) -> Expression:
    """The lesser of both; `x` where that is missing."""
    return where_less(greatest, x, greatest, x)


def total(x: Expression, runs: int = 1) -> Expression:
    """The sum of each of `runs` equal runs of columns."""
    return Reduction(runs, "sum", x)


def greatest(x: Expression) -> Expression:
    """The greatest value of each row."""
    return Reduction(1, "maximum", x)


def repeat(x: Expression, width: int) -> Expression:
    """Each column repeated, so that there are `width`; one column goes with any other as it is."""
    return x if x.width in (1, width) else Repeat(width, x)


def product(x: Expression, matrix: Array) -> Expression:
    """x · matrix."""
    return Product(matrix.shape[1], x, np.asarray(matrix))


def take(columns: Sequence[tuple[Expression, int]]) -> Expression:
    """Columns of others; the expression itself, where all of its columns are taken in order."""
    source = columns[0][0]
    if len(columns) == source.width and all(x is source and j == at for at, (x, j) in enumerate(columns)):
        return source
    return Take(len(columns), tuple(columns))


def if_complete(x: Expression, of: Expression) -> Expression:
    """`x` in rows where `of` misses no value."""
    return IfComplete(x.width, x, of)


def if_missing(x: Expression, otherwise: Operand) -> Expression:
    """`x`, or `otherwise` where that is missing."""
    instead = constant(otherwise)
    return IfMissing(max(x.width, instead.width), x, instead)


# -- evaluating them ---------------------------------------------------------------------------------------------
def operands(x: Expression) -> tuple[Expression, ...]:
    """The expressions that one is computed from."""
    match x:
        case Binary():
            return x.left, x.right
        case Conditional():
            return x.left, x.right, x.then, x.otherwise
        case Call() | Reduction() | Repeat() | Product():
            return (x.x,)
        case IfComplete():
            return x.x, x.of
        case IfMissing():
            return x.x, x.otherwise
        case Take():
            return tuple(dict.fromkeys(source for source, _ in x.columns))
    return ()


def in_order(x: Expression) -> list[Expression]:
    """All expressions that `x` is computed from, each once and after its operands, and `x` itself last."""
    order: dict[int, Expression] = {}
    pending = [(x, False)]
    while pending:
        node, ready = pending.pop()
        if id(node) in order:
            continue
        if ready:
            order[id(node)] = node
        else:
            pending.append((node, True))
            pending.extend((operand, False) for operand in reversed(operands(node)))
    return list(order.values())


def folded(x: Expression, work: Callable[[Expression, tuple[T, ...]], T]) -> T:
    """What `work` makes of an expression and of what it has made of its operands, from the input on, each once."""
    results: dict[int, Any] = {}
    for node in in_order(x):
        results[id(node)] = work(node, tuple(results[id(operand)] for operand in operands(node)))
    result: T = results[id(x)]
    return result
