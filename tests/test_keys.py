"""Keys: a ledger adds up as one measurement does, and a parameter file's keys are written and read strictly."""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normcli import api, registry
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.columns import Field
from normcli.errors import BadDataError, BadParametersError
from normcli.methods import Method
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from normcli.parameters import Measured, Parameters, Step
from normcli.parameters import file as params
from normcli.parameters.json_schema import schema
from normcli.parameters.keys import Key, Keyed, Ledger, described
from normcli.pipeline.learning import Total
from normcli.pipeline.work import Result
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from tests.formats.conftest import normcli

BLANKS = (Extrema(), Moments())
ROWS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "", None, "é"]), st.floats(-1e3, 1e3, allow_subnormal=False)), max_size=15
)


def keyed(rows: list[tuple[str | None, float]]) -> Keyed:
    """As a worker measures them; keys in the order in which they come."""
    keys = list(dict.fromkeys(key for key, _ in rows))
    codes = np.array([keys.index(key) for key, _ in rows], np.intp)
    x = np.array([[value] for _, value in rows]).reshape(-1, 1)
    block = Block.of(x, codes=codes, groups=len(keys))
    counts = np.bincount(codes, minlength=len(keys)).astype(np.float64)
    return Keyed(tuple((key,) for key in keys), counts, (tuple(s.of(block) for s in BLANKS),))


@given(parts=st.lists(ROWS, max_size=5))
def test_a_ledger_is_each_key_s_states_merged_in_order(parts: list[list[tuple[str | None, float]]]) -> None:
    ledger = Ledger()
    for part in parts:
        if part:
            ledger.add(keyed(part))
    keys = {key for part in parts for key, _ in part}
    assert len(ledger) == len(keys)
    if not keys:
        return
    found = ledger.sorted()
    assert found.keys == tuple((key,) for key in sorted(keys, key=lambda key: (key is not None, key or "")))
    for group, (key,) in enumerate(found.keys):
        here = [keyed([row for row in part if row[0] == key]) for part in parts if any(k == key for k, _ in part)]
        assert found.rows[group] == sum(part.rows[0] for part in here)
        for i, blank in enumerate(BLANKS):
            expected = blank
            for part in here:
                expected = expected.merge(part.states[0][i])
            for name in blank.axes():
                np.testing.assert_array_equal(getattr(found.states[0][i], name)[group], getattr(expected, name)[0])


def test_adding_leaves_what_is_added_alone() -> None:
    part, ledger = keyed([("a", 1.0), ("b", 2.0)]), Ledger()
    before = copy.deepcopy(part)
    ledger.add(part)
    ledger.add(keyed([("b", 9.0), ("c", 1.0)]))
    for mine, then in zip(part.states[0], before.states[0], strict=True):
        for name in mine.axes():
            np.testing.assert_array_equal(getattr(mine, name), getattr(then, name))


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (("7", None), "store=7, region=null"),
        (("", "null"), 'store="", region="null"'),
        ((" 7", "a, b"), 'store=" 7", region="a, b"'),
        (("two\nlines", "é"), r"store=two\nlines, region=é"),
    ],
)
def test_keys_are_told_so_that_no_two_look_the_same(key: Key, said: str) -> None:
    assert described(("store", "region"), key) == said


# -- in a parameter file -----------------------------------------------------------------------------------------
NAMES = ("a", "b")
KEYS: tuple[Key, ...] = ((None, "7"), ("", "x"), ("007", None), ("é\n", '"'))
DATA: Array = np.random.default_rng(5).normal(size=(60, 2)) @ np.array([[1.0, 0.5], [0.0, 2.0]]) + 3.0


def plan(method: Method) -> Parameters:
    step = Step(method, NAMES)
    schema = tuple(Field(n, "float64") for n in NAMES)
    begun = Parameters((step,), schema, by=("store", "region"))
    total, codes = Total(begun), np.arange(60, dtype=np.intp) % len(KEYS)
    block = Block.of(DATA)
    grouped = Block.of(DATA, codes=codes, groups=len(KEYS))
    seen = tuple(s.of(block) for s in method.statistics)
    by_key = tuple(s.by_key().of(grouped) for s in method.statistics)
    each = Keyed(KEYS, np.bincount(codes).astype(np.float64), (by_key,))
    measured = Measured((seen,), each, 60, 0, [])
    total.take(Result(last=True, rows=60, types=("float64", "float64"), measured=measured, can_end_segment=True), NAMES)
    return total.learned()


@cache
def written(name: str) -> bytes:
    return params.write(plan(registry.only("methods", name)()))


def learning_methods() -> list[str]:
    made = []
    for name in registry.names("methods"):
        try:
            method = registry.only("methods", name)()
        except TypeError:  # options that it must be told
            continue
        if method.statistics and Step(method, NAMES).unfitted_multiple == 1:  # not by batches
            made.append(name)
    return made


