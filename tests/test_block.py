"""A column's reductions against plain loops: with weights, gaps and groups, whatever the order of rows."""

import gc
import weakref
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from normcli import registry
from normcli.blocks.block import Block, Column
from normcli.blocks.record import Array, Codes

NAN = float("nan")
VALUES = st.sampled_from([0.0, 1.0, -2.5, 0.1, 1e9, NAN])


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    """Up to 12 rows of 1 or 2 columns; perhaps weights, perhaps up to 4 groups, some of them without a row."""
    rows, columns, groups = draw(st.integers(0, 12)), draw(st.integers(1, 2)), draw(st.integers(1, 4))
    matrix = draw(arrays(np.float64, (rows, columns), elements=VALUES))
    weights = draw(st.none() | arrays(np.float64, rows, elements=st.sampled_from([0.5, 1.0, 2.0, 3.25])))
    codes = draw(st.none() | arrays(np.intp, rows, elements=st.integers(0, groups - 1)))
    return Block.of(matrix, weights, codes, groups if codes is not None else 1)


def rows_of(block: Block, group: int, j: int) -> list[tuple[float, Fraction]]:
    """Value and weight of each row of a group, one by one."""
    weights = np.ones(block.rows) if block.weights is None else block.weights
    codes = np.zeros(block.rows, np.intp) if block.codes is None else block.codes
    each = zip(block.columns[j].tolist(), weights.tolist(), codes.tolist(), strict=True)
    return [(x, Fraction(w)) for x, w, c in each if c == group]


@given(block=blocks())
def test_reductions_are_those_of_plain_loops(block: Block) -> None:
    for j, column in enumerate(block.present()):
        total = column.total(column.weighted(column.values))
        for group in range(block.groups):
            rows = rows_of(block, group, j)
            there = [(x, w) for x, w in rows if x == x]
            assert column.count[group] == sum(w for _, w in there)
            assert column.missing[group] == sum(w for x, w in rows if x != x)
            assert column.least[group] == min((x for x, _ in there), default=np.inf)
            assert column.greatest[group] == max((x for x, _ in there), default=-np.inf)
            exact = sum((Fraction(x) * w for x, w in there), Fraction(0))
            size = sum(abs(Fraction(x)) * w for x, w in there)
            assert abs(Fraction(total[group]) - exact) <= size * Fraction(1e-15)


@given(block=blocks())
def test_spread_gives_each_value_what_is_its_group_s(block: Block) -> None:
    for column in block.present():
        of_group = np.arange(block.groups) + 10.0
        each = np.broadcast_to(column.spread(of_group), len(column.values))
        expected = np.repeat(of_group, [int(n) for n in counts(column, block.groups)])
        np.testing.assert_array_equal(each, expected)


def counts(column: Column, groups: int) -> list[float]:
    """How many values there are of each group, whatever their weights."""
    plain = Column(column.values, None, np.zeros(groups), column.starts, column.here)
    return list(map(float, plain.count))


@given(block=blocks())
def test_each_group_is_its_rows_as_they_come(block: Block) -> None:
    seen = 0
    for group, rows, part in block.iter_groups():
        at = np.arange(block.rows) if rows is None else rows
        codes = np.zeros(block.rows, np.intp) if block.codes is None else block.codes
        np.testing.assert_array_equal(at, np.flatnonzero(codes == group))
        assert (part.codes, part.groups) == (None, 1)
        for x, whole in zip(part.columns, block.columns, strict=True):
            np.testing.assert_array_equal(x, whole[at])
        if block.weights is not None:
            assert part.weights is not None
            np.testing.assert_array_equal(part.weights, block.weights[at])
        seen += part.rows
    assert seen == block.rows


@given(block=blocks())
def test_complete_rows_are_those_that_miss_nothing(block: Block) -> None:
    whole = [not any(np.isnan(x[i]) for x in block.columns) for i in range(block.rows)]
    complete = block.complete
    for x, y in zip(block.columns, complete.columns, strict=True):
        np.testing.assert_array_equal(x[np.array(whole, np.bool_)], y)
    if block.codes is not None:
        assert complete.codes is not None
        np.testing.assert_array_equal(block.codes[np.array(whole, np.bool_)], complete.codes)


@pytest.mark.parametrize("groups", [5, 1 << 16, (1 << 16) + 1])
def test_many_groups_are_sorted_as_few_are(groups: int) -> None:
    """Beyond 65,536 there is no sorting by radix."""
    codes: Codes = np.random.default_rng(1).permutation(np.repeat([0, 3, groups - 1], 50))
    x: Array = np.arange(150.0)
    (column,) = Block.of(x[:, None], codes=codes, groups=groups).present()
    for group in (0, 3, groups - 1):
        assert column.total(column.values)[group] == x[codes == group].sum()
    assert column.count.sum() == 150


@pytest.mark.parametrize("name", registry.names("stats"))
def test_a_block_is_freed_when_it_was_measured(name: str) -> None:
    """At once, and not when garbage is collected: memory would grow with the data until then."""
    block = Block.of(np.random.default_rng(1).normal(size=(20, 3)))
    gone = weakref.ref(block)
    gc.disable()
    try:
        registry.only("stats", name)().of(block)
        del block
        assert gone() is None
    finally:
        gc.enable()
