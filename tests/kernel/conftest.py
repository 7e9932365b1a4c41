"""The kernel, built once from its sources."""

import pytest

from tests.kernel.library import Kernel, compiled


@pytest.fixture(scope="session")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    folder = tmp_path_factory.mktemp("kernel")
    return Kernel(compiled(folder, "kernel.so", ("-fPIC", "-shared", "-fvisibility=hidden")))
