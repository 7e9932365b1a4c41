"""On a cluster of two worker processes: the bytes, the words and the exit codes of one machine."""

import json
import os
import re
import shutil
import signal
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from distributed import Client

import normcli
from normcli import kernel, registry
from normcli.errors import ClusterError
from tests import cluster
from tests.cli.conftest import Workspace, until
from tests.conftest import longer
from tests.engines.in_process import InProcess
from tests.methods.test_method_contract import made as by_name
from tests.store import MANIFEST, Store

OPTIONS = {  # of methods that can't do without
    "group": ["--groups", "2"], "instance": ["--channels", "2"], "batch-instance": ["--channels", "2"],
    "switchable": ["--channels", "2"],
}  # fmt: skip
TLS = "DASK_DISTRIBUTED__COMM__TLS__"
BATCHES = {"batch", "batch-renorm", "batch-instance", "switchable"}
METHODS = registry.names("methods")
LAST = {tuple(map(type, by_name(name).statistics)): name for name in METHODS}  # of those that learn from the same
FORMATS = ["csv", *longer("ndjson", "tsv", "parquet", "arrow", "arrows", "csv.gz")]


@pytest.fixture
def here(workspace: Workspace, two: cluster.Cluster) -> Workspace:
    """A workspace with a directory of six tables, the third of which is empty, and parameters of them."""
    write_tables(workspace.path / "in")
    return workspace


def write_tables(folder: Path, count: int = 6) -> None:
    folder.mkdir()
    random = np.random.default_rng(7)
    for i in range(count):
        rows = 40 + 17 * i
        table = pl.DataFrame(
            {
                "name": random.choice(["a", "b", "c,d"], rows),
                "x": random.normal(1e6, 2.0, rows),
                "y": np.where(random.random(rows) < 0.02, np.nan, random.lognormal(0.0, 1.0, rows)),
                "z": random.integers(0, 9, rows) if i != 4 else random.random(rows),
                "w": random.normal(0.0, 1e-3, rows),
            }
        )
        table = table.with_columns(pl.col("y").fill_nan(None))
        table.write_csv(folder / f"{i}.csv") if i != 2 else (folder / "2.csv").touch()


def convert(here: Workspace, to: str) -> str:
    """The tables in another format; the name of their directory."""
    if to == "csv":
        return "in"
    here.succeeds("fit", "in", "-m", "minmax", "-c", "x,y,z,w", "-p", "none.json", "-q")
    here.succeeds("apply", "in", "-p", "none.json", "--to", to, "-o", "other/", "-q")
    return "other"


def on(made: cluster.Cluster) -> list[str]:
    return ["--engine", "dask", "--scheduler", made.address]


def files(folder: Path) -> dict[str, bytes]:
    """What is in a directory and below it, but for the manifest, which knows inodes."""
    found = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != ".normcli-manifest")
    return {str(p.relative_to(folder)): p.read_bytes() for p in found}


def run(here: Workspace, *words: str) -> tuple[int, list[str]]:
    """The exit code, and what is said, without times."""
    done = here.run(*words)
    return done.code, [re.sub(r" in [\d.]+ s\b", "", line) for line in done.lines]


# -- the same bytes ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("method", [*LAST.values(), *longer(*(m for m in METHODS if m not in LAST.values()))])
def test_each_method_learns_and_writes_the_same_bytes(
    here: Workspace, two: cluster.Cluster, method: str, format: str
) -> None:
    source = convert(here, format)
    if method in BATCHES:
        source = f"{source}/5.{format}"
    line = ["fit", source, "-m", method, *OPTIONS.get(method, []), "-c", "x", "-c", "y", "-c", "z", "-c", "w"]
    first = run(here, *line, "-p", "one.json")
    assert first[0] == 0
    (here / "one.json").rename(here / "first.json")
    assert run(here, *line, "-p", "one.json", *on(two)) == first
    (here / "one.json").rename(here / "many.json")
    (here / "first.json").rename(here / "one.json")
    assert (here / "many.json").read_bytes() == (here / "one.json").read_bytes()
    line = ["apply", source, "-p", "one.json", "-o"]
    assert run(here, *line, "a/")[0] == run(here, *line, "b/", *on(two))[0] == 0
    assert files(here / "a") == files(here / "b") != {}


