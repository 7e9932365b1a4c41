"""torch: a module of PyTorch, as source text that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from normcli.exports import Export, Target
from normcli.exports._python import Statements, wrapped

TOTAL = '''

def total(x, runs):
    """The sum of each run of columns, from the left: (rows, columns) to (rows, runs)."""
    first, *others = x.reshape(len(x), runs, x.shape[1] // runs).unbind(2)
    for column in others:
        first = first + column
    return first'''


class Torch(Target, frozen=True, kw_only=True):
    """A `torch.nn.Module`, of tensors (rows, INPUTS), NaN where a value is missing; it computes in float64."""

    suffix: ClassVar[str] = ".py"

    def write(self, export: Export) -> bytes:
        statements = _Statements(export.formula)
        names = {"INPUTS": export.formula.inputs, "OUTPUTS": export.formula.outputs}
        buffers = [
            f"        self.register_buffer({name!r}, torch.tensor({name}, dtype=torch.float64))"
            for name in statements.constants
        ]
        lines = [
            f'"""{export.heading}."""\n\nimport torch\n',
            *(f"{name} = {wrapped([ascii(n) for n in of])}" for name, of in names.items()),
            *(f"{name} = {statements.numbers(of)}" for name, of in statements.constants.items()),
            *([TOTAL] if statements.uses_total else []),
            "\n\nclass Normalizer(torch.nn.Module):",
            f'    """Of tensors (rows, {len(export.formula.inputs)}), NaN where missing, to '
            f'(rows, {len(export.formula.outputs)}), in float64."""\n',
            *(["    def __init__(self):", "        super().__init__()", *buffers, ""] if buffers else []),
            "    def forward(self, x):",
            "        x = x.to(torch.float64)",
            *(f"        {line}" for line in statements.lines),
        ]
        return ("\n".join(lines) + "\n").encode()


class _Statements(Statements):
    """In the words of PyTorch."""

    library: ClassVar = "torch"
    functions: ClassVar = {n: n for n in ("abs", "sqrt", "exp", "expm1", "log", "log1p", "sinh", "asinh")}
    nan: ClassVar = 'float("nan")'
    owner: ClassVar = "self."

    def double(self, constant: str) -> str:
        """Numbers without a type would be of 32 bits."""
        return f"torch.as_tensor({constant}, dtype=torch.float64)"

    def greatest(self, x: str) -> str:
        return f"{x}.amax(dim=1, keepdim=True)"

    def repeat(self, x: str, times: int) -> str:
        return f"{x}.repeat_interleave({times}, dim=1)"

    def row_misses(self, x: str) -> str:
        return f"torch.isnan({x}).any(dim=1, keepdim=True)"

    def beside(self, parts: Sequence[str]) -> str:
        return f"torch.cat([{', '.join(parts)}], dim=1)"
