"""The Nth write, sync, rename, close, open, mkdir and read fails, for every N until the command succeeds."""

from collections.abc import Callable

import pytest

from tests.robustness.faulty import CALLS, Fault
from tests.robustness.laws import Harness
from tests.robustness.scenarios import SCENARIOS

QUICK = ("apply --rejects to stdout", "apply parquet", "fit --run-report", "fit --update")
ERRORS = {
    "open": ("ENOSPC", "EMFILE", "EACCES", "EROFS"),
    "write": ("ENOSPC", "EIO", "EDQUOT", "EFBIG"),
    "pwrite": ("ENOSPC", "EIO"),
    "fsync": ("EIO", "ENOSPC", "EDQUOT"),
    "rename": ("EIO", "ENOSPC", "EBUSY", "EPERM"),
    "close": ("EIO", "EDQUOT"),
    "mkdir": ("ENOSPC", "EROFS"),
    "read": ("EIO", "ESTALE"),
}


def errors(kind: str) -> tuple[int, ...]:
    """The exit codes that a failure of a call may have."""
    return {"open": (66, 73, 74), "rename": (73,), "mkdir": (73,)}.get(kind, (74,))


def each_call_fails(here: Harness, most: int, step: int = 1) -> None:
    """The first and the last of each kind, and every `step`th between them."""
    kinds = [kind for kind, _ in here.whole.calls]
    for kind in (k for k in CALLS if k in kinds):
        count = kinds.count(kind)
        for nth in sorted({*range(1, count, step), count}):
            for error in ERRORS[kind][:most]:
                here.suffers(Fault(kind, nth, error), *errors(kind))


@pytest.mark.parametrize("name", QUICK)
def test_some_calls_of_each_kind_fail_once(name: str, harness: Callable[[str], Harness]) -> None:
    each_call_fails(harness(name), 1, step=3)


@pytest.mark.soak
@pytest.mark.parametrize("name", SCENARIOS)
def test_each_call_fails_once_in_each_way(name: str, harness: Callable[[str], Harness]) -> None:
    each_call_fails(harness(name), 4)


@pytest.mark.parametrize("name", ["fit -o csv"])
def test_a_disk_fills_up_within_a_write(name: str, harness: Callable[[str], Harness]) -> None:
    here = harness(name)
    for kind in ("write", "pwrite"):
        for nth in range(1, [k for k, _ in here.whole.calls].count(kind) + 1):
            here.suffers(Fault(kind, nth, "ENOSPC", short=True), 74, kind="disk fills up within a write")


@pytest.mark.parametrize("name", ["fit -o csv", "fit -o parquet", "apply --rejects", "merge", "fit --update"])
def test_all_is_on_the_disk_before_the_first_rename(name: str, harness: Callable[[str], Harness]) -> None:
    """So that nothing but a rename can fail between PARAMS and OUTPUT."""
    calls = harness(name).whole.calls
    renames = [n for n, (kind, _) in enumerate(calls) if kind == "rename"]
    assert [calls[n][1] for n in renames] == list(SCENARIOS[name].targets)
    assert {kind for kind, _ in calls[renames[0] :]} <= {"rename", "open", "fsync", "close"}
    assert {at for kind, at in calls[renames[0] :] if kind in ("open", "fsync")} == {"."}
    synced = [at for kind, at in calls[: renames[0]] if kind == "fsync"]
    assert len(synced) == len(set(synced)) == len(SCENARIOS[name].targets)