@pytest.mark.parametrize(
    "words",
    [
        ["-m", "zscore", "--by", "name"],
        ["-m", "minmax", "--weights", "w", "--inf", "missing"],
        ["-m", "robust", "--exact"],
        ["-m", "quantile", "--exact", "-c", "x"],
        ["-m", "zscore", "--max-memory", "1G", "--threads", "1"],
        ["--plan", "plan.toml"],
        ["--plan", "plan.toml", "--by", "name"],
    ],
    ids=" ".join,
)
def test_other_ways_to_learn_are_the_same(here: Workspace, two: cluster.Cluster, words: list[str]) -> None:
    for path in (here / "in").glob("*.csv"):  # weights are not negative
        path.write_text(path.read_text().replace(",-", ","))
    steps = ("fill", "winsorize", "power", "zscore")  # one pass after the other
    (here / "plan.toml").write_text("".join(f'[[steps]]\nmethod = "{name}"\n' for name in steps))
    assert run(here, "fit", "in", *words, "-p", "one.json")[0] == 0
    assert run(here, "fit", "in", *words, "-p", "many.json", *on(two))[0] == 0
    assert (here / "many.json").read_bytes() == (here / "one.json").read_bytes()


@pytest.mark.parametrize("format", ["csv", "parquet", *longer("ndjson", "arrow", "csv.gz")])
def test_a_large_input_is_the_same(here: Workspace, two: cluster.Cluster, format: str) -> None:
    """One of several segments, which different workers read."""
    for path in (here / "in").glob("?.csv"):
        path.write_text(path.read_text().replace("a,", '"a\n",'))
    folder = here / convert(here, format)
    source = [folder / f"{i}.{format}" for i in (3, 5)]
    for path in source if format == "parquet" else []:
        pl.read_parquet(path).write_parquet(path, row_group_size=40)
    size = 1 if format in ("parquet", "arrow") else 100
    one = normcli.fit(source, "decorrelate", columns=["x", "w"], block_size=size)
    with closing(Client(two.address)) as client:
        engine = normcli.Dask(client)
        many = normcli.fit(source, "decorrelate", columns=["x", "w"], block_size=size, engine=engine)
        compared = normcli.check(one, source, block_size=size, engine=engine)
    assert many.digest == one.digest
    assert repr(compared) == repr(normcli.check(one, source, block_size=size))


def test_updates_and_checks_are_the_same(here: Workspace, two: cluster.Cluster) -> None:
    for name, words in (("one", []), ("many", on(two))):
        here.succeeds("fit", "in/0.csv", "in/1.csv", "-m", "zscore", "-p", f"{name}.json", *words)
        here.succeeds("fit", "in", "--update", "-p", f"{name}.json", *words)
    assert (here / "one.json").read_bytes() == (here / "many.json").read_bytes()
    check = ["check", "in", "-p", "one.json", "--json", "-q"]
    assert here.run(*check).out == here.run(*check, *on(two)).out != b""
    report = ["report", "one.json", "in", "-q"]
    assert here.succeeds(*report).out == here.succeeds(*report, *on(two)).out
    drifted = ["check", "in/4.csv", "-p", "one.json", "--json", "--min-rows", "5", "--max-shift", "0"]
    assert here.run(*drifted).code == here.run(*drifted, *on(two)).code == 1
    assert here.run(*drifted).out == here.run(*drifted, *on(two)).out
    watched = ["apply", "in", "-p", "one.json", "--check=warn", "--max-shift", "0", "-o"]
    assert run(here, *watched, "a/") == run(here, *watched, "a/", *on(two))
    shutil.rmtree(here / "a")
    assert run(here, *watched, "a/", *on(two))[0] == 0
    assert run(here, *watched, "a/", "--resume")[0] == 0


