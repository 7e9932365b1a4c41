"""Objects as INPUT, PARAMS and OUTPUT: as files in every way, and whole or not at all whatever goes wrong."""

import gzip
import io
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import TABLE, Arg, Done, Workspace, ending, until
from tests.conftest import longer
from tests.store import SECRET, Fate, Store

HEADER, ROWS = TABLE.split(b"\n", 1)
LARGE = HEADER + b"\n" + ROWS * 70_000  # what becomes of it is sent in two parts


@dataclass(frozen=True)
class RemoteWorkspace:
    """A workspace from which a store is in reach. What is said there never gives a secret away."""

    workspace: Workspace
    store: Store

    def run(self, *args: Arg, env: Mapping[str, str] | None = None) -> Done:
        done = self.workspace.run(*args, env=env)
        assert "that-nobody-tells" not in done.err
        return done

    def succeeds(self, *args: Arg) -> Done:
        done = self.run(*args)
        assert (done.code, done.errors) == (0, []), done.err
        return done

    def fails(self, code: int, *args: Arg) -> str:
        """The one error; nothing in the store has changed."""
        before = {key: self.store.get(key) for key in self.store.names()}
        done = self.run(*args)
        assert (done.code, len(done.errors)) == (code, 1), done.err
        assert {key: self.store.get(key) for key in self.store.names()} == before
        return done.errors[0].removeprefix("normcli: error: ")


@pytest.fixture
def far(workspace: Workspace, store: Store) -> RemoteWorkspace:
    workspace.params()
    return RemoteWorkspace(workspace, store)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.csv"
    path.write_bytes(LARGE)
    return path


# -- as files ----------------------------------------------------------------------------------------------------
def test_text_comes_and_goes_as_from_and_to_files(far: RemoteWorkspace) -> None:
    data = gzip.compress(TABLE, 1)
    (far.workspace / "x.csv.gz").write_bytes(data)
    x, p, z = far.store.put("a b/x.csv.gz", data), far.store.uri("q/p.json"), far.store.uri("z.csv.zst")
    far.workspace.succeeds("fit", "x.csv.gz", "-m", "whiten", "-p", "q.json", "-o", "z.csv.zst")
    assert f"-> {p}, {z}" in far.succeeds("fit", x, "-m", "whiten", "-p", p, "-o", z).err
    assert far.store.get("q/p.json") == (far.workspace / "q.json").read_bytes()
    assert far.store.get("z.csv.zst") == (far.workspace / "z.csv.zst").read_bytes()
    assert far.succeeds("apply", z, "-p", p, "--inverse").out.startswith(HEADER)
    assert b"whiten" in far.succeeds("inspect", p).out


@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_binary_files_are_read_where_they_lie(far: RemoteWorkspace, format: str) -> None:
    table = pa.table(dict(zip("abc", np.random.default_rng(1).normal(size=(3, 100_000)), strict=True)))
    file, name = io.BytesIO(), f"x.{format}"
    if format == "arrow":
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table, 20_000)
    else:
        pq.write_table(table, file, row_group_size=20_000)
    (far.workspace / name).write_bytes(file.getvalue())
    x = far.store.put(name, file.getvalue())
    far.workspace.succeeds("apply", name, "-p", "p.json", "-o", f"z.{format}")
    far.succeeds("apply", x, "-p", "p.json", "-o", far.store.uri(f"z.{format}"))
    assert far.store.get(f"z.{format}") == (far.workspace / f"z.{format}").read_bytes()
    assert sum(1 for method, path in far.store.requests if method == "GET" and path.endswith(name)) > 3
    message = far.fails(65, "apply", far.store.put(f"cut.{format}", file.getvalue()[:-9]), "-p", "p.json")
    assert message.startswith(f"s3://bucket/cut.{format}: not a sound ")


@pytest.mark.soak
def test_a_prefix_is_a_directory(far: RemoteWorkspace) -> None:
    for key in ("d/b.csv", "d/a/z.csv", "d/.h/x.csv", "d/.h/y.csv", "d/_t.csv", "d/n.txt"):
        far.store.put(key, TABLE)
        path = far.workspace / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(TABLE)
    apply = ("apply", "-p", "p.json", "--to", "parquet")
    far.workspace.succeeds(*apply, "d/", "-o", "z/")
    wanted = {str(p.relative_to(far.workspace / "z")): p.read_bytes() for p in (far.workspace / "z").rglob("*.parquet")}
    done = far.succeeds(*apply, far.store.uri("d"), "-o", far.store.uri("z/"))
    assert "3 left out: hidden (2), unknown suffix (1); -v names them" in done.err
    assert far.store.files("z/") == wanted
    far.succeeds(*apply, far.store.uri("d/"), "-o", "local/")
    assert "2 of 2 complete" in far.succeeds(*apply, far.store.uri("d/"), "-o", "local/", "--resume").err
    far.store.put("d/../../out.csv", TABLE)
    far.store.put("d/b.csv", TABLE + b"x,1,2,3\n")
    assert "1 of 2 complete" in far.succeeds(*apply, far.store.uri("d/"), "-o", "local/", "--resume=stat").err
    assert [p for p in far.workspace.path.parent.iterdir() if p.name.startswith("out.")] == []


