"""Parts whose columns stand in other orders: put together by name, as one fit reads them."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from normcli import api, registry
from normcli.blocks.record import Array
from normcli.methods import Method
from normcli.methods.asinh import Asinh
from normcli.methods.batch import Batch
from normcli.methods.group import Group
from normcli.methods.layer import Layer
from normcli.methods.log1p import Log1p
from normcli.methods.power import Power
from normcli.methods.weight import Weight
from normcli.methods.zscore import ZScore
from normcli.parameters import Parameters
from normcli.parameters import file as params
from normcli.parameters.plan import Plan, PlanStep
from normcli.stats.comoments import Comoments
from tests.conftest import examples
from tests.formats.conftest import reader
from tests.stats.test_statistic_laws import assert_close
from tests.test_learning import METHODS, fit, merged, refusal, text

LEARNING = [m for m in METHODS if m.statistics]
SIZE = 6  # rows to a part, and to a batch
NAMES = "abcd"


def cut(method: Method) -> Method:
    """With batches that end where parts do."""
    return replace(method, batch_size=SIZE) if hasattr(method, "batch_size") else method


def shuffled(x: Array, order: list[int]) -> bytes:
    """The columns of a part in another order."""
    return text(x[:, order], [NAMES[j] for j in order])


def numbers(seed: int, offset: float = 0.0) -> list[Array]:
    """Three parts."""
    rng = np.random.default_rng(seed)
    made = [offset + rng.normal(size=(SIZE, 4)) * [1, 10, 0.1, 3] for _ in range(3)]
    made[1][2, 3] = np.nan
    return made


# -- the law -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", LEARNING, ids=lambda m: registry.name_of(m))
@given(orders=st.lists(st.permutations(range(4)), min_size=2, max_size=2), seed=st.integers(0, 99))
@settings(max_examples=examples(8))
def test_a_merge_by_name_is_the_fit_by_name(method: Method, orders: list[list[int]], seed: int) -> None:
    data = numbers(seed, 1e6)
    inputs = [shuffled(x, order) for x, order in zip(data, ([0, 1, 2, 3], *orders), strict=True)]
    made = merged([fit(cut(method), x) for x in inputs])
    whole = fit(cut(method), *inputs)
    batches = any(s.multiple > 1 for s in method.statistics)  # which run on from input to input
    if batches or any(isinstance(s, Comoments) for s in method.statistics):  # or products of other columns first
        assert (made.schema, made.inputs, made.needs()) == (whole.schema, whole.inputs, tuple(NAMES))
        for one, other in zip(made.steps[0].states, whole.steps[0].states, strict=True):
            assert_close(one, other, np.concatenate(data))
    else:
        assert params.write(made) == params.write(whole)


def test_each_key_goes_by_name(tmp_path: Path) -> None:
    from tests import inside

    parts = ["k,a,b\nu,1,2\nv,3,5\nu,4,4\n", "b,k,a\n7,v,1\n9,w,2\n8,u,6\n"]
    for i, part in enumerate(parts):
        (tmp_path / f"{i}.csv").write_text(part)
        inside.run("fit", tmp_path / f"{i}.csv", "-m", "zscore", "--by", "k", "-p", tmp_path / f"{i}.json")
    data = [tmp_path / f"{i}.csv" for i in range(2)]
    inside.run("fit", *data, "-m", "zscore", "--by", "k", "-p", tmp_path / "whole.json")
    inside.run("merge", tmp_path / "0.json", tmp_path / "1.json", "-o", tmp_path / "merged.json")
    assert (tmp_path / "merged.json").read_bytes() == (tmp_path / "whole.json").read_bytes()


# -- several steps -----------------------------------------------------------------------------------------------
def of_lists(path: Path, names: str, seed: int) -> Path:
    x = np.random.default_rng(seed).normal(size=(9, 3))
    columns = {n: pa.array((x + ord(n)).tolist()) for n in names if n < "x"}
    numbers = {n: pa.array(x[:, 0] * ord(n)) for n in names if n >= "x"}
    table = {**columns, **numbers}
    pq.write_table(pa.table({n: table[n] for n in names}), path)
    return path


def test_columns_of_lists_go_by_name_and_what_is_in_them_by_place(tmp_path: Path) -> None:
    paths = [of_lists(tmp_path / f"{i}.parquet", names, i) for i, names in enumerate(("exfy", "yfex"))]
    one, other = (api.fit(p, ZScore(), columns=("e", "f", "x", "y")) for p in paths)
    straight = api.fit(of_lists(paths[1], "exfy", 1), ZScore(), columns=("e", "f", "x", "y"))
    made, wanted = merged([one, other]), merged([one, straight])
    assert [s.columns for s in made.steps] == [("x", "y"), ("e",), ("f",)]
    assert [s.columns for s in other.steps] == [("y", "x"), ("f",), ("e",)]
    for a, b in zip(made.steps, wanted.steps, strict=True):
        for mine, theirs in zip(a.states, b.states, strict=True):
            for name in mine.axes():
                np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))


def planned(data: bytes, *choices: PlanStep) -> Parameters:
    schema = reader(data, 64).description.schema
    return fit(Parameters(Plan(choices).steps(schema, lambda name: 0), schema), data)


def test_steps_on_one_column_stay_one_after_the_other() -> None:
    rows = [[1, 2, 3, 4], [2, 3, 5, 9], [3, 4, 4, 1]]
    first, last = PlanStep(Log1p(), ("a",)), PlanStep(Asinh(), ("a",))
    one = planned(text(rows, NAMES), first, last, PlanStep(ZScore(), ("a", "b")))
    other = planned(text(np.array(rows) + 1, NAMES), last, first, PlanStep(ZScore(), ("a", "b")))
    assert "steps[0] is of asinh" in refusal(one, other)
    apart = [PlanStep(Log1p(), ("c",)), PlanStep(ZScore(), ("a", "b"))]
    one, other = planned(text(rows, NAMES), *apart), planned(text(np.array(rows) + 1, "dcba"), *reversed(apart))
    assert [s.columns for s in merged([one, other]).steps] == [("c",), ("a", "b")]


# -- where order means something ---------------------------------------------------------------------------------
A, B = numbers(1)[0], numbers(2)[0]


def outcome(method: Method, order: list[int], other: Method | None = None) -> str:
    """What is said of a merge, or nothing."""
    plans = fit(method, text(A, NAMES)), fit(other or method, shuffled(B, order))
    try:
        merged(plans)
    except Exception:
        return refusal(*plans)
    return ""


@pytest.mark.parametrize(
    ("channels", "order", "good"),
    [
        (4, [3, 1, 0, 2], True),
        (None, [3, 1, 0, 2], True),
        (1, [3, 1, 0, 2], True),
        (2, [1, 0, 2, 3], True),
        (2, [3, 2, 0, 1], True),
        (2, [0, 2, 1, 3], False),
    ],
)
def test_channels_are_of_the_same_columns_or_do_not_merge(channels: int | None, order: list[int], good: bool) -> None:
    method = Batch(channels=channels, batch_size=SIZE)
    said = outcome(method, order)
    if not good:
        assert said.startswith("1.json: has channels of the columns as a, c, b, d, and 0.json as a, b, c, d")
        return
    assert said == ""
    plans = [fit(method, x) for x in (text(A, NAMES), shuffled(B, order))]
    made, whole = merged(plans).steps[0], fit(method, text(A, NAMES), shuffled(B, order)).steps[0]
    assert_close(made.states[1], whole.states[1], np.concatenate([A, B]))


@pytest.mark.parametrize(
    ("one", "other", "good"),
    [
        (Weight(gain=(1.0, 2.0, 3.0, 4.0)), Weight(gain=(4.0, 3.0, 2.0, 1.0)), True),
        (Weight(gain=(1.0, 2.0, 3.0, 4.0)), Weight(gain=(1.0, 2.0, 3.0, 4.0)), False),
        (Weight(gain=3.0), Weight(gain=3.0), True),
        (Power(lambda_=(0.1, 0.2, 0.3, 0.4)), Power(lambda_=(0.4, 0.3, 0.2, 0.1)), True),
        (Batch(batch_size=SIZE, gamma=(1, 2, 3, 4)), Batch(batch_size=SIZE, gamma=(4, 3, 2, 1)), True),
        (Batch(batch_size=SIZE, beta=(1, 2, 3, 4)), Batch(batch_size=SIZE, beta=(1, 2, 3, 4)), False),
        (Batch(batch_size=SIZE, channels=2, beta=(1, 2)), Batch(batch_size=SIZE, channels=2, beta=(2, 1)), True),
        (Batch(batch_size=SIZE, channels=2, beta=(1, 2)), Batch(batch_size=SIZE, channels=2, beta=(1, 2)), False),
    ],
)
def test_numbers_of_each_column_agree_by_name(one: Method, other: Method, good: bool) -> None:
    said = outcome(one, [3, 2, 1, 0], other)
    assert (said == "") is good
    assert good or " for a, b, c, d, and 0.json with " in said


@pytest.mark.parametrize(
    ("after", "good"), [(Layer(), True), (Layer(gamma=(1, 2, 3, 4)), False), (Group(groups=2), False)]
)
def test_steps_that_learn_nothing_agree_by_name_too(after: Any, good: bool) -> None:
    choices = PlanStep(ZScore()), PlanStep(after)
    plans = planned(text(A, NAMES), *choices), planned(shuffled(B, [0, 2, 1, 3]), *choices)
    if good:
        assert merged(plans).steps[1].columns == tuple(NAMES)
    else:
        assert refusal(*plans).startswith("1.json: steps[1] ")
