"""What tests of several rooms share: laws without a clock, and real data."""

import contextlib
import gc
import os
import signal
import stat
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from normcli.blocks.record import Array
from tests import cluster, processes
from tests.robustness.summary import pytest_terminal_summary
from tests.store import moto, store

__all__ = ["moto", "pytest_terminal_summary", "store"]

settings.register_profile("soak", deadline=None, derandomize=True)
settings.register_profile("test", settings.get_profile("soak"), max_examples=10)


def pytest_configure(config: pytest.Config) -> None:
    """Laws see a tenth of their examples where the longest tests do not run."""
    config.addinivalue_line("filterwarnings", "ignore::normcli.errors.NormcliWarning")
    settings.load_profile("test" if config.option.markexpr == "not soak" else "soak")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Without the garbage collector, which would go through the items again and again; they and the libraries stay to
    the end, so that it never looks at them later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000)  # tests make much that lives for long: each is looked at twice as it is, not ten times
        gc.enable()


def examples(count: int, *, part: int = 10) -> int:
    """So many in make soak, a part of them in make test, but three, for the first is the simplest: for a law that needs
    another number than most."""
    is_soak = settings.default.max_examples == settings.get_profile("soak").max_examples
    return count if is_soak else max(count // part, 3)


def longer(*cases: object) -> list[Any]:
    """Parameters for which make test has no time."""
    return [pytest.param(case, marks=pytest.mark.soak) for case in cases]


@pytest.fixture(scope="session", autouse=True)
def no_waits_for_disks() -> Iterator[None]:
    """Runs within this process do not wait until a disk has what they wrote, which nobody cuts off from power here.
    That they ask for it, and when, is held where os.fsync is replaced, and by processes of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", _no_wait)
        yield


def _no_wait(fd: int, sync: Callable[[int], None] = os.fsync) -> None:
    """As fsync goes wrong, for what has no disk behind it."""
    if not stat.S_ISREG(mode := os.fstat(fd).st_mode) and not stat.S_ISDIR(mode):
        sync(fd)


@pytest.fixture(scope="session", autouse=True)
def server() -> Iterator[None]:
    """What runs, and clusters, are forked from ends with the tests."""
    yield
    processes.end_server()
    cluster.end()


@pytest.fixture(scope="module")
def two() -> Iterator[cluster.Cluster]:
    """A cluster of two workers."""
    with cluster.running(2) as made:
        yield made


@pytest.fixture(params=["iris", "wine", "breast_cancer", "diabetes"])
def real(request: pytest.FixtureRequest) -> Array:
    """(rows, features) of each of scikit-learn's measured data sets."""
    return measured(request.param).copy()


@cache
def measured(name: str) -> Array:
    from sklearn import datasets  # here, for most tests do without

    return np.asarray(getattr(datasets, f"load_{name}")().data, np.float64)


@pytest.fixture(scope="session")
def longley() -> Array:
    """(16, 6) Longley's exogenous columns: nearly collinear, in units far apart; Σ has condition 9e11."""
    return np.loadtxt(Path(__file__).parent / "data" / "longley.csv", delimiter=",", skiprows=1)[:, 1:]


# A run in the background may begin with these ignored, and commands started by the tests would inherit that.
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    with contextlib.suppress(ValueError):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
