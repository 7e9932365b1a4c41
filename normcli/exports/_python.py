"""Formulas as statements of Python, over the arrays of a library."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

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
    in_order,
    operands,
)
from normcli.blocks.record import Array
from normcli.exports._elementary import elementary
from normcli.parameters.formulas import Formula

LONG = 72  # characters of an expression that gets a name of its own
WIDE = 120


class Statements:
    """The statements of a formula: `constants`, arrays by name; `lines` that compute what is used more than once, or
    is long; and the `result`, an expression of these."""

    library: ClassVar[str]
    total: ClassVar[str]  # a function of the module that sums runs of columns from the left
    functions: ClassVar[Mapping[str, str]]
    nan: ClassVar[str]
    infinity: ClassVar[str]
    owner: ClassVar[str] = ""  # before the names of constants

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        self.constants: dict[str, Array] = {}
        self.lines: list[str] = []
        self._texts: dict[int, str] = {}
        result = elementary(formula.result, self.functions)
        order = in_order(result)
        self._has_total = any(isinstance(x, Reduction) and x.operation == "sum" for x in order)
        uses = Counter(id(operand) for x in order for operand in operands(x))
        for x in order:
            text = self._text(x)
            named = not isinstance(x, Input | Constant) and (uses[id(x)] > 1 or len(text) > LONG)
            if named and x is not result:
                name = f"y{len(self.lines) + 1}"
                self.lines.append(f"{name} = {_bare(text)}")
                text = name
            self._texts[id(x)] = text
        self.result = _bare(self._texts[id(result)])

    def module(self, about: Sequence[str], imports: str, constant: str, body: Iterable[str]) -> bytes:
        """The source text of a module with the names of columns and the constants, each number array as `constant` has
        it, before its body."""
        names = {"INPUTS": self.formula.inputs, "OUTPUTS": self.formula.outputs}
        lines = [
            '"""' + "\n\n".join(about) + '\n"""',
            f"\n{imports}\n",
            *(f"{name} = {wrapped([ascii(n) for n in of])}" for name, of in names.items()),
            *(f"{name} = {constant.format(self.numbers(of))}" for name, of in self.constants.items()),
            *([f"\n\n{self.total}"] if self._has_total else []),
            "\n",
            *body,
        ]
        return ("\n".join(lines) + "\n").encode()

    def _text(self, x: Expression) -> str:
        """An expression as text that stands anywhere."""
        a = [self._texts[id(operand)] for operand in operands(x)]
        match x:
            case Input():
                return "x"
            case Constant():
                return self._constant(x)
            case Call():
                return f"{self.library}.{self.functions[x.function]}({_bare(a[0])})"
            case Binary(operator="-", left=Constant(values=(0.0,))):
                return f"(-{a[1]})"
            case Binary():
                left = _bare(a[0]) if binds(x.left, x.operator) else a[0]
                return f"({left} {x.operator} {a[1]})"
            case Conditional():
                then = self.double(a[2]) if isinstance(x.then, Constant) and isinstance(x.otherwise, Constant) else a[2]
                test = f"{a[0]} {'==' if x.equal else '<'} {a[1]}"
                return f"{self.library}.where({test}, {_bare(then)}, {_bare(a[3])})"
            case Reduction():
                return self.greatest(a[0]) if x.operation == "maximum" else f"total({_bare(a[0])}, {x.width})"
            case Repeat():
                return self.repeat(a[0], x.width // x.x.width)
            case Product():
                return f"({a[0]} @ {self._named('WEIGHTS', x.matrix)})"
            case Take():
                return self._taken(x)
            case IfComplete():
                return f"{self.library}.where({self.row_misses(a[1])}, {self.nan}, {_bare(a[0])})"
            case IfMissing():
                return f"{self.library}.where({self.library}.isnan({_bare(a[0])}), {_bare(a[1])}, {_bare(a[0])})"
        raise AssertionError(type(x))

    def _constant(self, x: Constant) -> str:
        if x.width == 1:
            return self.number(x.values[0]) if x.values[0] >= 0.0 else f"({self.number(x.values[0])})"
        return self._named(x.label.upper() or "NUMBERS", np.array(x.values))

    def _named(self, label: str, values: Array) -> str:
        name, count = label, 1
        while name in self.constants and self.constants[name].tobytes() != values.tobytes():
            count += 1
            name = f"{label}_{count}"
        self.constants[name] = values
        return f"{self.owner}{name}"

    def _taken(self, x: Take) -> str:
        parts: list[tuple[Expression, list[int]]] = []
        for source, j in x.columns:
            if not parts or parts[-1][0] is not source:
                parts.append((source, []))
            parts[-1][1].append(j)
        texts = [
            self._texts[id(source)] + ("" if at == [*range(source.width)] else f"[:, {columns(at)}]")
            for source, at in parts
        ]
        return texts[0] if len(texts) == 1 else self.beside(texts)

    def double(self, constant: str) -> str:
        """A constant for a choice between constants, so that this is of doubles."""
        return constant

    def number(self, x: float) -> str:
        """A number; those that are not finite have no literal."""
        if math.isfinite(x):
            return repr(x)
        return self.nan if math.isnan(x) else self.infinity if x > 0.0 else f"-{self.infinity}"

    def numbers(self, values: Array) -> str:
        """A list of numbers, or of lists of them, within lines of a file."""
        if values.ndim == 1:
            return wrapped([self.number(v) for v in values.tolist()])
        rows = (", ".join(map(self.number, row)) for row in values.tolist())
        return "[\n" + "".join(f"    [{row}],\n" for row in rows) + "]"

    def greatest(self, x: str) -> str:
        """The greatest of each row, (rows, 1)."""
        raise NotImplementedError

    def repeat(self, x: str, times: int) -> str:
        """Each column repeated."""
        raise NotImplementedError

    def row_misses(self, x: str) -> str:
        """(rows, 1) whether a row misses a value."""
        raise NotImplementedError

    def beside(self, parts: Sequence[str]) -> str:
        """Columns beside each other."""
        raise NotImplementedError


def wrapped(words: Sequence[str]) -> str:
    """A list of words, broken into lines where it is long."""
    line = f"[{', '.join(words)}]"
    if len(line) <= WIDE - 20:
        return line
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > WIDE - 8:
            lines.append("")
        lines[-1] += f"{word}, "
    return "[\n" + "".join(f"    {line.rstrip()}\n" for line in lines) + "]"


def columns(at: Sequence[int]) -> str:
    """Positions of columns as an index."""
    if list(at) == list(range(at[0], at[0] + len(at))):
        return f"{at[0]}:{at[0] + len(at)}"
    return str(list(at))


def binds(left: Expression, operator: str) -> bool:
    """Whether a left operand needs no parentheses."""
    ranks = {"+": 1, "-": 1, "*": 2, "/": 2, "**": 4}
    if not isinstance(left, Binary) or operator == "**" or left.operator == "**":
        return False
    if isinstance(left.left, Constant) and left.operator == "-":  # written as a sign
        return False
    return ranks[left.operator] >= ranks[operator]


def _bare(text: str) -> str:
    """Text without the parentheses around all of it."""
    if not text.startswith("("):
        return text
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if not depth:
            return text[1:-1] if at == len(text) - 1 else text
    return text
