"""A cluster of no processes: its spans are worked on here, through the pickles that a real one sends."""

import pickle
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from normcli.engines import Folding, Share, Unit

S = TypeVar("S", bound=Unit)
R = TypeVar("R")


@dataclass
class InProcess:
    """`window` spans are taken ahead of the results; `log` has what was worked on, in order, and what came of it."""

    window: int = 5
    threads: int = 1
    log: list[tuple[Any, Any]] = field(default_factory=list)

    @staticmethod
    def worker() -> str:
        return "in-process"

    def map_spans(
        self, work: Callable[[S, Share], R], spans: Iterable[S | None], *, state: int = 0,
        ready: Callable[[], str] | None = None, folding: Folding | None = None,
    ) -> Generator[R]:  # fmt: skip
        pickled, source, pending = pickle.dumps(work), iter(spans), deque[bytes]()
        ended = False
        while True:
            while not ended and len(pending) < self.window:
                try:
                    span = next(source)
                except StopIteration:
                    ended = True
                    break
                if span is None:
                    assert pending, "nothing is under way that could say more"
                    break
                pending.append(pickle.dumps(span))
            if not pending:
                return
            span = pickle.loads(pending.popleft())
            result = pickle.loads(pickle.dumps(pickle.loads(pickled)(span, Share(self.threads, None, lambda: True))))
            self.log.append((span, result))
            yield result

    def with_warning(self, warning: Callable[[str], None]) -> Self:
        return self

    @property
    def description(self) -> str:
        return "in this process"

    def close(self, patience: float) -> bool:
        return True
