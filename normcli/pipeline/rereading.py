"""Further passes over data that were read once: from the spool, from inputs that are opened again, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from normcli.engines import Engine
from normcli.errors import BadDataError, UsageError
from normcli.formats import Reader
from normcli.parameters import Parameters, StepStates, refined
from normcli.pipeline import learning
from normcli.pipeline.learning import Total
from normcli.pipeline.parts import measurable
from normcli.pipeline.progress import Progress
from normcli.pipeline.work import Work

if TYPE_CHECKING:
    from normcli.pipeline.remote_inputs import RemoteInputs


SAME = "an object whose __iter__ gives the same rows each time does, or a list of tables"


class Rereading(Struct, frozen=True):
    """What was read by `work` and counted `before`, with this `fingerprint`, to be read again."""

    work: Work
    reopen: Callable[[], Iterable[Reader]] | None
    engine: Engine
    before: Progress
    fingerprint: bytes
    remote: RemoteInputs | None
    max_memory: int | None

    def further_passes(self, fitted: Parameters) -> Parameters:
        """Parameters fitted in all passes, given what the first has fitted. Raises BadDataError."""
        events, last = self.before.events, fitted.passes.count
        if last == 1:
            return fitted
        for number in range(1, last):
            events.end_pass(number, last)
            events.begin_pass(1 + number, last)
            fitted = self._learned(replace(fitted, current_pass=number))
        events.end_pass(last, last)
        return replace(fitted, current_pass=0)

    def _learned(self, parameters: Parameters) -> Parameters:
        """Parameters with what the steps of their pass learn. Raises BadDataError."""
        done = self._read(parameters).subtotal.local()
        states = self.refined(parameters, done.states)
        fitted = learning.learn(parameters, states, done.ledger, self.max_memory)
        self.before.add_incomplete(done.incomplete)
        return replace(fitted, skipped=max(fitted.skipped, done.incomplete))

    def refined(self, parameters: Parameters, states: tuple[StepStates, ...]) -> tuple[StepStates, ...]:
        """States of the steps, after as many readings as their statistics ask for. Raises BadDataError."""
        return refined(states, partial(self._measured, parameters, count(2)))

    def _measured(
        self, parameters: Parameters, numbers: Iterator[int], blanks: tuple[StepStates, ...]
    ) -> tuple[StepStates, ...]:
        """The states of a reading, the next of these `numbers`, that fills blanks."""
        self.before.events.begin_reading(next(numbers))
        pairs = zip(parameters.steps, blanks, strict=True)
        steps = tuple(replace(step, states=(), statistics_override=step_blanks) for step, step_blanks in pairs)
        measuring = replace(parameters, steps=steps, sketches=None, categories=())
        return self._read(measuring).subtotal.local().states

    def _read(self, measuring: Parameters) -> Total:
        """The states of the steps that are measured, of all rows once more. Raises BadDataError where these have
        changed."""
        spool, before = self.work.spool, self.before
        readers = spool.readers if spool else self.reopen() if self.reopen else None
        if readers is None and self.remote is None:
            raise UsageError("this takes more than one pass over the data, which can be read only once")
        progress = Progress(most=before.rejected)  # it has warned already
        if before.distance is not None:
            before.events.start(before.rows, "rows")
        work = replace(self.work, measuring=measuring, counts=False, spool=None)  # it was counted already
        if self.remote:
            results = self.remote.measure(progress, work, measuring)
        else:
            results = progress.run((measurable(reader, measuring, work) for reader in readers or ()), self.engine)
        total = Total(measuring, max_memory=self.max_memory)
        for part, result in results:
            total.take(result, part.names() if result.last else ())
            before.events.advance(result.rows)
        total.finish()
        if progress.rows != before.rows:
            raise BadDataError(
                f"{progress.source}: was changed while it was read: {before.rows:,} rows, then {progress.rows:,}",
                "fit again",
            )
        if total.fingerprint.digest() != self.fingerprint:
            raise BadDataError(f"{progress.source}: is read more than once, and had other values the next time", SAME)
        return total
