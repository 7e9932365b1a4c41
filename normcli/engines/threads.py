"""Threads of this process: the libraries that do the work release the GIL."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from threading import Condition, Event, Semaphore, Thread
from typing import Generic, TypeVar

from msgspec import Struct, field

from normcli.errors import HIGHER, Scarce, ShortageError, size

J = TypeVar("J")
R = TypeVar("R")


def available() -> int:
    """The CPUs that this process may use: its affinity, and the quota of its cgroup where there is one."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="utf-8") as file:
            quota, period = file.read().split()
        return cpus if quota == "max" else max(1, min(cpus, -(-int(quota) // int(period))))
    except (OSError, ValueError):
        return cpus


class _Task(Generic[R]):
    """A job under way: its result or its error, once there."""

    load = 0  # bytes of memory that it takes

    def __init__(self) -> None:
        self.done = Event()
        self.result: R
        self.error: BaseException | None = None


class _Room:
    """Bytes for the jobs on their way: each waits until those before it leave enough, one that takes more than there
    are until it is alone."""

    def __init__(self, count: int) -> None:
        self.count = self._left = count
        self._changed = Condition()

    def take(self, load: int) -> None:
        """Raises ShortageError for more than a limit of this process leaves."""
        if load > self.count and isinstance(self.count, Scarce):
            what = f"a block of rows needs about {size(load)}, and a limit leaves {size(max(0, self.count))}"
            raise ShortageError(f"too little memory: {what}", HIGHER)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= min(load, self.count))
            self._left -= load

    def has(self, load: int) -> bool:
        """Whether there is room for a job at once."""
        with self._changed:
            return self._left >= min(load, self.count)

    def give(self, load: int) -> None:
        with self._changed:
            self._left += load
            self._changed.notify()


class _Mapping(Struct, frozen=True):
    """One map under way: its threads, and what ends them."""

    threads: tuple[Thread, ...]
    stop: Callable[[], None]


class Threads(Struct, frozen=True):
    """Workers for `count` CPUs, and one thread that makes the jobs, so that reading goes on ahead of them.

    All are daemons: one that is stuck in a stalled pipe does not keep the process from exiting.
    """

    count: int
    window: int | None = None  # how many jobs may be on their way at once, results not yet taken among them
    room: int | None = None  # bytes of memory for these jobs, each of which has a `load`
    alone: bool = False  # whoever takes results does the jobs, too, which take less time than threads to begin
    inline: bool = False  # whoever takes results makes the jobs, for they come from code that may know one thread only
    _mappings: list[_Mapping] = field(default_factory=list)

    @property
    def most(self) -> int:
        """The default number of jobs in flight."""
        return self._workers + 1

    @property
    def _workers(self) -> int:
        wanted = self.count + (self.count > 1)  # one more, as one is often waiting for the interpreter
        return wanted if self.window is None else min(wanted, self.window)

    def map_ordered(self, work: Callable[[J], R], jobs: Iterable[J]) -> Iterator[R]:
        if self.alone:
            yield from map(work, jobs)
            return
        workers = self._workers
        window = Semaphore(self.window or self.most)
        room = None if self.room is None else _Room(self.room)
        ordered: SimpleQueue[_Task[R] | None] = SimpleQueue()
        todo: SimpleQueue[tuple[J, _Task[R]] | None] = SimpleQueue()
        stop = Event()
        failed: _Task[R] = _Task()  # here, for there may be no memory for it when it is needed

        def feed() -> None:
            try:
                source = iter(jobs)
                while window.acquire() and not stop.is_set():
                    job = next(source)
                    task = _Task[R]()
                    if room:
                        task.load = getattr(job, "load", 0)
                        room.take(task.load)
                    todo.put((job, task))
                    ordered.put(task)
                    del job, task
            except StopIteration:
                pass
            except BaseException as e:
                failed.error = e
                failed.done.set()
                ordered.put(failed)
            finally:
                ordered.put(None)
                leave()

        def leave() -> None:
            for _ in range(workers):
                todo.put(None)

        def serve() -> None:
            while (entry := todo.get()) is not None:
                job, task = entry
                try:
                    if not stop.is_set():
                        task.result = work(job)
                except BaseException as e:
                    task.error = e
                task.done.set()
                del entry, job, task

        def end() -> None:
            stop.set()
            window.release()
            if room:
                room.give(room.count)
            if self.inline:
                leave()

        threads = tuple(
            Thread(target=target, daemon=True) for target in (*[feed] * (not self.inline), *[serve] * workers)
        )
        self._mappings.append(_Mapping(threads, end))
        for thread in threads:
            thread.start()
        tasks = self._inline_tasks(jobs, todo, room) if self.inline else iter(ordered.get, None)
        try:
            for task in tasks:
                task.done.wait()
                if task.error is not None:
                    raise task.error
                yield task.result
                if room:
                    room.give(task.load)
                del task
                window.release()
        finally:
            end()

    def _inline_tasks(
        self, jobs: Iterable[J], todo: SimpleQueue[tuple[J, _Task[R]] | None], room: _Room | None
    ) -> Iterator[_Task[R]]:
        """The tasks in order, each given to the workers as soon as there is room. Raises what the jobs do, in its
        turn."""
        source, ordered, most = iter(jobs), deque[_Task[R]](), self.window or self.most
        job: J | None = None
        failure: BaseException | None = None
        while True:
            while failure is None and len(ordered) < most:
                try:
                    job = next(source) if job is None else job
                except BaseException as e:
                    failure = e
                    break
                task = _Task[R]()
                task.load = getattr(job, "load", 0) if room else 0
                if room and ordered and not room.has(task.load):
                    break
                if room:
                    room.take(task.load)
                todo.put((job, task))
                ordered.append(task)
                job = None
            if not ordered:
                break
            yield ordered.popleft()
        if failure is not None and not isinstance(failure, StopIteration):
            raise failure

    def close(self, patience: float) -> bool:
        deadline = time.monotonic() + patience
        for mapping in self._mappings:
            mapping.stop()
        threads = [thread for mapping in self._mappings for thread in mapping.threads if thread.ident is not None]
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)
