"""The kernel, built once from its sources; without a compiler, one test says so instead of all."""

import pytest

from tests.kernel.library import Kernel, compiled, compiler

collect_ignore = [] if compiler() else ["test_harness.py", "test_kernel_rows.py", "test_numbers.py"]


@pytest.fixture(scope="session")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    folder = tmp_path_factory.mktemp("kernel")
    return Kernel(compiled(folder, "kernel.so", ("-fPIC", "-shared", "-fvisibility=hidden")))
