"""The parameter files of a job: reading one, and replacing one that no other run replaces meanwhile."""

from __future__ import annotations

from typing import Any

from normcli.io import outputs
from normcli.jobs.run import Run
from normcli.parameters import Parameters
from normcli.parameters import file as params
from normcli.pipeline import memory


def read_parameters(
    source: str | Parameters, *, example: str, allow_edited: bool, max_memory: int | None = None
) -> Parameters:
    """Parameters, read from a file that may be as large as memory allows unless they are given as such. `max_memory` is
    in bytes; `example` is a command with a file, for hints. Raises NoInputError, BadParametersError."""
    if not isinstance(source, str):
        return source
    largest = memory.largest_file(max_memory)
    return params.read_file(source, example=example, allow_edited=allow_edited, largest=largest)


def lock(run: Run[Any, Any], path: str | None, wait: float) -> None:
    """No other run replaces the parameter file until this one is done; `wait` is in seconds. Raises UsageError for a
    --wait without effect, LockedError, CannotCreateError."""
    run.request.check_needs(lock="nothing else is locked" if outputs.replaced(path) is None else None)
    run.changes.lock(path, wait=wait)


def rows_before(path: str | None) -> int:
    """How many rows the parameter file has counted that will be replaced; 0 where there is none."""
    old = outputs.replaced(path)
    return params.rows_of(old) if old else 0
