"""Chunks fold into segments, segments into an input, inputs into the whole: to the bit, wherever each was measured."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from functools import cache, reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli import api
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.methods import Method
from normcli.methods.power import Power
from normcli.methods.robust import Robust
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from normcli.parameters import Measured, Step, folding, merged
from normcli.parameters import file as params
from normcli.parameters.folding import InputTotal, Subtotal
from normcli.parameters.keys import Key, Keyed, StepStates
from normcli.parameters.sketches import BLANK
from tests.conftest import examples, longer
from tests.test_learning import again, fit, text
from tests.test_learning import merged as merged_files

METHODS: list[Method] = [ZScore(), Whiten(), Robust(), Power()]
CHUNKS = 210
SEGMENT = 64
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)


def rows(count: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).lognormal(size=(count, 2)) * 1e3 + 0.1


@cache
def measured(method: Method) -> list[Measured]:
    """What was measured of chunks of a few rows, each of two of three keys."""
    step, rng, made = Step(method, ("a", "b")), np.random.default_rng(1), []
    keys: list[Key] = [("x",), ("y",), (None,)]
    for i in range(CHUNKS):
        x = rows(4, i)
        those = tuple(keys[j] for j in rng.permutation(3)[:2])
        codes = np.array([0, 1, 1, 0])
        by_key = step.measure(Block.of(x, codes=codes, groups=2), by_key=True)
        keyed = Keyed(those, np.array([2.0, 2.0]), (by_key,))
        sketches = BLANK.of_columns([*Block.of(x).present()], i)
        made.append(Measured((step.measure(Block.of(x)),), keyed, 4, i % 2, [], sketches))
    return made


def segments(can_end: Sequence[bool]) -> Iterator[slice]:
    """By the definition: 64 chunks, and on to where one can end."""
    start = 0
    while start < len(can_end):
        ends = (i + 1 for i in range(start + SEGMENT - 1, len(can_end)) if can_end[i])
        end = next(ends, len(can_end))
        yield slice(start, end)
        start = end


def contents(total: Subtotal) -> list[bytes]:
    """Every bit of it."""
    keyed = total.ledger.sorted()
    parts = [str((total.incomplete, keyed.keys)).encode(), keyed.rows.tobytes()]
    every = (*total.states, *keyed.states, () if total.sketches is None else (total.sketches,))
    return parts + [getattr(s, n).tobytes() for states in every for s in states for n in s.axes()]


def blank(method: Method) -> tuple[StepStates, ...]:
    return (method.statistics,)


@every_method
@settings(max_examples=examples(40))
@given(can_end=st.one_of(st.lists(st.booleans(), min_size=1, max_size=CHUNKS), st.just([True] * CHUNKS)))
def test_segments_measured_apart_and_folded_are_one_pass_to_the_bit(method: Method, can_end: list[bool]) -> None:
    chunks = measured(method)[: len(can_end)]
    one_pass, apart = InputTotal(blank(method), BLANK), InputTotal(blank(method), BLANK)
    for chunk, can in zip(chunks, can_end, strict=True):
        one_pass.add(chunk, can_end_segment=can)
    for run in segments(can_end):
        segment = Subtotal(blank(method), sketches=BLANK)
        for chunk in chunks[run]:
            segment.add(chunk)
        apart.add_segment(segment)
    assert contents(apart.end()) == contents(one_pass.end())


@every_method
@pytest.mark.parametrize("shards", [1, 2, 3])
def test_shards_folded_one_by_one_are_one_total_to_the_bit(method: Method, shards: int) -> None:
    """Each from a blank, as segments begin."""
    totals = [Subtotal(blank(method), sketches=BLANK) for _ in range(4)]
    for total, chunk in zip(totals[1:] * 2, measured(method), strict=False):
        total.add(chunk)
    split = [total.split(shards) for total in deepcopy(totals)]
    folded = [reduce(Subtotal.merge, shard) for shard in zip(*split, strict=True)]
    assert contents(Subtotal.joined(folded)) == contents(reduce(Subtotal.merge, totals))


@every_method
@pytest.mark.parametrize("count", [1, 2, SEGMENT - 1, SEGMENT, SEGMENT + 1])
def test_few_chunks_fold_from_the_left(method: Method, count: int) -> None:
    """One more than a segment has is added to it, as ever."""
    total, plain = InputTotal(blank(method)), Subtotal(blank(method))
    for chunk in measured(method)[:count]:
        total.add(chunk, can_end_segment=True)
        plain.add(chunk)
    assert contents(total.end()) == contents(plain)


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow", "arrows"])
@pytest.mark.parametrize("method", METHODS[:2], ids=lambda m: type(m).__name__)
def test_an_input_folds_by_its_segments(kind: str, method: Method, tmp_path: Path) -> None:
    """Blocks of 2 rows (text: 20 bytes, header and all), in groups of 101 rows: binary segments end where the second
    group does, and the fourth."""
    x, path = np.random.default_rng(1).integers(1000, 9999, size=(606, 2)) * 1.0, tmp_path / f"t.{kind}"
    edges = [0, *range(1, 606, 2)] if kind == "csv" else list(range(0, 606, 101))
    blocks = [b for at, end in zip(edges, [*edges[1:], 606], strict=True) for b in blocks_of(x[at:end])]
    can_end = [kind == "csv" or len(b) == 1 for b in blocks]
    write(x, path)
    step = api.fit(path, method, block_size=20 if kind == "csv" else 2).steps[0]
    assert len(list(segments(can_end))) == (5 if kind == "csv" else 3)
    states = (fold([step.measure(Block.of(b)) for b in blocks[run]], method) for run in segments(can_end))
    for got, wanted in zip(step.states, fold(states, method), strict=True):
        for name in got.axes():
            assert getattr(got, name).tobytes() == getattr(wanted, name).tobytes(), name


def blocks_of(x: Array) -> list[Array]:
    return [x[at : at + 2] for at in range(0, len(x), 2)]


def fold(states: Iterator[StepStates] | list[StepStates], method: Method) -> StepStates:
    return reduce(lambda a, b: merged((a,), (b,))[0], states, method.statistics)


def write(x: Array, path: Path) -> None:
    table = pa.table({"a": x[:, 0], "b": x[:, 1]})
    if path.suffix == ".csv":
        path.write_bytes(text(x.astype(int), ("aaaa", "bbbb")))
    elif path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=101)
    else:
        new = pa.ipc.new_file if path.suffix == ".arrow" else pa.ipc.new_stream
        with new(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=101)


@pytest.mark.parametrize("method", [*METHODS[1:3], *longer(METHODS[0], METHODS[3])], ids=lambda m: type(m).__name__)
def test_updates_and_a_merge_of_long_inputs_are_one_fit_to_the_bit(method: Method) -> None:
    inputs = [text(rows(count, seed)) for seed, count in enumerate((300, 9, 200))]
    whole = params.write(fit(method, *inputs, threads=3))
    assert params.write(merged_files([fit(method, data) for data in inputs])) == whole
    assert params.write(fit(again(fit(method, *inputs[:2])), inputs[2], once=True)) == whole


def test_check_folds_as_a_fit_does(tmp_path: Path) -> None:
    """The fitted data themselves have the same mean and deviation, to the bit."""
    paths = [tmp_path / f"{seed}.csv" for seed in range(3)]
    for seed, path in enumerate(paths):
        path.write_bytes(text(rows(200, seed)))
    found = api.check(api.fit(paths, ZScore(), block_size=64), paths, block_size=64)
    for name in ("mean", "std"):
        assert found.steps[0].data[name].tobytes() == found.steps[0].fitted[name].tobytes()


@settings(max_examples=examples(30, part=3), deadline=None)
@given(
    seed=st.integers(0, 1 << 16),
    inputs=st.lists(st.sampled_from([0, 1, 300, 1000]), min_size=1, max_size=12),
    buffer=st.sampled_from([0, 600, 1 << 18]),
)
def test_sketches_of_inputs_are_those_of_one_merged_after_the_other(seed: int, inputs: list[int], buffer: int) -> None:
    rng, total, expected = np.random.default_rng(seed), Subtotal((), sketches=BLANK), BLANK
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "BUFFER", buffer)
        for count in inputs:
            state = BLANK.of_columns([*Block.of(rng.normal(size=(count, 2))).present()])
            total, expected = total.merge(Subtotal((), sketches=state)), expected.merge(state)
    assert total.sketches is not None
    for name in BLANK.axes():
        assert getattr(total.sketches, name).tobytes() == getattr(expected, name).tobytes()