def test_a_check_by_key_is_the_same(here: Workspace, two: cluster.Cluster) -> None:
    """Of inputs that lack a key, have one that was not fitted, or one that has drifted; and of segments of one."""
    here.succeeds("fit", "in", "-m", "zscore", "--by", "name", "-c", "x,y,z,w", "-p", "p.json")
    for i, (was, key) in enumerate((("a", "b"), ("b", "new"))):
        path = here / f"in/{i}.csv"
        path.write_text(path.read_text().replace(f"{was},", f"{key},"))
    path = here / "in/5.csv"
    table = pl.read_csv(path).with_columns(pl.col("x") + pl.when(pl.col("name") == "a").then(9).otherwise(0))
    table.write_csv(path)
    line = ["check", "in", "-p", "p.json", "--by-key", "--max-outside", "0.5"]
    for words in ([], ["--json"], ["-v"]):
        one, many = here.run(*line, *words), here.run(*line, *words, *on(two))
        assert (one.code, many.out) == (many.code, one.out)
    keys = json.loads(here.run(*line, "--json").out)["keys"]
    assert ([drift["key"] for drift in keys["drifted"]], keys["compared"]) == ([["a"]], 3)
    with closing(Client(two.address)) as client:
        compared = [
            normcli.check(here / "p.json", path, by_key=True, block_size=40, **more)
            for more in ({}, {"engine": normcli.Dask(client)})
        ]
    assert repr(compared[0]) == repr(compared[1])
    assert compared[0].keys is not None
    report = ["report", "p.json", "in", "--by-key", "-q"]
    assert here.succeeds(*report).out == here.succeeds(*report, *on(two)).out


def test_a_report_counts_the_same(here: Workspace, two: cluster.Cluster) -> None:
    import json

    reports = []
    for words in ([], on(two)):
        here.succeeds("fit", "in", "-m", "zscore", "-p", "p.json", "--run-report", "r.json", *words)
        report: dict[str, Any] = json.loads((here / "r.json").read_text())
        reports.append({k: v for k, v in report.items() if k not in ("started", "ended", "seconds")})
    assert set(reports[1].pop("versions")) == {"normcli", "python", "numpy", "polars", "pyarrow"}
    del reports[0]["versions"]
    assert reports[0] == reports[1]
    assert reports[0]["inputs_empty"] == ["in/2.csv"]


# -- what goes wrong, and is said, as on one machine ----------------------------------------------------------------
BAD = {
    "a bad value": ("3.csv", "a,oops,1,1,1"),
    "too many fields": ("3.csv", "a,1,1,1,1,1"),
    "an infinite value": ("1.csv", "a,inf,1,1,1"),
}


@pytest.mark.parametrize("skip", [[], ["--on-bad-row", "skip", "--rejects", "r.ndjson"]], ids=["error", "skip"])
@pytest.mark.parametrize("bad", BAD)
def test_bad_rows_are_the_same(here: Workspace, two: cluster.Cluster, bad: str, skip: list[str]) -> None:
    name, row = BAD[bad]
    for path in (here / "in" / name, here / "in" / "5.csv"):
        lines = path.read_text().splitlines()
        path.write_text("\n".join([*lines[:20], row, *lines[20:]]) + "\n")
    outcomes = []
    for words in ([], on(two)):
        (here / "p.json").unlink(missing_ok=True)
        (here / "r.ndjson").unlink(missing_ok=True)
        fitted = run(here, "fit", "in", "-m", "zscore", "-p", "p.json", *skip, *words)
        made = files(here.path)
        applied = run(here, "apply", "in", "-p", "p.json", "-o", "out/", *skip, *words) if skip else None
        outcomes.append((fitted, made, applied, files(here.path)))
        shutil.rmtree(here / "out", ignore_errors=True)
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0][0] == (0 if skip else 65)


def test_files_before_the_first_bad_one_are_in_place(here: Workspace, two: cluster.Cluster) -> None:
    here.succeeds("fit", "in", "-m", "zscore", "-p", "p.json")
    (here / "in" / "3.csv").write_text("name,x,y,z,w\na,oops,1,1,1\n")
    one = run(here, "apply", "in", "-p", "p.json", "-o", "a/"), files(here / "a")
    many = run(here, "apply", "in", "-p", "p.json", "-o", "b/", *on(two)), files(here / "b")
    assert one == many
    assert sorted(one[1]) == ["0.csv", "1.csv"]
    assert [p.name for p in (here / "b").glob(".*")] == [".normcli-manifest"]


