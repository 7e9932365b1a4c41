"""onnx: a graph for ONNX runtimes, which can go before a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import msgspec
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
    folded,
    operands,
)
from normcli.errors import UsageError
from normcli.exports import Export, Target
from normcli.exports._elementary import elementary
from normcli.parameters.formulas import Formula

OPSET = 17  # of ONNX 1.12: all that is used is older, but for its spelling
OPERATORS = {"+": "Add", "-": "Sub", "*": "Mul", "/": "Div", "**": "Pow"}
FLOAT, DOUBLE = 1, 11  # types of tensors
TYPES = {"float32": FLOAT, "float64": DOUBLE}
FUNCTIONS = {"abs": "Abs", "sqrt": "Sqrt", "exp": "Exp", "log": "Log"}


class Onnx(Target, frozen=True, kw_only=True):
    """A graph of one input `x` (rows, inputs), NaN where a value is missing, and one output `y` (rows, outputs); the
    names of their columns are in the metadata. All is computed in float64. Opset 17, IR version 8."""

    binary: ClassVar[bool] = True
    dtype: Annotated[Literal["float64", "float32"], msgspec.Meta(description="Of x and y, as a model has it")] = (
        "float64"
    )

    def write(self, export: Export) -> bytes:
        formula = export.formula
        try:
            import onnx
        except ImportError:
            raise UsageError("--to onnx needs a package", "pip install 'normcli[onnx]' installs it") from None
        from onnx import helper

        graph, kind = _Graph(formula, TYPES[self.dtype]), TYPES[self.dtype]
        shapes = {"x": len(formula.inputs), "y": len(formula.outputs)}
        x, y = (helper.make_tensor_value_info(name, kind, ["rows", width]) for name, width in shapes.items())
        model = helper.make_model(
            helper.make_graph(graph.nodes, "normcli", [x], [y], graph.tensors),
            opset_imports=[helper.make_opsetid("", OPSET)],
            producer_name="normcli",
            doc_string=f"{export.heading}. {self.accuracy(export)}",
            ir_version=8,
        )
        helper.set_model_props(model, {"inputs": _lines(formula.inputs), "outputs": _lines(formula.outputs)})
        onnx.checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString(deterministic=True)
        return content

    def difference(self, formula: Formula) -> float:
        return super().difference(formula) and 1e-12


def _lines(names: Sequence[str]) -> str:
    """Names as a JSON list, one to a line."""
    import json

    return json.dumps(list(names), ensure_ascii=False, indent=0)


class _Graph:
    """The nodes of a formula, in order, and the tensors that they use; x and y are of a `kind`."""

    def __init__(self, formula: Formula, kind: int) -> None:
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []
        self._names: dict[bytes, str] = {}
        self._x = "x" if kind == DOUBLE else self._add("Cast", "x", to=DOUBLE)
        result = folded(elementary(formula.result, FUNCTIONS), self._node)
        if kind == DOUBLE:
            self._add("Identity", result, output="y")
        else:
            self._add("Cast", result, output="y", to=kind)

    def _node(self, x: Expression, a: tuple[str, ...]) -> str:
        """The name of the value of an expression whose operands have the names `a`."""
        match x:
            case Input():
                return self._x
            case Constant():
                return self._tensor(np.array([x.values], np.float64))
            case Call():
                return self._add(FUNCTIONS[x.function], *a)
            case Binary(
                operator="+", right=Constant(values=(0.0,))
            ):  # runtimes leave out a sum with 0, which makes 0 of −0
                test, zero = self._add("Equal", *a), a[1]
                return self._add("Where", test, zero, a[0])
            case Binary():
                return self._add(OPERATORS[x.operator], *a)
            case Conditional():
                test = self._add("Equal" if x.equal else "Less", a[0], a[1])
                return self._add("Where", test, a[2], a[3])
            case Product():
                return self._add("MatMul", a[0], self._tensor(x.matrix))
            case Reduction():
                return self._reduced(x, a[0])
            case Repeat():
                times = x.width // x.x.width
                return self._columns(a[0], [j // times for j in range(x.width)])
            case Take():
                names = dict(zip(map(id, operands(x)), a, strict=True))
                taken = [self._columns(names[id(source)], [j]) for source, j in x.columns]
                return self._add("Concat", *taken, axis=1)
            case IfComplete():
                missing = self._add("Cast", self._add("IsNaN", a[1]), to=FLOAT)
                some = self._add("ReduceMax", missing, axes=[1], keepdims=1)
                test = self._add("Greater", some, self._tensor(np.zeros((1, 1), np.float32)))
                return self._add("Where", test, self._tensor(np.full((1, 1), np.nan)), a[0])
            case IfMissing():
                return self._add("Where", self._add("IsNaN", a[0]), a[1], a[0])
        raise AssertionError(type(x))

    def _reduced(self, x: Reduction, name: str) -> str:
        """Column by column, so that the order of sums is known."""
        length = x.x.width // x.width
        result = self._columns(name, list(range(0, x.x.width, length)))
        for at in range(1, length):
            column = self._columns(name, list(range(at, x.x.width, length)))
            result = self._add("Max" if x.operation == "maximum" else "Add", result, column)
        return result

    def _columns(self, name: str, at: list[int]) -> str:
        return self._add("Gather", name, self._tensor(np.array(at, np.int64)), axis=1)

    def _add(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        from onnx import helper

        output = output or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def _tensor(self, values: Any) -> str:
        """The name of a tensor; the same for equal ones."""
        from onnx import numpy_helper

        key = repr((values.dtype.str, values.shape)).encode() + values.tobytes()
        if key not in self._names:
            self._names[key] = f"c{len(self.tensors)}"
            self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), self._names[key]))
        return self._names[key]
