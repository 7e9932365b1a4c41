"""Stages: what is used more than once is a column of a SELECT before, so that text grows with the formula alone."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import TypeGuard

from msgspec import Struct

from normcli.blocks.expressions import (
    Binary,
    Call,
    Conditional,
    Constant,
    Expression,
    IfComplete,
    Input,
    Take,
    in_order,
    operands,
)
from normcli.exports._python import binds
from normcli.exports._scalars import is_missing
from normcli.exports._sql_dialects import Dialect

NULL = "NULL"
SHORT, LONG = 60, 4000  # characters of what is written again, and of what gets a column though it is used once
WIDE = 120  # characters of a line of names
GREATEST = 1.7976931348623157e308

Branch = tuple[Conditional, bool]  # whether it is the first


class Text(Struct, frozen=True):
    """An expression that stands anywhere, and the last stage that it reads."""

    text: str
    stage: int = 0


class Stages:
    """The columns of each stage, and the `results` by the columns of the last one."""

    def __init__(self, dialect: Dialect, columns: Sequence[Expression], inputs: Sequence[str], mark: str) -> None:
        """Of `columns` of width 1 (`scalars`) over `inputs`, which are identifiers; `mark` is part of new names."""
        self.dialect, self._inputs, self._mark = dialect, inputs, mark
        root = Take(len(columns), tuple((column, 0) for column in columns))
        self._order = in_order(root)[:-1]
        self._uses = _uses(self._order, root)
        self._paths = _paths(self._order)
        compares = any(isinstance(x, Conditional) for x in self._order)
        self._null_for_nan = compares and dialect.nan
        self._write(staged=False)
        if self._count:  # then all begins with a stage that converts the inputs
            self._write(staged=True)
        self.results = [_bare(self._texts[id(column)].text) for column in columns]

    def statement(self, others: Sequence[str], select: Sequence[str], table: str) -> str:
        """The statement that reads a table, of which it passes `others`, and selects. Raises NoFormulaError."""
        source, parts = table, []
        self.dialect.check_width(len(select))
        first, last = self.dialect.stage
        for number, (columns, earlier) in enumerate(zip(self._stages, self._earlier(), strict=True), start=1):
            self.dialect.check_width(len(others) + len(earlier) + len(columns))
            names = _lines([*others, *earlier], WIDE - len("    ,"))
            body = _select([*names, *(f"{text} AS {name}" for name, text in columns.items())], source, "  ")
            source = f"s{self._mark}{number}"
            parts.append(f"{source} {first}\n{body}\n{last}")
        return (f"WITH {', '.join(parts)}\n" if parts else "") + _select(select, source, "")

    def _earlier(self) -> list[list[str]]:
        """For each stage, the columns of earlier ones that it passes to later ones."""
        passed: list[list[str]] = []
        name = re.compile(rf"\bv{self._mark}[0-9]+\b")
        needed = {n: None for text in self.results for n in name.findall(text)}
        for columns in reversed(self._stages):
            passed.append([n for n in needed if n not in columns])
            needed = dict.fromkeys(passed[-1]) | {n: None for text in columns.values() for n in name.findall(text)}
        return passed[::-1]

    def _write(self, *, staged: bool) -> None:
        self._texts: dict[int, Text] = {}
        self._tests: dict[int, str] = {}  # of what is 1 in complete rows
        self._stages: list[dict[str, str]] = []  # text by name
        self._count = 0
        for x in self._order:
            if isinstance(x, Input):
                continue
            text = self._text(x)
            uses, size = self._uses[id(x)], len(text.text)
            if _is_input(x):
                apart = staged or uses > 1
            else:
                apart = not isinstance(x, Constant | Take) and (size > LONG or (uses > 1 and size > SHORT))
            self._texts[id(x)] = self._column(x, text) if apart else text
            if isinstance(x, IfComplete):
                complete = self._texts[id(x.of)].text
                self._tests[id(x)] = f"{self._texts[id(x)].text} = 1" if apart else complete

    def _column(self, x: Expression, text: Text) -> Text:
        """A column for what is used again, which is computed only where it is used: what is not may be undefined."""
        what, stage = text.text, text.stage
        for test, first in reversed(self._paths[id(x)]):
            a, b = (self._texts[id(side)] for side in (test.left, test.right))
            stage = max(stage, a.stage, b.stage)
            what = _case(self._test(test, a, b), what if first else NULL, NULL if first else what)
        self._count += 1
        name = f"v{self._mark}{self._count}"
        while len(self._stages) <= stage:
            self._stages.append({})
        self._stages[stage][name] = _bare(what)
        return Text(name, stage + 1)

    def _text(self, x: Expression) -> Text:
        """An expression of what has a text."""
        if _is_input(x):
            return Text(self._input(self._inputs[x.columns[0][1]]))
        parts = [self._texts[id(operand)] for operand in operands(x)]
        stage, a = max((part.stage for part in parts), default=0), [part.text for part in parts]
        match x:
            case Constant():
                return Text(self._number(x.values[0]))
            case Call():
                return Text(f"{self.dialect.function(x.function)}({_bare(a[0])})", stage)
            case Binary(operator="**"):
                return Text(f"power({_bare(a[0])}, {_bare(a[1])})", stage)
            case Binary(operator="-", left=Constant(values=(0.0,))):
                return Text(f"(-{a[1]})", stage)
            case Binary():
                left = _bare(a[0]) if binds(x.left, x.operator) else a[0]
                right = _bare(a[1]) if x.operator in "+-" and _is_product(x.right) else a[1]
                return Text(f"({left} {x.operator} {right})", stage)
            case Conditional():
                return Text(_case(self._test(x, *parts[:2]), a[2], NULL if is_missing(x.otherwise) else a[3]), stage)
            case Take():
                return Text(" AND ".join(f"{text} IS NOT NULL" for text in a), stage)
            case IfComplete():
                return Text(f"CASE WHEN {a[1]} THEN 1 END", stage)
        raise AssertionError(type(x))

    def _test(self, x: Conditional, left: Text, right: Text) -> str:
        """Its condition."""
        if isinstance(x.left, IfComplete):
            return self._tests[id(x.left)]
        return f"{_bare(left.text)} {'=' if x.equal else '<'} {_bare(right.text)}"

    def _input(self, name: str) -> str:
        """An input as a double, NULL for text that is no number; where values are compared, NULL for NaN, which engines
        compare each in its own way."""
        x, is_number = self.dialect.cast(name), self.dialect.is_number.format(name)
        if self._null_for_nan:
            is_number = f"abs({x}) <= {self.dialect.number(GREATEST)}"
        return _case(is_number, x, NULL) if is_number else x

    def _number(self, x: float) -> str:
        """A number; NULL for what is missing, or beyond a float."""
        if not math.isfinite(x):
            return self.dialect.cast(NULL)
        text = self.dialect.number(x)
        return text if math.copysign(1.0, x) > 0.0 or text.startswith("(") else f"({text})"


def _bare(text: str) -> str:
    """Text without the parentheses around it: what begins with one ends with the other of the pair."""
    return text[1:-1] if text.startswith("(") else text


def _is_input(x: Expression) -> TypeGuard[Take]:
    return isinstance(x, Take) and isinstance(x.columns[0][0], Input)


def _is_product(x: Expression) -> bool:
    return isinstance(x, Binary) and x.operator in "*/"


def _case(test: str, then: str, otherwise: str) -> str:
    """With a condition that is in the way, the next one."""
    if otherwise == NULL:
        return f"CASE WHEN {test} THEN {_bare(then)} END"
    if otherwise.startswith("CASE WHEN "):
        return f"CASE WHEN {test} THEN {_bare(then)} {otherwise[5:]}"
    return f"CASE WHEN {test} THEN {_bare(then)} ELSE {_bare(otherwise)} END"


def _uses(order: Sequence[Expression], root: Expression) -> Counter[int]:
    """How often each expression is written; what a branch depends on, also before a column of that branch."""
    uses = Counter(id(operand) for x in (*order, root) for operand in operands(x))
    uses.update(id(side) for x in order if _is_branching(x) for side in operands(x)[:2])
    return uses


def _paths(order: Sequence[Expression]) -> dict[int, tuple[Branch, ...]]:
    """The branches within which each expression is used, from the outermost on; but for those that hold for rows that
    miss no value, where all is missing in the others."""
    paths: dict[int, tuple[Branch, ...]] = {}
    for x in reversed(order):
        here = paths.setdefault(id(x), ())
        for operand, branch in _branches(x):
            path = (*here, *branch)
            paths[id(operand)] = _common(paths.get(id(operand), path), path)
    return paths


def _branches(x: Expression) -> list[tuple[Expression, tuple[Branch, ...]]]:
    if not _is_branching(x):
        return [(operand, ()) for operand in operands(x)]
    return [(x.left, ()), (x.right, ()), (x.then, ((x, True),)), (x.otherwise, ((x, False),))]


def _is_branching(x: Expression) -> TypeGuard[Conditional]:
    return isinstance(x, Conditional) and not isinstance(x.left, IfComplete)


def _common(a: tuple[Branch, ...], b: tuple[Branch, ...]) -> tuple[Branch, ...]:
    """What both begin with."""
    length = next((i for i, (one, other) in enumerate(zip(a, b, strict=False)) if one != other), min(len(a), len(b)))
    return a[:length]


def _lines(names: Sequence[str], width: int) -> list[str]:
    """Names, with commas between them, in lines of at most that many characters; a longer one has a line of its own."""
    lines: list[str] = []
    for name in names:
        if lines and len(lines[-1]) + len(name) + 2 <= width:
            lines[-1] += f", {name}"
        else:
            lines.append(name)
    return lines


def _select(columns: Sequence[str], source: str, margin: str) -> str:
    listed = ",\n".join(f"{margin}  {column}" for column in columns)
    return f"{margin}SELECT\n{listed}\n{margin}FROM {source}"
