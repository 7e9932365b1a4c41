"""The manifest of an output directory: its files and the inputs of each, so that an interrupted run can be resumed.

One JSON object per line, appended when its file is in place, and synced in batches. A truncated line is ignored: a file
that no line says to be complete is made again.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from normcli.errors import NoInputError, NormcliError, open_error, printable
from normcli.io import parts, stores
from normcli.io.checks import Checks, Version, digest_of, version_here, version_of
from normcli.io.journal import Batches, Journal

NAME = ".normcli-manifest"


@dataclass
class Manifest:
    """The manifest of a directory. `fingerprint` identifies the parameters and options that the files depend on. Raises
    NoInputError where a run that `resumes` can't read that of a store."""

    directory: str
    fingerprint: str
    contents: bool = False  # inputs, and outputs in a store, are compared by content instead of what is said of them
    checks: Checks = field(default_factory=Checks)
    resumes: bool = False
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._is_far, self._lock = stores.is_uri(self.directory), threading.Lock()
        self._journal = _journal(os.path.join(self.directory, NAME))
        for line in self._lines():
            with contextlib.suppress(ValueError, TypeError, KeyError):
                entry = json.loads(line)
                if _is_doubtful(entry, self.entries.get(entry["output"])):
                    entry["version"] = None
                self.entries[entry["output"]] = entry

    def _lines(self) -> list[bytes]:
        try:
            return self._journal.lines()
        except NormcliError:
            if self.resumes:
                raise
            return []

    def origins(self, paths: Sequence[str]) -> list[dict[str, Any]]:
        """What identifies the versions of inputs. Raises NoInputError."""
        if self.contents:
            digests = zip(paths, self.checks.digests(paths), strict=True)
            return [{"made": self.fingerprint, "content": digest or self._content(path)} for path, digest in digests]
        far = [path for path in paths if stores.is_uri(path)]
        versions = dict(zip(far, self.checks.versions(far), strict=True)) if far else {}
        return [self._origin(path, versions.get(path)) for path in paths]

    def _content(self, path: str) -> str:
        """Digest of an input that `checks` could not read. Raises NoInputError."""
        try:
            return digest_of(path)
        except OSError as e:
            raise open_error(NoInputError, printable(path), e) from None

    def _origin(self, path: str, version: Version | None) -> dict[str, Any]:
        if stores.is_uri(path):
            return {"made": self.fingerprint, **(version or version_of(path))}
        try:
            status = os.stat(path)
        except OSError as e:
            raise open_error(NoInputError, printable(path), e) from None
        return {
            "made": self.fingerprint,
            "size": status.st_size,
            "mtime_ns": status.st_mtime_ns,
            "inode": status.st_ino,
        }

    def finished(self, origins: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """The entries, by output, of the complete outputs among those of these origins which have not been changed
        since."""
        entries = {output: entry for output, origin in origins.items() if (entry := self._entry(output, origin))}
        by_version = self._is_far and not self.contents
        check = self.checks.versions if by_version else self.checks.digests
        results: Iterator[object] = iter(check(list(entries)) if entries else ())
        key = "version" if by_version else "digest"
        pairs = zip(entries.items(), results, strict=True)
        return {output: entry for (output, entry), now in pairs if now is not None and now == entry.get(key)}

    def _entry(self, output: str, origin: dict[str, Any]) -> dict[str, Any] | None:
        entry = self.entries.get(self._relative(output))
        if entry is None or entry.get("origin") != origin:
            return None
        if self._is_far:
            return entry
        with contextlib.suppress(OSError):
            return entry if os.path.getsize(output) == entry.get("size") else None
        return None

    def add(self, output: str, origin: dict[str, Any], size: int, digest: str, notes: dict[str, Any]) -> None:
        """Records that a file is complete, with `notes` for a later run. Thread-safe. Raises CannotCreateError,
        OutputError."""
        entry = {"output": self._relative(output), "origin": origin, "size": size, "digest": digest, **notes}
        if self._is_far:
            version = version_here(output)
            entry["version"] = version if version and version["size"] == size else None
        with self._lock:
            self.entries[self._relative(output)] = entry
            if self._journal.is_open:
                self._journal.add(_line(entry))
            else:  # with all entries: an existing file may end in a truncated line
                self._journal.begin(self._all())

    def _all(self) -> Iterable[bytes]:
        return map(_line, self.entries.values())

    def settle(self, directory: str) -> None:
        """An output was put in place in a directory, which is synced with the next batch of lines, before these."""
        self._journal.settle(directory)

    def finish(self) -> None:
        """The run is complete: all that was added survives a power loss. Raises CannotCreateError, OutputError."""
        self._journal.finish(self._all)

    def close(self) -> None:
        """Closes the file; nothing more can be added."""
        self._journal.close()

    def _relative(self, output: str) -> str:
        return os.fsencode(os.path.relpath(output, self.directory)).decode("utf-8", "backslashreplace")


def _journal(path: str) -> Batches:
    if not stores.is_uri(path):
        return Journal(path)
    from normcli.io.stores.journal import FarJournal

    return FarJournal(path)


def _is_doubtful(entry: dict[str, Any], other: dict[str, Any] | None) -> bool:
    """Whether another entry says that the same version of an object is another one: two runs at once wrote it, and one
    has asked for its version when the other one had replaced it."""
    version = entry.get("version")
    return bool(version and other and other.get("version") == version and other.get("digest") != entry.get("digest"))


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry).encode() + b"\n"


def remove_stale(directories: Iterable[str], top: str) -> int:
    """Removes the temporary files of dead runs (those of a live run are locked, and so is the token in the directory
    `top` of a run whose workers write parts); returns their number. In a store, where nothing is locked, runs are dead
    after a time. Raises CannotCreateError, OutputError there."""
    if stores.is_uri(top):
        with contextlib.closing(parts.Token(top, frozenset(directories))) as token:
            token.open()
        return 0
    removed = 0
    for directory in directories:
        with contextlib.suppress(OSError), os.scandir(directory) as entries:
            for entry in list(entries):
                run = parts.run_of(entry.name)
                lock = entry.path if run is None else parts.token_path(top, run)
                ours = run is not None or (entry.name.startswith(".normcli-") and entry.name.endswith(".tmp"))
                if ours and is_dead(lock):
                    with contextlib.suppress(OSError):
                        os.unlink(entry.path)
                        removed += 1
    return removed


def is_dead(path: str) -> bool:
    """Whether no run holds a file's lock, or it is not there."""
    if not os.path.lexists(path):
        return True
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True
