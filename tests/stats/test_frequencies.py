"""Misra and Gries's summary against counting all values."""

from collections import Counter
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.stats.frequencies import Frequencies, common

VALUES = st.lists(st.integers(-9, 9).map(float) | st.just(float("nan")), max_size=60)


def of(values: list[float], k: int) -> Frequencies:
    return Frequencies(k=k).of(Block.of(np.reshape(values, (-1, 1))))


def held(summary: Frequencies) -> dict[float, float]:
    there = summary.counts[0, 0] > 0.0
    return dict(zip(summary.values[0, 0][there].tolist(), summary.counts[0, 0][there].tolist(), strict=True))


@given(pieces=st.lists(VALUES, min_size=1, max_size=6), k=st.integers(1, 12))
def test_counts_are_low_by_what_was_lost_at_most_however_values_are_cut(pieces: list[list[float]], k: int) -> None:
    merged = reduce(lambda a, b: a.merge(b), (of(piece, k) for piece in pieces), Frequencies(k=k))
    exact = Counter(v for piece in pieces for v in piece if v == v)
    found, lost = held(merged), float(merged.lost[0, 0])
    assert len(found) <= k
    assert lost <= sum(exact.values()) / (k + 1)
    for value, count in exact.items():
        assert count - lost <= found.get(value, 0.0) <= count
    assert found.keys() <= exact.keys()
    if len(exact) <= k:
        assert (lost, found) == (0.0, dict(exact))
        assert merged.distinct[0, 0] == len(exact)
    else:
        assert np.isnan(merged.distinct[0, 0])


@given(pieces=st.lists(VALUES, min_size=1, max_size=6), k=st.integers(1, 12))
def test_what_is_told_to_be_common_is_more_common_than_all_that_is_not_there(pieces: list[list[float]], k: int) -> None:
    merged = reduce(lambda a, b: a.merge(b), (of(piece, k) for piece in pieces), Frequencies(k=k))
    exact = Counter(v for piece in pieces for v in piece if v == v)
    values, counts = merged.most_common(0, 0)
    assert counts.tolist() == sorted(counts.tolist(), reverse=True)
    gone = [n for v, n in exact.items() if v not in held(merged)]
    assert all(exact[v] >= max(gone, default=0) for v in values.tolist())


@given(counts=st.lists(st.integers(1, 9), max_size=30), k=st.integers(1, 12))
def test_the_amount_that_is_taken_leaves_k_at_most(counts: list[int], k: int) -> None:
    places, lost = common(np.array(counts, np.float64), k)
    assert len(places) <= k
    assert lost == (sorted(counts, reverse=True)[k] if len(counts) > k else 0.0)
    assert sorted(places.tolist()) == [i for i, n in enumerate(counts) if n > lost]


def test_a_value_that_is_more_than_its_share_of_very_many_is_found() -> None:
    """One per cent of 500,000 otherwise different values, in any order, in blocks of any size."""
    rng = np.random.default_rng(1)
    values = rng.permutation(np.concatenate([np.arange(495_000.0), np.full(5_000, -1.0)]))
    sizes = rng.integers(1, 60_000, 12)
    pieces: list[Array] = np.split(values, np.minimum(np.cumsum(sizes), len(values)))
    merged = reduce(lambda a, b: a.merge(b), (of(piece.tolist(), 999) for piece in pieces), Frequencies())
    found, counts = merged.most_common(0, 0)
    assert found[0] == -1.0
    assert 5_000 - merged.lost[0, 0] <= counts[0] <= 5_000
    assert merged.lost[0, 0] <= 500


@pytest.mark.parametrize("k", [1, 7, 999])
def test_of_counts_is_of_the_values_themselves(k: int) -> None:
    values = np.random.default_rng(2).integers(0, 2000, 20_000).astype(np.float64)
    unique, counts = np.unique(values, return_counts=True)
    places, lost = common(counts.astype(np.float64), k)
    shuffled = np.random.default_rng(3).permutation(places)
    built = Frequencies(k=k).of_counts(unique[shuffled], counts[shuffled] - lost, lost)
    assert held(built) == held(of(values.tolist(), k))
