"""A disk, a quota or a limit that ends somewhere in what is written; standard output that takes nothing."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.robustness.laws import Harness
from tests.robustness.runs import CLOSED, NONE
from tests.robustness.scenarios import SCENARIOS

FULL = "/dev/full"
STDOUT = [name for name, scenario in SCENARIOS.items() if name.endswith("to stdout")]


@pytest.mark.parametrize("name", ["fit -o csv"])
def test_files_may_have_so_many_bytes_and_no_more(name: str, harness: Callable[[str], Harness]) -> None:
    here = harness(name)
    largest = max(len(here.whole.files[target]) for target in here.scenario.targets)
    for limit in range(500, largest + 2500, 2500):
        here.suffers(NONE, 74, kind="limit on the size of files", limit=limit)


@pytest.mark.soak
@pytest.mark.parametrize("name", SCENARIOS)
def test_files_may_have_so_many_bytes_in_every_scenario(name: str, harness: Callable[[str], Harness]) -> None:
    here = harness(name)
    largest = max([len(here.whole.out), *(len(here.whole.files[target]) for target in here.scenario.targets)])
    for limit in range(500, largest + 500, 500):
        here.suffers(NONE, 74, kind="limit on the size of files", limit=limit)


@pytest.mark.parametrize("name", ["merge to stdout", "fit -o csv to stdout", "apply parquet to stdout"])
def test_standard_output_takes_nothing(name: str, harness: Callable[[str], Harness]) -> None:
    here = harness(name)
    for where in (FULL, CLOSED):
        here.suffers(NONE, 74, kind=f"standard output is {where}", stdout=where)


@pytest.mark.soak
@pytest.mark.parametrize("name", STDOUT)
def test_standard_output_takes_nothing_in_every_format(name: str, harness: Callable[[str], Harness]) -> None:
    here = harness(name)
    for where in (FULL, CLOSED):
        here.suffers(NONE, 74, kind=f"standard output is {where}", stdout=where)


@contextlib.contextmanager
def mounted(where: Path, options: str) -> Iterator[None]:
    """A file system in memory. Skips where we may not have one."""
    where.mkdir(parents=True)
    made = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(where)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(made, check=False).returncode:
        pytest.skip("only root mounts a small file system here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(where)], check=True)


@pytest.mark.soak
@pytest.mark.parametrize("name", ["fit -o csv", "fit -o parquet", "apply --rejects", "apply --resume", "apply arrows"])
def test_a_disk_of_so_many_pages(name: str, harness: Callable[[str], Harness]) -> None:
    """What is there before fits; then more and more of what is written does."""
    here = harness(name)
    before = sum(-(-len(data) // 4096) for data in here.before().values())
    after = sum(-(-len(data) // 4096) for data in here.whole.files.values())
    for pages in range(before + 1, before + 2 * after + 8):
        with mounted(here.home / f"disk {pages}", f"size={pages * 4}k"):
            done = here.suffers(NONE, 73, 74, kind="disk is full", at=here.home / f"disk {pages}" / "workspace")
        if done.code == 0:
            return
    pytest.fail("it never succeeded")


@pytest.mark.soak
@pytest.mark.parametrize("name", ["fit -o csv", "apply --rejects", "apply --resume", "fit --update"])
def test_a_disk_of_so_many_files(name: str, harness: Callable[[str], Harness]) -> None:
    here = harness(name)
    before = len(list((here.home / "before").rglob("*"))) if here.before() else 0
    for count in range(before + 2, before + 12):
        with mounted(here.home / f"disk {count}", f"size=1m,nr_inodes={count}"):
            done = here.suffers(
                NONE, 73, 74, kind="disk has no room for names", at=here.home / f"disk {count}" / "workspace"
            )
        if done.code == 0:
            return
    pytest.fail("it never succeeded")
