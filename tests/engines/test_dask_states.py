"""Large states stay on the workers of a cluster, and are merged there in order, whatever becomes of these."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from normcli.engines import Folding, _dask_handles, _dask_states, _on_worker
from normcli.engines._dask_handles import Handle
from normcli.engines.dask import Dask
from normcli.errors import BadDataError, ClusterError
from tests import cluster
from tests.engines.spans import Counted, Items, Number
from tests.engines.test_dask import state_of

BLANK = Items(np.empty(0, np.int64))
COUNT = 30
LONG = 3_000  # merges between two checkpoints, where there are 750 threads
SOON = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"}  # a worker that is gone is given up


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any state is large, and there are checkpoints often."""
    monkeypatch.setattr(_dask_states, "LARGE", 0)
    monkeypatch.setattr(_dask_handles, "MERGES", 5)
    monkeypatch.setattr(_dask_handles, "MERGES_OF_THREAD", 0)


def client(made: cluster.Cluster) -> Any:
    from distributed import Client

    return Client(made.address, set_as_default=False)


@pytest.fixture
def engine(two: cluster.Cluster) -> Iterator[Dask]:
    made = Dask(client(two))
    yield made
    made.client.close()


def states(engine: Dask, work: Counted, *, state: int = 1) -> Iterator[Any]:
    """The states of as many spans, in order."""
    folding = Folding(Items, lambda remote: remote)
    for n, (number, one) in enumerate(engine.map_spans(work, map(Number, range(COUNT)), state=state, folding=folding)):
        assert number == n
        yield one


def total(parts: Iterator[Any]) -> Any:
    merged = next(parts)
    for part in parts:
        merged = merged.merge(part)
    return merged


def test_states_are_merged_in_order_and_nothing_stays(engine: Dask) -> None:
    merged = total(states(engine, Counted(BLANK)))
    assert not isinstance(merged, Items)
    assert merged.fetch().numbers.tolist() == list(range(COUNT))
    engine.close(5.0)
    assert state_of(engine) == []


def test_very_large_states_are_merged_in_shards(engine: Dask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_dask_states, "SHARD", 100)
    parts = states(engine, Counted(BLANK), state=301)
    first = next(parts)
    merged = first.send(replace(BLANK, numbers=np.array([-1]))).merge(first).merge(total(parts))
    numbers = np.arange(-1, COUNT)
    assert merged.fetch().numbers.tolist() == [(numbers + n / 4).tolist() for n in range(4)]
    engine.close(5.0)
    assert state_of(engine) == []


def test_several_states_are_merged_in_a_task(engine: Dask, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted, submit = list[int](), _dask_states.States.submit

    def noted(states: Any, function: Any, *arguments: Any) -> Any:
        submitted.append(len(arguments[2:]))
        return submit(states, function, *arguments)

    monkeypatch.setattr(_dask_states.States, "submit", noted)
    monkeypatch.setattr(_dask_handles, "MERGES", COUNT)
    assert total(states(engine, Counted(BLANK))).fetch().numbers.tolist() == list(range(COUNT))
    assert submitted == [16, 15]


def test_a_state_of_the_driver_goes_first(engine: Dask) -> None:
    parts = states(engine, Counted(BLANK))
    first = next(parts)
    merged = first.send(replace(BLANK, numbers=np.array([-2, -1]))).merge(first).merge(next(parts))
    assert merged.fetch().numbers.tolist() == [-2, -1, 0, 1]
    parts.close()  # type: ignore[attr-defined]
    assert state_of(engine) == []


def test_small_states_come_to_the_driver(engine: Dask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_dask_states, "LARGE", 1 << 20)
    merged = total(states(engine, Counted(BLANK)))
    assert merged.numbers.tolist() == list(range(COUNT))
    assert state_of(engine) == []


def test_states_that_are_larger_than_expected_stay_from_then_on(engine: Dask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_dask_states, "LARGE", 10)
    parts = list(states(engine, Counted(BLANK), state=0))
    local = [part for part in parts if isinstance(part, Items)]
    assert 0 < len(local) < COUNT
    merged = total(iter([parts[-1].send(part) if isinstance(part, Items) else part for part in parts]))
    assert merged.fetch().numbers.tolist() == list(range(COUNT))
    engine.close(5.0)


def test_a_worker_that_dies_while_it_merges_costs_what_follows_the_last_checkpoint(tmp_path: Path) -> None:
    with cluster.running(3) as made:
        engine = Dask(client(made))
        blank = replace(BLANK, deadly=17, times=1, folder=str(tmp_path))
        merged = total(states(engine, Counted(blank, str(tmp_path))))
        assert merged.fetch().numbers.tolist() == list(range(COUNT))
        assert len(list(tmp_path.glob("merge-*"))) == 1
        assert [len(list(tmp_path.glob(f"{n}-*"))) for n in range(10)] == [1] * 10
        engine.client.close()


def test_a_worker_that_dies_with_states_costs_what_follows_the_last_checkpoint(tmp_path: Path) -> None:
    with cluster.running(2, env=SOON) as made:
        engine = Dask(client(made))
        parts = states(engine, Counted(BLANK, str(tmp_path)))
        merged = next(parts)
        for n, part in enumerate(parts, 1):
            merged = merged.merge(part)
            if n == 9:
                assert state_of(engine, "normcli-[0-9a-f]+-0$") == []  # which is no longer wanted, once it has heard
                made.kill(made.workers[0])
                made.add(env=SOON)
        assert merged.fetch().numbers.tolist() == list(range(COUNT))
        assert len(list(tmp_path.glob("0-*"))) == 1
        engine.client.close()


def test_merges_that_kill_their_workers_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_dask_states, "TRIES", 1)
    with cluster.running(5) as made:
        engine = Dask(client(made))
        blank = replace(BLANK, deadly=1, times=99, folder=str(tmp_path))
        parts = states(engine, Counted(blank))
        merged = next(parts).merge(next(parts))
        with pytest.raises(ClusterError, match="statistics of what was read can't be merged: KilledWorker"):
            merged.fetch()
        engine.client.close()


