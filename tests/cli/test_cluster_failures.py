"""Failures on a cluster of real processes: what dies, and when, costs time and nothing else."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import normcli
from tests import cluster, processes
from tests.cli.conftest import Workspace, until
from tests.cli.test_cluster import files, on
from tests.conftest import longer

pytestmark = pytest.mark.process

STAGES = ["opens", "reads", "writes", "has written", "has detached"]  # where a worker dies, as tests/dying.py has it
SLOW = {"rests": "0.03"}  # seconds before each input, so that there is a middle


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with tables, in `in`; their parameters; and what comes of them, in `out`."""
    path = tmp_path_factory.mktemp("data")
    (path / "in").mkdir()
    random = np.random.default_rng(3)
    for i in range(24):
        table = pl.DataFrame({f"c{j}": random.normal(size=2_000) for j in range(8)})
        table.write_csv(path / "in" / f"{i:02}.csv")
    normcli.fit(path / "in", "zscore", params=path / "p.json")
    normcli.apply(path / "p.json", path / "in", f"{path / 'out'}/")
    return path


@pytest.fixture
def here(workspace: Workspace, data: Path) -> Iterator[Workspace]:
    (workspace / "in").symlink_to(data / "in")
    (workspace / "p.json").symlink_to(data / "p.json")
    yield workspace
    assert list(workspace.path.rglob("*.part")) == []


def started(here: Workspace, made: cluster.Cluster, *words: str, patience: str = "60s") -> "subprocess.Popen[bytes]":
    null, env = subprocess.DEVNULL, os.environ | {"DASK_NORMCLI__NO_WORKER_TIMEOUT": patience}
    line = [*words, *on(made)]
    return processes.start(line, cwd=here.path, env=env, stdin=null, stdout=null, stderr=subprocess.PIPE)


def applied(here: Workspace, made: cluster.Cluster, patience: str = "60s") -> "subprocess.Popen[bytes]":
    return started(here, made, "apply", "in/", "-p", "p.json", "-o", "b/", patience=patience)


def wait_for(folder: Path, count: int) -> None:
    until(lambda: len(list(folder.glob("*.csv"))) >= count, f"{count} files in {folder}")


@pytest.mark.parametrize("killed", ["worker", *longer("all workers", "scheduler")])
def test_what_dies_in_the_middle_costs_nothing(here: Workspace, data: Path, killed: str) -> None:
    with cluster.running(2, fake=SLOW) as made:
        process = applied(here, made, "1s" if killed == "all workers" else "60s")
        wait_for(here / "b", 3)
        for pid in {"worker": made.workers[:1], "all workers": made.workers[:]}.get(killed, [made.scheduler]):
            made.kill(pid)
        _, said = process.communicate(timeout=120)
    if killed == "worker":
        assert process.returncode == 0, said
    else:
        assert process.returncode == 74, said
        lost = b"no worker has been there for 1 s" if killed == "all workers" else b"the scheduler is gone"
        assert lost in said
        assert b"; apply --resume goes on)" in said
        assert said.count(b"\n") == 1
        here.succeeds("apply", "in/", "-p", "p.json", "-o", "b/", "--resume")
    assert files(here / "b") == files(data / "out")


@pytest.mark.parametrize("number", [signal.SIGTERM, *longer(signal.SIGKILL, signal.SIGINT, signal.SIGHUP)])
def test_a_driver_that_is_ended_leaves_nothing_to_do(here: Workspace, data: Path, number: int) -> None:
    with cluster.running(2, fake=SLOW) as made:
        process = applied(here, made)
        wait_for(here / "b", 3)
        process.send_signal(number)
        process.communicate(timeout=120)
        assert process.returncode == -number
        client = normcli.Dask.connect(made.address)
        count = lambda dask_scheduler: len(dask_scheduler.tasks)  # noqa: E731, for it is pickled by what it says
        until(lambda: not client.client.run_on_scheduler(count), "no task on the scheduler")
        client.close(5.0)
        if number != signal.SIGKILL:
            until(lambda: not list(here.path.rglob("*.part")), "no part that a worker has completed since")
        here.succeeds("apply", "in/", "-p", "p.json", "-o", "b/", "--resume", *on(made))
    assert files(here / "b") == files(data / "out")


@pytest.mark.parametrize("stage", ["has written", *longer(*(s for s in STAGES if s != "has written"))])
def test_a_worker_may_die_at_any_stage(here: Workspace, data: Path, stage: str) -> None:
    """Each span kills the first worker that comes to that stage with it, three times in all."""
    marks = here / "marks"
    marks.mkdir()
    with cluster.running(0) as made:
        for _ in range(4):
            made.add(fake={"dies": stage, "marks": str(marks)})
        process = applied(here, made)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert len(list(marks.iterdir())) == 3
    assert files(here / "b") == files(data / "out")