def test_an_empty_object_below_a_prefix_is_left_out(far: RemoteWorkspace) -> None:
    for key, data in (("a.csv", TABLE), ("b.csv", b""), ("c.parquet", b""), ("d.csv.gz", gzip.compress(b""))):
        far.store.put(f"in/{key}", data)
    line = ("fit", "-m", "center", far.store.uri("in/"), "-p", "p.json", "-o", far.store.uri("out/"))
    assert "3 empty inputs left out" in far.succeeds(*line).err
    assert [*far.store.files("out/")] == ["a.csv"]


def test_merge_takes_patterns_of_a_store(far: RemoteWorkspace) -> None:
    """As the names of the objects, which no shell has put in their place."""
    for n in "ab":
        (far.workspace / f"{n}.csv").write_bytes(TABLE + n.encode())
        far.succeeds("fit", f"{n}.csv", "-m", "zscore", "-p", far.store.uri(f"q/{n}.json"), "--on-bad-row", "skip")
    far.store.put("q/more.json/x.json", b"{}")
    far.succeeds("merge", far.store.uri("q/a.json"), far.store.uri("q/b.json"), "-o", "named.json")
    done = far.succeeds("merge", far.store.uri("q/*.json"), "-o", "q.json")
    assert "1 left out: a directory (1)" in done.err
    done = far.succeeds("merge", far.store.uri("q/*.json"), "-o", "q.json", "-v")
    assert "left out s3://bucket/q/more.json: a directory" in done.err
    assert (far.workspace / "q.json").read_bytes() == (far.workspace / "named.json").read_bytes()
    assert "finds none" in far.fails(66, "merge", far.store.uri("nosuch/*.json"), "-o", "q.json")
    assert "a directory" in far.fails(66, "merge", far.store.uri("q/m*.json"), "-o", "q.json")


def test_a_dry_run_writes_nothing(far: RemoteWorkspace) -> None:
    x = far.store.put("x.csv", TABLE)
    line = ("fit", x, "-m", "zscore", "-p", far.store.uri("p.json"), "-o", far.store.uri("z/"), "--dry-run")
    assert b"write    s3://bucket/p.json, s3://bucket/z/" in far.succeeds(*line).out
    assert far.store.written() == []


def test_what_else_may_be_an_object(far: RemoteWorkspace) -> None:
    """Lists of names, and what was skipped. A file:// URI is a path."""
    (far.workspace / "a b%.csv").write_bytes(TABLE + b"bad,1,x,2\n")
    x = f"file://{far.workspace.path}/a%20b%25.csv"
    names, rejects = far.store.put("names", x.encode() + b"\n"), far.store.uri("bad.ndjson")
    skip = ("--on-bad-row", "skip", "--rejects", rejects)
    far.succeeds("apply", "--files-from", names, "-p", "p.json", "-o", far.store.uri("z.csv"), *skip)
    assert b'"reason"' in (far.store.get("bad.ndjson") or b"")
    assert far.store.get("z.csv") == far.workspace.succeeds("apply", "table.csv", "-p", "p.json").out


# -- what is refused ---------------------------------------------------------------------------------------------
@pytest.mark.soak
def test_places_that_contradict_each_other(far: RemoteWorkspace) -> None:
    x, d, p, q = far.store.put("x.csv", TABLE), far.store.put("d/y.csv", TABLE), "p.json", far.store.uri("q")
    assert "given twice" in far.fails(2, "fit", d, far.store.uri("d/"), "-m", "zscore")
    assert " is the INPUT, and text can't say" in far.fails(2, "apply", x, "-p", p, "-o", x)
    assert "is an INPUT" in far.fails(2, "apply", d, "-p", p, "-o", far.store.uri("d/"))
    assert "are both" in far.fails(2, "fit", "table.csv", "-m", "zscore", "-p", q, "-o", q)
    assert "not on this machine" in far.fails(2, "apply", x, "-p", p, "--run-report", far.store.uri("r"))
    far.succeeds("apply", x, "-p", p, "-o", x, "--in-place")
    assert far.store.get("x.csv") == far.workspace.succeeds("apply", "table.csv", "-p", p).out


