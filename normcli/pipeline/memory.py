"""How much memory a run may use, and how many blocks that leaves room for."""

import os
import resource
import threading
from collections.abc import Iterator, Sequence
from functools import cache
from math import inf, prod
from typing import Self

from msgspec import Struct

from normcli.blocks.record import Record
from normcli.errors import HIGHER, Scarce, ShortageError, UsageError, lacking, printable, size
from normcli.parameters import Parameters
from normcli.parameters.keys import Keyed, StepStates

BASE = 120 << 20  # bytes: the interpreter and its libraries
VALUES = 1 << 20  # of a block on its way, about: those of text have 8 MB
FEWEST = 1024  # rows to a block, however wide they are
VALUE = 40  # bytes of a block for each value: what it was read from, its numbers, what becomes of them
COPIES = 8  # of the states of a step, while it learns from them and writes its parameters
OF_FILE = 5  # bytes for each byte of a parameter file, while it is read
OF_KEYS = 3  # of the states of all keys, while what follows from them is learned
COUNTED = {resource.RLIMIT_AS: 0, resource.RLIMIT_DATA: 5}  # where /proc/self/statm has what a limit counts
SHARE = 0.8  # of the memory available to the process, without --max-memory


@cache
def available(root: str | os.PathLike[str] = "/") -> int:
    """Bytes that this process may use: those of the machine, or fewer by the limit of its cgroup, at the first call."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_of_cgroups(root)])


@cache
def mapped() -> dict[int, int]:
    """Bytes that each limit of this process counts, by its kind, at the first call: those of libraries and their
    threads. Unlike memory of the machine, also what is never touched."""
    try:
        pages = _text("/proc/self/statm").split()
    except OSError:
        return dict.fromkeys(COUNTED, BASE)
    return {kind: int(pages[place]) * os.sysconf("SC_PAGE_SIZE") for kind, place in COUNTED.items()}


def left() -> float:
    """Bytes that the limits of this process leave in addition to those mapped; infinite where it has none."""
    limits = {kind: resource.getrlimit(kind)[0] for kind in COUNTED}
    remainders = (limit - mapped()[kind] for kind, limit in limits.items() if limit != resource.RLIM_INFINITY)
    return max(0, min(remainders, default=inf))


def _of_cgroups(root: str | os.PathLike[str]) -> Iterator[int]:
    """The limits of the cgroup that this process is in, and of those around it: version 2, and 1 where that is used."""
    try:
        lines = _text(root, "proc/self/cgroup").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            top, name = os.path.join(root, "sys/fs/cgroup"), "memory.max"
        elif "memory" in controllers.split(","):
            top, name = os.path.join(root, "sys/fs/cgroup/memory"), "memory.limit_in_bytes"
        else:
            continue
        parts = path.strip("/").split("/")
        for count in range(len(parts), -1, -1):  # those of the container are at the top, where it has a view of its own
            try:
                yield int(_text(top, *parts[:count], name))
            except (OSError, ValueError):  # none there, or "max"
                continue


def _text(*path: str | os.PathLike[str]) -> str:
    """The text of a small file; without pathlib, which imports much."""
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def room(max_memory: int | None) -> int:
    """Bytes to use: `max_memory`, or a share of what there is; Scarce where the limits of this process leave fewer."""
    budget = int(SHARE * available()) if max_memory is None else max_memory
    limit = BASE + SHARE * left()
    return Scarce(limit) if limit < budget else budget


def of_input(max_memory: int | None) -> int:
    """Bytes that the data of an input may take at once."""
    budget = room(max_memory)
    return type(budget)(max(0, budget - BASE))


def largest_file(max_memory: int | None) -> int:
    """Bytes of a parameter file that can be read with so much memory, or with that of the smallest block: a limit too
    small for any block is reported by `window`, which knows the columns."""
    budget = of_input(max_memory)
    least = 0 if isinstance(budget, Scarce) else VALUE * VALUES
    return type(budget)(max(budget, least) // OF_FILE)


def state(plan: Parameters) -> int:
    """Bytes of the states of a plan's steps, or of those that they will have after all rows."""
    states = (s for step in plan.steps for s in step.states)
    known = sum(_held(s) for s in states)
    of_steps = known or sum(s.bytes_of(len(step.features)) for step in plan.steps for s in step.method.statistics)
    return of_steps + _of_columns(plan)


def measured(plan: Parameters) -> int:
    """Bytes of the states that are measured by the blanks of a plan's steps."""
    return sum(s.bytes_of(len(step.features)) for step in plan.steps for s in step.blanks) + _of_columns(plan)


