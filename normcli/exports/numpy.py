"""numpy: a module of Python that needs nothing but numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from normcli.exports import Export, Target
from normcli.exports._python import Statements, wrapped

TOTAL = '''

def total(x, runs):
    """The sum of each run of columns, from the left: (rows, columns) to (rows, runs)."""
    return np.add.accumulate(x.reshape(len(x), runs, x.shape[1] // runs), axis=2)[:, :, -1]'''


class Numpy(Target, frozen=True, kw_only=True):
    """A module with a function `transform` of arrays (rows, INPUTS), NaN where a value is missing."""

    suffix: ClassVar[str] = ".py"

    def write(self, export: Export) -> bytes:
        statements = _Statements(export.formula)
        names = {"INPUTS": export.formula.inputs, "OUTPUTS": export.formula.outputs}
        lines = [
            f'"""{export.heading}."""\n\nimport numpy as np\n',
            *(f"{name} = {wrapped([ascii(n) for n in of])}" for name, of in names.items()),
            *(f"{name} = np.array({statements.numbers(of)})" for name, of in statements.constants.items()),
            *([TOTAL] if statements.uses_total else []),
            "\n\ndef transform(x):",
            f'    """x: (rows, {len(export.formula.inputs)}), NaN where missing. '
            f'Returns (rows, {len(export.formula.outputs)})."""',
            "    x = np.asarray(x, np.float64)",
            '    with np.errstate(all="ignore"):',
            *(f"        {line}" for line in statements.lines),
        ]
        return ("\n".join(lines) + "\n").encode()


class _Statements(Statements):
    """In the words of numpy."""

    library: ClassVar = "np"
    functions: ClassVar = {name: name for name in ("abs", "sqrt", "exp", "expm1", "log", "log1p", "sinh")} | {
        "asinh": "arcsinh"
    }
    nan: ClassVar = "np.nan"

    def greatest(self, x: str) -> str:
        return f"{x}.max(axis=1, keepdims=True)"

    def repeat(self, x: str, times: int) -> str:
        return f"np.repeat({x}, {times}, axis=1)"

    def row_misses(self, x: str) -> str:
        return f"np.isnan({x}).any(axis=1, keepdims=True)"

    def beside(self, parts: Sequence[str]) -> str:
        return f"np.concatenate([{', '.join(parts)}], axis=1)"