def test_too_many_bad_rows_are_counted_over_all_inputs(here: Workspace, two: cluster.Cluster) -> None:
    for i in (0, 1, 3):
        with (here / "in" / f"{i}.csv").open("a") as file:
            file.write("a,oops,1,1,1\nb,oops,1,1,1\n")
    line = ["fit", "in", "-m", "zscore", "-p", "p.json", "--on-bad-row", "skip", "--max-bad-rows", "4"]
    code, said = run(here, *line)
    assert code == 65
    assert (code, said) == run(here, *line, *on(two))


def test_an_input_that_is_not_there_is_66(here: Workspace, two: cluster.Cluster) -> None:
    for line in (["fit", "in/0.csv", "no.csv", "-m", "zscore", "-p", "p.json"], ["fit", "no.csv", "-m", "zscore"]):
        assert run(here, *line) == run(here, *line, *on(two))
        assert here.fails(66, *line, *on(two)).startswith("no.csv: there is no such file (")


def test_an_input_that_may_not_be_read_is_66(here: Workspace, two: cluster.Cluster) -> None:
    (here / "in" / "3.csv").chmod(0)
    if os.access(here / "in" / "3.csv", os.R_OK):
        pytest.skip("this user may read everything")
    line = ["fit", "in", "-m", "zscore", "-p", "p.json"]
    assert run(here, *line) == run(here, *line, *on(two))


