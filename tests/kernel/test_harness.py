"""The harness in C: the kernel against the C library, and with exact capacities under sanitizers."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import longer
from tests.kernel.library import HERE, compiled

SANITIZERS = ("-g", "-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def harness(folder: Path, *flags: str) -> Path:
    return compiled(folder, "harness", (*flags, "-Wno-conversion", f"-I{HERE}"), sorted(HERE.glob("*.c")))


@pytest.mark.parametrize("count", [100_000, *longer(30_000_000)])
def test_kernel_agrees_with_the_c_library(tmp_path: Path, count: int) -> None:
    run = subprocess.run([harness(tmp_path), str(count), "7", "4"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert run.stdout.count("\n") == 6


@pytest.mark.parametrize("count", [30_000, *longer(3_000_000)])
def test_kernel_stays_within_its_capacities(tmp_path: Path, count: int) -> None:
    try:
        program = harness(tmp_path, *SANITIZERS)
    except subprocess.CalledProcessError:
        pytest.skip("the compiler has no sanitizers")
    run = subprocess.run([program, str(count), "8", "100"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
