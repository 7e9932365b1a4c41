"""A job while it runs: what it says and counts, what it may use, and what it replaces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from normcli.engines.threads import Threads, available
from normcli.errors import BadDataError, replaced, size
from normcli.io.transaction import Transaction
from normcli.jobs import paths
from normcli.jobs.requests import Reads, Request
from normcli.jobs.results import Result
from normcli.pipeline import Distance, Events, Progress, memory

if TYPE_CHECKING:
    from normcli.formats import Reject
    from normcli.io.outputs import Target
    from normcli.jobs.reading import Readers
    from normcli.parameters import Parameters

R = TypeVar("R", bound=Request)
S = TypeVar("S", bound=Result)


class Run(Events, Generic[R, S]):
    """One job under way. Its warnings are kept for the gate that --werror is; skipped rows go to where they are wanted;
    its targets, those of `changes`, are replaced together or not at all."""

    def __init__(self, request: R, result: S, events: Events) -> None:
        """Raises UsageError where the request contradicts itself."""
        self.request, self.result, self.events = request, result, events
        self.changes = Transaction()
        self.rejects: Target | None = None
        self.ends = ExitStack()  # what is closed when the job has ended, however that is
        result.report = request.report
        paths.check(request, result)
        events.begin(result)
        request.check_options()

    def __enter__(self) -> Self:
        self.changes.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.changes.__exit__(kind, error, at)
        self.ends.close()

    # -- events --------------------------------------------------------------------------------------------------
    def warning(self, text: str) -> None:
        self.result.warnings.append(text)
        self.events.warning(text)

    def notice(self, text: str) -> None:
        self.events.notice(text)

    def info(self, text: str) -> None:
        self.events.info(text)

    def detail(self, text: str) -> None:
        self.events.detail(text)

    def advance(self, amount: int) -> None:
        self.events.advance(amount)

    def rejected(self, source: str, line: int, reject: Reject) -> None:
        self.events.rejected(source, line, reject)
        if self.rejects is not None:
            row = {"file": source, "line": line, "reason": reject.reason, "raw": reject.raw}
            self.rejects.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")

    # -- what decides --------------------------------------------------------------------------------------------
    def check_warnings(self, outcome: str = replaced(0)) -> None:
        """Before a target is replaced. Raises BadDataError where warnings are errors, saying the `outcome` so far."""
        count = len(self.result.warnings)
        if self.request.werror and count:
            plural = "s" if count > 1 else ""
            raise BadDataError(f"{count} warning{plural}, and --werror was asked for; {outcome}")

    # -- what is used --------------------------------------------------------------------------------------------
    def engine(self, request: Reads, plan: Parameters) -> Threads:
        """What runs a plan. Raises UsageError where there is too little memory for it."""
        workers = Threads(request.threads or available())
        window = memory.window(plan, request.max_memory, workers.most)
        room, block = size(memory.room(request.max_memory)), size(memory.block(plan))
        blocks = f"{window:,} block{'' if window == 1 else 's'} of {block} at once"
        self.detail(f"{workers.count} threads, {blocks}, {room} of memory to use")
        return Threads(workers.count, window, memory.of_blocks(plan, request.max_memory, workers.most))

    def open_rejects(self, request: Reads) -> None:
        """Has skipped rows kept where they are wanted. Raises CannotCreateError."""
        if request.rejects is not None:
            self.rejects = self.changes.open(request.rejects, spool_dir=request.spool_dir)

    @contextmanager
    def counting(self, request: Reads, readers: Readers | None, *, shown: bool = True) -> Iterator[Progress]:
        """What the pipeline counts, for the result, and `shown` while it runs. No readers: there is nothing to read."""
        progress = Progress(events=self, least=request.min_rows, most=request.most_rejects)
        self.result.progress = progress
        if readers is None:
            yield progress
            return
        progress.empty = readers.empty
        self.result.source = readers.first.source
        if not shown:
            yield progress
            return
        progress.distance = Distance.of([each.path for each in readers.inputs], readers.first)
        self.events.start(progress.distance.total, progress.distance.unit)
        try:
            yield progress
        finally:
            self.events.stop()
