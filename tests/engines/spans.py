"""Work of tests, where workers can import it."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from normcli.engines import Share
from normcli.errors import BadDataError


@dataclass(frozen=True)
class Number:
    """A span."""

    value: int
    load: int = 0  # bytes

    @property
    def name(self) -> str:
        return f"number {self.value}"


@dataclass(frozen=True)
class Doubled:
    """Twice each number; `bad` is an error, and whoever works on `deadly` dies, `times` so often."""

    bad: int = -1
    deadly: int = -1
    times: int = 0
    folder: str = ""
    pause: float = 0.0

    def __call__(self, span: Number, share: Share) -> int:
        if self.folder:
            (Path(self.folder) / f"{span.value}-{os.urandom(4).hex()}").touch()
        if span.value == self.deadly and len(list(Path(self.folder).glob(f"{span.value}-*"))) <= self.times:
            os.kill(os.getpid(), signal.SIGKILL)
        if span.value == self.bad:
            raise BadDataError(f"{span.name} is bad", "leave it out")
        end = time.monotonic() + self.pause
        while time.monotonic() < end and share.is_wanted():
            time.sleep(0.01)
        return 2 * span.value
