"""The targets of a run, replaced together: PARAMS, then what was rejected, then OUTPUT."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from normcli.locks import locked
from normcli.outputs import Target, open_target


class Transaction:
    """Every target of a run, each absent or what it was until `commit`, and the lock of PARAMS, held from before they
    are read until all is done."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def lock(self, path: str | None, *, wait: float = 0.0) -> None:
        """No other run replaces this file from now on. Raises LockedError, CannotCreateError."""
        self._stack.enter_context(locked(path, wait=wait))

    def open(self, path: str | None, *, spool_dir: str | None = None) -> Target:
        """A target; standard output for None. Raises CannotCreateError, OutputError."""
        return self._stack.enter_context(open_target(path, spool_dir=spool_dir))

    def commit(self, *targets: Target | None) -> int:
        """Puts targets in place, in this order, once everything that can fail before is done for all of them; what is
        in place already stays. How many files it replaced. Raises CannotCreateError, OutputError."""
        there = [target for target in targets if target is not None]
        for target in there:
            target.prepare()
        files = sum(target.temporary is not None for target in there)
        for target in there:
            target.commit()
        return files

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, at)
