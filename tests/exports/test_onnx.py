"""A graph before a model: of float32, and of another version of ONNX."""

from typing import Any

import numpy as np
import pytest

import normcli
from normcli.blocks.block import Block
from normcli.errors import NoFormulaError
from tests.doc_pages import FENCED, ROOT
from tests.exports.engines import onnx as engine
from tests.exports.test_export_contract import METHODS, fitted, numbers

onnx = pytest.importorskip("onnx")
WEIGHTS = np.array([[1.0, -1.0], [0.5, 0.25], [0.0, 2.0], [-0.125, 1.0]], np.float32)


def model(opset: int, ir_version: int) -> Any:
    """x · WEIGHTS in float32."""
    from onnx import helper, numpy_helper

    kind, node = onnx.TensorProto.FLOAT, helper.make_node("MatMul", ["features", "weights"], ["scores"])
    first = helper.make_tensor_value_info("features", kind, ["rows", 4])
    last = helper.make_tensor_value_info("scores", kind, ["rows", 2])
    graph = helper.make_graph([node], "model", [first], [last], [numpy_helper.from_array(WEIGHTS, "weights")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)


def before(content: bytes, model: Any) -> Any:
    """A graph joined with a model by the code of docs/exports.md."""
    page, names = (ROOT / "docs/exports.md").read_text(), dict[str, Any]()
    exec(next(code for _, _, code in FENCED.findall(page) if "def before" in code), names)
    return names["before"](onnx.load_from_string(content), model, "features")


@pytest.mark.parametrize(("opset", "ir_version"), [(17, 8), (21, 10)])
@pytest.mark.parametrize("method", METHODS)
def test_a_graph_goes_before_a_model_of_float32(method: str, opset: int, ir_version: int) -> None:
    runtime = pytest.importorskip("onnxruntime")
    try:
        content = normcli.export(fitted(method), "onnx", dtype="float32")
    except NoFormulaError:
        return
    joined = before(content, model(opset, ir_version))
    x = numbers(method).astype(np.float32)
    session = runtime.InferenceSession(joined.SerializeToString(), providers=["CPUExecutionProvider"])
    scores = session.run(["scores"], {"normcli/x": x})[0]
    y = fitted(method).steps[0].fitted(Block.of(x.astype(np.float64)))
    np.testing.assert_allclose(scores, y.astype(np.float32) @ WEIGHTS, rtol=1e-5, atol=1e-6)


def test_x_and_y_of_float32_are_those_of_float64_rounded() -> None:
    for method in ("zscore", "layer"):
        x = numbers(method).astype(np.float32)
        parts = normcli.export(fitted(method), "onnx", dtype="float32"), normcli.export(fitted(method), "onnx")
        y, exact = (engine.run(content, of, 4) for content, of in zip(parts, (x, x.astype(np.float64)), strict=True))
        assert y.dtype == np.float32
        assert y.tobytes() == exact.astype(np.float32).tobytes()
