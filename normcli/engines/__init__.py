"""Engine: what every file here offers: work on jobs, results in the order of the jobs."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

J = TypeVar("J")
R = TypeVar("R")


class Engine(Protocol):
    def map_ordered(self, work: Callable[[J], R], jobs: Iterable[J]) -> Iterator[R]:
        """`work` of each job, in order; a bounded number under way at once. An error in a job is raised in its
        turn, so the first in order wins whichever worker met it."""

    def close(self, patience: float) -> bool:
        """Ends all that is under way, whether its results were taken or not, and waits for that: `patience` seconds at
        most. Whether nothing runs any more: what jobs use may then be closed."""
