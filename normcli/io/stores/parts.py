"""Parts of a run in an object store: objects of names of their own, each of which the store itself copies to the key
where it belongs. So whatever arrives late from a run that is no more replaces nothing. pyarrow, which deletes them,
leaves an empty object for their directory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from normcli.errors import CannotCreateError, OutputError, printable
from normcli.io.outputs import Target
from normcli.io.stores._filesystems import concurrently, listed, place, store_request
from normcli.io.stores.reading import read
from normcli.io.stores.writing import UNKNOWN, version

SILENCE = 24 * 3600.0  # seconds since a run has put anything in a store, after which it is taken for dead


@dataclass
class FarPart(Target):
    """An object that another process has written, and that is to be another."""

    uri: str = field(kw_only=True)
    part: str = field(kw_only=True)  # its URI now; empty once it is gone
    before: object = None

    @property
    def streamed(self) -> bool:
        return False

    @property
    def pending(self) -> bool:
        return not self.placed

    @property
    def is_remote(self) -> bool:
        return True

    def prepare(self) -> None:
        """It is complete; only a commit together with others has to know what was there before."""
        self.before = version(self.uri)

    def commit(self) -> None:
        """Puts the new object in the old one's place."""
        if self.placed:
            return
        with store_request(self.uri) as outcome:
            files, path = place(self.uri)
            files.copy_file(place(self.part)[1], path)
        if outcome.fault:
            error = CannotCreateError if outcome.denied else OutputError
            raise error(f"{self.name}: copying from {printable(self.part)} failed: {outcome.fault}")
        self.placed = True

    def is_untouched(self) -> bool:
        return self.before != UNKNOWN and version(self.uri) == self.before

    def restore(self) -> bool:
        return False

    def __exit__(self, *error: object) -> None:
        remove(self.part)
        self.part = ""


def remove(uri: str) -> None:
    """Removes an object, if it may be had."""
    if uri:
        with store_request(uri):
            files, path = place(uri)
            files.delete_file(path)


def sweep(directory: str, is_part: Callable[[str], bool]) -> None:
    """Removes the parts among what is in a directory, if that may be had."""
    with store_request(directory):
        names = listed(directory, recursive=False, missing=True)
        parts = [n for n, size in names.items() if size is not None and is_part(n)]
        list(concurrently(remove, [f"{directory.rstrip('/')}/{os.path.basename(name)}" for name in parts]))


def sweep_dead(directories: Iterable[str], run_of: Callable[[str], str | None], now_of: str) -> None:
    """Removes what is left of dead runs among what is in directories, if that may be had. `run_of` says from a name
    which run an object belongs to, if any; the newest one of the run `now_of` has just been put there, and so the time
    is the store's."""
    times = {uri: time for directory in directories for uri, time in _times(directory)}
    runs = {uri: run for uri in times if (run := run_of(os.path.basename(uri)))}
    newest = dict[str, float]()
    for uri, run in runs.items():
        newest[run] = max(times[uri], newest.get(run, 0.0))
    for uri, run in runs.items():
        if newest.get(now_of, 0.0) - newest[run] > SILENCE:
            remove(uri)


def _times(directory: str) -> Iterator[tuple[str, float]]:
    """Each object in a directory, and the seconds of the store's clock when it was put there; none if that can't be
    had."""
    from pyarrow import fs

    infos: list[fs.FileInfo] = []
    with store_request(directory):
        files, path = place(directory)
        infos = files.get_file_info(fs.FileSelector(path, allow_not_found=True))
    for info in infos:
        if info.is_file and info.mtime_ns is not None:
            yield f"{directory.rstrip('/')}/{info.base_name}", info.mtime_ns / 1e9


def text(uri: str) -> str:
    """What a small object holds. Raises NoInputError, OSError."""
    return read(uri).decode()