def test_a_second_name_of_an_object_is_none(far: RemoteWorkspace) -> None:
    """What the client would collapse is refused, before anything is asked for; capitals in s3:// mean nothing."""
    x = far.store.put("in.csv", TABLE)
    for name in ("x/../in.csv", "./in.csv"):
        message = far.fails(2, "apply", x, "-p", "p.json", "-o", far.store.uri(name))
        assert f"name {x}, if that is meant" in message
        assert "is . or .." in far.fails(2, "fit", x, "-m", "zscore", "-p", far.store.uri(name))
        assert "is . or .." in far.fails(2, "fit", x, far.store.uri(name), "-m", "zscore")
    capitals = x.replace("s3", "S3")
    assert " is the INPUT, and text can't say" in far.fails(2, "apply", x, "-p", "p.json", "-o", capitals)
    assert "given twice" in far.fails(2, "fit", x, capitals, "-m", "zscore")
    assert far.succeeds("apply", capitals, "-p", "p.json").out.startswith(HEADER)


def test_one_stray_key_does_not_stop_a_prefix(far: RemoteWorkspace) -> None:
    for key in ("d/a.csv", "d/stray//b.csv"):
        far.store.put(key, TABLE)
    done = far.succeeds("fit", far.store.uri("d/"), "-m", "zscore", "-p", "q.json")
    assert "1 left out: a name between slashes is empty (1)" in done.err


def test_credentials_in_a_uri_are_not_told_again(far: RemoteWorkspace) -> None:
    uri = f"s3://key:{SECRET}@bucket/x.csv"
    (far.workspace / "names").write_text(uri)
    line = ("fit", "--files-from", "names", "-m", "zscore", "--run-report", "r.json")
    assert "with credentials in it" in far.fails(2, *line)
    assert SECRET not in (far.workspace / "r.json").read_text()


def test_what_is_not_there(far: RemoteWorkspace) -> None:
    for name in ("x.csv", "d/*.csv"):
        assert far.store.uri(name).rstrip("/") in far.fails(66, "fit", far.store.uri(name), "-m", "zscore")
    for output in ("s3://other/z.csv", "s3://other/d/"):  # told before data are read
        message = far.fails(
            73, "apply", "nosuch.csv" if output.endswith("csv") else "d.csv", "-p", "p.json", "-o", output
        )
        assert message == f"{output}: there is no such bucket"


def test_what_is_denied_is_told_before_the_work(far: RemoteWorkspace) -> None:
    """By the first request for each input that was named, and to a bucket of which nothing may be asked."""
    far.store.put("x.csv", TABLE)
    far.store.fault = lambda n, method, path: 403 if path.endswith("x.csv") else None
    for line in (("fit", "-m", "zscore"), ("apply", "-p", "p.json", "-o", "z.csv")):
        message = far.fails(66, *line, "table.csv", far.store.uri("x.csv"))
        assert message.startswith("s3://bucket/x.csv: AWS Error ACCESS_DENIED")
    assert "ACCESS_DENIED" in far.fails(66, "inspect", far.store.uri("x.csv"))
    assert "GET" not in {method for method, path in far.store.requests if path.endswith("x.csv")}
    far.store.fault = lambda n, method, path: 403
    assert "ACCESS_DENIED" in far.fails(73, "apply", "nosuch.csv", "-p", "p.json", "-o", far.store.uri("z.csv"))


@pytest.mark.parametrize("place", ["q.json", "z.csv", *longer("d/")])
def test_what_may_be_seen_and_not_written_is_told_before_the_work(far: RemoteWorkspace, place: str) -> None:
    uri, x = far.store.uri(place), far.store.put("x.csv", TABLE + b"bad,1,x,2\n")  # which would be 65
    far.store.fault = lambda n, method, path: 403 if method in ("PUT", "POST", "COPY") else None
    to = ("-p", uri) if place == "q.json" else ("-p", "q.json", "-o", uri)
    name = f"{uri}x.csv" if place == "d/" else uri
    assert far.fails(73, "fit", x, "-m", "zscore", *to).startswith(f"{name}: AWS Error ACCESS_DENIED")
    assert not (far.workspace / "q.json").exists()
    if place != "q.json":
        assert far.fails(73, "apply", x, "-p", "p.json", "-o", uri).startswith(f"{name}: AWS Error ACCESS_DENIED")
    assert {method for method, _ in far.store.written()} == {"POST"}


# -- what goes wrong ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("part", ["partNumber=1&", "?uploadId="])
def test_params_stay_where_output_can_not_be_put(far: RemoteWorkspace, large: Path, part: str) -> None:
    for key in ("p.json", "z.csv"):
        far.store.put(key, b"old")
    far.store.fault = lambda n, method, path: "cut" if part in path else None
    message = far.fails(74, "fit", large, "-m", "zscore", "-p", far.store.uri("p.json"), "-o", far.store.uri("z.csv"))
    assert message.startswith("s3://bucket/z.csv: uploading failed: AWS Error")


