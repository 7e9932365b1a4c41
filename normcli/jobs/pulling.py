"""To normalize tables in memory, or to restore them, as somebody takes them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from normcli import pipeline
from normcli.errors import UsageError
from normcli.jobs import apply as apply_job
from normcli.jobs.reading import MEMORY, Readers
from normcli.jobs.requests.apply import ApplyRequest
from normcli.jobs.results import ApplyResult
from normcli.jobs.run import Run
from normcli.pipeline import SILENT, Events

if TYPE_CHECKING:
    from normcli.formats._memory.reader import TableReader, Tables


def pull(request: ApplyRequest, events: Events = SILENT) -> Generator[Any]:
    """Normalizes, or restores, the tables in memory of a request: at first it gives None, when all is checked but the
    rows, then a table of the same kind for each: as soon as its rows are done where tables come one after the other,
    else when all are; none where there is none. Raises NormcliError."""
    from normcli.formats._memory.assembling import assembled

    assert request.tables is not None
    result = ApplyResult("apply", params=apply_job.path_of(request), inverse=request.inverse)
    with Run(request, result, events) as run:
        inputs, parameters, watch = apply_job.prepared(run)
        _check_request(request, request.tables)
        if request.tables.is_empty:
            yield None
            return
        run.connect(inputs)
        if request.inverse:  # a matrix has no names that its components could be called by
            request.tables.matrix_names = result.columns
        readers = Readers(run, request, inputs, to=MEMORY, dialect=parameters.dialect, example=apply_job.EXAMPLE)
        outputs = apply_job.outputs_of(run, parameters, readers, watch)
        reader: TableReader = readers.first  # type: ignore[assignment]
        assert reader.waiting is not None
        names, part, schema = outputs.in_memory(inputs[0], reader)
        collected = list[Any]()
        with run.counting(request, readers) as progress:
            engine = run.engine(request, parameters, alone=reader.is_small)
            with closing(pipeline.pieces([part], engine, progress)) as pieces:
                yield None
                tables = assembled(reader.waiting, pieces, names, schema)
                if request.tables.is_lazy:
                    yield from tables
                else:
                    collected += tables
            progress.end()
            apply_job.judge(run, watch, progress.rows)
        run.check_warnings()
        yield from collected


def _check_request(request: ApplyRequest, tables: Tables) -> None:
    """Raises UsageError for what is for files alone, and where drift would be noticed too late."""
    if request.to is not None:
        raise UsageError("--to is for files: tables in memory come out as they went in", "output names a file")
    if request.precision is not None:
        raise UsageError("--precision is for text, and tables in memory hold numbers", "--dtype float32 is smaller")
    if request.check == "refuse" and tables.is_lazy:
        what = "--check can't be had where tables come one after the other: what was taken can't be taken back"
        raise UsageError(what, "--check=warn warns of drift")
