"""fit -o: learning and normalizing in one command is the same as one after the other."""

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import TABLE, Workspace
from tests.conftest import longer

METHODS = (("zscore",), ("minmax", "--range", "-1", "1"), ("decorrelate",), ("whiten", "--kind", "cholesky"), ("unit",))
ODD = b'"",*,a b,"q\n""q"\n1,x,NA,"a\n,b"\n2,,5,\n\n3,"",-7.5,"c"""\n'


def both(workspace: Workspace, source: str, suffix: str, *words: str, stdin: bytes | None = None) -> None:
    """The same files, whichever way."""
    given = {"stdin": stdin} if stdin is not None else {}
    place = [source] if stdin is None else []
    workspace.succeeds("fit", "-m", *words, *place, "-p", "one.json", "-o", f"one.{suffix}", **given)  # type: ignore[arg-type]
    workspace.succeeds("fit", "-m", *words, source, "-p", "two.json")
    workspace.succeeds("apply", source, "-p", "two.json", "-o", f"two.{suffix}")
    assert (workspace / "one.json").read_bytes() == (workspace / "two.json").read_bytes()
    assert (workspace / f"one.{suffix}").read_bytes() == (workspace / f"two.{suffix}").read_bytes()


@pytest.mark.parametrize("words", METHODS, ids=lambda words: words[0])
@pytest.mark.parametrize("suffix", ["csv", *longer("parquet")])
def test_as_one_after_the_other(words: tuple[str, ...], suffix: str, workspace: Workspace) -> None:
    both(workspace, "table.csv", suffix, *words)
    both(workspace, "table.csv", suffix, *words, stdin=TABLE)


def test_odd_names_and_fields_go_through_the_spool_as_they_are(workspace: Workspace) -> None:
    (workspace / "odd.csv").write_bytes(ODD)
    both(workspace, "odd.csv", "csv", "center")


def test_parquet_keeps_what_it_has(workspace: Workspace) -> None:
    fields = [pa.field("x", pa.int32(), metadata={"unit": "m"}), pa.field("l", pa.list_(pa.int8()))]
    table = pa.table([[1, None, 3], [[1], None, []]], schema=pa.schema(fields, metadata={"k": "v"}))
    pq.write_table(table, workspace / "t.parquet")
    both(workspace, "t.parquet", "parquet", "center", "-c", "x")
    assert pq.read_schema(workspace / "one.parquet").metadata[b"k"] == b"v"


def test_several_inputs_into_a_directory_or_one(workspace: Workspace) -> None:
    (workspace / "in").mkdir()
    for n in range(3):
        (workspace / "in" / f"{n}.csv").write_bytes(TABLE + b"x,%d,1,2\n" % n)
    workspace.succeeds("fit", "-m", "zscore", "in", "-p", "one.json", "-o", "one/")
    workspace.succeeds("apply", "in", "-p", "one.json", "-o", "two/")
    workspace.succeeds("fit", "-m", "zscore", "in", "-p", "one.json", "-o", "all.csv")
    whole = [p.read_bytes() for p in sorted((workspace / "two").glob("*.csv"))]
    assert [p.read_bytes() for p in sorted((workspace / "one").glob("*.csv"))] == whole
    assert (workspace / "all.csv").read_bytes() == whole[0] + b"".join(w.split(b"\n", 1)[1] for w in whole[1:])


def test_compressed_text_becomes_files_of_another_format(workspace: Workspace) -> None:
    (workspace / "in").mkdir()
    (workspace / "in" / "a.csv.gz").write_bytes(gzip.compress(TABLE))
    workspace.succeeds("fit", "-m", "zscore", "in", "-p", "one.json", "-o", "one/", "--to", "arrow")
    workspace.succeeds("apply", "in", "-p", "one.json", "-o", "two/", "--to", "arrow")
    assert (workspace / "one" / "a.arrow").read_bytes() == (workspace / "two" / "a.arrow").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "o.csv"], "-o needs -p"),
        (["-p", "x", "-o", "./x"], "-p and -o are both"),
        (["-p", "-", "-o", "-"], "-p and -o are both"),
        (["-p", "p.json", "-o", "table.csv"], "-o table.csv is the INPUT"),
        (["-p", "p.json", "--to", "csv"], "--to is for -o"),
    ],
)
def test_wrong_before_anything_is_read(words: list[str], message: str, workspace: Workspace) -> None:
    assert message in workspace.fails(2, "fit", "-m", "zscore", "table.csv", *words)


@pytest.mark.parametrize("data", [b"a,b\n1,x\noops,y\n", b"a,b\n1e308,x\n-1e308,y\n1e-5,z\n", b"a\n"])
def test_a_failure_leaves_both_targets_as_they_were(data: bytes, workspace: Workspace) -> None:
    (workspace / "bad.csv").write_bytes(data)
    for name in ("p.json", "o.csv"):
        (workspace / name).write_bytes(b"old")
    workspace.fails(65, "fit", "-m", "zscore", "-c", "a", "bad.csv", "-p", "p.json", "-o", "o.csv")


def test_where_there_is_no_room_for_the_spool_nothing_is_read(workspace: Workspace) -> None:
    before = workspace.files()
    done = workspace.run("fit", "-m", "zscore", "table.csv", "-p", "p.json", "-o", "o.csv", "--spool-dir", "none")
    assert (done.code, workspace.files()) == (74, before)
    assert "none: no spool can be made" in done.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_the_spool_leaves_both_targets_as_they_were(workspace: Workspace) -> None:
    """A limit on the size of files is met by the spool first."""
    (workspace / "big.csv").write_bytes(b"a,b\n" + b"1.5,some text\n2.5,other\n" * 200_000)
    for name in ("p.json", "o.csv"):
        (workspace / name).write_bytes(b"old")
    error = workspace.fails(
        74, "fit", "-m", "zscore", "big.csv", "-p", "p.json", "-o", "o.csv", "--spool-dir", os.curdir,
        via='trap "" XFSZ; ulimit -f 2000; exec "$@"',
    )  # fmt: skip
    assert "the spool can't be written: File too large" in error


def test_to_standard_output_with_parameters_in_a_file(workspace: Workspace) -> None:
    out = workspace.succeeds("fit", "-m", "zscore", "-p", "p.json", "-o", "-", stdin=TABLE).out
    assert out == workspace.succeeds("apply", "-p", "p.json", "table.csv").out
