"""torch: a module of PyTorch, as source text that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from normcli.exports import Export, Target
from normcli.exports._python import Statements

TOTAL = '''def total(x, runs):
    """The sum of each run of columns, from the left: (rows, columns) to (rows, runs)."""
    first, *others = x.reshape(len(x), runs, x.shape[1] // runs).unbind(2)
    for column in others:
        first = first + column
    return first'''
APPLY = '''
    def _apply(self, fn, recurse=True):
        """Moves the constants to the device of a model, and leaves them in float64 when it becomes half or float."""
        return super()._apply(lambda constant: constant.to(fn(constant).device), recurse)'''


class Torch(Target, frozen=True, kw_only=True):
    """A `torch.nn.Module`, of tensors (rows, INPUTS), NaN where a value is missing, to tensors of the same type; it
    computes in float64."""

    def write(self, export: Export) -> bytes:
        statements, formula = _Statements(export.formula), export.formula
        buffers = [
            f"        self.register_buffer({name!r}, torch.tensor({name}, dtype=torch.float64))"
            for name in statements.constants
        ]
        body = [
            "class Normalizer(torch.nn.Module):",
            f'    """Of tensors (rows, {len(formula.inputs)}), NaN where missing, to (rows, {len(formula.outputs)}) of '
            'the same type; computed in float64."""\n',
            *(["    def __init__(self):", "        super().__init__()", *buffers, APPLY, ""] if buffers else []),
            "    def forward(self, x):",
            "        dtype = x.dtype if x.is_floating_point() else torch.float64",
            "        x = x.to(torch.float64)",
            *(f"        {line}" for line in statements.lines),
            f"        return ({statements.result}).to(dtype)",
        ]
        return statements.module((f"{export.heading}.", self.accuracy(export)), "import torch", "{}", body)


class _Statements(Statements):
    """In the words of PyTorch."""

    library: ClassVar = "torch"
    total: ClassVar = TOTAL
    functions: ClassVar = {  # its sinh overflows before the results do
        name: name for name in ("abs", "sqrt", "exp", "expm1", "log", "log1p", "asinh")
    }
    nan: ClassVar = 'float("nan")'
    infinity: ClassVar = 'float("inf")'
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
