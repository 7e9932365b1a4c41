"""The covering array covers, and is always the same."""

from tests.covering.arrays import covering_array, feasible_pairs, pairs_of, random_rows
from tests.covering.cases import FACTORS, excluded

SOME = {f: FACTORS[f][:6] for f in list(FACTORS)[:9]}


def test_every_pair_that_can_be_is_in_a_row() -> None:
    rows = list(covering_array(SOME, excluded))
    assert feasible_pairs(SOME, excluded) == {pair for row in rows for pair in pairs_of(row)}
    assert not any(map(excluded, rows))
    assert all(row.keys() == SOME.keys() for row in rows)


def test_it_is_far_smaller_than_the_product_and_always_the_same() -> None:
    rows = list(covering_array(SOME, excluded))
    assert len(rows) < 100
    assert rows == list(covering_array(SOME, excluded))


def test_random_rows_exclude_too() -> None:
    rows = random_rows(FACTORS, excluded, 50, seed=3)
    assert len(rows) == 50
    assert not any(map(excluded, rows))