every_method = pytest.mark.parametrize("name", learning_methods())


@every_method
def test_what_is_written_is_read_and_valid(name: str) -> None:
    data = written(name)
    again = params.read(data)
    assert params.write(again) == data
    assert (again.keys, again.key_rows) == (KEYS, (15,) * 4)
    jsonschema.Draft202012Validator(schema()).validate(json.loads(data))


@every_method
def test_a_key_s_rows_are_transformed_as_by_a_fit_of_them_alone(name: str) -> None:
    fitted = params.read(written(name)).steps[0].fitted
    codes = np.arange(60, dtype=np.intp) % len(KEYS)
    out = fitted(Block.of(DATA, codes=codes + 1, groups=1 + len(KEYS)))
    method = registry.only("methods", name)()
    for group in range(len(KEYS)):
        here = DATA[codes == group]
        states = tuple(s.by_key().of(Block.of(here)) for s in method.statistics)
        alone = Step(method, NAMES).learn(states).fitted(Block.of(here))
        np.testing.assert_allclose(out[codes == group], alone, rtol=1e-11, atol=1e-12)
        if not name.startswith("unit"):
            np.testing.assert_array_equal(out[codes == group], fitted.taken([group + 1])(Block.of(here)))


@every_method
def test_rows_of_an_unseen_key_are_missing_whatever_a_method_does_with_missing_values(name: str) -> None:
    parameters = params.read(written(name)).override("missing", None)
    table = pa.table({n: DATA[:4, j] for j, n in enumerate(NAMES)} | dict.fromkeys(parameters.by, ["no such key"] * 4))
    out = api.apply(parameters, table)
    results = [np.asarray(out[n]) for n in out.column_names if n not in parameters.by]
    assert results
    assert np.isnan(np.array(results, np.float64)).all()


def refusal(name: str, path: tuple[str | int, ...], new: Any) -> str:
    document = json.loads(written(name))
    at = document["keys"]
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = new
    with pytest.raises(BadParametersError) as caught:
        params.read(json.dumps(document).encode(), allow_edited=True)
    return str(caught.value.message)


AFFINE, SEEN = (1, "steps", 0, "learned", "affine"), (1, "steps", 0, "statistics", "moments")
LINEAR, CO = (2, "steps", 0, "learned", "linear"), (2, "steps", 0, "statistics", "comoments")


@pytest.mark.parametrize(
    ("name", "path", "new", "said"),
    [
        ("zscore", (1,), 5, "$.keys[1]: must be an object"),
        ("zscore", (1, "key"), "x", "$.keys[1].key: must be a list"),
        ("zscore", (1, "key"), ["x"], "$.keys[1].key: must be a text or null for each of store, region"),
        ("zscore", (1, "key"), ["x", 7], "$.keys[1].key: must be a text or null for each of store, region"),
        ("zscore", (1, "key"), [None, "7"], "$.keys: a key is there twice"),
        ("zscore", (1, "rows"), -1, "$.keys[1].rows: must not be negative"),
        ("zscore", (1, "rows"), 1.5, "$.keys[1].rows: must be a whole number"),
        ("zscore", (1, "rows"), True, "$.keys[1].rows: must be a whole number"),
        ("zscore", (1, "more"), 1, "$.keys[1].more: unknown"),
        ("zscore", (1, "steps"), [], "$.keys[1].steps: must be 1"),
        ("zscore", (1, "steps", 0), [], "$.keys[1].steps[0]: must be an object"),
        ("zscore", (*AFFINE[:-1],), {}, "$.keys[1].steps[0].learned.affine: missing"),
        ("zscore", (*AFFINE[:-1], "linear"), {}, "$.keys[1].steps[0].learned.linear: unknown"),
        ("zscore", (*AFFINE, "center"), 5, "$.keys[1].steps[0].learned.affine.center: must be a list"),
        ("zscore", (*AFFINE, "center"), [1.0], "$.keys[1].steps[0].learned.affine.center: 1 entries, not 2"),
        ("zscore", (*AFFINE, "center"), [1, [2]], "$.keys[1].steps[0].learned.affine.center[1]: must be a number"),
        ("zscore", (*AFFINE, "center", 1), "1", "$.keys[1].steps[0].learned.affine.center[1]: must be a number"),
        ("zscore", (*AFFINE, "center", 1), True, "$.keys[1].steps[0].learned.affine.center[1]: must be a number"),
        ("zscore", (*AFFINE, "center", 1), None, "$.keys[1].steps[0].learned.affine.center[1]: must be a number"),
        ("zscore", (*AFFINE, "center", 1), 10**400, "$.keys[1].steps[0].learned.affine.center[1]: must be finite"),
        ("zscore", (*AFFINE, "scale", 0), 0, "$.keys[1].steps[0].learned.affine.scale[0]: must be positive"),
        ("zscore", (*SEEN, "count", 0), -2, "$.keys[1].steps[0].statistics.moments.count[0]: must not be negative"),
        ("zscore", (*SEEN, "mean", 0), None, "$.keys[1].steps[0].statistics.moments.mean[0]: must be a number"),
        ("zscore", (*SEEN, "nope"), [1, 2], "$.keys[1].steps[0].statistics.moments.nope: unknown"),
        ("whiten", (*LINEAR, "spread", 0), 0, "$.keys[2].steps[0].learned.linear.spread[0]: must be positive"),
        ("whiten", (*LINEAR, "basis"), [[1, 0]], "$.keys[2].steps[0].learned.linear.basis: 1 entries, not 2"),
        ("whiten", (*CO, "products", 1), [1], "$.keys[2].steps[0].statistics.comoments.products[1]: 1 entries, not 2"),
        ("whiten", (*CO, "products"), [[1]], "$.keys[2].steps[0].statistics.comoments.products: 1 entries, not 2"),
        ("whiten", (*CO, "products", 0), {}, "$.keys[2].steps[0].statistics.comoments.products[0]: must be a list"),
        ("whiten", (*CO, "count"), [3], "$.keys[2].steps[0].statistics.comoments.count: must be a number"),
    ],
)
def test_a_refusal_names_the_key_and_the_place(name: str, path: tuple[str | int, ...], new: Any, said: str) -> None:
    assert refusal(name, path, new) == said


