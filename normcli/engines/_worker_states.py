"""States that stay on the workers of a cluster: how they are put aside there, and merged."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Sequence
from functools import partial, reduce
from operator import index
from typing import Any, SupportsIndex

from msgspec import Struct
from msgspec.structs import replace
from xxhash import xxh3_128

from normcli.engines._arithmetic import NO_REASON, difference_from
from normcli.engines._on_worker import Reply, perform, portable
from normcli.errors import BadDataError


class TaskOutput(Struct, frozen=True):
    """What a task leaves on a worker: its reply, and states, pickled."""

    reply: Reply
    states: tuple[bytes | memoryview, ...] = ()

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        """States go over a network as they are, beside the pickle, and arrive as memoryviews."""
        if index(protocol) < 5:
            return TaskOutput, (self.reply, tuple(map(bytes, self.states)))
        return TaskOutput, (self.reply, tuple(map(pickle.PickleBuffer, self.states)))

    def __sizeof__(self) -> int:  # by which Dask spills, and chooses where to merge
        return object.__sizeof__(self) + sum(map(len, (self.reply.results, *self.states)))


class Place(Struct, frozen=True):
    """Where among the states of a task one is; and its digest as the driver knows it, and what messages call the input,
    where it is of a span."""

    index: int = 0
    digest: bytes = b""
    name: str = ""

    def check(self, output: TaskOutput) -> None:
        """Raises BadDataError where the span was worked on again, and came out otherwise."""
        if self.digest and self.digest not in output.reply.digests[self.index : self.index + 1]:
            raise BadDataError(f"{self.name}: was changed while it was read", "fit again")

    def state_of(self, output: TaskOutput) -> Any:
        """Raises BadDataError as `check` does."""
        self.check(output)
        return pickle.loads(output.states[self.index])


class _Pickler(pickle.Pickler):
    """Pickles results, in which numbers take the place of states."""

    def __init__(self, file: io.BytesIO, kind: type, states: list[Any]) -> None:
        super().__init__(file)
        self._kind, self._states = kind, states

    def persistent_id(self, value: Any) -> int | None:
        if not isinstance(value, self._kind):
            return None
        self._states.append(value)
        return len(self._states) - 1


class Unpickler(pickle.Unpickler):
    """Unpickles results with what stands for their states, by their numbers."""

    def __init__(self, results: bytes, state: Callable[[int], Any]) -> None:
        super().__init__(io.BytesIO(results))
        self._state = state

    def persistent_load(self, number: int) -> Any:
        return self._state(number)


def perform_keeping(pack: bytes, run: str, kind: bytes, shards: int) -> TaskOutput:
    """The spans of a pack, by the plan of a run; states of a pickled `kind` are put aside, in so many shards each."""
    states = list[Any]()
    reply = perform(pack, run, partial(_without_states, kind, states))
    parts = [part for state in states for part in split(state, shards)]
    pickled = tuple(map(pickled_state, parts))
    return TaskOutput(replace(reply, digests=tuple(map(_digest, parts)), sizes=tuple(map(len, pickled))), pickled)


def split(state: Any, shards: int) -> list[Any]:
    """A state as one shard or more."""
    return [state] if shards == 1 else list(state.split(shards))


def pickled_state(state: Any) -> bytes:
    """A state for `pickle.loads`, with arrays copied once."""
    return pickle.dumps(state, protocol=5)


def _without_states(kind: bytes, states: list[Any], results: list[Any]) -> bytes:
    file = io.BytesIO()
    _Pickler(file, pickle.loads(kind), states).dump(results)
    return file.getvalue()


def _digest(state: Any) -> bytes:
    """Of all numbers in arrays of a state: a pickle of the same may differ from process to process."""
    digest = xxh3_128()
    pickle.dumps(state, protocol=5, buffer_callback=lambda buffer: digest.update(buffer.raw()))
    return digest.digest()


def reply_of(output: TaskOutput) -> Reply:
    """What the driver has to know of it."""
    return output.reply


def keep(output: TaskOutput) -> TaskOutput:
    """What the driver had."""
    return output


def merge(places: Sequence[Place], driver: dict[str, str], *outputs: TaskOutput) -> TaskOutput:
    """States, merged in order; or why one of them is not there."""
    from distributed import get_worker

    here = get_worker().address
    for output in outputs:
        if output.reply.failed:
            return TaskOutput(output.reply)
    reason = difference_from(driver)
    if reason != NO_REASON:
        return TaskOutput(Reply(here, reason=reason))
    try:
        states = (place.state_of(output) for place, output in zip(places, outputs, strict=True))
        return TaskOutput(Reply(here), (pickled_state(reduce(lambda a, b: a.merge(b), states)),))
    except Exception as e:
        return TaskOutput(Reply(here, error=portable(e)))


def take(place: Place, output: TaskOutput) -> TaskOutput:
    """One of several states, so that the others need not go where it does."""
    if output.reply.failed:
        return TaskOutput(output.reply)
    try:
        place.check(output)
    except BadDataError as e:
        return TaskOutput(Reply(output.reply.worker, error=e))
    return TaskOutput(Reply(output.reply.worker), (output.states[place.index],))
