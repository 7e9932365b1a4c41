"""Work of tests, where workers can import it."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from normcli.engines import Share, _worker_plans
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


def storage_lack() -> str:
    """What a worker that was started with this variable lacks."""
    return os.environ.get("TESTS_LACK", "")


@dataclass(frozen=True)
class Items:
    """A state: numbers in a row. Whoever merges `deadly` ones dies, `times` so often."""

    numbers: NDArray[np.int64 | np.float64]
    deadly: int = -1
    times: int = 0
    folder: str = ""

    def merge(self, other: "Items") -> "Items":
        if self.deadly in other.numbers and len(list(Path(self.folder).glob("merge-*"))) < self.times:
            (Path(self.folder) / f"merge-{os.urandom(4).hex()}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(self, numbers=np.concatenate([self.numbers, other.numbers]))

    def split(self, shards: int) -> list["Items"]:
        """Numbers of a shard have its number as their fraction."""
        return [replace(self, numbers=self.numbers + n / shards) for n in range(shards)]

    @staticmethod
    def joined(shards: Sequence["Items"]) -> "Items":
        return replace(shards[0], numbers=np.stack([shard.numbers for shard in shards]))


@dataclass(frozen=True)
class Counted:
    """Each number with a state of it, of which those of `changing` differ each time."""

    blank: Items
    folder: str = ""
    changing: int = -1

    def __call__(self, span: Number, share: Share) -> tuple[int, Items]:
        if self.folder:
            (Path(self.folder) / f"{span.value}-{os.urandom(4).hex()}").touch()
        number = int.from_bytes(os.urandom(4)) if span.value == self.changing else span.value
        return span.value, replace(self.blank, numbers=np.array([number]))


def lose_plans() -> None:
    """What becomes of a worker that came back with the same address, or that had many other plans meanwhile."""
    _worker_plans.plans._plans.clear()
    _worker_plans.DELIVERY = 0.05
