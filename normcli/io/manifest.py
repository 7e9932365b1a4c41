"""The manifest of an output directory: its files and the inputs of each, so that an interrupted run can be resumed.

One JSON object per line, appended when its file is in place, and synced in batches. A truncated line is ignored: a file
that no line says to be complete is made again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from normcli.errors import NoInputError, NormcliError, open_error, printable
from normcli.io import parts, stores
from normcli.io.journal import Journal
from normcli.io.stores.reading import Object

Digests = Callable[[Sequence[str]], Iterator[str | None]]

NAME = ".normcli-manifest"
PIECE = 1 << 20  # bytes read at a time


@dataclass
class Manifest:
    """The manifest of a directory. `fingerprint` identifies the parameters and options that the files depend on."""

    directory: str
    fingerprint: str
    contents: bool = False  # inputs are compared by content instead of size, time and inode
    digests: Digests = field(default_factory=lambda: digests_here)  # of files, whichever process reads them
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._journal = Journal(os.path.join(self.directory, NAME))
        for line in _lines(os.path.join(self.directory, NAME)):
            with contextlib.suppress(ValueError, TypeError, KeyError):
                entry = json.loads(line)
                self.entries[entry["output"]] = entry

    def origins(self, paths: Sequence[str]) -> list[dict[str, Any]]:
        """What identifies the versions of inputs. Raises NoInputError."""
        if not self.contents:
            return list(map(self._origin, paths))
        digests = zip(paths, self.digests(paths), strict=True)
        return [{"made": self.fingerprint, "content": digest or self._content(path)} for path, digest in digests]

    def _content(self, path: str) -> str:
        """Digest of an input that `digests` could not read. Raises NoInputError."""
        try:
            return digest_of(path)
        except OSError as e:
            raise open_error(NoInputError, printable(path), e) from None

    def _origin(self, path: str) -> dict[str, Any]:
        try:
            if stores.is_uri(path):
                remote = Object(path)
                return {"made": self.fingerprint, "size": remote.size, **remote.origin}
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
        digests = zip(entries.items(), self.digests(list(entries)), strict=True)
        return {output: entry for (output, entry), digest in digests if digest == entry.get("digest")}

    def _entry(self, output: str, origin: dict[str, Any]) -> dict[str, Any] | None:
        entry = self.entries.get(self._relative(output))
        if entry is None or entry.get("origin") != origin:
            return None
        with contextlib.suppress(OSError):
            return entry if os.path.getsize(output) == entry.get("size") else None
        return None

    def add(self, output: str, origin: dict[str, Any], size: int, digest: str, notes: dict[str, Any]) -> None:
        """Records that a file is complete, with `notes` for a later run. Raises CannotCreateError, OutputError."""
        entry = {"output": self._relative(output), "origin": origin, "size": size, "digest": digest, **notes}
        self.entries[self._relative(output)] = entry
        if self._journal.is_open:
            self._journal.add(_line(entry))
        else:  # with all entries: an existing file may end in a truncated line
            self._journal.begin(b"".join(map(_line, self.entries.values())))

    def settle(self, directory: str) -> None:
        """An output was put in place in a directory, which is synced with the next batch of lines, before these."""
        self._journal.settle(directory)

    def sync(self) -> None:
        """Makes all that was added survive a power loss. Raises OutputError."""
        self._journal.sync()

    def close(self) -> None:
        """Closes the file; nothing more can be added."""
        self._journal.close()

    def _relative(self, output: str) -> str:
        return os.fsencode(os.path.relpath(output, self.directory)).decode("utf-8", "backslashreplace")


def digests_here(paths: Iterable[str], is_wanted: Callable[[], bool] = lambda: True) -> Iterator[str | None]:
    """Digests of files or objects, read one after the other; None for one that can't be read. Once one is no longer
    wanted, it is of what was read until then."""
    for path in paths:
        try:
            yield digest_of(path, is_wanted)
        except (OSError, NormcliError):
            yield None


def _lines(path: str) -> list[bytes]:
    try:
        with open(path, "rb") as file:
            return file.read().splitlines()
    except OSError:
        return []


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry).encode() + b"\n"


def digest_of(path: str, is_wanted: Callable[[], bool] = lambda: True) -> str:
    """SHA-256 of the bytes of a file or an object, as long as it is wanted. Raises OSError, NoInputError,
    OutputError."""
    digest = hashlib.sha256()
    with contextlib.closing(Object(path) if stores.is_uri(path) else open(path, "rb", buffering=0)) as file:
        while is_wanted() and (piece := file.read(PIECE)):
            digest.update(piece)
    return f"sha256:{digest.hexdigest()}"


def remove_stale(directories: Iterable[str], top: str) -> int:
    """Removes the temporary files of dead runs (those of a live run are locked, and so is the token in the directory
    `top` of a run whose workers write parts); returns their number."""
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
