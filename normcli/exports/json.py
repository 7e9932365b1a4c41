"""json: a centre and a scale for each column, for any language."""

from __future__ import annotations

import json
import math
from typing import Any, ClassVar

from normcli.blocks.expressions import Binary, Constant, Expression, Input
from normcli.errors import NoFormulaError
from normcli.exports import Export, Target

FORMULA = "y = (x - center) / scale * gain + offset"
INVERSE = "x = (y - offset) / gain * scale + center"
ORDER = ("-", "/", "*", "+")


class Json(Target, frozen=True, kw_only=True):
    """The numbers of methods that move and stretch each column; others are refused. A centre is one double, where
    parameters have two: results differ by a rounding of the centre, in units of the scale."""

    suffix: ClassVar[str] = ".json"

    def write(self, export: Export) -> bytes:
        if export.inverse:
            raise NoFormulaError("the same numbers undo it", f"{INVERSE}; without --inverse")
        numbers = _numbers(export.formula.result)
        columns: dict[str, dict[str, float | None]] = {}
        for j, name in enumerate(export.formula.inputs):
            columns[name] = {key: _known(values[j % len(values)]) for key, values in numbers.items()}
        document: dict[str, Any] = {
            "what": export.heading,
            "formula": FORMULA,
            "inverse": INVERSE,
            "columns": columns,
        }
        return (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()

    def difference(self, formula: Any) -> float:
        return 1e-6


def _numbers(result: Expression) -> dict[str, list[float]]:
    """The centre, scale, gain and offset (columns,) of a chain of operations. Raises NoFormulaError."""
    chain: list[tuple[str, Constant]] = []
    x = result
    while isinstance(x, Binary) and isinstance(x.right, Constant):
        chain.append((x.operator, x.right))
        x = x.left
    ranks = [ORDER.index(operator) for operator, _ in reversed(chain) if operator in ORDER]
    if not isinstance(x, Input) or len(ranks) < len(chain) or ranks != sorted(ranks):
        raise NoFormulaError(f"it is not {FORMULA}")
    width = max([constant.width for _, constant in chain], default=1)
    numbers = {"center": [0.0] * width, "scale": [1.0] * width, "gain": [1.0] * width, "offset": [0.0] * width}
    for operator, constant in chain:
        values = constant.values * width if constant.width == 1 else constant.values
        key = dict(zip(ORDER, numbers, strict=True))[operator]
        join = float.__add__ if operator in "-+" else float.__mul__
        numbers[key] = [join(a, b) for a, b in zip(numbers[key], values, strict=True)]
    return numbers


def _known(x: float) -> float | None:
    """None for the number of a column that had no value."""
    return x + 0.0 if math.isfinite(x) else None
