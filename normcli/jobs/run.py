"""A job under way: what it says and counts, what it may use, and what it replaces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from normcli import memory, outputs, params
from normcli.engines.threads import Threads, available
from normcli.errors import BadDataError, replaced, size
from normcli.jobs import paths
from normcli.jobs.distance import Distance
from normcli.jobs.requests import Reads, Request
from normcli.jobs.results import Result
from normcli.pipeline import Events, Progress
from normcli.transaction import Transaction

if TYPE_CHECKING:
    from normcli.formats import Reader, Reject
    from normcli.jobs.reading import Readers
    from normcli.outputs import Target
    from normcli.plan import Plan

R = TypeVar("R", bound=Request)
S = TypeVar("S", bound=Result)


class Listener(Events):
    """Events, and those of a job besides; by default each goes unheard."""

    def begin(self, result: Result) -> None:
        """The request makes sense, and nothing is done yet; `result` will be filled. What this raises ends the job."""

    def start(self, total: int | None, unit: str) -> None:
        """Reading begins, of so many units, where that is known: bytes (B) or rows."""

    def advance(self, amount: int) -> None:
        """So many more units were read."""

    def stop(self) -> None:
        """Reading has ended."""


SILENT = Listener()


class Run(Events, Generic[R, S]):
    """One job under way. Its warnings are kept for the gate that --werror is; skipped rows go to where they are wanted;
    its targets, those of `changes`, are replaced together or not at all."""

    def __init__(self, request: R, result: S, listener: Listener) -> None:
        """Raises UsageError where the request contradicts itself."""
        self.request, self.result, self.listener = request, result, listener
        self.changes = Transaction()
        self.rejects: Target | None = None
        self._distance: Distance | None = None
        result.report = request.report
        paths.check(request, result)
        listener.begin(result)
        request.check_options()

    def __enter__(self) -> Self:
        self.changes.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.changes.__exit__(kind, error, at)

    # -- events --------------------------------------------------------------------------------------------------
    def warning(self, text: str) -> None:
        self.result.warnings.append(text)
        self.listener.warning(text)

    def notice(self, text: str) -> None:
        self.listener.notice(text)

    def info(self, text: str) -> None:
        self.listener.info(text)

    def detail(self, text: str) -> None:
        self.listener.detail(text)

    def progress(self, reader: Reader, weight: int, *, ended: bool) -> None:
        if self._distance is not None:
            self.listener.advance(self._distance.step(reader, weight, ended=ended))
        self.listener.progress(reader, weight, ended=ended)

    def rejected(self, source: str, line: int, reject: Reject) -> None:
        self.listener.rejected(source, line, reject)
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
    def engine(self, request: Reads, plan: Plan) -> Threads:
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
        self._distance = Distance.of(readers.inputs, readers.first)
        self.listener.start(self._distance.total, self._distance.unit)
        try:
            yield progress
        finally:
            self._distance = None
            self.listener.stop()


def parameters(source: str | Plan, *, example: str, allow_edited: bool, max_memory: int | None = None) -> Plan:
    """What is in a parameter file, as large as there is memory for; or itself. Raises NormcliError."""
    if not isinstance(source, str):
        return source
    largest = memory.largest_file(max_memory)
    return params.read_file(source, example=example, allow_edited=allow_edited, largest=largest)


def lock(run: Run[R, S], path: str | None, wait: float) -> None:
    """No other run replaces the parameter file until this one is done. Raises UsageError for a --wait in vain,
    LockedError, CannotCreateError."""
    run.request.check_needs(lock="nothing else is locked" if outputs.replaced(path) is None else None)
    run.changes.lock(path, wait=wait)


def rows_before(path: str | None) -> int:
    """How many rows the parameter file has counted that will be replaced; 0 where there is none."""
    old = outputs.replaced(path)
    return params.rows_of(old) if old else 0