@pytest.mark.parametrize("shards", [1, 2])
def test_what_comes_out_otherwise_the_second_time_was_changed(
    tmp_path: Path, shards: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_dask_states, "SHARD", 1)
    with cluster.running(1) as made:
        engine = Dask(client(made))
        parts = states(engine, Counted(BLANK, str(tmp_path), changing=3), state=shards)
        merged = next(parts)
        for _ in range(3):
            merged = merged.merge(next(parts))
        made.kill(made.workers[0])
        made.add()
        with pytest.raises(BadDataError, match=r"number 3: was changed while it was read"):
            merged.fetch()
        parts.close()  # type: ignore[attr-defined]
        assert state_of(engine) == []
        engine.client.close()


def test_a_worker_that_differs_does_not_do_again_what_was_lost() -> None:
    with cluster.running(1) as made:
        engine = Dask(client(made))
        parts = states(engine, Counted(BLANK))
        merged = next(parts)
        for _ in range(4):
            merged = merged.merge(next(parts))
        made.add(fake={"arithmetic": "other"})
        made.kill(made.workers[0])
        time.sleep(0.5)
        made.add()
        for part in parts:
            merged = merged.merge(part)
        assert merged.fetch().numbers.tolist() == list(range(COUNT))
        engine.client.close()


def test_a_chain_of_merges_is_longer_than_the_stack() -> None:
    class Submitting:
        """In place of States: it notes what is submitted."""

        def __init__(self) -> None:
            self.workers = SimpleNamespace(threads=1000, restriction=frozenset("a"), equal=frozenset("a"))
            self.done = list[object]()
            self.futures = set[object]()

        def performed(self, packs: list[list[int]]) -> list[str]:
            self.done += packs[0]
            return ["span"]

        def submit_parts(self, parts: tuple[Handle, ...]) -> str:
            self.done.append("merge")
            return "merged"

    made: Any = Submitting()
    handle = Handle(made, [0])
    for n in range(1, LONG):
        handle = Handle(made, (handle, Handle(made, [n])))
    assert not handle.waits_for_ever()
    handle.resubmit()
    assert made.done == [0, *(what for n in range(1, LONG) for what in (n, "merge"))]
    made.workers.equal = frozenset("b")
    assert handle.waits_for_ever()


@pytest.mark.parametrize(
    ("limit", "held", "room"), [(1000, 0, 500), (1000, 200, 400), (1000, 5000, 250), (None, 9, None)]
)
def test_states_that_stay_on_a_worker_are_no_memory_for_spans(limit: int | None, held: int, room: int | None) -> None:
    state, manager = SimpleNamespace(nthreads=4, nbytes=held), SimpleNamespace(memory_limit=limit)
    running = _on_worker._Running()
    with running.one(), running.one():
        share = running.share(SimpleNamespace(state=state, memory_manager=manager), bool)
    assert (share.threads, share.max_memory) == (2, room)
