"""What an export says about itself: what it is of, how near it comes, and which targets can where one can't."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import normcli
from normcli import registry
from normcli.errors import NoFormulaError, NotInvertibleError
from normcli.exports import Export, Target, content
from normcli.exports.sql import Sql
from normcli.methods.clip import Clip
from normcli.methods.quantile import Quantile
from normcli.parameters import Parameters
from normcli.parameters.plan import PlanStep
from tests.exports.test_export_contract import METHODS, TARGETS, fitted

ROWS = pa.table({"x": [1.0, 2.0, 4.0, 8.0, 9.0], "k": ["a", 'b"""\\\n--é', None, "a", None]})
TWO_WAY = ("json", "sklearn")
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
    assert hints <= {hint(able, {name for name in TWO_WAY if inverse and can(name, parameters)})}


def hint(able: set[str], two_way: set[str]) -> str:
    """What a refusal says of targets that can, and of those whose one file goes both ways."""
    first, last = (", ".join(f"--to {name}" for name in sorted(names)) for names in (able, two_way))
    parts = [f"{first} can"] * bool(able) + [f"{last} can, without --inverse"] * bool(two_way)
    return "; ".join(parts) or "no other target can"


def can(name: str, parameters: Parameters) -> bool:
    """Whether a target can write what is fitted."""
    try:
        return bool(written(name, Export(parameters)))
    except NoFormulaError:
        return False


def test_what_clips_is_no_centre_and_scale_whatever_is_asked_for_it() -> None:
    """A file of json is to undo only what json writes."""
    pytest.importorskip("skops")
    parameters = normcli.fit(ROWS, "minmax", columns="x", clip=True)
    for export in (Export(parameters), Export(parameters, inverse=True, lossy=True)):
        with pytest.raises(NoFormulaError, match="it is not y = ") as raised:
            written("json", export)
        assert "--to numpy" in raised.value.hint
        assert ("--to sklearn can, without --inverse" in raised.value.hint) == export.inverse
    with pytest.raises(NotInvertibleError, match="what was clipped is gone"):
        written("json", Export(parameters, inverse=True))


def test_where_one_dialect_has_no_room_those_that_have_are_named() -> None:
    names = [f"c{j}" for j in range(1665)]
    parameters = normcli.fit(pa.table({name: [1.0, 2.0] for name in names}), "maxabs")
    with pytest.raises(NoFormulaError, match="1,664 are the most in PostgreSQL") as raised:
        content(Sql(dialect="postgres"), Export(parameters))
    assert raised.value.hint.startswith("--dialect duckdb, --dialect sqlite, ")
    assert not {"--dialect postgres", "--to sql"} & {*raised.value.hint.removesuffix(" can").split(", ")}


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
    names: dict[str, Any] = {}
    exec(normcli.export(parameters, "numpy", inverse=True, lossy=True), names)
    x = np.array([[7.0]])
    y = names["transform"](x)
    assert y == [[7.0]]
    assert not np.shares_memory(x, y)


@pytest.mark.parametrize("target", [name for name in PLAIN if name != "json"])
def test_what_restores_integers_says_that_apply_rounds_them(target: str) -> None:
    words = b"Without --dtype, apply rounds integers and decimals that it restores."
    x = pa.array([1.0, 2.0, 4.0, 9.0])
    for kind, rounded in ((pa.int16(), True), (pa.decimal128(5, 1), True), (pa.float64(), False)):
        table = pa.table({"x": x.cast(kind)})
        for method in ("zscore", "log1p"):
            parameters = normcli.fit(table, method)
            assert (words in normcli.export(parameters, target, inverse=True)) == rounded
            assert words not in normcli.export(parameters, target)


def test_what_is_exported_restores_the_bits_of_a_run_that_does_not_round() -> None:
    table = pa.table({"x": pa.array([1, 2, 4, 9, 11, 12, 17])})
    parameters, names = normcli.fit(table, "zscore"), dict[str, Any]()
    forth = normcli.apply(parameters, table)
    exec(normcli.export(parameters, "numpy", inverse=True), names)
    y = names["transform"](forth["x"].to_numpy()[:, None])[:, 0]
    floats = normcli.apply(parameters, forth, inverse=True, dtype="float64")["x"].to_numpy()
    assert y.tobytes() == floats.tobytes()
    assert normcli.apply(parameters, forth, inverse=True).equals(table)
    assert (y != np.rint(y)).any()


def test_a_target_with_its_defaults_writes_what_its_class_does() -> None:
    for name in PLAIN:
        assert written(name, Export(fitted("zscore"))) == normcli.export(fitted("zscore"), name)
