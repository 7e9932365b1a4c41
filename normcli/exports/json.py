"""json: a centre and a scale for each column, for any language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec.structs import replace

from normcli.blocks.expressions import Binary, Constant, Expression, Input, Take, in_order
from normcli.errors import NoFormulaError, printable
from normcli.exports import Export, Target
from normcli.exports._scalars import is_missing, scalars
from normcli.parameters.formulas import Formula

FORMULA = "y = (x - center) / scale * gain + offset"
INVERSE = "x = (y - offset) / gain * scale + center"
ORDER = {"-": "center", "/": "scale", "*": "gain", "+": "offset"}

Numbers = Mapping[str, float | None]


class Json(Target, frozen=True, kw_only=True):
    """The numbers of methods that move and stretch each column; others are refused. A centre is one double, where
    parameters have two: results differ by a rounding of it, in units of the scale. The numbers of a column
    without values are null: its results are missing."""

    undoes: ClassVar[bool] = True

    def write(self, export: Export) -> bytes:
        columns = _columns(replace(export, inverse=False).formula)
        if export.inverse:
            raise NoFormulaError("the same numbers undo it", f"{INVERSE}; without --inverse")
        document: dict[str, Any] = {
            "what": export.heading,
            "accuracy": self.accuracy(export),
            "formula": FORMULA,
            "inverse": INVERSE,
            "columns": columns,
        }
        return (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()

    def accuracy(self, export: Export) -> str:
        return "As normcli apply in float64, up to the rounding of each center to one double."


def _columns(formula: Formula) -> dict[str, Numbers]:
    """The numbers of each input column, by name. Raises NoFormulaError."""
    if not all(isinstance(x, Input | Constant | Binary | Take) for x in in_order(formula.result)):
        raise NoFormulaError(f"it is not {FORMULA}")
    columns: dict[str, Numbers] = {}
    for name, result in zip(formula.outputs, scalars(formula.result), strict=True):
        if name in columns:
            raise NoFormulaError(f"two columns are called '{printable(name)}'")
        numbers = _numbers(result)
        if numbers is None:
            raise NoFormulaError(f"column '{printable(name)}' is not {FORMULA}")
        columns[name] = numbers
    return columns


def _numbers(result: Expression) -> Numbers | None:
    """The centre, scale, gain and offset of a chain of operations on one column; None if it is another one."""
    if is_missing(result):
        return {"center": None, "scale": None, "gain": 1.0, "offset": 0.0}
    numbers = {"center": 0.0, "scale": 1.0, "gain": 1.0, "offset": 0.0}
    x, operators = result, [*ORDER]
    while isinstance(x, Binary) and isinstance(x.right, Constant) and x.operator in operators:
        operators = operators[: operators.index(x.operator) + 1]  # those that may come before it
        name, join = ORDER[x.operator], float.__add__ if x.operator in "-+" else float.__mul__
        numbers[name] = join(numbers[name], x.right.values[0])
        x = x.left
    return numbers if isinstance(x, Take) else None
