"""Threads: results in order, a bounded window, the first error in order, and an end that waits for nobody."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from io import StringIO
from typing import TypeVar

import pytest

from normcli.engines.threads import Threads, available

R = TypeVar("R")

PATIENCE = 15.0
COUNTS = [1, 2, 3, 8]


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    """Whatever happened, workers and feeder have gone home."""
    before = set(threading.enumerate())
    yield
    end = time.monotonic() + PATIENCE
    while left := [t for t in threading.enumerate() if t not in before]:
        assert time.monotonic() < end, left
        time.sleep(0.005)


def within(run: Callable[[], R]) -> R:
    """What `run` gives, or the error that it ends with; fails where it hangs."""
    seen: list[R] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            seen.append(run())
        except BaseException as e:
            errors.append(e)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(PATIENCE)
    assert not worker.is_alive(), "it hangs"
    if errors:
        raise errors[0]
    return seen[0]


def double(job: int) -> int:
    return 2 * job


@pytest.mark.parametrize("count", COUNTS)
def test_nothing_gives_nothing(count: int) -> None:
    assert within(lambda: list(Threads(count).map_ordered(double, []))) == []


@pytest.mark.parametrize("count", COUNTS)
def test_results_are_in_the_order_of_the_jobs(count: int) -> None:
    def work(job: int) -> int:
        time.sleep(0.001 * (job * 7 % 5))  # later jobs are done earlier
        return 2 * job

    assert within(lambda: list(Threads(count).map_ordered(work, range(100)))) == [2 * j for j in range(100)]


@pytest.mark.parametrize("count", COUNTS)
def test_reading_ahead_is_bounded(count: int) -> None:
    """However slow the consumer, and however many jobs there are."""
    pulled = 0

    def jobs() -> Iterator[int]:
        nonlocal pulled
        for job in range(500):
            pulled += 1
            yield job

    def run() -> int:
        most = 0
        for done, _ in enumerate(Threads(count).map_ordered(double, jobs())):
            if done % 25 == 0:
                time.sleep(0.01)  # time enough for a feeder without bounds to run away
            most = max(most, pulled - done)
        return most

    assert within(run) <= 2 * count + 3
    assert pulled == 500


def test_reading_goes_on_ahead() -> None:
    """The second job is asked for before the first result is taken."""
    asked = threading.Event()

    def jobs() -> Iterator[int]:
        yield 1
        asked.set()
        yield 2

    def work(job: int) -> bool:
        return asked.wait(PATIENCE)

    assert within(lambda: list(Threads(1).map_ordered(work, jobs()))) == [True, True]


@pytest.mark.parametrize("count", [2, 3, 8])
def test_jobs_are_under_way_at_once(count: int) -> None:
    together = threading.Barrier(count, timeout=PATIENCE)
    assert len(within(lambda: list(Threads(count).map_ordered(lambda job: together.wait(), range(count))))) == count


def test_results_come_as_they_are_ready() -> None:
    """The first one while the second is still worked on."""
    taken = threading.Event()

    def work(job: int) -> bool:
        return job == 0 or taken.wait(PATIENCE)

    def run() -> list[bool]:
        results = Threads(2).map_ordered(work, range(2))
        first = next(results)
        taken.set()
        return [first, *results]

    assert within(run) == [True, True]


# -- errors ------------------------------------------------------------------------------------------------------
class WrongError(Exception):
    """A job that failed; which one."""


@pytest.mark.parametrize("count", COUNTS)
def test_the_first_error_in_order_wins(count: int) -> None:
    """Also where a later one came first."""
    later = threading.Event()

    def work(job: int) -> int:
        if job == 1:
            if count > 1:
                later.wait(PATIENCE)
            raise WrongError(job)
        if job == 2:
            later.set()
            raise WrongError(job)
        return job

    seen: list[int] = []

    def run() -> None:
        seen.extend(Threads(count).map_ordered(work, range(50)))

    with pytest.raises(WrongError, match=r"^1$"):
        within(run)
    assert seen in ([], [0])  # extend may not have kept what it was given before


@pytest.mark.parametrize("count", COUNTS)
def test_results_before_an_error_are_given(count: int) -> None:
    def work(job: int) -> int:
        if job == 7:
            raise WrongError(job)
        return job

    seen: list[int] = []

    def run() -> None:
        for result in Threads(count).map_ordered(work, range(50)):
            seen.append(result)

    with pytest.raises(WrongError, match=r"^7$"):
        within(run)
    assert seen == list(range(7))


@pytest.mark.parametrize("count", COUNTS)
def test_an_error_of_the_jobs_themselves_comes_in_its_turn(count: int) -> None:
    def jobs() -> Iterator[int]:
        yield from range(5)
        raise WrongError("the source")

    seen: list[int] = []

    def run() -> None:
        for result in Threads(count).map_ordered(double, jobs()):
            seen.append(result)

    with pytest.raises(WrongError, match="the source"):
        within(run)
    assert seen == [0, 2, 4, 6, 8]


def test_a_job_s_error_comes_before_that_of_the_source_behind_it() -> None:
    def jobs() -> Iterator[int]:
        yield 0
        yield 1
        raise WrongError("the source")

    def work(job: int) -> int:
        time.sleep(0.05)
        if job == 1:
            raise WrongError("the job")
        return job

    with pytest.raises(WrongError, match="the job"):
        within(lambda: list(Threads(2).map_ordered(work, jobs())))


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError, StopIteration])
def test_errors_of_every_kind_arrive(error: type[BaseException]) -> None:
    """A worker that dies in silence would be waited for in vain."""

    def work(job: int) -> int:
        raise error

    with pytest.raises((error, RuntimeError)):  # a generator may not let StopIteration through as it is
        within(lambda: list(Threads(2).map_ordered(work, range(3))))


def test_a_source_that_will_not_begin() -> None:
    class Unwilling:
        def __iter__(self) -> Iterator[int]:
            raise WrongError("not iterable")

    with pytest.raises(WrongError, match="not iterable"):
        within(lambda: list(Threads(2).map_ordered(double, Unwilling())))


def test_an_error_while_the_feeder_waits_for_room() -> None:
    """It is let go: the check that no thread stays is on every test here."""

    def work(job: int) -> int:
        if job == 0:
            time.sleep(0.1)  # the window fills
            raise WrongError(job)
        return job

    with pytest.raises(WrongError):
        within(lambda: list(Threads(2).map_ordered(work, range(10_000))))


def test_an_error_while_the_feeder_is_stuck_in_a_stalled_source() -> None:
    """It is raised all the same; nobody waits for the source."""
    stalled = threading.Event()

    def jobs() -> Iterator[int]:
        yield 0
        stalled.wait(PATIENCE)

    def work(job: int) -> int:
        raise WrongError(job)

    try:
        with pytest.raises(WrongError):
            within(lambda: list(Threads(2).map_ordered(work, jobs())))
        assert not stalled.is_set()
    finally:
        stalled.set()


# -- an early end ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("count", COUNTS)
def test_closing_early_stops_the_work(count: int) -> None:
    done = 0
    lock = threading.Lock()

    def work(job: int) -> int:
        nonlocal done
        with lock:
            done += 1
        return job

    def run() -> list[int]:
        results = Threads(count).map_ordered(work, range(100_000))
        first = [next(results) for _ in range(3)]
        results.close()  # type: ignore[attr-defined]
        return first

    assert within(run) == [0, 1, 2]
    assert done <= 3 + 2 * count + 3


def test_closing_before_the_first_result() -> None:
    Threads(2).map_ordered(double, range(10)).close()  # type: ignore[attr-defined]


def test_an_error_of_the_consumer_stops_the_work() -> None:
    pulled = 0

    def jobs() -> Iterator[int]:
        nonlocal pulled
        for job in range(100_000):
            pulled += 1
            yield job

    def run() -> None:
        for result in Threads(3).map_ordered(double, jobs()):
            if result == 10:
                raise WrongError(result)

    with pytest.raises(WrongError):
        within(run)
    time.sleep(0.05)
    assert pulled < 100


def test_all_threads_are_daemons() -> None:
    """One that is stuck in a library keeps nobody from leaving."""
    before = set(threading.enumerate())
    results = Threads(2).map_ordered(double, range(100))
    next(results)
    assert all(t.daemon for t in threading.enumerate() if t not in before)
    results.close()  # type: ignore[attr-defined]


# -- how many ----------------------------------------------------------------------------------------------------
def test_the_processors_that_we_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 <= available() <= 4096
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    for quota, expected in (("max 100000", 8), ("150000 100000", 2), ("50000 100000", 1), ("9900000 100000", 8)):
        monkeypatch.setattr("builtins.open", lambda *args, quota=quota, **kwargs: StringIO(quota + "\n"))
        assert available() == expected
    for odd in ("", "x y", "1"):
        monkeypatch.setattr("builtins.open", lambda *args, odd=odd, **kwargs: StringIO(odd))
        assert available() == 8


@pytest.mark.parametrize("count", COUNTS)
def test_closing_ends_what_nobody_takes(count: int) -> None:
    """Jobs that run come to their end, and no other begins."""
    engine, begun, done = Threads(count), list[int](), list[int]()

    def work(job: int) -> int:
        begun.append(job)
        time.sleep(0.01)
        done.append(job)
        return job

    results = engine.map_ordered(work, iter(range(1000)))
    again = engine.map_ordered(double, results)
    assert within(lambda: next(again)) == 0
    assert within(lambda: engine.close(PATIENCE))
    assert sorted(done) == sorted(begun)
    time.sleep(0.05)
    assert len(begun) < 100
    assert within(lambda: engine.close(0.0))


def test_closing_says_that_a_job_still_runs() -> None:
    engine, goes_on = Threads(2), threading.Event()

    def jobs() -> Iterator[int]:
        yield 1
        goes_on.wait(PATIENCE)

    results = engine.map_ordered(double, jobs())
    assert within(lambda: next(results)) == 2
    assert not within(lambda: engine.close(0.05))
    goes_on.set()
    assert within(lambda: engine.close(PATIENCE))
