"""Parts of a run: inputs, each with its work and the target of its output; and outputs once they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from normcli.columns import Infinite
from normcli.formats import LateColumn, Reader, Sink
from normcli.io.outputs import Target
from normcli.parameters import Parameters
from normcli.pipeline.checks import check_not_normalized, check_present, needing
from normcli.pipeline.work import Work

if TYPE_CHECKING:
    from normcli.drift import DriftMonitor
    from normcli.pipeline.describing import Survey


def ignore(column: LateColumn, where: str) -> None:
    """Ignores columns that only late rows have."""


class Part(Struct, frozen=True):
    """One input, its work, and its own output, opened when its turn comes; None for the output that all share."""

    reader: Reader
    work: Work | Survey
    needed: tuple[str, ...] | None = None  # the columns that have to be read; None: all
    output: Callable[[], Target] | None = None
    begin: Callable[[], None] = lambda: None  # called before anything of it counts
    # called with its own output once that is written; what it returns, once that is in place, in any thread
    complete: Callable[[Target], Callable[[], None]] = lambda target: lambda: None
    watch: DriftMonitor | None = None  # what the part's work measures is added to it
    late: Callable[[LateColumn, str], None] = ignore  # called with each column of late rows alone
    absent: Callable[[str], None] | None = None  # called with one that was expected and did not come; None: an error
    doubt: str = ""  # what should be known of its output before there is any

    def names(self) -> list[str]:
        """Those of its columns."""
        return [f.name for f in self.reader.description.schema]


class Written(Struct, frozen=True):
    """An output that is written but for its end, which closing the sink writes: one that failed must not be closed,
    for that would publish a short file."""

    sink: Sink
    part: Part | None = None  # whose own output it is; None: the output of all
    target: Target | None = None  # of the part


def measurable(
    reader: Reader, parameters: Parameters, work: Work, late: Callable[[LateColumn, str], None] = ignore
) -> Part:
    """An input to learn from. Raises BadDataError where its columns do not fit the parameters."""
    description = needing(reader.description, parameters.numbers(), parameters.texts)
    check_present(description, parameters.numbers(), parameters.lists, by=parameters.by, categories=parameters.texts)
    present = {f.name for f in description.schema}
    if work.fingerprints and reader.source.version:  # which says when it was changed
        work = replace(work, fingerprints=False)
    needed = None if work.spool else (*parameters.numbers(), *(n for n in parameters.texts if n in present))
    return Part(reader.described_as(description), work, needed, late=late)


def comparable(reader: Reader, watch: DriftMonitor, *, infinite: Infinite, skip: bool) -> Part:
    """An input that is shown to a watch. Raises BadDataError for one that is normalized."""
    check_not_normalized(watch.parameters, reader.description, "they tell what data looked like before")
    parameters = watch.measuring
    if parameters.learns:
        reader = reader.described_as(needing(reader.description, parameters.needs(), parameters.texts))
    measuring, absent = watch.of_input(reader)
    present = {f.name for f in reader.description.schema}
    numbers = tuple(n for n in measuring.numbers() if n not in absent)
    needed = (*numbers, *(n for n in measuring.texts if n in present))
    work = Work(frozenset(numbers), infinite, skip, measuring=measuring, absent=absent)
    return Part(reader, work, needed or None, watch=watch, late=watch.add_late, absent=watch.add_absent)
