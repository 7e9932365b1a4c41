"""How much memory a run may use, and how many blocks that leaves room for."""

import math
import os
from pathlib import Path

from normcli.errors import UsageError, size
from normcli.plan import Plan, Step
from normcli.record import Record

BASE = 120 << 20  # bytes: the interpreter and its libraries
BLOCK = 40 << 20  # of a block on its way: its text, its numbers, what becomes of them
COPIES = 8  # of the matrices that a step learns from, while it does
SHARE = 0.8  # of what the process may use, where nobody says how much


def available() -> int:
    """Bytes that this process may use: those of the machine, or of its cgroup where that has fewer."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # none, or "max"
        return machine


def state(plan: Plan) -> int:
    """Bytes of the states of a plan's steps, for all rows."""
    return sum(_of_record(s, step) for step in plan.steps for s in step.method.statistics)


def _of_record(record: Record, step: Step) -> int:
    d = len(step.features)
    return sum(8 * math.prod(d for _ in axes.dims) for axes in record.axes().values())


def window(plan: Plan, limit: int | None, most: int) -> int:
    """How many blocks may be on their way at once, `most` at most: as many as go into `limit` bytes, or a share of what
    there is. Which blocks there are does not depend on it. Raises UsageError where not even one goes in."""
    room = int(SHARE * available()) if limit is None else limit
    block, fixed = BLOCK + state(plan), BASE + COPIES * state(plan)
    if fixed + block > room:
        columns = max(len(step.features) for step in plan.steps)
        what = f"{columns:,} columns need about {size(fixed + block)} of memory, and there are {size(room)} to use"
        hint = "--max-memory says how much" if limit is None else "--max-memory may be more"
        raise UsageError(what, f"fewer columns (-c, -x), or {hint}")
    return max(1, min(most, (room - fixed) // block))
