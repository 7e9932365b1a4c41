"""A sketch of each input column in the parameter file."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import normcli
from normcli.blocks.block import Block
from normcli.errors import BadParametersError
from normcli.parameters import Parameters
from normcli.parameters import file as params
from normcli.parameters.sketches import BLANK, ColumnSketches
from tests.conftest import examples

finite = st.floats(allow_nan=False, allow_infinity=False)
columns = st.lists(st.one_of(finite, st.integers(-(2**60), 2**60).map(float)), max_size=600)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Parameters:
    path = tmp_path_factory.mktemp("data") / "data.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    return normcli.fit(path, "zscore")


def padded(*values: list[float]) -> Block:
    rows = max(map(len, values))
    return Block(tuple(np.array(x + [np.nan] * (rows - len(x))) for x in values))


def in_file(fitted: Parameters, sketches: ColumnSketches) -> Parameters:
    return params.sealed(replace(fitted, sketches=sketches))


@settings(max_examples=examples(100, part=4))
@given(columns, columns)
def test_sketches_that_are_written_are_read(fitted: Parameters, a: list[float], b: list[float]) -> None:
    state = BLANK.of(padded(a, b)).merge(BLANK.of(padded(b, a)))
    written = in_file(fitted, ColumnSketches(("a", "b"), state))
    text = params.write(written)
    read = params.read(text)
    assert params.write(read) == text
    assert written.sketches
    assert read.sketches
    for name in ("a", "b"):
        pairs = zip(written.sketches.weighted(name), read.sketches.weighted(name), strict=True)
        for mine, theirs in pairs:
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("rows", [100, 300, 5000])
@pytest.mark.parametrize("times", [0, 30])
def test_a_sketch_takes_at_most_3_kb(fitted: Parameters, rows: int, times: int) -> None:
    rng = np.random.default_rng(rows)
    state = BLANK.of(Block.of(rng.normal(size=(rows, 2)) * 1e-200))
    for _ in range(times):  # to 5·10¹² rows
        state = state.merge(state)
    text = params.write(in_file(fitted, ColumnSketches(("a", "b"), state))).decode()
    (line,) = (line for line in text.splitlines() if line.startswith('  {"column":"a"'))
    assert len(line) <= 3000


def test_items_are_numbers_where_that_is_shorter(fitted: Parameters) -> None:
    state = BLANK.of(padded([1.0, 2.5, -0.0, 1e300], [1 / 3]))
    document = json.loads(params.write(in_file(fitted, ColumnSketches(("a", "b"), state))))
    assert document["sketches"] == [
        {"column": "a", "sizes": [4], "sides": [0], "items": [0, 1, 2.5, 1e300]},
        {"column": "b", "sizes": [1], "sides": [0], "items": "VVVVVVVV1T8="},
    ]


WRONG = {
    "column": ("c", "$.sketches: not the columns that the steps learn from, in order"),
    "sizes": ([2], "$.sketches[0].items: must be as many as sizes say, and at most 256"),
    "sides": ([3], "$.sketches[0].sides: must be 0, 1 or 2, of levels that there are"),
    "items": ("VVVVVVVV1T8", "$.sketches[0].items: is no base64"),
    "items ": ("VVVV", "$.sketches[0].items: is not of whole doubles"),
    "items  ": ("AAAAAAAA8H8=", "$.sketches[0].items: must be finite"),
    "items   ": ([True], "$.sketches[0].items: must be numbers"),
    "items    ": ([10**400], "$.sketches[0].items: must be finite"),
    "items     ": (1, "$.sketches[0].items: must be a list"),
    "sizes ": ([-1], "$.sketches[0].sizes[0]: must not be negative"),
    "sides ": ([], "$.sketches[0].sides: must be as many as sizes, and at most 96"),
}


@pytest.mark.parametrize("field", WRONG)
def test_a_sketch_that_can_not_be_is_refused_by_its_place(fitted: Parameters, field: str) -> None:
    sketches = ColumnSketches(("a", "b"), BLANK.of(padded([1.0], [2.0])))
    document = json.loads(params.write(in_file(fitted, sketches)))
    document["sketches"][0][field.strip()] = WRONG[field][0]
    with pytest.raises(BadParametersError) as caught:
        params.read(json.dumps(document).encode(), allow_edited=True)
    assert caught.value.message == WRONG[field][1]


def test_columns_are_taken_by_name() -> None:
    sketches = ColumnSketches(("a", "b"), BLANK.of(padded([1.0], [2.0, 3.0])))
    assert sketches.taken(("b", "a")).weighted("b")[0].tolist() == [2.0, 3.0]
    assert ColumnSketches(("a", "b")).taken(("b", "a")) == ColumnSketches(("b", "a"))
