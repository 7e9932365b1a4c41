"""Parts of a run: inputs, each with its work and where what comes of it goes; and outputs once they are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from normcli.formats import LateColumn, Reader, Sink
from normcli.io.outputs import Target
from normcli.pipeline.work import Work

if TYPE_CHECKING:
    from normcli.drift import DriftMonitor
    from normcli.pipeline.describing import Survey


@dataclass(frozen=True)
class Part:
    """One input, what is to be done with it, and its own output, opened when its turn comes; None: that of all."""

    reader: Reader
    work: Work | Survey
    needed: tuple[str, ...] | None = None  # the columns that have to be read; None: all
    output: Callable[[], Target] | None = None
    begin: Callable[[], None] = lambda: None  # called before anything of it counts
    complete: Callable[[Target], None] = lambda target: None  # called once its own output is in place
    watch: DriftMonitor | None = None  # what the part's work measures is added to it
    late: Callable[[LateColumn, str], None] = lambda column, where: None  # called with each column of late rows alone
    absent: Callable[[str], None] | None = None  # called with one that was expected and did not come; None: an error
    doubt: str = ""  # what should be known of its output before there is any


@dataclass(frozen=True)
class Written:
    """An output that is written but for its end, which closing the sink writes: one that failed must not be closed,
    for that would publish a short file."""

    sink: Sink
    part: Part | None = None  # whose own output it is; None: the output of all
    target: Target | None = None  # of the part
