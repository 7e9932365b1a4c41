"""The connection to a scheduler, and what is said where it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from normcli.errors import ClusterError, printable

T = TypeVar("T")

GLANCE = 0.2  # seconds between looks at whether results are still there


class Connection(Struct, frozen=True):
    """A client that is connected."""

    client: Any  # a distributed.Client; the library is typed in part only

    @property
    def name(self) -> str:
        """What messages call the scheduler."""
        return printable(self.client.scheduler.address) if self.client.scheduler else "the scheduler"

    def call(self, function: Callable[[], T]) -> T:
        """The answer of the scheduler. Raises ClusterError where the connection is lost."""
        from distributed.comm.core import CommClosedError

        if self.client.status != "running":
            raise self.lost()
        try:
            return function()
        except (CommClosedError, OSError) as e:
            raise self.lost() from e
        except Exception as e:
            if self.client.status != "running":
                raise self.lost() from e
            raise

    def gather(self, futures: Sequence[Any]) -> list[Any] | None:
        """The results of finished futures; None where one is not any more, as its worker ended."""
        answer: list[Any] | None = self.call(lambda: self.client.sync(self._gather, futures))
        return answer

    async def _gather(self, futures: Sequence[Any]) -> list[Any] | None:
        """Dask's own waits until it is computed again, even if there is no worker."""
        results = asyncio.ensure_future(self.client.gather(futures, errors="skip"))
        try:
            while not results.done() and all(future.status == "finished" for future in futures):
                await asyncio.wait([results], timeout=GLANCE)
            answer: list[Any] | None = results.result() if results.done() else None
        finally:
            results.cancel()
        return answer if answer is not None and len(answer) == len(futures) else None

    def lost(self) -> ClusterError:
        """The error of a connection that is no more. What Dask says of it is of its insides."""
        hint = "it ended, can't be reached, or cancelled this run: see that it runs, and run this again"
        return ClusterError(f"{self.name}: the scheduler is gone", hint)
