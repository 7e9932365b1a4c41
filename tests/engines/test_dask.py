"""Dask: results in order from workers that are other processes, whatever becomes of these; and nobody is let in by
mistake."""

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client
from distributed.comm import CommClosedError

import normcli
from normcli import kernel
from normcli.engines import _dask_run, _dask_workers
from normcli.engines._arithmetic import KERNEL, NO_REASON, difference, facts
from normcli.engines._dask_connection import Connection
from normcli.engines.dask import Dask
from normcli.errors import BadDataError, ClusterError, UsageError
from tests import cluster
from tests.engines.spans import Doubled, Number, storage_lack

PATIENCE = 20.0
FEW_DEATHS = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked often which workers there are."""
    monkeypatch.setattr(_dask_run, "LOOK", 0.3)
    monkeypatch.setattr(_dask_workers, "LOOK", 0.3)


@pytest.fixture
def engine(two: cluster.Cluster) -> Iterator[Dask]:
    made = Dask.connect(two.address)
    yield made
    made.close(5.0)


def numbers(count: int, load: int = 0) -> Iterator[Number]:
    """Spans; those of a small load share tasks."""
    return (Number(n, load) for n in range(count))


def state_of(engine: Dask, pattern: str = "") -> list[str]:
    """The keys of tasks that the scheduler has and in which a pattern is found, once they are gone, or it is late."""
    end = time.monotonic() + PATIENCE
    while True:
        keys = engine.client.run_on_scheduler(lambda dask_scheduler: list(map(str, dask_scheduler.tasks)))
        left = [key for key in keys if re.search(pattern, key)]
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.02)


@pytest.mark.parametrize(("count", "load"), [(0, 0), (1, 0), (60, 0), (500, 1), (60, 20 << 20)])
def test_results_come_in_the_order_of_the_spans(engine: Dask, count: int, load: int) -> None:
    assert list(engine.map_spans(Doubled(), numbers(count, load))) == [2 * n for n in range(count)]
    assert state_of(engine) == []


@pytest.mark.parametrize("load", [0, 1])
def test_an_error_is_raised_in_its_turn_and_nothing_stays(engine: Dask, load: int) -> None:
    results = engine.map_spans(Doubled(bad=5), numbers(1000, load))
    assert [next(results) for _ in range(5)] == [0, 2, 4, 6, 8]
    with pytest.raises(BadDataError, match="number 5 is bad") as caught:
        next(results)
    assert caught.value.hint == "leave it out"
    assert state_of(engine) == []


def test_an_error_of_the_spans_themselves_is_raised_in_its_turn(engine: Dask) -> None:
    def spans() -> Iterator[Number]:
        yield from numbers(3)
        raise BadDataError("no more")

    results = engine.map_spans(Doubled(), spans())
    assert [next(results) for _ in range(3)] == [0, 2, 4]
    with pytest.raises(BadDataError, match="no more"):
        next(results)


def test_spans_are_taken_as_they_are_needed(engine: Dask) -> None:
    taken = []
    results = engine.map_spans(Doubled(), (taken.append(n) or n for n in numbers(10_000)))
    next(results)
    results.close()
    assert len(taken) < 1000
    assert state_of(engine) == []


def test_a_running_task_notices_that_nobody_waits(engine: Dask, tmp_path: Path) -> None:
    results = engine.map_spans(Doubled(bad=0, pause=PATIENCE, folder=str(tmp_path)), numbers(2))
    started = time.monotonic()
    with pytest.raises(BadDataError):
        next(results)
    assert list(engine.map_spans(Doubled(), numbers(4))) == [0, 2, 4, 6]
    assert time.monotonic() - started < PATIENCE


def test_many_spans_end_at_once_with_the_first_error() -> None:
    """The driver ends, nothing is left on the scheduler, and no worker goes on with what nobody wants."""
    with cluster.running(2, threads=8) as made:
        engine = Dask.connect(made.address)
        results = engine.map_spans(Doubled(bad=0, pause=PATIENCE), numbers(3000, load=1))
        started = time.monotonic()
        with pytest.raises(BadDataError, match="number 0 is bad"):
            next(results)
        assert state_of(engine) == []
        while any(engine.client.run(lambda dask_worker: len(dask_worker.state.executing)).values()):
            time.sleep(0.02)
        assert time.monotonic() - started < PATIENCE / 2
        engine.close(5.0)


def test_a_span_is_done_again_where_its_worker_dies(tmp_path: Path) -> None:
    with cluster.running(3) as made:
        engine = Dask.connect(made.address)
        work = Doubled(deadly=4, times=1, folder=str(tmp_path))
        assert list(engine.map_spans(work, numbers(20))) == [2 * n for n in range(20)]
        assert len(list(tmp_path.glob("4-*"))) == 2
        engine.close(5.0)


def test_a_span_that_kills_its_workers_is_named(tmp_path: Path) -> None:
    """Whatever else they had to do: here, others in the same task, and in other tasks at the same time."""
    with cluster.running(5, threads=2, env=FEW_DEATHS) as made:
        engine = Dask.connect(made.address)
        with pytest.raises(ClusterError, match=r"^number 44: 2 workers died, one after the other"):
            list(engine.map_spans(Doubled(deadly=44, times=99, folder=str(tmp_path)), numbers(400, load=1)))
        assert state_of(engine) == []
        engine.close(5.0)


def test_where_the_last_workers_died_of_a_span_it_is_named(tmp_path: Path) -> None:
    with cluster.running(3, env=FEW_DEATHS) as made:
        engine = Dask.connect(made.address)
        engine.patience = 3.0
        with pytest.raises(ClusterError, match=r"no worker has been there for 3 s") as caught:
            list(engine.map_spans(Doubled(deadly=1, times=99, folder=str(tmp_path)), numbers(4)))
        assert "the last ones died while they worked on number 1" in caught.value.hint
        engine.close(5.0)


def test_a_worker_that_hangs_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_dask_workers, "ANSWER", 0.5)
    with cluster.running(2) as made:
        os.kill(made.workers[0], signal.SIGSTOP)
        engine = Dask.connect(made.address)
        warnings = list[str]()
        warned = engine.with_warning(warnings.append)
        assert list(warned.map_spans(Doubled(), numbers(100))) == [2 * n for n in range(100)]
        assert re.match(r"1 of 2 workers is left out, .*: worker tcp://\S+ did not answer in 0\.5 s", *warnings)
        assert state_of(engine) == []
        os.kill(made.workers[1], signal.SIGSTOP)
        engine.patience = 1.0
        with pytest.raises(ClusterError, match="no worker has answered for 1 s"):
            list(engine.map_spans(Doubled(), numbers(100)))
        engine.close(5.0)


def test_what_depends_on_results_comes_after_them(engine: Dask) -> None:
    results = list[int]()

    def spans() -> Iterator[Number | None]:
        yield from numbers(10, load=1)
        while len(results) < 10:
            yield None
        yield Number(sum(results))

    for result in engine.map_spans(Doubled(), spans()):
        results.append(result)
    assert results == [*range(0, 20, 2), 180]


def test_without_workers_a_run_gives_up(tmp_path: Path) -> None:
    with cluster.running(0) as made:
        engine = Dask.connect(made.address)
        engine.patience = 0.5
        with pytest.raises(ClusterError, match=r"no worker has been there for 0\.5 s"):
            list(engine.map_spans(Doubled(), numbers(2)))
        engine.close(5.0)


def test_a_worker_that_comes_later_does_the_work() -> None:
    with cluster.running(0) as made:
        engine = Dask.connect(made.address)
        timer = threading.Timer(1.0, made.add)
        timer.start()
        assert list(engine.map_spans(Doubled(), numbers(3))) == [0, 2, 4]
        timer.join()
        engine.close(5.0)


def test_a_scheduler_that_ends_is_said_to_be_gone() -> None:
    with cluster.running(1) as made:
        engine = Dask.connect(made.address)
        results = engine.map_spans(Doubled(pause=0.2), numbers(100))
        next(results)
        made.kill(made.scheduler)
        with pytest.raises(ClusterError) as caught:
            list(results)
        check_plain(caught.value, made.address)
        engine.close(0.5)


def check_plain(error: ClusterError, address: str) -> None:
    """What is said names the scheduler and what to do, and none of Dask's classes."""
    assert error.message == f"{address}: the scheduler is gone"
    assert "run this again" in str(error.hint)
    assert not re.search(r"[a-z][A-Z]|<", f"{error.message} {error.hint}")