@pytest.mark.parametrize("output", ["z.csv", "d/", *longer("table.csv")])
@pytest.mark.parametrize("fate", [500, *longer("cut", 403)])
@pytest.mark.parametrize("there", [True, *longer(False)])
def test_a_file_stays_where_an_object_can_not_be_put(
    far: RemoteWorkspace, output: str, fate: Fate, there: bool
) -> None:
    """PARAMS, and what was rejected, beside a small one, and beside the first of a directory."""
    (far.workspace / "table.csv").write_bytes(TABLE + b"bad,1,x,2\n")
    for name in ("q.json", "bad.ndjson"):
        if there:
            (far.workspace / name).write_bytes(b"{}")
    far.store.put(output + "table.csv" * output.endswith("/"), b"old")
    far.store.fault = lambda n, method, path: fate if method == "PUT" else None
    before = far.workspace.files()
    skip = ("--on-bad-row", "skip", "--rejects", "bad.ndjson")
    line = ("fit", "table.csv", "-m", "zscore", "-p", "q.json", "-o", far.store.uri(output), *skip)
    message = far.fails(73 if fate == 403 else 74, *line)
    assert "uploading failed: AWS Error" in message
    assert "in place already" not in message
    assert far.workspace.files() == before


@pytest.mark.parametrize("output", ["z.csv", *longer("d/")])
def test_a_file_stays_where_the_run_is_ended_during_the_upload(far: RemoteWorkspace, output: str) -> None:
    """Unless it is killed: then PARAMS are the new ones, and the old ones are beside them."""
    old = far.workspace.files()
    for number in (signal.SIGTERM, signal.SIGKILL):
        far.store.hanging.clear()
        far.store.fault = lambda n, method, path: "hang" if method == "PUT" else None
        line = ("fit", "table.csv", "-m", "minmax", "-p", "p.json", "-o", far.store.uri(output))
        with ending(far.workspace.start(*line)) as process:
            until(far.store.hanging.is_set, "the upload has begun")
            process.send_signal(number)
            assert process.wait(10) == -number
        assert far.store.names() == []
        if number == signal.SIGTERM:
            assert far.workspace.files() == old
    assert b"minmax" in (far.workspace / "p.json").read_bytes()
    assert old["p.json"][1] in [path.read_bytes() for path in far.workspace.temporaries()]
    for path in far.workspace.temporaries():
        path.unlink()


def test_bad_data_late_send_nothing(far: RemoteWorkspace, tmp_path: Path) -> None:
    (tmp_path / "late.csv").write_bytes(LARGE + b"bad,1,x,2\n")
    far.store.put("z.parquet", b"old")
    far.fails(65, "apply", "late.csv", "-p", "p.json", "-o", far.store.uri("z.parquet"))
    assert far.store.written() == []


@pytest.mark.soak
@pytest.mark.parametrize(
    ("part", "number"),
    [
        ("PUT", signal.SIGTERM),
        ("PUT", signal.SIGKILL),
        ("partNumber=1&", signal.SIGTERM),
        ("?uploadId=", signal.SIGTERM),
        ("?uploadId=", signal.SIGKILL),
    ],
)
def test_ended_during_an_upload(far: RemoteWorkspace, large: Path, part: str, number: signal.Signals) -> None:
    """At once, though the store does not answer."""
    far.store.put("z.csv", b"old")
    far.store.fault = lambda n, method, path: "hang" if part in f"{method} {path}" else None
    data = "table.csv" if part == "PUT" else large
    with ending(far.workspace.start("apply", data, "-p", "p.json", "-o", far.store.uri("z.csv"))) as process:
        until(far.store.hanging.is_set, "the upload has begun")
        process.send_signal(number)
        assert process.wait(10) == -number  # long before the store is given up
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert far.store.get("z.csv") == b"old"


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_ended_while_an_input_does_not_come(far: RemoteWorkspace, method: str) -> None:
    far.store.put("x.csv", TABLE)
    far.store.fault = lambda n, asked, path: "hang" if asked == method else None
    with ending(far.workspace.start("fit", far.store.uri("x.csv"), "-m", "zscore")) as process:
        until(far.store.hanging.is_set, "the input was asked for")
        process.terminate()
        assert process.wait(10) == -signal.SIGTERM


def test_parameters_and_a_directory_both_far_in_one_fit(far: RemoteWorkspace) -> None:
    x = far.store.put("in/a.csv", TABLE)
    far.succeeds("fit", x, "-m", "zscore", "-p", far.store.uri("p.json"), "-o", far.store.uri("out/"))
    assert sorted(far.store.files()) == ["in/a.csv", "out/a.csv", "p.json"]
