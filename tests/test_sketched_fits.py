"""Every fit that learns keeps a sketch of each input column, of all rows: what is in it, and what carries it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import normcli
from normcli.blocks.block import Block, Column
from normcli.blocks.record import Array
from normcli.parameters import Parameters
from normcli.parameters.sketches import BLANK, K
from normcli.stats.quantiles import SURE, Quantiles
from tests.cli.conftest import Done, Workspace, workspace
from tests.conftest import examples, longer

DATA = "site,a,b,c,w\n" + "".join(f"{'xy'[i % 2]},{i % 7},{'' if i % 3 else i / 8},{i},{i % 4}\n" for i in range(60))
A, B = [float(i % 7) for i in range(60)], [i / 8 for i in range(0, 60, 3)]
__all__ = ["workspace"]

Sketch = tuple[list[float], list[float]]


def sketches(parameters: Parameters) -> dict[str, Sketch]:
    """The items and weights of each column."""
    held = parameters.sketches
    assert held is not None
    pairs = {name: held.weighted(name) for name in held.names}
    return {name: (values.tolist(), weights.tolist()) for name, (values, weights) in pairs.items()}


def exact(values: list[float]) -> Sketch:
    return sorted(values), [1.0] * len(values)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_text(DATA)
    return path


# -- which values ------------------------------------------------------------------------------------------------
def test_a_small_column_is_there_whole(data: Path) -> None:
    assert sketches(normcli.fit(data, "zscore", columns="a,b")) == {"a": exact(A), "b": exact(B)}


@pytest.mark.parametrize("method", ["whiten", "robust", "batch"])
def test_all_present_values_count_whatever_rows_a_method_takes(data: Path, method: str) -> None:
    assert sketches(normcli.fit(data, method, columns=("b", "a"))) == {"a": exact(A), "b": exact(B)}


def test_of_a_plan_the_input_columns_are_sketched(data: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    steps = (("log1p", '["a"]'), ("zscore", '["a", "b"]'))
    plan.write_text("".join(f'[[steps]]\nmethod = "{name}"\ncolumns = {columns}\n' for name, columns in steps))
    assert sketches(normcli.fit(data, plan=plan)) == {"a": exact(A), "b": exact(B)}


def test_the_values_of_lists_are_one_column(tmp_path: Path) -> None:
    rows = [[1.0, None, 3.0], None, [4.0, 5.0, 6.0]]
    pq.write_table(pa.table({"v": rows, "a": [1.0, 2.0, 2.0]}), tmp_path / "t.parquet")
    found = sketches(normcli.fit(tmp_path / "t.parquet", "zscore", columns="v,a"))
    assert found == {"v": exact([1, 3, 4, 5, 6]), "a": exact([1, 2, 2])}


def test_keys_share_one_sketch_of_all_rows(data: Path) -> None:
    assert sketches(normcli.fit(data, "zscore", columns="a", by="site")) == {"a": exact(A)}


def test_a_method_that_learns_nothing_has_none(data: Path) -> None:
    assert normcli.fit(data, "unit", columns="a").sketches is None


NONE = "normcli: no sketches are kept: {}; without them check compares no shapes of columns"


def notices(done: Done) -> list[str]:
    return [line for line in done.lines if "sketch" in line]


# -- weights -----------------------------------------------------------------------------------------------------
def test_whole_weights_are_repeats(data: Path) -> None:
    repeated = [x for i, x in enumerate(A) for _ in range(i % 4)]
    assert sketches(normcli.fit(data, "zscore", columns="a", weights="w")) == {"a": exact(repeated)}


def test_fractions_of_rows_are_not_sketched_which_is_said_once(workspace: Workspace) -> None:
    (workspace / "t.csv").write_text("a,w\n1,1\n2,0.5\n3,0.25\n")
    done = workspace.succeeds("fit", "t.csv", "-m", "zscore", "-c", "a", "--weights", "w", "--werror", "-p", "p.json")
    assert notices(done) == [NONE.format("weights in column 'w' are not whole numbers")]
    assert "sketches" not in json.loads((workspace / "p.json").read_bytes())


# -- what carries them, and what does not ------------------------------------------------------------------------
def test_without_sketches_a_file_holds_what_it_did(data: Path) -> None:
    one, other = (normcli.fit(data, "zscore", columns="a", no_sketch=without) for without in (False, True))
    documents = []
    for parameters in (one, other):
        parameters.save(data.with_suffix(".json"))
        documents.append(json.loads(data.with_suffix(".json").read_bytes()))
    assert documents[0].pop("sketches")
    assert documents[0].pop("digest") != documents[1].pop("digest")
    assert documents[0] == documents[1]


def test_a_method_learned_again_keeps_them(data: Path) -> None:
    fitted = normcli.fit(data, "zscore", columns="a,b")
    again = normcli.relearn(fitted, "center")
    assert sketches(again) == sketches(fitted)
    assert normcli.relearn(fitted, "center", no_sketch=True).sketches is None
    assert normcli.relearn(fitted, "unit").sketches is None


@pytest.mark.parametrize("words", [["--update"], ["--update", "--no-sketch"]])
def test_an_update_adds_to_them_or_drops_them(workspace: Workspace, words: list[str]) -> None:
    (workspace / "a.csv").write_text("x\n1\n2\n")
    (workspace / "b.csv").write_text("x\n5\n")
    workspace.succeeds("fit", "a.csv", "-m", "zscore", "-p", "p.json")
    workspace.succeeds("fit", *words, "b.csv", "-p", "p.json")
    both = normcli.fit([workspace / "a.csv", workspace / "b.csv"], "zscore", no_sketch="--no-sketch" in words)
    assert normcli.load(workspace / "p.json").digest == both.digest


LACKING, LEFT = "{} has none", "those in {} are left out (--no-sketch)"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("fit b.csv --update -p without.json", [LACKING.format("without.json")]),
        ("fit b.csv --update -p with.json --no-sketch", [LEFT.format("with.json")]),
        ("fit b.csv --update -p without.json --no-sketch", []),
        ("fit b.csv --update -p with.json", []),
        ("fit b.csv -m zscore -p p.json --no-sketch", []),
        ("fit --relearn without.json -m center -p p.json", [LACKING.format("without.json")]),
        ("fit --relearn with.json -m center -p p.json --no-sketch", [LEFT.format("with.json")]),
        ("fit --relearn with.json -m center -p p.json", []),
        ("fit --relearn with.json -m unit -p p.json", []),
        ("merge with.json without.json -o p.json", [LACKING.format("without.json")]),
        ("merge without.json with.json -o p.json", [LACKING.format("without.json")]),
        ("merge with.json without.json other.json -o p.json", ["without.json, other.json have none"]),
        ("merge without.json other.json -o p.json", []),
    ],
)
def test_one_notice_says_what_is_lost_or_absent(workspace: Workspace, line: str, why: list[str]) -> None:
    for name, words in (("with", []), ("without", ["--no-sketch"]), ("other", ["--no-sketch"])):
        (workspace / "a.csv").write_text(f"x,y\n{len(name)},1\n2,3\n")
        workspace.succeeds("fit", "a.csv", "-m", "zscore", "-p", f"{name}.json", *words)
    (workspace / "b.csv").write_text("x,y\n5,6\n")
    done = workspace.succeeds(*line.split())
    assert notices(done) == [NONE.format(text) for text in why]
    target = next(word for word in reversed(line.split()) if word.endswith(".json"))
    expects = not why and "--no-sketch" not in line and "without" not in line and "unit" not in line
    assert (normcli.load(workspace / target).sketches is not None) == expects


def test_columns_in_another_order_merge_by_name(tmp_path: Path) -> None:
    fits = []
    for name, text in (("a", "x,y\n1,10\n2,20\n"), ("b", "y,x\n30,3\n")):
        (tmp_path / f"{name}.csv").write_text(text)
        fits.append(normcli.fit(tmp_path / f"{name}.csv", "zscore"))
    assert sketches(normcli.merge(fits)) == {"x": exact([1, 2, 3]), "y": exact([10, 20, 30])}


# -- samples of long columns -------------------------------------------------------------------------------------
def sampled(x: Array, rows: int) -> Quantiles:
    """The sketch of blocks of so many rows, merged at once as those of a segment are."""
    blocks = [Block.of(x[start : start + rows]) for start in range(0, len(x), rows)]
    return BLANK.merge_all([BLANK.of_columns([*b.present()], i) for i, b in enumerate(blocks)])


def rank_errors(x: Array, state: Quantiles) -> Array:
    """(features, shares) how far the ranks of values are off, as shares of all values."""
    errors = []
    for j, values in enumerate(np.sort(x, axis=0).T):
        items, weights = state.weighted(0, j)
        ends = np.concatenate([[0.0], np.cumsum(weights)])
        at = values[np.linspace(0, len(values) - 1, 41).astype(int)[1:-1]]
        sides = [ends[np.searchsorted(items, at, s)] - np.searchsorted(values, at, s) for s in ("left", "right")]
        errors.append(np.abs(sides).max(axis=0) / len(values))
    return np.array(errors)


ORDERS: dict[str, Callable[[np.random.Generator, int], Array]] = {
    "normal": lambda rng, n: rng.normal(size=(n, 16)),
    "Cauchy": lambda rng, n: rng.standard_cauchy((n, 16)),
    "sorted": lambda rng, n: np.sort(rng.normal(size=(n, 16)), axis=0),
    "periodic": lambda rng, n: np.sin(np.arange(n)[:, None] % 16 + rng.random(16)) + rng.normal(size=(n, 16)) / 1e3,
    "repeated": lambda rng, n: np.tile(rng.normal(size=(n // 2, 16)), (2, 1)),
    "in pairs": lambda rng, n: np.repeat(rng.normal(size=(n // 2, 16)), 2, axis=0),
    "five values": lambda rng, n: rng.integers(0, 5, (n, 16)).astype(float),
}


@pytest.mark.parametrize("order", ["normal", "periodic", *longer(*(set(ORDERS) - {"normal", "periodic"}))])
@pytest.mark.parametrize("blocks", [2, *longer(1, 3, 4, 30)])
def test_ranks_of_samples_are_as_close_as_a_sketch_promises(order: str, blocks: int) -> None:
    """At 99 % confidence; blocks of 34,700 rows are sampled almost as sparsely as they may be."""
    rng, rows = np.random.default_rng(len(order) + blocks), 34_700
    tries = [ORDERS[order](rng, blocks * rows) for _ in range(examples(12, part=4))]
    errors = np.concatenate([rank_errors(x, sampled(x, rows)) for x in tries])
    assert np.quantile(errors, 0.99) < SURE / K


@settings(max_examples=examples(100, part=5))
@given(st.lists(st.integers(0, 150_000), min_size=1, max_size=3), st.integers(0, 3))
def test_a_sample_of_any_length_counts_all_values_and_holds_some(counts: list[int], position: int) -> None:
    values = [np.random.default_rng(n).permutation(n) * 1.0 for n in counts]
    state = BLANK.of_columns([Column(x, None, np.zeros(1)) for x in values], position)
    assert state.fault() is None
    assert state.count.tolist() == [counts]
    for j, x in enumerate(values):
        items, _ = state.weighted(0, j)
        assert len(np.unique(items)) == len(items) == (len(x) if len(x) <= K else len(items))
        assert np.isin(items, x).all()


def test_a_column_is_sketched_as_if_it_were_alone() -> None:
    """Also beside others with another number of values."""
    x = np.random.default_rng(1).normal(size=(40_000, 3))
    x[::3, 1] = np.nan
    whole = BLANK.of_columns([*Block.of(x).present()], 2)
    for j in range(3):
        alone = BLANK.of_columns([*Block.of(x[:, [j]]).present()], 2)
        for mine, theirs in zip(whole.weighted(0, j), alone.weighted(0, 0), strict=True):
            np.testing.assert_array_equal(mine, theirs)
