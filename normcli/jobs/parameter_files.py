"""The parameter files of a job: reading one, and replacing one that no other run replaces meanwhile."""

from __future__ import annotations

import os
import re
from contextlib import closing
from typing import TYPE_CHECKING, Any

from normcli.errors import UsageError, printable
from normcli.io import outputs
from normcli.jobs.run import Run
from normcli.parameters import Parameters
from normcli.parameters import file as params
from normcli.pipeline import memory

if TYPE_CHECKING:
    from normcli.io.inputs import Input
    from normcli.jobs.requests import Reads

PEEK = 64  # bytes
BEGINNING = re.compile(rb'\s*\{\s*"format":\s*"normcli"')


def read_parameters(
    source: str | Parameters, *, example: str, allow_edited: bool, max_memory: int | None = None
) -> Parameters:
    """Parameters, read from a file that may be as large as memory allows unless they are given as such. `max_memory` is
    in bytes; `example` is a command with a file, for hints. Raises NoInputError, BadParametersError."""
    if not isinstance(source, str):
        return source
    largest = memory.largest_file(max_memory)
    return params.read_file(source, example=example, allow_edited=allow_edited, largest=largest)


def other_fit(run: Run[Any, Any], request: Reads, input_list: list[Input]) -> Parameters | None:
    """The parameters in the only input, if that is a file of them; None if inputs are data. Raises UsageError for
    several of them, and BadParametersError."""
    paths, alone = [i.path for i in input_list if i.path is not None], len(input_list) == 1
    files = [path for path in paths if _is_parameter_file(run, path, alone=alone)]
    if not files:
        return None
    if len(input_list) > 1:
        raise UsageError(
            f"{printable(files[0])} is a parameter file, and it is not the only INPUT",
            "normcli merge makes one of several",
        )
    return params.read_file(files[0], example="", allow_edited=getattr(request, "allow_edited", False))


def _is_parameter_file(run: Run[Any, Any], path: str, *, alone: bool) -> bool:
    """Whether a file begins as parameter files do. One of several is only opened if it is called .json, which data are
    not."""
    if not (alone or path.lower().endswith(".json")) or (os.path.exists(path) and not os.path.isfile(path)):
        return False
    with closing(run.source(path)) as source:
        return bool(BEGINNING.match(source.peek(PEEK)))


def lock(run: Run[Any, Any], path: str | None, wait: float) -> None:
    """No other run replaces the parameter file until this one is done; `wait` is in seconds. Raises UsageError for a
    --wait without effect, LockedError, CannotCreateError."""
    run.request.check_needs(lock="nothing else is locked" if outputs.replaced(path) is None else None)
    run.changes.lock(path, wait=wait)


def rows_before(path: str | None) -> int:
    """How many rows the parameter file has counted that will be replaced; 0 where there is none."""
    old = outputs.replaced(path)
    return params.rows_of(old) if old else 0