# -- what is refused -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["fit", "in", "-m", "zscore", "-p", "p.json", "-o", "z/"], "--engine dask: -o needs all data in one place"),
        (["fit", "-", "-m", "zscore", "-p", "q.json"], "--engine dask: <stdin> can be read here alone"),
        (["fit", "pipe", "-m", "zscore", "-p", "q.json"], "--engine dask: pipe can be read here alone"),
        (["apply", "in", "-p", "p.json"], "--engine dask: each worker writes files of its own"),
        (["apply", "in/0.csv", "-p", "p.json", "-o", "z.csv"], "--engine dask: each worker writes files of its own"),
        (["fit", "in", "-m", "batch", "-p", "q.json"], "--engine dask: the batches of batch run on from one INPUT"),
        (["check", "in", "-p", "batch.json"], "--engine dask: the batches of batch run on from one INPUT"),
        (["apply", "in", "-p", "batch.json", "--check=warn", "-o", "z/"], "the batches of batch run on from one INPUT"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_no_cluster_can_do_is_exit_2(here: Workspace, two: cluster.Cluster, words: list[str], what: str) -> None:
    here.succeeds("fit", "in/0.csv", "-m", "zscore", "-p", "p.json")
    here.succeeds("fit", "in/0.csv", "-m", "batch", "-p", "batch.json")
    os.mkfifo(here / "pipe")
    assert what in here.fails(2, *words, *on(two), stdin=b"")


def test_the_environment_does_not_select_the_engine(here: Workspace) -> None:
    here.succeeds("fit", "in", "-m", "zscore", "-p", "p.json", env={"DASK_SCHEDULER_ADDRESS": "tcp://127.0.0.1:9"})


def test_it_may_give_the_address(here: Workspace, two: cluster.Cluster) -> None:
    env = {"DASK_SCHEDULER_ADDRESS": two.address}
    here.succeeds("fit", "in", "-m", "zscore", "-p", "p.json", "--engine", "dask", env=env)


@pytest.mark.parametrize(
    ("address", "what"), [("127.0.0.1", "missing port number"), ("spark://127.0.0.1:8786", "unknown address scheme")]
)
def test_an_address_that_is_none_is_exit_2(here: Workspace, address: str, what: str) -> None:
    line = ["fit", "in", "-m", "zscore", "-p", "p.json", "--engine", "dask", "--scheduler", address]
    assert f"--scheduler {address}: {what}" in here.fails(2, *line)


@pytest.mark.parametrize("value", ["soon", "-5", "5 parsecs", "inf", "[1]"])
def test_a_timeout_that_is_no_time_is_exit_2(here: Workspace, two: cluster.Cluster, value: str) -> None:
    line = ["fit", "in", "-m", "zscore", "-p", "p.json", *on(two)]
    said = here.fails(2, *line, env={"DASK_NORMCLI__NO_WORKER_TIMEOUT": value})
    assert f"DASK_NORMCLI__NO_WORKER_TIMEOUT={value}: is no time (60s or 10m is one)" in said


def test_a_scheduler_elsewhere_has_to_be_encrypted(here: Workspace) -> None:
    line = ["fit", "in", "-m", "zscore", "-p", "p.json", "--engine", "dask", "--scheduler", "tcp://192.0.2.1:8786"]
    assert "tcp:// to another machine is not encrypted" in here.fails(2, *line)


def test_parts_of_a_dead_run_are_removed(here: Workspace, two: cluster.Cluster) -> None:
    here.succeeds("fit", "in", "-m", "zscore", "-p", "p.json")
    (here / "z").mkdir()
    for name in (f"{'d' * 16}.tmp", f"{'d' * 16}-{'0' * 16}.part", f"{'e' * 16}-{'0' * 16}.part"):
        (here / "z" / f".normcli-{name}").touch()
    here.succeeds("apply", "in", "-p", "p.json", "-o", "z/", *on(two))
    assert [path.name for path in (here / "z").glob(".normcli-*")] == [".normcli-manifest"]


def test_storage_that_is_not_shared_is_exit_2(here: Workspace, two: cluster.Cluster) -> None:
    """A directory that only this process has: below /proc/self, which is another one for each."""
    here.succeeds("fit", "in", "-m", "zscore", "-p", "p.json")
    held = os.open(here.path, os.O_RDONLY)
    try:
        said = here.fails(2, "apply", "in", "-p", "p.json", "-o", f"/proc/self/fd/{held}/out/", *on(two))
    finally:
        os.close(held)
    assert "does not see /proc/self/fd/" in said
    assert not files(here / "out")


@pytest.mark.skipif(bool(kernel.comoments_lack()), reason="the kernel does not compute co-moments here")
def test_a_driver_without_the_kernel_has_workers_with_it_do_what_comes_to_the_same_bits(
    here: Workspace, two: cluster.Cluster
) -> None:
    without, columns = {kernel.SWITCH: "off"}, ["-c", "x,z"]
    here.succeeds("fit", "in", "-m", "whiten", *columns, "-p", "w.json")
    said = here.fails(2, "fit", "in", "-m", "whiten", *columns, "-p", "none.json", *on(two), env=without)
    assert "has co-moments by the native kernel and not numpy" in said
    here.succeeds("check", "in", "-p", "w.json", *on(two), env=without)
    here.succeeds("apply", "in", "-p", "w.json", "-o", "a/", *on(two), env=without)
    here.succeeds("fit", "in", "-m", "zscore", "-p", "z.json", *on(two), env=without)
    (here / "z.json").rename(here / "many.json")
    here.succeeds("fit", "in", "-m", "zscore", "-p", "z.json")
    assert (here / "many.json").read_bytes() == (here / "z.json").read_bytes()


def test_workers_that_are_left_out_are_in_one_warning_of_a_run_and_its_report(here: Workspace) -> None:
    with cluster.running(1) as made:
        made.add(fake={"polars": "0.1"}, each=2)
        words = ["fit", "in", "-m", "robust", "--exact", "-p", "p.json", "--run-report", "r.json"]
        lines = here.succeeds(*words, *on(made)).lines
    (warning,) = json.loads((here / "r.json").read_text())["warnings"]
    assert re.match(
        r"2 of 3 workers are left out, which leaves 1 thread: worker tcp://\S+ has polars 0\.1 and", warning
    )
    assert [line for line in lines if "left out, which" in line] == [f"normcli: warning: {warning}"]


@pytest.mark.parametrize("how", ["--resume", "--resume=digest"])
def test_what_is_complete_is_read_by_workers(here: Workspace, two: cluster.Cluster, how: str) -> None:
    here.succeeds("fit", "in", "-m", "zscore", "-p", "p.json")
    apply = ["apply", "in", "-p", "p.json", "-o", "a/", how]
    here.succeeds(*apply, *on(two))
    before = files(here / "a")
    assert "5 of 6 complete" in here.succeeds(*apply, *on(two)).err
    (here / "a" / "1.csv").write_bytes(before["1.csv"].replace(b"1", b"2"))
    (here / "a" / "3.csv").unlink()
    assert "3 of 6 complete" in here.succeeds(*apply, *on(two)).err
    assert files(here / "a") == before
    assert "5 of 6 complete" in here.succeeds(*apply).err
    (here / "in" / "0.csv").write_bytes((here / "in" / "1.csv").read_bytes())
    assert "4 of 6 complete" in here.succeeds(*apply, *on(two)).err


# -- encryption -----------------------------------------------------------------------------------------------------
def certificate(folder: Path) -> dict[str, str]:
    """One that signs itself, for all sides, as variables of Dask's."""
    from distributed import Security

    made, variables = Security.temporary(), {"DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "true"}
    (folder / "ca.pem").write_text(made.tls_ca_file)
    variables["DASK_DISTRIBUTED__COMM__TLS__CA_FILE"] = str(folder / "ca.pem")
    for role in ("client", "scheduler", "worker"):
        for part in ("cert", "key"):
            path = folder / f"{role}-{part}.pem"
            path.write_text(getattr(made, f"tls_{role}_{part}"))
            variables[f"DASK_DISTRIBUTED__COMM__TLS__{role.upper()}__{part.upper()}"] = str(path)
    return variables


def test_what_is_encrypted_goes_by_the_configuration_of_dask(here: Workspace, tmp_path: Path) -> None:
    env = certificate(tmp_path)
    with cluster.running(1, env=env) as made:
        assert made.address.startswith("tls://")
        here.succeeds("fit", "in", "-m", "zscore", "-p", "many.json", *on(made), env=env)
        said = here.fails(2, "fit", "in", "-m", "zscore", "-p", "q.json", *on(made))
        line = ["fit", "in", "-m", "zscore", "-p", "q.json", *on(made)]
        absent = here.fails(2, *line, env=env | {f"{TLS}CA_FILE": "no.pem"})
    assert f"--scheduler {made.address}: needs certificates, and Dask's configuration has none ({TLS}CA_FILE, " in said
    assert f"--scheduler {made.address}: the certificates of Dask's configuration can't be loaded: No such" in absent
    here.succeeds("fit", "in", "-m", "zscore", "-p", "one.json")
    assert (here / "one.json").read_bytes() == (here / "many.json").read_bytes()


class Lost(InProcess):
    """A cluster whose scheduler ends after the first file."""

    __module__ = "engines.lost"  # its name in messages

    def map_spans(self, *args: Any, **more: Any) -> Generator[Any]:
        yield next(super().map_spans(*args, **more))
        raise ClusterError("the scheduler is gone", "run this again")


def test_where_a_cluster_is_lost_apply_says_that_it_can_be_resumed(here: Workspace) -> None:
    params = normcli.fit(here / "in", "zscore")
    with pytest.raises(ClusterError) as caught:
        normcli.apply(params, here / "in", f"{here / 'out'}/", engine=Lost())
    assert str(caught.value) == "the scheduler is gone (run this again; apply `resume` goes on)"
    with pytest.raises(ClusterError) as caught:
        normcli.fit(here / "in", "zscore", engine=Lost())
    assert str(caught.value) == "the scheduler is gone (run this again)"


# -- object stores ---------------------------------------------------------------------------------------------------
def test_objects_are_read_by_workers_with_their_own_credentials(here: Workspace, store: Store) -> None:
    for path in sorted((here / "in").glob("*.csv")):
        store.put(f"in/{path.name}", path.read_bytes())
    with cluster.running(1, env=store.env) as made:
        line = ["fit", store.uri("in/*.csv"), "-m", "zscore", "-p"]
        here.succeeds(*line, "one.json", env=store.env)
        here.succeeds(*line, "many.json", *on(made), env=store.env)
    assert (here / "one.json").read_bytes() == (here / "many.json").read_bytes()


def test_objects_are_written_by_workers_and_named_by_the_driver(here: Workspace, store: Store) -> None:
    here.succeeds("fit", "in", "-m", "zscore", "-p", "p.json")
    here.succeeds("apply", "in", "-p", "p.json", "-o", "a/")
    store.put("z/0.csv", b"yesterday's")
    with cluster.running(1, env=store.env) as made:
        here.succeeds("apply", "in", "-p", "p.json", "-o", store.uri("z/"), *on(made), env=store.env)
    assert store.files("z/") == files(here / "a")
    assert [name for name in store.names() if name.endswith((".part", ".tmp"))] == []


def test_objects_before_the_first_bad_input_are_in_place(here: Workspace, store: Store) -> None:
    here.succeeds("fit", "in", "-m", "zscore", "-p", "p.json")
    (here / "in" / "3.csv").write_text("name,x,y,z,w\na,oops,1,1,1\n")
    store.put("z/3.csv", b"yesterday's")
    with cluster.running(1, env=store.env) as made:
        words = ["apply", "in", "-p", "p.json", "-o", store.uri("z/"), *on(made)]
        assert here.fails(65, *words, env=store.env).startswith("in/3.csv:2: 'oops'")
    assert [*store.files("z/")] == ["0.csv", "1.csv", "3.csv"]
    assert store.get("z/3.csv") == b"yesterday's"


WORKER = "key-of-a-worker-that-nobody-tells"


@pytest.mark.parametrize("how", ["--resume", *longer("--resume=digest")])
def test_a_killed_driver_leaves_what_is_complete_in_a_store_and_workers_look_at_it(
    here: Workspace, store: Store, how: str
) -> None:
    for path in sorted((here / "in").glob("*.csv")):
        store.put(f"in/{path.name}", path.read_bytes())
    here.succeeds("fit", "in", "-m", "zscore", "-p", "p.json")
    here.succeeds("apply", "in", "-p", "p.json", "-o", "a/")
    words = ["apply", store.uri("in/"), "-p", "p.json", "-o", store.uri("z/"), how]
    with cluster.running(2, env=store.env | {"AWS_ACCESS_KEY_ID": WORKER}) as made:

        def kill(n: int, method: str, path: str) -> str | None:
            if method == "COPY" and path.startswith("/bucket/z/4.csv"):
                until(lambda: any(MANIFEST in path for _, path in store.written()), "a batch is put")
                process.send_signal(signal.SIGKILL)
                return "cut"
            return None

        store.fault = kill
        process = here.start(*words, *on(made))
        assert process.wait() == -signal.SIGKILL
        store.fault = lambda n, method, path: None
        lines = b"".join(store.get(name) or b"" for name in store.names() if MANIFEST in name).splitlines()
        complete, begun = {json.loads(line)["output"] for line in lines}, len(store.requests)
        assert complete
        assert f"{len(complete)} of 6 complete" in here.succeeds(*words, *on(made), env=store.env).err
    assert {k: v for k, v in store.files("z/").items() if not k.startswith(".")} == files(here / "a")
    asked = list(zip(store.requests[begun:], store.keys[begun:], strict=True))
    for name in complete:
        assert {key for (method, path), key in asked if path == f"/bucket/z/{name}" and method != "COPY"} == {WORKER}
    assert {key for (method, path), key in asked if path == "/bucket/in/0.csv"} >= {WORKER}


def test_a_store_that_workers_may_not_see_is_exit_2(here: Workspace, store: Store, two: cluster.Cluster) -> None:
    here.succeeds("fit", "in", "-m", "zscore", "-p", "p.json")
    said = here.fails(2, "apply", "in", "-p", "p.json", "-o", store.uri("z/"), *on(two), env=store.env)
    assert "does not see s3://bucket/z as this machine does" in said
    assert store.files() == {}


def test_an_object_that_a_worker_alone_does_not_see_is_66_and_names_it(
    here: Workspace, store: Store, two: cluster.Cluster
) -> None:
    store.put("in/0.csv", (here / "in" / "0.csv").read_bytes())
    said = here.fails(66, "fit", store.uri("in/0.csv"), "-m", "zscore", "-p", "p.json", *on(two), env=store.env)
    assert re.match(r"worker tcp://127\.0\.0\.1:\d+: does not see INPUT s3://bucket/in/0\.csv as this machine", said)
