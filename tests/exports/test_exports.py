"""What an export says about itself: what it is of, how near it comes, and which targets can where one can't."""

import json

import numpy as np
import pyarrow as pa
import pytest

import normcli
from normcli import registry
from normcli.errors import NoFormulaError, NotInvertibleError
from normcli.exports import Export, Target, content
from normcli.methods.clip import Clip
from normcli.methods.quantile import Quantile
from normcli.parameters.plan import PlanStep
from tests.exports.test_export_contract import METHODS, TARGETS, fitted

ROWS = pa.table({"x": [1.0, 2.0, 4.0, 8.0, 9.0], "k": ["a", 'b"""\\\n--é', None, "a", None]})
PLAIN = ("json", "numpy", "onnx", "sql", "torch")  # whose packages are always there, and which say what they are


def written(name: str, export: Export) -> bytes:
    """What a target writes with its options by default."""
    target: Target = registry.only("exports", name)()
    return content(target, export)


@pytest.mark.parametrize("target", PLAIN)
def test_a_key_is_named_with_its_rows_and_is_no_code(target: str) -> None:
    parameters = normcli.fit(ROWS, "zscore", columns="x", by="k")
    texts = [normcli.export(parameters, target, key=key) for key in ("a", 'b"""\\\n--é', "")]
    wanted = (rb'2 rows with "k" = "a"', rb'1 rows with "k" = "b\"\"\"\\\n--\u00e9"', rb'2 rows with "k" = null')
    for text, what in zip(texts, wanted, strict=True):
        assert (json.dumps(what.decode())[1:-1].encode() if target == "json" else what) in text
        if target == "numpy":
            names: dict[str, object] = {}
            exec(text.decode(), names)
            assert what.decode().encode().decode("unicode_escape") in str(names["__doc__"])
    assert len(set(texts)) == 3


@pytest.mark.parametrize("target", PLAIN)
def test_it_says_how_near_it_comes(target: str) -> None:
    for method, words in (("zscore", "The same bits as normcli apply"), ("layer", "Within 1e-1")):
        if target == "json":
            words, method = "up to the rounding of each center", "zscore"
        assert words.encode() in normcli.export(fitted(method), target)


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_a_refusal_names_all_targets_that_can_and_no_other(method: str, inverse: bool) -> None:
    pytest.importorskip("skops")
    parameters = fitted(method)
    able, messages, hints = set(), set(), set()
    for target in TARGETS:
        try:
            written(target, Export(parameters, 0, inverse))
            able.add(target)
        except (NoFormulaError, NotInvertibleError) as e:
            messages.add(e.message.replace(f"--to {target}: ", ""))
            if isinstance(e, NoFormulaError) and "without --inverse" not in e.hint:
                hints.add(e.hint)
    assert all(message.startswith((f"not of {method}: ", f"{method} can't be undone: ")) for message in messages)
    assert hints <= {", ".join(f"--to {name}" for name in sorted(able)) + " can" if able else "no other target can"}


def test_of_a_plan_the_step_is_named_and_no_target_that_can_do_but_another_step() -> None:
    parameters = normcli.fit(ROWS, [PlanStep(Clip(high=4.0), ("x",)), PlanStep(Quantile(), ("x",))])
    for target, why in (("numpy", r"steps\[1\] \(quantile\)"), ("sklearn", r"steps\[0\] \(clip\)")):
        pytest.importorskip("skops")
        with pytest.raises(NoFormulaError, match=why) as raised:
            written(target, Export(parameters))
        assert raised.value.hint == "no other target can"


def test_lossy_leaves_what_was_held() -> None:
    parameters = normcli.fit(ROWS, [PlanStep(Clip(low=0.0, high=5.0), ("x",))])
    with pytest.raises(NotInvertibleError, match="clip can't be undone: what was clipped is gone") as raised:
        written("numpy", Export(parameters, 0, inverse=True))
    assert "--lossy leaves it as it is" in raised.value.hint
    names: dict[str, object] = {}
    exec(normcli.export(parameters, "numpy", inverse=True, lossy=True), names)
    assert names["transform"](np.array([[7.0]])) == [[7.0]]  # type: ignore[operator]


def test_a_target_with_its_defaults_writes_what_its_class_does() -> None:
    for name in PLAIN:
        assert written(name, Export(fitted("zscore"))) == normcli.export(fitted("zscore"), name)
