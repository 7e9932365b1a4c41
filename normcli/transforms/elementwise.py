"""Each value by a function of its own."""

from collections.abc import Callable
from typing import Literal, Self

import numpy as np

from normcli.blocks.block import Block
from normcli.blocks.expressions import Expression, Function, call
from normcli.blocks.record import Array
from normcli.errors import BadValueError
from normcli.transforms import Transform

FORTH = {"asinh": np.arcsinh, "log1p": np.log1p}
BACK = {"asinh": np.sinh, "log1p": np.expm1}
INVERSES: dict[str, Function] = {"asinh": "sinh", "log1p": "expm1"}
SLOPE: dict[str, Callable[[Array], Array]] = {  # dx/dy
    "asinh": lambda x: np.hypot(1.0, x),
    "log1p": lambda x: 1.0 + x,
}


class Elementwise(Transform, frozen=True):
    """y = function(x). Raises BadValueError at the first row with a value that has none: log1p of −1 or less."""

    function: Literal["asinh", "log1p"] = "asinh"

    def _by_group(self, block: Block, work: Callable[[Self, Block], Array]) -> Array:
        return work(self, block)  # groups do not matter

    def _normalized(self, block: Block) -> Array:
        if self.function == "log1p":
            _refuse(block, -1.0)
        return _by_column(FORTH[self.function], block)

    def _inverse(self, block: Block) -> Array:
        return _by_column(BACK[self.function], block)

    def formula(self, x: Expression) -> Expression:
        return call(self.function, x) + 0.0

    def inverse_formula(self, y: Expression) -> Expression:
        return call(INVERSES[self.function], y) + 0.0

    def inverse_error(self, block: Block, error: Array, restored: Block) -> Array:
        out = np.empty_like(error, order="F")
        for x, e, bound in zip(restored.columns, error.T, out.T, strict=True):
            np.multiply(SLOPE[self.function](x), e, out=bound)
        return out

    def lever(self, span: Array) -> Array:
        return np.stack([(1.0 + span) * FORTH[self.function](span)] * 2)


def _by_column(function: np.ufunc, block: Block) -> Array:
    out = np.empty((block.rows, len(block.columns)), order="F")
    for x, y in zip(block.columns, out.T, strict=True):
        function(x, out=y)
        y += 0.0  # turns −0 into 0
    return out


def _refuse(block: Block, least: float) -> None:
    """Raises BadValueError at the first row with a value of `least` or below it."""
    places = [(int(np.argmax(low)), j) for j, x in enumerate(block.columns) if (low := x <= least).any()]
    if places:
        row, j = min(places)
        what = f"there is no log1p of {block.columns[j][row]:g}, for it is not above {least:g}"
        raise BadValueError(row, j, what, "asinh takes any number")
