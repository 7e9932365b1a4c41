"""Modules of Python: what their text is like, and a module of PyTorch as part of a model."""

import re
from typing import Any

import numpy as np
import pytest

import normcli
from normcli.blocks.block import Block
from normcli.columns import Field
from normcli.errors import NoFormulaError, NotInvertibleError
from normcli.methods.log1p import Log1p
from normcli.methods.zscore import ZScore
from normcli.parameters import Parameters, Step
from tests.exports.test_export_contract import METHODS, fitted, numbers


def module(content: bytes) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(content.decode(), names)
    return names


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_all_constants_have_names_that_say_what_they_are(target: str, method: str, inverse: bool) -> None:
    try:
        text = normcli.export(fitted(method), target, inverse=inverse).decode()
    except (NoFormulaError, NotInvertibleError):
        return
    constants = re.findall(r"^([A-Z_0-9]+) = ", text, re.MULTILINE)
    assert "NUMBERS" not in constants
    assert len({*constants}) == len(constants)
    assert all(text.count(name) > 1 for name in constants if name not in ("INPUTS", "OUTPUTS"))


def test_no_column_is_taken_of_one() -> None:
    x = numbers("log1p")[:, :2]
    a, b = (normcli.fit_blocks(m, [x[:, [j]]], (n,)) for j, (n, m) in enumerate((("a", Log1p()), ("b", ZScore()))))
    text = normcli.export(Parameters((a, b), (Field("a", "float64"), Field("b", "float64")), 300), "numpy").decode()
    assert "np.log1p(x[:, 0:1]) + 0.0" in text
    assert text.count("[:,") == 2


def normalizer(method: str, **options: Any) -> Any:
    return module(normcli.export(fitted(method), "torch", **options))["Normalizer"]()


@pytest.mark.parametrize("method", ["zscore", "whiten", "layer"])
def test_a_module_of_torch_is_part_of_a_model_of_any_type(method: str) -> None:
    """Its constants stay in float64: in float16, 1e6 is infinite."""
    torch = pytest.importorskip("torch")
    step: Step = fitted(method).steps[0]
    for kind in (torch.float32, torch.float16, torch.bfloat16):
        x = torch.tensor(np.clip(numbers(method), 0.0, 6e4), dtype=kind)
        expected = torch.tensor(step.fitted(Block.of(x.double().numpy())))
        for model in (normalizer(method).to(kind), torch.nn.Sequential(normalizer(method)).to(kind)):
            assert model(x).dtype == kind
            assert torch.allclose(model(x), expected.to(kind), rtol=1e-2 if kind != torch.float32 else 1e-6)
    linear = torch.nn.Linear(4, 2)
    assert torch.nn.Sequential(normalizer(method), linear)(x.float()).shape == (len(x), 2)
    assert normalizer(method)(torch.ones((3, 4), dtype=torch.int64)).dtype == torch.float64


def test_a_module_of_torch_reads_its_own_state() -> None:
    torch = pytest.importorskip("torch")
    model, other = normalizer("zscore"), normalizer("zscore", inverse=True)
    assert all(value.dtype == torch.float64 for value in model.half().state_dict().values())
    model.load_state_dict(normalizer("zscore").state_dict())
    x = torch.tensor(numbers("zscore"))
    np.testing.assert_allclose(other(model(x)).numpy(), x.numpy(), rtol=1e-9, atol=1e-12)


def test_asinh_is_undone_up_to_the_greatest_floats() -> None:
    torch, step = pytest.importorskip("torch"), fitted("asinh").steps[0]
    y = step.fitted(Block.of(np.array([[1.7e308, -1.7e308, 1e300, 8e307]])))
    x = normalizer("asinh", inverse=True)(torch.tensor(y)).numpy()
    np.testing.assert_allclose(x, step.fitted.inverse(Block.of(y)), rtol=1e-12)
