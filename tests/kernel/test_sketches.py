"""Sketches by the kernel: the bytes of those that numpy makes, of any columns, and merged in any way."""

from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli import kernel
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.kernel import columns, sketches
from normcli.parameters.sketches import ColumnSketches
from normcli.stats import _compactors as compactors
from normcli.stats import _sampling as sampling
from tests.conftest import examples
from tests.kernel.test_columns import switched

pytestmark = pytest.mark.skipif(kernel.library() is None, reason="there is no kernel here")
LENGTHS = st.lists(st.sampled_from([0, 1, 2, 100, 128, 129, 255, 256, 257, 1000, 4287, 20_000]), min_size=1, max_size=4)
K = st.sampled_from([128, 256, 1000])


def values(seed: int, lengths: list[int]) -> list[Array]:
    """Columns of values of which some are equal, and some are -0."""
    rng = np.random.default_rng(seed)
    return [np.where(rng.uniform(size=n) < 0.1, -0.0, rng.normal(size=n).round(seed % 4)) for n in lengths]


def assert_same(one: tuple[Array, ...] | None, other: tuple[Array, ...]) -> None:
    assert one is not None
    for a, b in zip(one, other, strict=True):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


@settings(max_examples=examples(60, part=3), deadline=None)
@given(seed=st.integers(0, 1 << 16), lengths=LENGTHS, heights=st.integers(0, 6), position=st.integers(0, 63), k=K)
def test_sketches_of_samples_have_the_bytes_of_numpy(
    seed: int, lengths: list[int], heights: int, position: int, k: int
) -> None:
    x = values(seed, lengths)
    each = [(heights + j) % 7 for j in range(len(x))]
    expected = sampling._of_columns(x, each, position, k)
    assert_same(sketches.of_samples(x, lengths, each, position, k), expected)
    gaps = [np.insert(a, np.arange(0, len(a), 1 + seed % 9), np.nan) for a in x]
    assert_same(sketches.of_samples(gaps, lengths, each, position, k), expected)


HARD = [-0.0, 0.0, 5e-324, -5e-324, 1.7976931348623157e308, -1.7976931348623157e308, np.inf, 1.0]


@settings(max_examples=examples(60, part=3), deadline=None)
@given(
    seed=st.integers(0, 1 << 16), rows=LENGTHS, position=st.integers(0, 5), gaps=st.sampled_from([0.0, 0.01, 0.9, 1.0])
)
def test_columns_are_sampled_while_they_are_reduced_as_by_numpy(
    seed: int, rows: list[int], position: int, gaps: float
) -> None:
    rng = np.random.default_rng(seed)
    names, blocks = [("c", "a"), ("b",)][: 1 + seed % 2], []
    for of_block in names:
        x = [rng.choice([*HARD[: 6 + seed % 3], *rng.normal(size=20)], rows[0]) for _ in of_block]
        x[0][rng.uniform(size=rows[0]) < gaps] = np.nan
        blocks.append(Block(tuple(x)))
    wanted = ColumnSketches(tuple(sorted(n for of_block in names for n in of_block)))
    with switched("off"):
        expected = wanted.of(names, [Block(block.columns) for block in blocks], position)
    for block in blocks:
        block.reduce(wanted.sampling(position))
    sampled = wanted.of(names, blocks, position)
    assert sampled is not None
    assert expected is not None
    assert_same((sampled.items, sampled.sizes, sampled.sides), (expected.items, expected.sizes, expected.sides))


@settings(max_examples=examples(60, part=3), deadline=None)
@given(seed=st.integers(0, 1 << 16), parts=st.lists(st.integers(0, 20_000), min_size=1, max_size=9), k=K)
def test_merges_have_the_bytes_of_numpy(seed: int, parts: list[int], k: int) -> None:
    rows = 1 + seed % 3
    pool = [sampling.of_columns(values(seed + n, [n] * rows), [n] * rows, [True] * rows, n % 5, k) for n in parts]
    for _ in range(4):
        arrays = [(part.items, part.sizes, part.sides) for part in pool]
        expected = compactors._merged(pool, k)
        assert_same(
            sketches.merged(arrays, k, compactors._capacities(k)), (expected.items, expected.sizes, expected.sides)
        )
        folded = reduce(lambda a, b: compactors._merged([a, b], k), [*pool, pool[-1]])
        assert_same(
            sketches.merged([*arrays, arrays[-1]], k, compactors._capacities(k), in_turn=True),
            (folded.items, folded.sizes, folded.sides),
        )
        pool = [expected, *pool]


def test_more_levels_than_the_kernel_has_are_merged_without_it() -> None:
    sizes = np.zeros((1, sketches.LEVELS + 1), np.int64)
    sizes[0, -1] = 1
    part = np.ones((1, 1)), sizes, np.zeros_like(sizes)
    assert sketches.merged([part, part], 128, compactors._capacities(128)) is None


@settings(max_examples=examples(30, part=3), deadline=None)
@given(seed=st.integers(0, 1 << 16), rows=st.integers(0, 300), share=st.sampled_from([0.01, 0.5, 1.0]))
def test_columns_without_missing_values_are_those_of_numpy(seed: int, rows: int, share: float) -> None:
    (x,) = values(seed, [rows])
    x[np.random.default_rng(seed).uniform(size=rows) < share] = np.nan
    present = columns.present(x)
    assert present is not None
    assert present.tobytes() == x[~np.isnan(x)].tobytes()
    block = Block.of(x[:, None])
    with switched("off"):
        (expected,) = Block.of(x[:, None]).present()
    (column,) = block.present()
    assert_same((column.values, column.missing), (expected.values, expected.missing))