def _of_columns(plan: Parameters) -> int:
    """Bytes of the sketches of columns and of the counts of categories, if there are to be any."""
    sketches = plan.sketches.blank.bytes_of(len(plan.sketches.names)) if plan.sketches else 0
    return sketches + sum(category.nbytes for category in plan.categories)


def _held(record: Record) -> int:
    return sum(getattr(record, name).nbytes for name in record.axes())


def block(plan: Parameters) -> int:
    """Bytes of a block in flight, and of its states."""
    return max(VALUE * VALUES + state(plan), least_block(plan))


def least_block(plan: Parameters) -> int:
    """Bytes of one of the fewest rows."""
    values = max(len(plan.schema), sum(len(step.features) for step in plan.steps))
    return VALUE * FEWEST * values + state(plan)


def check_keys(plan: Parameters, states: Sequence[StepStates], by_key: Keyed, max_memory: int | None) -> None:
    """Raises NormcliError where the states of all rows and of each key do not fit into memory, before they are put into
    one array, in which each key takes as much as the longest."""
    pairs = (
        (s, k)
        for all_rows, of_keys in zip(states, by_key.states, strict=True)
        for s, k in zip(all_rows, of_keys, strict=True)
    )
    groups = 1 + len(by_key.keys)
    budget = room(max_memory)
    wanted = OF_KEYS * sum(8 * groups * prod(_longest(s, k, name)) for s, k in pairs for name in s.axes())
    if wanted > budget:
        what = f"{groups - 1:,} keys of {','.join(map(printable, plan.by))} need about {size(wanted)} of memory"
        hint = "fewer columns (-c, -x) or keys, or a method that keeps less of each"
        raise lacking(budget, f"{what}, and there are {size(budget)} to use", hint)


def _longest(a: Record, b: Record, name: str) -> list[int]:
    return [max(sizes) for sizes in zip(getattr(a, name).shape[1:], getattr(b, name).shape[1:], strict=True)]


class Sizes(Struct, frozen=True):
    """Bytes of the states of all rows, of a block in flight, and of the smallest block, for a number of columns; and
    whether the states are matrices."""

    states: int
    block: int
    least: int
    columns: int
    matrices: bool = False

    @classmethod
    def of(cls, plan: Parameters) -> Self:
        axes = (a for step in plan.steps for s in step.method.statistics for a in s.axes().values())
        matrices = any(a.dims.count("feature") > 1 for a in axes)
        columns = max(len(step.features) for step in plan.steps)
        return cls(COPIES * state(plan), block(plan), least_block(plan), columns, matrices)

    @classmethod
    def of_columns(cls, columns: int, state: int) -> Self:
        """For a number of columns that are read, and a `state` (bytes) that is merged."""
        least = VALUE * FEWEST * columns + state
        return cls(2 * state, max(VALUE * VALUES + state, least), least, columns)


def window(plan: Parameters | Sizes, max_memory: int | None, most: int) -> int:
    """How many blocks may be on their way at once, `most` at most: as many as go into `max_memory` bytes, or a share
    of what there is. Which blocks there are does not depend on it. Raises UsageError where not even one goes in, or
    ShortageError where that is for a limit of this process: then one of the fewest rows has to, for how much a block
    takes is seen when it comes (`of_blocks`)."""
    sizes = plan if isinstance(plan, Sizes) else Sizes.of(plan)
    budget, one, fixed = room(max_memory), sizes.block, BASE + sizes.states
    scarce = isinstance(budget, Scarce)
    least = sizes.least if scarce else one
    if fixed + least > budget:
        columns = sizes.columns
        needs = "column needs" if columns == 1 else "columns need"
        what = f"{columns:,} {needs} about {size(fixed + least)} of memory, and there are {size(budget)} to use"
        if sizes.matrices and sizes.states > least:
            what += f": it is {size(8 * columns**2)} a matrix"
        if scarce:
            raise ShortageError(f"too little memory: {what}", f"fewer columns (-c, -x), or {HIGHER}")
        hint = "--max-memory says how much" if max_memory is None else "--max-memory may be more"
        raise UsageError(what, f"fewer columns (-c, -x), or {hint}")
    return max(1, min(most, (budget - fixed) // one))


def of_blocks(plan: Parameters | Sizes, max_memory: int | None, threads: int) -> int:
    """Bytes for the blocks on their way, as each says what it takes; Scarce where a limit of this process leaves few,
    beside the stacks of so many threads."""
    budget, states = room(max_memory), (plan if isinstance(plan, Sizes) else Sizes.of(plan)).states
    stacks = threads * threading.stack_size() if isinstance(budget, Scarce) else 0
    return type(budget)(budget - BASE - states - stacks)
