"""Plans of runs: workers have them by the name of the run, tasks do not carry them, and one that is lost is sent
again."""

import threading
import time

import numpy as np
import pytest

from normcli.engines import _dask_states, _worker_plans
from normcli.engines._worker_plans import Plans
from normcli.engines.dask import Dask
from tests import cluster
from tests.engines.spans import Counted, Doubled, Items, Number, lose_plans
from tests.engines.test_dask_states import COUNT, states, total


def test_tasks_depend_on_nothing() -> None:
    """A message to a worker lists all that have what its task depends on."""
    with cluster.running(2) as made:
        engine = Dask.connect(made.address)
        results = engine.map_spans(Doubled(pause=0.1), map(Number, range(30)))
        next(results)
        tasks = engine.client.run_on_scheduler(
            lambda dask_scheduler: [(len(t.dependencies), t.worker_restrictions) for t in dask_scheduler.tasks.values()]
        )
        assert len(tasks) > 2
        assert all(not dependencies and not restrictions for dependencies, restrictions in tasks)
        results.close()
        engine.close(5.0)


def test_a_plan_that_workers_lost_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """For spans, and for states that a worker had which is dead now."""
    with cluster.running(2) as made:
        engine = Dask.connect(made.address)
        results = engine.map_spans(Doubled(pause=0.01), map(Number, range(40)))
        assert next(results) == 0
        engine.client.run(lose_plans)
        assert list(results) == [2 * n for n in range(1, 40)]
        monkeypatch.setattr(_dask_states, "LARGE", 0)
        parts = list(states(engine, Counted(Items(np.empty(0, np.int64)))))
        engine.client.run(lose_plans)
        made.kill(made.workers[0])
        assert total(iter(parts)).fetch().numbers.tolist() == list(range(COUNT))
        engine.close(5.0)


def test_plans_are_found_by_their_run_and_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_worker_plans, "MOST", 10)
    monkeypatch.setattr(_worker_plans, "DELIVERY", 0.01)
    plans = Plans()
    for run in "abca":
        plans.add(run, (run.encode() * 3, {}, b""))
    assert plans.get("a") == (b"aaa", {}, b"")
    plans.add("d", (b"d" * 99, {}, b""))
    assert [run for run in "abcd" if plans.get(run)] == ["d"]


def test_a_task_waits_for_a_plan_that_comes_later() -> None:
    plans, started = Plans(), time.monotonic()
    threading.Timer(0.05, plans.add, ("a", (b"", {}, b""))).start()
    assert plans.get("a") is not None
    assert time.monotonic() - started < _worker_plans.DELIVERY