@pytest.mark.parametrize("error", [CommClosedError("in <TCP (closed) ConnectionPool.gather local=tcp://…>"), OSError()])
def test_a_connection_that_breaks_is_said_without_what_is_inside(two: cluster.Cluster, error: OSError) -> None:
    def broken() -> None:
        raise error

    engine = Dask.connect(two.address)
    with pytest.raises(ClusterError) as caught:
        Connection(engine.client).call(broken)
    check_plain(caught.value, two.address)
    engine.close(5.0)


# -- the same arithmetic -----------------------------------------------------------------------------------------
def test_workers_that_differ_are_left_out(tmp_path: Path) -> None:
    with cluster.running(1) as made:
        made.add(fake={"polars": "0.1"})
        engine = Dask.connect(made.address)
        results = engine.map_spans(Doubled(folder=str(tmp_path), pause=0.02), numbers(60))
        next(results)
        made.add(fake={"arithmetic": "other"})  # comes later
        made.add(fake={"broken": "cannot import normcli"})
        assert list(results) == [2 * n for n in range(1, 60)]
        engine.close(5.0)


def test_workers_that_lack_what_is_needed_are_left_out_whenever_they_come() -> None:
    """Without them the run goes on, and it ends where none is left."""
    env = {"TESTS_LACK": "does not see /out"}
    with cluster.running(1, env=env) as made:
        engine = Dask.connect(made.address)
        with pytest.raises(UsageError, match=r"^no worker is left: worker tcp://\S+ does not see /out \(what is read"):
            list(engine.map_spans(Doubled(), numbers(3), ready=storage_lack))
        made.add()
        warnings = list[str]()
        warned = engine.with_warning(warnings.append)
        results = warned.map_spans(Doubled(pause=0.02), numbers(60), ready=storage_lack)
        next(results)
        made.add(env=env)
        assert list(results) == [2 * n for n in range(1, 60)]
        (warning,) = warnings
        left = (
            r"1 of 2 workers is left out, which leaves 1 thread: worker tcp://\S+ does not see /out \(what is .* all\)"
        )
        assert re.fullmatch(left, warning)
        engine.close(5.0)


