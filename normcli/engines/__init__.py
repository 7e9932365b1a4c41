"""Engine: what every file here offers: work on jobs, results in the order of the jobs."""

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, Protocol, Self, TypeVar

from msgspec import Struct

J = TypeVar("J")
R = TypeVar("R")

SHARED = "what is read and written has to be there for all"  # a hint, where a worker does not see it


class Engine(Protocol):
    def map_ordered(self, work: Callable[[J], R], jobs: Iterable[J]) -> Iterator[R]:
        """`work` of each job, in order; a bounded number under way at once. An error in a job is raised in its
        turn, so the first in order wins whichever worker met it."""

    def close(self, patience: float) -> bool:
        """Ends all that is under way, whether its results were taken or not, and waits for that: `patience` seconds at
        most. Whether nothing runs any more: what jobs use may then be closed."""


class Share(Struct, frozen=True):
    """What one span may use of the machine that it is worked on."""

    threads: int
    max_memory: int | None  # bytes; None: the available memory
    is_wanted: Callable[[], bool]  # called now and then: whether the result is still needed


class Unit(Protocol):
    """A part of the data that one worker works on by itself: small, and pickled."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def load(self) -> int:
        """About how many bytes are read for it; 0 where that is not known. Small ones share a task."""


S = TypeVar("S", bound=Unit)


class RemoteState(Protocol):
    """A state that stays on the workers of a cluster. Methods raise ClusterError where the cluster is lost."""

    def merge(self, other: Self) -> Self:
        """That of both, merged on a worker, at some time; neither is used any more."""

    def send(self, state: Any) -> Self:
        """A state of this process, for the workers."""

    def fetch(self) -> Any:
        """The state itself. Raises BadDataError where a part of it was done again, and came out otherwise."""


class Folding(Struct, frozen=True):
    """States within the results of spans: if they are large, they stay on the workers, and are merged there."""

    kind: type  # of a state: `a.merge(b)` is that of both, and `split` and `joined` are as Statistic has them
    remote: Callable[[Any], Any]  # what stands for a RemoteState in a result


class Cluster(Protocol):
    """An engine whose workers are other processes, on this machine or others: they open what they read themselves."""

    def map_spans(
        self, work: Callable[[S, Share], R], spans: Iterable[S | None], *, state: int = 0,
        ready: Callable[[], str] | None = None, folding: Folding | None = None, comoments: bool = False,
    ) -> Generator[R]:  # fmt: skip
        """`work` of each span, in order, with what it may use there; a bounded number under way at once. A None among
        the spans says that the next one depends on results that have not been taken yet. `work`, spans and results are
        pickled; a result takes about `state` bytes. Large states of a `folding` stay with the workers until they are
        fetched. `work` has no effect that must not happen twice: where a worker dies, another one does all of a span
        again. On each worker, `ready` says beforehand what it lacks. One that lacks something, or does not compute as
        this process does, also `comoments` if there are any, is left out. Raises UsageError where none is left,
        ClusterError where the cluster is lost."""

    def with_warning(self, warning: Callable[[str], None]) -> Self:
        """The same cluster for one job, with spans of its own: `warning` is called once where workers are left out."""

    @staticmethod
    def worker() -> str:
        """What messages call the worker that calls this."""

    @property
    def description(self) -> str:
        """What a person should know of it, in a line."""

    def close(self, patience: float) -> bool:
        """As an engine's."""
