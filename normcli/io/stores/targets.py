"""Objects of a store as outputs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from normcli.errors import OutputError, printable
from normcli.io.outputs import CLOSED, Target

if TYPE_CHECKING:
    from normcli.io.stores.writing import Upload

SPOOL_HINT = "--spool-dir or TMPDIR says where it is"


@dataclass
class FarTarget(Target):
    """An object of a store: written to an unnamed temporary file, then uploaded. A failed upload is never published."""

    upload: Upload = field(kw_only=True)
    where: str = field(kw_only=True)  # the directory that the file is in

    @property
    def streamed(self) -> bool:
        return False

    @property
    def pending(self) -> bool:
        return self.fd != CLOSED

    @property
    def is_remote(self) -> bool:
        return True

    @property
    def upload_size(self) -> int:
        return self.count

    def _failed(self, error: OSError) -> OutputError:
        what = f"{self.name}: can't be kept in {printable(self.where)} until it is complete: {error.strerror}"
        return OutputError(what, SPOOL_HINT)

    def prepare(self) -> None:
        """Uploads all but the last part of a large object: everything that can fail before it is replaced."""
        if self.pending:
            self.upload.send(self.fd)

    def commit(self) -> None:
        """Publishes the new object."""
        if self.pending:
            self.prepare()
            self.upload.publish()
            self.placed = True
            self._close()

    def preserve(self) -> None:
        if self.pending:
            self.upload.preserve(self.where)

    def is_untouched(self) -> bool:
        return self.pending and self.upload.is_untouched()

    def restore(self) -> bool:
        self.placed = not self.upload.restore()
        return not self.placed


def open_far(uri: str, spool_dir: str | None) -> FarTarget:
    """An object, the bytes of which are kept in `spool_dir`, by default TMPDIR. Raises CannotCreateError, OutputError,
    UsageError."""
    import tempfile

    from normcli.io.stores.writing import Upload

    upload, where = Upload(uri), spool_dir or tempfile.gettempdir()
    try:
        with tempfile.TemporaryFile(prefix=".normcli-", suffix=".tmp", dir=where) as spool:
            return FarTarget(printable(uri), None, os.dup(spool.fileno()), upload=upload, where=where)
    except OSError as e:
        raise OutputError(f"{printable(where)}: no spool can be made: {e.strerror}", SPOOL_HINT) from None