@pytest.mark.parametrize(
    ("fake", "what"),
    [({"polars": "0.1"}, r"has polars 0\.1 and not "), ({"arithmetic": "0"}, "has a processor that adds")],
)
def test_where_all_differ_nothing_is_done(fake: dict[str, str], what: str, tmp_path: Path) -> None:
    with cluster.running(0) as made:
        made.add(fake=fake)
        engine = Dask.connect(made.address)
        with pytest.raises(UsageError, match=what):
            list(engine.map_spans(Doubled(folder=str(tmp_path)), numbers(3)))
        assert list(tmp_path.iterdir()) == []
        engine.close(5.0)


@pytest.mark.skipif(bool(kernel.comoments_lack()), reason="the kernel does not compute co-moments here")
def test_workers_without_the_kernel_are_left_out_of_what_it_computes_to_other_bits(tmp_path: Path) -> None:
    with cluster.running(0) as made:
        made.add(env={kernel.SWITCH: "off"})
        engine = Dask.connect(made.address)
        with pytest.raises(
            UsageError, match=r"has co-moments by numpy and not the native kernel \(.*NORMCLI_KERNEL=off"
        ):
            list(engine.map_spans(Doubled(folder=str(tmp_path)), numbers(3), comoments=True))
        assert list(tmp_path.iterdir()) == []
        assert list(engine.map_spans(Doubled(), numbers(3))) == [0, 2, 4]
        engine.close(5.0)


def test_a_processor_without_fused_multiply_adds_differs_from_one_that_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    every, others = [], []
    for lack in ("", "the processor has no fused multiply-adds"):
        monkeypatch.setattr(kernel, "comoments_lack", lambda lack=lack: lack)
        every.append(facts(comoments=True))
        others.append(facts(comoments=False))
    assert difference(*every) == ("has co-moments by numpy and not the native kernel", KERNEL)
    assert difference(every[0], every[0]) == difference(*others) == NO_REASON


# -- clients -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("client", ["tcp://127.0.0.1:8786", None, Dask])
def test_what_is_no_client_is_refused(client: object) -> None:
    with pytest.raises(UsageError, match=r"is no distributed\.Client") as caught:
        Dask(client)
    assert 'engine="dask", scheduler=ADDRESS' in caught.value.hint


def test_an_asynchronous_client_is_refused() -> None:
    class Asynchronous(Client):
        status, asynchronous = "closed", True

        def __init__(self) -> None:
            """It is connected to nothing."""

    with pytest.raises(UsageError, match="the client is asynchronous"):
        Dask(Asynchronous())


def test_a_client_that_is_closed_is_said_to_be(two: cluster.Cluster, tmp_path: Path) -> None:
    with Client(two.address, set_as_default=False) as client:
        engine = Dask(client)
        assert repr(engine) == f"Dask({client!r})"
    (tmp_path / "a.csv").write_text("x\n1\n2\n")
    with pytest.raises(ClusterError, match=r"normcli\.Dask: its client is closed"):
        normcli.fit(tmp_path / "a.csv", "zscore", engine=engine)
    with pytest.raises(ClusterError, match="its client is closed"):
        next(engine.map_spans(Doubled(), numbers(1)))


def test_a_client_itself_is_no_engine(two: cluster.Cluster, tmp_path: Path) -> None:
    with (
        Client(two.address, set_as_default=False) as client,
        pytest.raises(UsageError, match=r"none of dask, threads, and no normcli\.Dask\(client\)"),
    ):
        normcli.fit(tmp_path / "a.csv", "zscore", engine=client)


# -- addresses ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("address", ["tcp://192.0.2.1:8786", "192.0.2.1:8786", "ws://192.0.2.1:8786"])
def test_what_is_not_encrypted_is_for_this_machine(address: str) -> None:
    with pytest.raises(UsageError, match="to another machine is not encrypted"):
        Dask.connect(address)


@pytest.mark.parametrize("address", ["tcp://", "tcp://h:notaport", "://"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        Dask.connect(address)


def test_an_address_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    with pytest.raises(UsageError, match=r"needs --scheduler ADDRESS \(from Python, scheduler=\), or DASK_SCHEDULER_A"):
        Dask.connect(None)


def test_the_environment_gives_the_address(two: cluster.Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", two.address)
    engine = Dask.connect(None)
    assert engine.name == two.address
    engine.close(5.0)


def test_the_library_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"needs dask\.distributed") as caught:
        Dask.connect("tcp://127.0.0.1:9")
    assert caught.value.hint == "pip install 'normcli[dask]'"
