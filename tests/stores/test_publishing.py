"""Objects put in place side by side: begun in order, none after one that failed, and the first failure is the error."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normcli.errors import BadDataError, OutputError
from normcli.io import outputs
from normcli.io.outputs import CLOSED, Target
from normcli.io.stores import publishing
from normcli.io.stores.publishing import Publisher
from normcli.io.transaction import Transaction
from tests.cli.conftest import until

SECONDS = 10.0  # until a test that waits has failed


@dataclass
class Store:
    """What happens to objects, by number; a commit waits until `release` is set."""

    begun: list[int] = field(default_factory=list)
    placed: list[int] = field(default_factory=list)
    complete: list[int] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    most: int = 0  # at once
    under_way: int = 0
    release: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    failing: frozenset[int] = frozenset()

    def put(self, publisher: Publisher, number: int, size: int = 0) -> None:
        publisher.put(FakeObject(str(number), None, CLOSED, count=size, store=self), self._complete(number))

    def _complete(self, number: int) -> Callable[[], None]:
        return lambda: self.complete.append(number)


@dataclass
class FakeObject(Target):
    store: Store = field(kw_only=True)

    @property
    def is_remote(self) -> bool:
        return True

    @property
    def upload_size(self) -> int:
        return self.count

    def commit(self) -> None:
        store, number = self.store, int(self.name)
        with store.lock:
            store.begun.append(number)
            store.under_way += 1
            store.most = max(store.most, store.under_way)
        try:
            assert store.release.wait(SECONDS)
            if number in store.failing:
                raise OutputError(f"{number} failed")
            store.placed.append(number)
        finally:
            with store.lock:
                store.under_way -= 1

    def __exit__(self, *error: object) -> None:
        self.store.closed.append(int(self.name))


@pytest.fixture
def store() -> Store:
    return Store()


def test_so_many_are_under_way_at_once_and_no_more(store: Store) -> None:
    with Publisher(Transaction()) as publisher:
        for number in range(publishing.MOST):
            store.put(publisher, number)
        later = threading.Thread(target=store.put, args=(publisher, publishing.MOST))
        later.start()
        later.join(0.05)
        assert later.is_alive()
        assert store.placed == []
        store.release.set()
        later.join(SECONDS)
    assert sorted(store.complete) == sorted(store.closed) == [*range(publishing.MOST + 1)]
    assert (publisher.count, store.most) == (publishing.MOST + 1, publishing.MOST)


def test_large_ones_are_uploaded_one_by_one(store: Store) -> None:
    store.release.set()
    with Publisher(Transaction()) as publisher:
        for number in range(4):
            store.put(publisher, number, size=publishing.BYTES + 1)
    assert (publisher.count, store.most) == (4, 1)


@given(failing=st.frozensets(st.integers(0, 40), max_size=3), bad=st.integers(0, 41))
def test_the_first_failure_in_order_is_the_error_and_none_begins_after_all_know(
    failing: frozenset[int], bad: int
) -> None:
    """Of what goes wrong with objects, and with the data of one that is not written yet."""
    store, changes = Store(failing=failing), Transaction()
    store.release.set()
    first = min({*failing, bad})
    publisher = Publisher(changes)

    def run() -> None:
        with publisher:
            for number in range(bad):
                store.put(publisher, number)
            raise BadDataError(f"{bad} failed")

    with pytest.raises((OutputError, BadDataError), match=rf"^{first} failed"):
        run()
    assert {*store.placed} >= {*range(first)}
    assert {*store.begun} == {*range(len(store.begun))}
    assert len(store.begun) <= first + publishing.MOST
    assert {*store.begun} - failing == {*store.complete} == {*store.placed} == {*map(int, changes.replaced)}
    assert {*store.closed} >= {*store.begun}
    assert publisher.count == len(store.placed)


def test_after_a_failure_none_is_begun_though_earlier_ones_are_under_way(store: Store) -> None:
    slow, quick = store, Store(failing=frozenset({1}))
    quick.release.set()
    publisher = Publisher(Transaction())

    def run() -> None:
        with publisher:
            slow.put(publisher, 0)
            quick.put(publisher, 1)
            until(lambda: 1 in quick.closed, "the second has failed")
            threading.Timer(0.05, slow.release.set).start()
            quick.put(publisher, 2)

    with pytest.raises(OutputError, match=r"^1 failed"):
        run()
    assert (slow.placed, quick.begun, publisher.count) == ([0], [1], 1)
    assert sorted(quick.closed) == [1, 2]


def test_a_signal_waits_for_those_under_way_and_none_is_begun_after_it(store: Store) -> None:
    with Publisher(Transaction()) as publisher:
        for number in range(3):
            store.put(publisher, number)
        timer = threading.Timer(0.1, store.release.set)
        timer.start()
        outputs.remove_temporaries()  # as the thread does that ends the process
        try:
            assert sorted(store.placed) == [0, 1, 2]
            later = threading.Thread(target=store.put, args=(publisher, 3))
            later.start()
            later.join(0.05)
            assert later.is_alive()
            assert 3 not in store.begun
        finally:
            outputs.changing.release()
        later.join(SECONDS)
