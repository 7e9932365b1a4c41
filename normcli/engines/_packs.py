"""Packs: small spans in a row share a task, for each costs scheduler and driver about 2 ms, whatever it does."""

from collections import deque
from collections.abc import Iterable
from math import ceil
from typing import Generic, TypeVar

from normcli.engines import Unit

S = TypeVar("S", bound=Unit)

PACK_LOAD = 1 << 30  # bytes to read for a pack: two segments of a large input, about
PACK_COUNT = 64  # spans of a pack
PACK_RESULTS = 16 << 20  # bytes of the results of a pack


def most_of(state: int) -> int:
    """How many spans with results of `state` bytes may share a task."""
    return max(1, min(PACK_COUNT, PACK_RESULTS // max(state, 1)))


def load_of(span: Unit) -> int:
    """Bytes to read for a span; one of which that is not known has a task of its own."""
    return span.load or PACK_LOAD


class Packs(Generic[S]):
    """Cuts spans into packs of `most`, and of fewer where few are left, an equal share of these (guided
    self-scheduling, Polychronopoulos and Kuck 1987): the last ones are then for all workers. What comes after a None is
    not asked for before the next pack is."""

    def __init__(self, spans: Iterable[S | None], most: int) -> None:
        self._source, self._most, self._ahead, self._ended = iter(spans), most, deque[S](), False
        self._load = 0  # of those ahead
        self.failure: BaseException | None = None  # of the spans themselves, to be raised in its turn

    @property
    def ended(self) -> bool:
        """Whether there are no more."""
        return self._ended and not self._ahead

    def next(self, tasks: int) -> list[S]:
        """The next one, where what is left is to be so many tasks at least; empty after the last, and where one has to
        wait."""
        self._read_ahead(tasks)
        most, pack, load = min(self._most, ceil(len(self._ahead) / tasks)), list[S](), 0
        while self._ahead and len(pack) < most:
            load += load_of(self._ahead[0])
            if pack and load > PACK_LOAD:
                break
            pack.append(self._ahead.popleft())
            self._load -= load_of(pack[-1])
        return pack

    def _read_ahead(self, tasks: int) -> None:
        """Reads spans until there are enough for so many tasks: what has to be done before them may be yet to come."""
        while len(self._ahead) < tasks * self._most and self._load < tasks * PACK_LOAD and not self._ended:
            try:
                span = next(self._source)
            except StopIteration:
                self._ended = True
            except BaseException as e:
                self.failure, self._ended = e, True
            else:
                if span is None:
                    return
                self._ahead.append(span)
                self._load += load_of(span)
