"""Packs: all spans in order, none too large, small ones together, and work for all at the end."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normcli.engines._packs import PACK_COUNT, PACK_LOAD, Packs, most_of
from normcli.errors import BadDataError
from tests.engines.spans import Number

loads = st.lists(st.one_of(st.just(0), st.integers(1, 100), st.integers(PACK_LOAD // 8, 2 * PACK_LOAD)), max_size=300)


def packs_of(spans: list[Number | None], tasks: int, most: int = PACK_COUNT) -> list[list[Number]]:
    """All packs, where there are to be so many tasks."""
    packs, result = Packs(iter(spans), most), list[list[Number]]()
    while not packs.ended:
        if pack := packs.next(tasks):
            result.append(pack)
    return result


def small(count: int, load: int = 100) -> list[Number | None]:
    return [Number(n, load) for n in range(count)]


@given(loads, st.integers(1, 40), st.integers(1, PACK_COUNT))
def test_packs_are_the_spans_in_order_and_none_is_too_large(loads: list[int], tasks: int, most: int) -> None:
    spans = [Number(n, load) for n, load in enumerate(loads)]
    packs = packs_of(list(spans), tasks, most)
    assert [span for pack in packs for span in pack] == spans
    for pack in packs:
        assert len(pack) <= most
        assert len(pack) == 1 or sum(span.load or PACK_LOAD for span in pack) <= PACK_LOAD


@given(st.integers(1, 2000), st.integers(1, 40))
def test_no_pack_has_more_than_its_share_of_what_is_left(count: int, tasks: int) -> None:
    left = count
    for pack in packs_of(small(count), tasks):
        assert len(pack) < left / tasks + 1
        left -= len(pack)


def test_many_small_spans_share_few_tasks() -> None:
    packs = packs_of(small(100_000), tasks=32)
    assert len(packs) < 100_000 / PACK_COUNT + 5 * 32
    assert {len(pack) for pack in packs[-31:]} == {1}


@given(st.integers(1, 5000), st.integers(1, 40))
def test_packs_are_full_but_for_the_last_of_each_share(count: int, tasks: int) -> None:
    left = count
    for pack in packs_of(small(count), tasks):
        assert len(pack) == PACK_COUNT or left <= PACK_COUNT * tasks
        left -= len(pack)


def test_one_whose_size_is_not_known_has_a_task_of_its_own() -> None:
    assert {len(pack) for pack in packs_of(small(1000, load=0), tasks=2)} == {1}


def test_large_results_have_a_task_each() -> None:
    assert most_of(0) == PACK_COUNT
    assert most_of(1 << 20) == 16
    assert most_of(1 << 30) == 1


def test_what_depends_on_results_is_not_waited_for() -> None:
    packs = Packs(iter([*small(3), None, Number(3), None, None]), PACK_COUNT)
    assert [[n.value for n in packs.next(1)] for _ in range(5)] == [[0, 1, 2], [3], [], [], []]
    assert packs.ended


def test_spans_before_a_failure_come_first() -> None:
    def spans() -> Iterator[Number]:
        yield Number(0)
        raise BadDataError("no more")

    packs = Packs(spans(), PACK_COUNT)
    assert packs.next(4) == [Number(0)]
    assert packs.next(4) == []
    assert packs.ended
    with pytest.raises(BadDataError):
        raise packs.failure or ValueError