def test_keys_go_with_something_to_group_by() -> None:
    document = json.loads(written("zscore"))
    for changed in (
        document | {"by": []},
        document | {"keys": []},
        {k: v for k, v in document.items() if k != "by"},
        {k: v for k, v in document.items() if k != "keys"},
        document | {"by": ["store", "store"]},
        document | {"by": "store"},
        document | {"keys": {}},
        document | {"weights": "nope"},
    ):
        with pytest.raises(BadParametersError) as caught:
            params.read(json.dumps(changed).encode(), allow_edited=True)
        assert str(caught.value.message).startswith(("$.by", "$.keys", "$.weights"))


def test_numbers_that_are_none_are_not_json() -> None:
    text = written("zscore").replace(b'"scale":[', b'"scale":[NaN,', 1)
    with pytest.raises(BadParametersError, match="NaN is not JSON"):
        params.read(text, allow_edited=True)


def test_ranks_that_differ_are_filled_with_nothing() -> None:
    """The directions that a key lacks give 0, and take nothing from the others."""
    method, rng = Whiten(kind="pca", rank="auto"), np.random.default_rng(8)
    full, flat = rng.normal(size=(20, 2)), rng.normal(size=(20, 1)) @ np.array([[1.0, 2.0]])
    codes = np.repeat(np.array([0, 1, 2], np.intp), 20)
    block = Block.of(np.concatenate([full + 1, full, flat]), codes=codes, groups=3)
    step = Step(method, NAMES).learn(tuple(s.of(block) for s in method.statistics), ("", "k=a", "k=b"))
    out = step.fitted(block)
    alone = Step(method, NAMES).learn(tuple(s.of(Block.of(flat)) for s in method.statistics)).fitted(Block.of(flat))
    assert alone.shape == (20, 1)
    np.testing.assert_allclose(out[40:, :1], alone, rtol=1e-13)
    assert not out[40:, 1].any()
    assert step.outputs == ("pc1", "pc2")


def test_zscore_of_few_rows_names_the_key() -> None:
    block = Block.of(DATA[:6], codes=np.array([0, 0, 0, 0, 1, 1], np.intp), groups=2)
    method = ZScore(ddof=2)
    with pytest.raises(BadDataError, match=r"^k=b: --ddof 2"):
        Step(method, NAMES).learn(tuple(s.of(block) for s in method.statistics), ("", "k=b"))


@pytest.mark.parametrize("rows", [513, 700, 3000])
def test_sketches_of_keys_read_back(rows: int, tmp_path: Path) -> None:
    """Also where some were compacted and others were not: their lists are of many lengths."""
    path, rng = tmp_path / "x.csv", np.random.default_rng(rows)
    lines = [f"{'abc'[min(i // rows, 2)]},{x}" for i, x in enumerate(rng.normal(size=rows + 700).tolist())]
    path.write_text("\n".join(["k,x", *lines, ""]))
    done = normcli("fit", path, "-m", "robust", "--by", "k", "-q")
    assert done.returncode == 0
    plan = params.read(done.stdout)
    assert params.write(plan) == done.stdout
    assert {key for (key,) in plan.keys} == {line[0] for line in lines}
