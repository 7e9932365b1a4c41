"""Further passes over data that were read once: from the spool, from inputs that are opened again, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from normcli.engines import Engine
from normcli.errors import BadDataError, UsageError
from normcli.formats import Reader
from normcli.parameters import Parameters, StepStates, merged, refined
from normcli.parameters.folding import Subtotal
from normcli.pipeline import learning
from normcli.pipeline.learning import Total
from normcli.pipeline.parts import Part, measurable
from normcli.pipeline.progress import Progress
from normcli.pipeline.work import Result, Work

if TYPE_CHECKING:
    from normcli.pipeline.remote_inputs import RemoteInputs


class Rereading(Struct, frozen=True):
    """What was read by `work` and counted `before`, to be read again."""

    work: Work
    reopen: Callable[[], Iterable[Reader]] | None
    engine: Engine
    before: Progress
    remote: RemoteInputs | None
    max_memory: int | None

    def learned(self, parameters: Parameters) -> Parameters:
        """Parameters with what the steps of their turn learn in a further pass. Raises BadDataError."""
        total = Total(parameters, max_memory=self.max_memory)
        for part, result in self._results(parameters):
            total.add_chunk(result.rows, (), b"")
            if result.measured is not None:
                total.add(result.measured, can_end_segment=result.can_end_segment)
            if result.subtotal is not None:
                total.add_segment(result.subtotal)
            if result.last:
                total.end([f.name for f in part.reader.description.schema])
        total.finish()
        done = total.subtotal.local()
        states = self.refined(parameters, done.states)
        fitted = learning.learn(parameters, states, done.ledger, self.max_memory)
        return replace(fitted, skipped=max(fitted.skipped, done.incomplete))

    def refined(self, parameters: Parameters, states: tuple[StepStates, ...]) -> tuple[StepStates, ...]:
        """States of the steps, after as many passes as their statistics ask for. Raises BadDataError."""
        return refined(states, partial(self._measured, parameters))

    def _measured(self, parameters: Parameters, blanks: tuple[StepStates, ...]) -> tuple[StepStates, ...]:
        """The states of a pass that fills blanks."""
        pairs = zip(parameters.steps, blanks, strict=True)
        steps = tuple(replace(step, statistics_override=step_blanks) for step, step_blanks in pairs)
        total = Subtotal(blanks)
        for _, result in self._results(replace(parameters, steps=steps, sketches=None, categories=())):
            if result.measured is not None:
                total.states = merged(total.states, result.measured.states)
            if result.subtotal is not None:
                total = total.merge(result.subtotal)
        return total.local().states

    def _results(self, measuring: Parameters) -> Iterator[tuple[Part, Result]]:
        """What is measured of the same rows. Raises BadDataError where they have changed."""
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
        for part, result in results:
            yield part, result
            before.events.advance(result.rows)
        if progress.rows != before.rows:
            raise BadDataError(
                f"{progress.source}: was changed while it was read: {before.rows:,} rows, then {progress.rows:,}",
                "fit again",
            )