def test_workers_that_die_do_not_change_a_fit(here: Workspace, data: Path) -> None:
    marks = here / "marks"
    marks.mkdir()
    with cluster.running(0) as made:
        for _ in range(4):
            made.add(fake={"dies": "reads", "marks": str(marks)})
        process = started(here, made, "fit", "in/", "-m", "zscore", "-p", "q.json")
        _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert len(list(marks.iterdir())) == 3
    assert (here / "q.json").read_bytes() == (data / "p.json").read_bytes()


def test_workers_that_die_with_a_segment_do_not_change_a_fit(workspace: Workspace) -> None:
    """Each of the two inputs has several; all have the name of their input."""
    random, marks = np.random.default_rng(5), workspace / "marks"
    marks.mkdir()
    for i in range(2):
        pl.DataFrame({"x": random.normal(size=3_000)}).write_csv(workspace / f"{i}.csv")
    inputs = [workspace / f"{i}.csv" for i in range(2)]
    one = normcli.fit(inputs, "zscore", block_size=200)
    with cluster.running(0) as made:
        for _ in range(6):
            made.add(fake={"dies": "reads", "marks": str(marks)})
        client = normcli.Dask.connect(made.address)
        many = normcli.fit(inputs, "zscore", block_size=200, engine=client)
        client.close(5.0)
    assert len(list(marks.iterdir())) == 2
    assert many.digest == one.digest


def test_an_input_that_kills_every_worker_is_named(here: Workspace) -> None:
    marks = here / "marks"
    marks.mkdir()
    with cluster.running(0, env={"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}) as made:
        for _ in range(6):
            made.add(fake={"dies": "reads", "marks": str(marks), "times": "99", "only": "05.csv"})
        process = started(here, made, "fit", "in/", "-m", "zscore", "-p", "q.json")
        _, said = process.communicate(timeout=120)
    assert process.returncode == 74, said
    assert b"normcli: error: in/05.csv: 2 workers died, one after the other" in said
    assert not (here / "q.json").exists()


def test_two_drivers_at_once_do_not_meet(here: Workspace, data: Path) -> None:
    with cluster.running(2, fake=SLOW) as made:
        processes = [applied(here, made), started(here, made, "apply", "in/", "-p", "p.json", "-o", "b/", "--resume")]
        said = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert files(here / "b") == files(data / "out")


def test_a_span_that_is_done_twice_at_once_makes_two_parts(here: Workspace, data: Path) -> None:
    """As where a worker is taken for dead, and is not."""
    from normcli.engines import Share
    from normcli.formats import record
    from normcli.io import parts
    from normcli.io.inputs import Input
    from normcli.io.sources import open_source
    from normcli.jobs import remote, writing
    from normcli.jobs.format_options import FormatOptions
    from normcli.jobs.requests.apply import ApplyRequest
    from normcli.parameters.file import read_file
    from normcli.pipeline.span_work import WriteSpan
    from normcli.pipeline.spans import Span, SpanLimits

    request = ApplyRequest(input=(str(data / "in" / "00.csv"),), params="p.json", output=str(here / "b"))
    options = FormatOptions(request, {"csv"}, {"csv"})
    parameters = read_file(str(data / "p.json"), example="", largest=1 << 30)
    outputs = writing.Outputs(request, writing.transform_of(request, parameters), options.writing)
    with open_source(data / "in" / "00.csv").file:
        first = record("csv").open(open_source(data / "in" / "00.csv")).description
    work = WriteSpan(
        remote.SpanReader(request, options, str), first, parameters, False, SpanLimits(0),
        remote.SpanPart(outputs, "0" * 16),
    )  # fmt: skip
    span = Span(Input(str(data / "in" / "00.csv"), "00.csv"), str(data / "in" / "00.csv"), str(here / "b" / "00.csv"))
    made = []

    def do() -> None:
        made.append(work(span, Share(1, None, lambda: True)))

    threads = [threading.Thread(target=do) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written = [done.file for done in made if done.file is not None]
    assert len({part.temporary for part in written}) == 3
    assert {part.digest for part in written} == {written[0].digest}
    with parts.adopt(written[1]) as target:
        target.commit()
    for part in written[::2]:
        parts.adopt(part).__exit__(None, None, None)
    assert files(here / "b") == {"00.csv": (data / "out" / "00.csv").read_bytes()}
