"""Checks of the paths of a request: no output is another file that the run reads or writes."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from normcli.errors import UsageError, printable
from normcli.io import inputs, outputs, stores
from normcli.jobs.requests import Place, Reads, Request

if TYPE_CHECKING:
    from normcli.io.inputs import Input
    from normcli.io.sources import Source
    from normcli.jobs.results import Result

REPLACING = ("-p", "-o", "--save")  # files that are the point of a run
BESIDE = ("--run-report", "--rejects")  # may be a pipe or a device that others use, too


def check(request: Request, result: Result) -> None:
    """Raises UsageError where two outputs go to one file or stream, or an output is a file that is read; a report that
    is one is no longer written."""
    first: dict[Hashable, str] = {}
    for place in _outputs(request):
        identity = _identity(place.path)
        flag = first.setdefault(identity, place.flag) if identity else place.flag
        if flag != place.flag:
            standard = outputs.descriptor(place.path) == outputs.STDOUT_FD
            name = "standard output" if standard else printable(place.path)
            raise UsageError(f"{flag} and {place.flag} are both {name}")
    check_reads(request, result, list(request.reads()))


def check_reads(request: Request, result: Result, read: Sequence[Place]) -> None:
    """Raises UsageError where an output is one of the files that are read, under any name, unless the request may
    replace it."""
    files = _by_identity(place for place in read if place.flag not in request.may_replace)
    for place in request.writes():
        file = files.get(_identity(place.path)) if place.flag in REPLACING and place.path != "-" else None
        if file is not None:
            mine, theirs = (file, "OUTPUT") if file.flag == "-p" else (place, file.flag)
            raise UsageError(f"{mine.flag} {printable(mine.path)} is the {theirs}")
    check_beside(request, result, (place.path for place in read))


def check_inside(request: Request, result: Result, flag: str, directory: str) -> None:
    """Raises UsageError where an output is a file, old or new, in a `directory` that is read as a whole, as `flag`."""
    root = os.path.join(os.path.realpath(directory), "")
    for place in _outputs(request):
        is_file = outputs.descriptor(place.path) is None and not stores.is_uri(place.path)
        if is_file and os.path.realpath(place.path).startswith(root):
            result.run_report = None if place.flag == "--run-report" else result.run_report
            raise UsageError(f"{place.flag} {printable(place.path)} is in the {flag}", "name a file elsewhere")


def check_targets(request: Reads, result: Result, targets: Collection[str]) -> None:
    """Raises UsageError where one of the files of an output directory is another that the run reads or writes."""
    check_beside(request, result, targets)
    files = _by_identity(request.reads())
    for target in targets if files else ():
        file = files.get(_identity(target)) if stores.is_uri(target) or os.path.exists(target) else None
        if file is not None:
            raise UsageError(f"{file.flag} {printable(file.path)} would be replaced by {printable(target)}")


def check_beside(request: Request, result: Result, files: Iterable[str]) -> None:
    """Raises UsageError where what is written beside the output is one of these `files`."""
    beside = [p for p in _outputs(request) if p.flag in BESIDE and p.path != "-" and _is_file(p.path)]
    if not beside:
        return
    identities = {_identity(path) for path in files if path != "-"}
    for place in beside:
        if _identity(place.path) in identities:
            result.run_report = None  # nothing is put there
            what = f"{place.flag} {printable(place.path)} is another file of this run, too"
            raise UsageError(what, "name another file")


def check_inputs(request: Reads, result: Result, input_list: list[Input]) -> None:
    """Raises UsageError where an input is what else the run reads or writes."""
    read = list(request.reads())
    standard = [p.flag for p in read if p.path == "-"]
    if any(i.is_standard for i in input_list):
        standard.insert(0, "INPUT")
    if len(standard) > 1:
        order = ("INPUT", "-p", "PARAMS", "--files-from", "--plan", "--limits")
        raise UsageError(f"both {' and '.join(sorted(standard, key=order.index))} are standard input")
    for place in read:
        if place.flag == "-p" and place.path != "-" and inputs.below(input_list, place.path):
            raise UsageError(f"-p {place.path} is the INPUT")
    for place in request.writes():
        if place.flag in REPLACING and place.path != "-" and inputs.below(input_list, place.path):
            check_replaced(request, place, alone=len(input_list) == 1)
    check_beside(request, result, (i.path for i in input_list if i.path is not None))


def check_source(request: Reads, source: Source, *, alone: bool) -> None:
    """Raises UsageError where an open input, under any name, is a file that the run replaces."""
    for place in request.writes():
        if place.flag in REPLACING and source.is_file(place.path):
            check_replaced(request, place, alone=alone)


def check_replaced(request: Reads, place: Place, *, alone: bool) -> None:
    """Raises UsageError for an input, `alone` or one of several, that an output would replace, unless the request
    permits it."""
    if not (request.may_replace_input and alone):
        raise UsageError(f"{place.flag} {place.path} is {'the INPUT' if alone else 'one of the INPUTs'}")


def is_directory(path: str | None) -> bool:
    """Whether an output is an existing directory, or names one to be made."""
    return path not in (None, "-") and (str(path).endswith("/") or inputs.is_directory(str(path)))


def _outputs(request: Request) -> Iterator[Place]:
    """A dry run has standard output for itself, and refuses what a run would."""
    dry = bool(getattr(request, "dry_run", False))
    if dry:
        yield Place("--dry-run", "-")
    for place in request.writes():
        if not (dry and outputs.descriptor(place.path) is not None):
            yield place
    if request.run_report is not None:
        yield Place("--run-report", request.run_report)


def _by_identity(places: Iterable[Place]) -> dict[Hashable, Place]:
    """Files by what `_identity` says of them; devices and standard input are none."""
    files = {_identity(place.path): place for place in places if place.path != "-"}
    files.pop(None, None)
    return files


def _identity(path: str) -> Hashable:
    """A key that is equal for all names of a file, an object or a stream, whether or not it exists; None for devices
    such as /dev/null, which may be written to more than once."""
    number = outputs.descriptor(path)
    try:
        status = os.stat(path) if number is None else os.fstat(number)
    except (OSError, ValueError):
        return stores.resolved(path) if number is None else (-1, number)
    if stat.S_ISCHR(status.st_mode):
        return None if number is None else (-1, number)
    return status.st_dev, status.st_ino


def _is_file(path: str) -> bool:
    """Whether a rename would put another in its place; a pipe or a device serves several."""
    return os.path.isfile(path) or not os.path.exists(path)
