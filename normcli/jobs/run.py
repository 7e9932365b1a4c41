"""A running job: its events and counts, its resources, and the files that it replaces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from normcli.engines.threads import Threads, available
from normcli.errors import BadDataError, NormcliError, replaced, size
from normcli.io.sources import open_source
from normcli.io.transaction import Transaction
from normcli.jobs import paths
from normcli.jobs.requests import Reads, Request
from normcli.jobs.results import FitResult, Result
from normcli.pipeline import Distance, Events, Progress, memory

if TYPE_CHECKING:
    from normcli.engines import Cluster, Engine
    from normcli.formats import Reject
    from normcli.io.checks import Checks
    from normcli.io.inputs import Input
    from normcli.io.outputs import Target
    from normcli.io.sources import Handle, Source
    from normcli.jobs.reading import Readers
    from normcli.jobs.resuming import Files
    from normcli.parameters import Parameters
    from normcli.pipeline.remote_inputs import RemoteInputs

PATIENCE, PATIENCE_WITH_PIPE = 10.0, 0.1  # seconds that threads have to end

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
        self._sources: list[Source] = []
        self._handles: list[Handle] = []
        self._engines: list[Engine | Cluster] = []
        self.cluster: Cluster | None = None  # whose workers open the inputs
        result.run_report, result.changes = request.run_report, self.changes
        paths.check(request, result)
        events.begin(result)
        request.check_options()

    def __enter__(self) -> Self:
        self.changes.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, NormcliError) and self._has_plan:
            from normcli.jobs import advice

            error.hint = advice.for_steps(error.hint)
        try:
            self.changes.__exit__(kind, error, at)
        finally:
            self._close()

    @property
    def _has_plan(self) -> bool:
        """Whether columns are selected by the steps of a plan."""
        return getattr(self.request, "plan", None) is not None

    # -- what is closed ------------------------------------------------------------------------------------------
    def source(
        self,
        path: str | None,
        *,
        example: str = "",
        keys: tuple[tuple[str, str | None], ...] = (),
        room: int | None = None,
    ) -> Source:
        """An input, as of `open_source`, open until it is closed or the job ends. Raises NoInputError; UsageError for a
        terminal."""
        source = open_source(path, example=example, keys=keys, room=room)
        self._sources = [*(s for s in self._sources if not s.closed), source]
        return source

    def close_at_end(self, handle: Handle) -> None:
        """Leaves something open until the job ends."""
        self._handles.append(handle)

    def _close(self) -> None:
        """Closes what was opened, once no thread uses it: a descriptor that is closed too early is that of another file
        soon. A thread may wait in a pipe that nobody writes to, which nobody should have to wait for: then all stays
        open until it is collected."""
        regular = all(source.regular for source in self._sources if not source.closed)
        ended = [engine.close(PATIENCE if regular else PATIENCE_WITH_PIPE) for engine in self._engines]
        if all(ended):
            for handle in (*self._sources, *self._handles):
                handle.close()

    # -- events --------------------------------------------------------------------------------------------------
    def warning(self, text: str) -> None:
        text = self._spelled(text)
        self.result.warnings.append(text)
        self.events.warning(text)

    def notice(self, text: str) -> None:
        self.events.notice(self._spelled(text))

    def _spelled(self, text: str) -> str:
        """A text whose hint is of the steps of a plan, where there is one."""
        if not self._has_plan:
            return text
        from normcli.jobs import advice  # here, for few requests have one

        return advice.warning_for_steps(text)

    def info(self, text: str) -> None:
        self.events.info(text)

    def detail(self, text: str) -> None:
        self.events.detail(text)

    def begin_pass(self, number: int, count: int) -> None:
        if isinstance(self.result, FitResult):
            self.result.begin_pass(number, count)
        self.events.begin_pass(number, count)

    def begin_reading(self, number: int) -> None:
        if isinstance(self.result, FitResult):
            self.result.reading = number
        self.events.begin_reading(number)

    def end_pass(self, number: int, count: int) -> None:
        if isinstance(self.result, FitResult):
            readings = f" ({self.result.reading} readings)" if self.result.reading > 1 else ""
            self.detail(f"pass {number} of {count} took {self.result.end_pass():.2f} s{readings}")
        self.events.end_pass(number, count)

    def start(self, total: int | None, unit: str) -> None:
        self.events.start(total, unit)

    def advance(self, amount: int) -> None:
        self.events.advance(amount)

    def rejected(self, source: str, line: int, reject: Reject) -> None:
        self.events.rejected(source, line, reject)
        if self.rejects is not None:
            row = {"file": source, "line": line, "reason": reject.reason, "raw": reject.raw}
            self.rejects.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")

    # -- what decides --------------------------------------------------------------------------------------------
    @property
    def warnings_are_errors(self) -> bool:
        """Whether there were warnings, and none may be."""
        return self.request.werror and bool(self.result.warnings)

    def check_warnings(self, outcome: str = replaced(0)) -> None:
        """Before a target is replaced. Raises BadDataError where warnings are errors, saying the `outcome` so far;
        none of a job that replaces nothing."""
        count = len(self.result.warnings)
        if self.warnings_are_errors:
            plural = "s" if count > 1 else ""
            what = f"{count} warning{plural}, and --werror makes {'them errors' if plural else 'it an error'}"
            raise BadDataError(f"{what}; {outcome}" if outcome else what)

    # -- what is used --------------------------------------------------------------------------------------------
    def engine(self, request: Reads, needs: Parameters | memory.Sizes, *, alone: bool = False) -> Threads:
        """What runs the steps of parameters, or anything of these sizes: in threads, unless this one does it `alone`.
        Raises UsageError where there is too little memory for it."""
        sizes = needs if isinstance(needs, memory.Sizes) else memory.Sizes.of(needs)
        workers = Threads(1 if alone else request.threads or available())
        window = memory.window(sizes, request.max_memory, workers.most)
        total, block = size(memory.room(request.max_memory)), size(sizes.block)
        blocks = f"{window:,} block{'' if window == 1 else 's'} of {block} at once"
        if self.cluster is None:
            self.detail(f"{workers.count} threads, {blocks}, {total} of memory to use")
        room = memory.of_blocks(sizes, request.max_memory, workers.most)
        inline = request.tables is not None and request.tables.is_lazy
        engine = Threads(workers.count, window, room, alone, inline)
        self._engines.append(engine)
        return engine

    def connect(self, inputs: list[Input]) -> None:
        """Connects to the cluster whose workers open the inputs, if the request names one. Raises UsageError for a
        request that no cluster can do, ClusterError where it does not answer."""
        if self.request.engine != "threads":  # type: ignore[attr-defined]
            from normcli.jobs import remote

            cluster = remote.connect(self.request, inputs)
            if cluster is not None:
                self.cluster = cluster.with_warning(self.warning)
                self._engines.append(self.cluster)
                self.result.on_cluster = True
                self.detail(self.cluster.description)

    def checks(self) -> Checks:
        """What looks at files and objects: the workers of the cluster, if there is one."""
        from normcli.io.checks import Checks

        if self.cluster is None:
            return Checks()
        from normcli.jobs import remote

        return Checks(partial(remote.digests, self.cluster), partial(remote.versions, self.cluster))

    def remote_inputs(
        self, parameters: Parameters, readers: Readers, files: Files | None = None
    ) -> RemoteInputs | None:
        """All inputs for the workers of the cluster, if there is one, to be measured by parameters, or to be written to
        their `files`. Raises UsageError for batches that run on from one to the next."""
        if self.cluster is None:
            return None
        from normcli.jobs import remote

        return remote.remote_inputs(self, self.cluster, parameters, readers, files)

    def open_rejects(self, request: Reads) -> None:
        """Has skipped rows kept where they are wanted. Raises CannotCreateError."""
        if request.rejects is not None:
            self.rejects = self.changes.open(request.rejects, spool_dir=request.spool_dir)

    @contextmanager
    def waiting(self, source: Source) -> Iterator[None]:
        """Shows that a job reads while the first rows of its first input are awaited, if that is no regular file."""
        if source.regular or self.result.source is not None:
            yield
            return
        self.result.source = source
        self.events.start(None, "B")
        try:
            yield
        finally:
            self.events.stop()

    @contextmanager
    def counting(
        self, request: Reads, readers: Readers | None, *, shown: bool = True, rows_before: int | None = None
    ) -> Iterator[Progress]:
        """What the pipeline counts, for the result, and `shown` while it runs. No readers: there is nothing to read;
        `rows_before`: the number of rows, where they were counted by an earlier pass."""
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
        paths_read = [input.path for input in readers.inputs]
        if self.cluster is not None:
            from normcli.jobs import remote

            progress.distance = remote.distance(readers)
        else:
            progress.distance = (
                Distance.of(paths_read, readers.first) if rows_before is None else Distance.of_rows(rows_before)
            )
        self.events.start(progress.distance.total, progress.distance.unit)
        try:
            yield progress
        finally:
            self.events.stop()
