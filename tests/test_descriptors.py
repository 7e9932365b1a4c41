"""Descriptors: a job from Python has closed what it opened by the time that it returns, or raises."""

import gc
import os
import shutil
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import normcli
from normcli import NormcliError

ROWS = 2000
DATA = "site,a,b\n" + "".join(f"s{i % 2},{i},{i * i}\n" for i in range(ROWS))
BAD = DATA.replace(f"\ns1,{ROWS - 1},", "\ns1,x,")  # which is found in the last block
FORMATS = ("parquet", "arrow", "arrows", "csv.gz", "ndjson")


class Interrupting(normcli.Events):
    """Ends a job as Ctrl-C does."""

    def advance(self, amount: int) -> None:
        raise KeyboardInterrupt


fit: Callable[..., Any] = partial(normcli.fit, block_size=4096, threads=2)
apply: Callable[..., Any] = partial(normcli.apply, block_size=4096, threads=2)
check: Callable[..., Any] = partial(normcli.check, block_size=4096, threads=2)
interrupted: dict[str, Any] = {"events": Interrupting()}
exact: dict[str, Any] = {"exact": True, "columns": "a", "params": "n.json"}
REFUSED: dict[str, Callable[[], object]] = {
    "fit": lambda: fit("bad.csv", "zscore", columns="a"),
    "fit of several": lambda: fit(["d.csv", "in"], "zscore", columns="a"),
    "fit by key": lambda: fit("bad.csv", "zscore", columns="a", by="site"),
    "fit of batches": lambda: fit("bad.csv", "batch", columns="a"),
    "fit in two passes": lambda: fit("bad.csv", "robust", **exact),
    "fit of no column": lambda: fit("d.csv", "zscore", columns="nosuch"),
    "fit of few rows": lambda: fit("d.csv", "zscore", min_rows=10**6),
    "fit by a broken plan": lambda: fit("d.csv", plan="broken.json"),
    "fit interrupted": lambda: fit("d.csv", "zscore", **interrupted),
    "fit and write": lambda: fit("bad.csv", "zscore", columns="a", params="n.json", output="o.csv"),
    "fit and write below": lambda: fit("in", "zscore", columns="a", params="n.json", output="o/"),
    "fit in two passes and write": lambda: fit("bad.csv", "robust", output="o.csv", **exact),
    "fit and write, disk full": lambda: fit("d.csv", "zscore", params="n.json", output="/dev/full", to="csv"),
    "fit and write, interrupted": lambda: fit("d.csv", "zscore", params="n.json", output="o.csv", **interrupted),
    "update": lambda: fit("bad.csv", update=True, params="p.json"),
    "update of a broken file": lambda: fit("d.csv", update=True, params="broken.json"),
    "apply": lambda: apply("p.json", "bad.csv", "o.csv"),
    "apply below": lambda: apply("p.json", "in", "o/"),
    "apply and resume": lambda: apply("p.json", "in", "o/", resume="digest"),
    "apply, disk full": lambda: apply("p.json", "d.csv", "/dev/full", to="csv"),
    "apply by a broken file": lambda: apply("broken.json", "d.csv", "o.csv"),
    "apply, interrupted": lambda: apply("p.json", "d.csv", "o.csv", **interrupted),
    "apply below, interrupted": lambda: apply("p.json", ["d.csv"], "o/", **interrupted),
    "apply twice": lambda: apply("p.json", "d.parquet", "o.csv"),
    "restore what can't be": lambda: apply("unit.json", "d.csv", "o.csv", inverse=True),
    "apply to data that have drifted": lambda: apply("p.json", "far.csv", "o.csv", check="refuse"),
    "check": lambda: check("p.json", "bad.csv", max_bad_rows=0, on_bad_row="skip", min_rows=10**6, no_extra=True),
    "check of what is normalized": lambda: check("p.json", "d.parquet"),
    "load": lambda: normcli.load("broken.json"),
    "merge": lambda: normcli.merge(["p.json", "broken.json"]),
    "relearn": lambda: normcli.relearn("broken.json", "minmax"),
    **{f"apply to a cut {f}": lambda f=f: apply("unit.json", f"cut.{f}", "o.csv") for f in FORMATS},  # type: ignore[misc]
    **{f"apply to an empty {f}": lambda f=f: apply("unit.json", f"empty.{f}", "o.csv") for f in FORMATS},  # type: ignore[misc]
}
DONE: dict[str, Callable[[], object]] = {
    "fit": lambda: fit("in/0.csv", "zscore", by="site"),
    "fit in two passes": lambda: fit("d.csv", "robust", **exact),
    "fit and write": lambda: fit("d.csv", "zscore", params="n.json", output="o.csv"),
    "fit in two passes and write": lambda: fit("d.csv", "robust", output="o/", **exact),
    "apply": lambda: apply("p.json", "d.csv", "o.csv", on_bad_row="skip", rejects="rejects"),
    "apply below": lambda: apply("p.json", ["d.csv", "far.csv"], "o/", check="warn"),
    "check": lambda: check("p.json", ["d.csv", "far.csv"]),
    "check of columns alone": lambda: check("unit.json", "d.csv"),
    **{f"apply to {f}": lambda f=f: apply("unit.json", f"d.{f}", "o.csv") for f in FORMATS},  # type: ignore[misc]
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that the jobs need."""
    path = tmp_path_factory.mktemp("files")
    for name, text in (("d", DATA), ("far", DATA.replace(",1", ",9999999")), ("bad", BAD)):
        (path / f"{name}.csv").write_text(text)
    (path / "broken.json").write_text("{}")
    (path / "in").mkdir()
    for name, text in (("0", DATA), ("1", DATA), ("2", BAD), ("3", DATA)):
        (path / f"in/{name}.csv").write_text(text)
    normcli.fit(path / "d.csv", "zscore", params=path / "p.json")
    normcli.fit(path / "d.csv", "unit", params=path / "unit.json")
    for suffix in FORMATS:
        normcli.apply(path / "p.json", path / "d.csv", path / f"d.{suffix}")
        whole = (path / f"d.{suffix}").read_bytes()
        (path / f"cut.{suffix}").write_bytes(whole[: len(whole) * 2 // 3])
        (path / f"empty.{suffix}").write_bytes(b"")
    gc.collect()
    gc.freeze()  # what other tests have left, which takes as long to go through as a job takes
    return path


@pytest.fixture(autouse=True)
def uncollected(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is closed by chance."""
    monkeypatch.chdir(shutil.copytree(files, tmp_path / "files"))
    gc.collect()
    gc.disable()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", normcli.NormcliWarning)
        yield
    gc.enable()


def open_now() -> tuple[dict[str, str], int]:
    """What each descriptor is of, and how many threads there are."""
    links = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            links[name] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            continue  # that of the listing
    return links, threading.active_count()


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_is_open_once_a_job_has_failed(name: str) -> None:
    before = open_now()
    with pytest.raises((NormcliError, KeyboardInterrupt)) as caught:
        REFUSED[name]()
    assert caught.value.__traceback__ is not None  # which holds all that was used on the way
    assert open_now() == before


@pytest.mark.parametrize("name", DONE)
def test_nothing_is_open_once_a_job_is_done(name: str) -> None:
    before = open_now()
    result = DONE[name]()
    assert result is not None
    assert open_now() == before


def test_nobody_waits_for_a_pipe_that_nobody_writes_to() -> None:
    """What the thread uses that reads from it stays open until there is something to read."""
    os.mkfifo("pipe.csv")
    stall = threading.Event()

    def feed() -> None:
        with open("pipe.csv", "w") as pipe:
            good = "s1,1,1\n"
            pipe.write(f"site,a,b\n{good * 300_000}s1,x,1\n{good * 1000}")  # of which the last block is not whole
            pipe.flush()
            stall.wait(60.0)

    before = open_now()
    writer = threading.Thread(target=feed)
    writer.start()
    try:
        with pytest.raises(normcli.BadDataError, match="'x'"):
            fit("pipe.csv", "zscore", columns="a")
        assert writer.is_alive()
    finally:
        stall.set()
        writer.join()
    gc.collect()
    end = time.monotonic() + 60.0
    while open_now() != before:
        assert time.monotonic() < end
        time.sleep(0.01)
        gc.collect()
