"""numpy: a module of Python that needs nothing but numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from normcli.blocks.expressions import Input, Take, in_order
from normcli.exports import Export, Target
from normcli.exports._python import Statements

TOTAL = '''def total(x, runs):
    """The sum of each run of columns, from the left: (rows, columns) to (rows, runs)."""
    return np.add.accumulate(x.reshape(len(x), runs, x.shape[1] // runs), axis=2)[:, :, -1]'''


class Numpy(Target, frozen=True, kw_only=True):
    """A module with a function `transform` of arrays (rows, INPUTS), NaN where a value is missing; in float64."""

    def write(self, export: Export) -> bytes:
        statements, formula = _Statements(export.formula), export.formula
        is_view = all(isinstance(x, Input | Take) for x in in_order(formula.result))  # of the caller's array
        body = [
            "def transform(x):",
            f'    """x: (rows, {len(formula.inputs)}), NaN where missing. Returns (rows, {len(formula.outputs)})."""',
            f"    x = np.{'array' if is_view else 'asarray'}(x, np.float64)",
            '    with np.errstate(all="ignore"):',
            *(f"        {line}" for line in statements.lines),
            f"        return {statements.result}",
        ]
        return statements.module(
            (f"{export.heading}.", self.accuracy(export)), "import numpy as np", "np.array({})", body
        )


class _Statements(Statements):
    """In the words of numpy."""

    library: ClassVar = "np"
    total: ClassVar = TOTAL
    functions: ClassVar = {name: name for name in ("abs", "sqrt", "exp", "expm1", "log", "log1p", "sinh")} | {
        "asinh": "arcsinh"
    }
    nan: ClassVar = "np.nan"
    infinity: ClassVar = "np.inf"

    def greatest(self, x: str) -> str:
        return f"{x}.max(axis=1, keepdims=True)"

    def repeat(self, x: str, times: int) -> str:
        return f"np.repeat({x}, {times}, axis=1)"

    def row_misses(self, x: str) -> str:
        return f"np.isnan({x}).any(axis=1, keepdims=True)"

    def beside(self, parts: Sequence[str]) -> str:
        return f"np.concatenate([{', '.join(parts)}], axis=1)"
