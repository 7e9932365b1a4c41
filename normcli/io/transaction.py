"""The targets of a run, replaced together: PARAMS, then rejects, then OUTPUT."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import TracebackType
from typing import Protocol, Self

from normcli.errors import NormcliError
from normcli.io.locks import locked
from normcli.io.outputs import Target, open_target, rollbacks


class End(Protocol):
    """A writer whose `close` writes the end of an output."""

    def close(self) -> None: ...


class Transaction:
    """All targets of a run, each unchanged or absent until `commit`, and the lock of PARAMS, held from before they are
    read until the end."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._streams: list[Target] = []
        self._replaced: list[str] = []
        self._pending: list[Target] = []  # those being committed
        self._contents: dict[int, Iterable[bytes]] = {}  # by the target's identity

    def lock(self, path: str | None, *, wait: float = 0.0) -> None:
        """Locks a file, so that no other run replaces it. Raises LockedError, CannotCreateError."""
        self._stack.enter_context(locked(path, wait=wait))

    def open(self, path: str | None, *, spool_dir: str | None = None) -> Target:
        """Opens a target; standard output for None. Raises CannotCreateError, OutputError."""
        target = self._stack.enter_context(open_target(path, spool_dir=spool_dir))
        if target.streamed:
            self._streams.append(target)
        return target

    @property
    def replaced(self) -> list[str]:
        """The names of the files replaced so far. Thread-safe."""
        return list(dict.fromkeys([*self._replaced, *(t.name for t in self._pending if t.placed)]))

    @property
    def settled(self) -> bool:
        """Whether none of the files replaced so far would be restored on a signal. Thread-safe."""
        return len({target.placed for target in self._pending}) < 2

    @property
    def cut_short(self) -> list[str]:
        """The names of the streams that are incomplete though something was written. Thread-safe."""
        return [target.name for target in self._streams if target.is_started and not target.placed]

    def fill(self, target: Target | None, contents: Iterable[bytes]) -> None:
        """Registers contents that the first `commit` writes to a target, and nothing before it."""
        if target is not None:
            self._contents[id(target)] = contents

    def finish(self, output: Target, ends: Iterable[End], *before: Target | None) -> int:
        """Ends an output, and commits `before` and then it; returns the number of files replaced. The end of a stream
        says that it is complete, so the others are committed before it. Raises CannotCreateError, OutputError."""
        count = self.commit(*before) if output.streamed else 0
        for end in ends:
            end.close()
        return count + self.commit(*before, output)

    def commit(self, *targets: Target | None) -> int:
        """Commits targets in this order, after everything that can fail before is done for all of them; returns the
        number of files replaced. Targets committed before stay. Raises CannotCreateError, OutputError: then all are
        rolled back, unless the store of the one that failed does not say whether it was replaced."""
        present = [target for target in targets if target is not None]
        for target in present:
            for piece in self._contents.pop(id(target), ()):
                target.write(piece)
            target.prepare()
        self._pending = pending = [target for target in present if target.pending]
        for target in pending[:-1]:
            target.preserve()
        with _undo_on_signal(pending):
            try:
                for target in present:
                    target.commit()
            except NormcliError as e:
                if not (names := undo(pending)):
                    raise
                stay = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} in place already"
                raise type(e)(e.message, "; ".join(filter(None, (e.hint, stay)))) from None
            finally:
                for target in pending:
                    target.forget()
                self._replaced += [target.name for target in pending if target.placed]
                self._pending = []
        return len(pending)

    def publish(self, target: Target) -> None:
        """Commits one target, as any thread may, side by side with others. Raises CannotCreateError, OutputError."""
        target.commit()
        self._replaced.append(target.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, at)


def undo(targets: list[Target]) -> list[str]:
    """Rolls back a partial commit of targets in this order, unless the next one may have been replaced, too; returns
    the names of those that stay replaced."""
    pending = [target for target in targets if target.pending]
    in_place = [target for target in targets if not target.pending] if pending else []
    if pending and not pending[0].is_untouched():
        return [target.name for target in in_place]
    return [target.name for target in reversed(in_place) if not target.restore()]


@contextmanager
def _undo_on_signal(targets: list[Target]) -> Iterator[None]:
    """Inside, a signal that ends the process rolls the targets back."""
    rollback = partial(undo, targets)
    rollbacks.append(rollback)
    try:
        yield
    finally:
        rollbacks.remove(rollback)  # other threads may have added theirs
