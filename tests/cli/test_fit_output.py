"""fit -o: learning and normalizing in one command is the same as one after the other."""

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import TABLE, Desk
from tests.conftest import longer

METHODS = (("zscore",), ("minmax", "--range", "-1", "1"), ("decorrelate",), ("whiten", "--kind", "cholesky"), ("unit",))
ODD = b'"",*,a b,"q\n""q"\n1,x,NA,"a\n,b"\n2,,5,\n\n3,"",-7.5,"c"""\n'


def both(desk: Desk, source: str, suffix: str, *words: str, stdin: bytes | None = None) -> None:
    """The same files, whichever way."""
    given = {"stdin": stdin} if stdin is not None else {}
    place = [source] if stdin is None else []
    desk.succeeds("fit", "-m", *words, *place, "-p", "one.json", "-o", f"one.{suffix}", **given)  # type: ignore[arg-type]
    desk.succeeds("fit", "-m", *words, source, "-p", "two.json")
    desk.succeeds("apply", source, "-p", "two.json", "-o", f"two.{suffix}")
    assert (desk / "one.json").read_bytes() == (desk / "two.json").read_bytes()
    assert (desk / f"one.{suffix}").read_bytes() == (desk / f"two.{suffix}").read_bytes()


@pytest.mark.parametrize("words", METHODS, ids=lambda words: words[0])
@pytest.mark.parametrize("suffix", ["csv", *longer("parquet")])
def test_as_one_after_the_other(words: tuple[str, ...], suffix: str, desk: Desk) -> None:
    both(desk, "table.csv", suffix, *words)
    both(desk, "table.csv", suffix, *words, stdin=TABLE)


def test_odd_names_and_fields_go_through_the_spool_as_they_are(desk: Desk) -> None:
    (desk / "odd.csv").write_bytes(ODD)
    both(desk, "odd.csv", "csv", "center")


def test_parquet_keeps_what_it_has(desk: Desk) -> None:
    fields = [pa.field("x", pa.int32(), metadata={"unit": "m"}), pa.field("l", pa.list_(pa.int8()))]
    table = pa.table([[1, None, 3], [[1], None, []]], schema=pa.schema(fields, metadata={"k": "v"}))
    pq.write_table(table, desk / "t.parquet")
    both(desk, "t.parquet", "parquet", "center", "-c", "x")
    assert pq.read_schema(desk / "one.parquet").metadata[b"k"] == b"v"


def test_several_inputs_into_a_directory_or_one(desk: Desk) -> None:
    (desk / "in").mkdir()
    for n in range(3):
        (desk / "in" / f"{n}.csv").write_bytes(TABLE + b"x,%d,1,2\n" % n)
    desk.succeeds("fit", "-m", "zscore", "in", "-p", "one.json", "-o", "one/")
    desk.succeeds("apply", "in", "-p", "one.json", "-o", "two/")
    desk.succeeds("fit", "-m", "zscore", "in", "-p", "one.json", "-o", "all.csv")
    whole = [p.read_bytes() for p in sorted((desk / "two").glob("*.csv"))]
    assert [p.read_bytes() for p in sorted((desk / "one").glob("*.csv"))] == whole
    assert (desk / "all.csv").read_bytes() == whole[0] + b"".join(w.split(b"\n", 1)[1] for w in whole[1:])


def test_compressed_text_becomes_files_of_another_format(desk: Desk) -> None:
    (desk / "in").mkdir()
    (desk / "in" / "a.csv.gz").write_bytes(gzip.compress(TABLE))
    desk.succeeds("fit", "-m", "zscore", "in", "-p", "one.json", "-o", "one/", "--to", "arrow")
    desk.succeeds("apply", "in", "-p", "one.json", "-o", "two/", "--to", "arrow")
    assert (desk / "one" / "a.arrow").read_bytes() == (desk / "two" / "a.arrow").read_bytes()


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
def test_wrong_before_anything_is_read(words: list[str], message: str, desk: Desk) -> None:
    assert message in desk.fails(2, "fit", "-m", "zscore", "table.csv", *words)


@pytest.mark.parametrize("data", [b"a,b\n1,x\noops,y\n", b"a,b\n1e308,x\n-1e308,y\n1e-5,z\n", b"a\n"])
def test_a_failure_leaves_both_targets_as_they_were(data: bytes, desk: Desk) -> None:
    (desk / "bad.csv").write_bytes(data)
    for name in ("p.json", "o.csv"):
        (desk / name).write_bytes(b"old")
    desk.fails(65, "fit", "-m", "zscore", "-c", "a", "bad.csv", "-p", "p.json", "-o", "o.csv")


def test_where_there_is_no_room_for_the_spool_nothing_is_read(desk: Desk) -> None:
    before = desk.files()
    done = desk.run("fit", "-m", "zscore", "table.csv", "-p", "p.json", "-o", "o.csv", "--spool-dir", "none")
    assert (done.code, desk.files()) == (74, before)
    assert "none: no spool can be made" in done.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_the_spool_leaves_both_targets_as_they_were(desk: Desk) -> None:
    """A limit on the size of files is met by the spool first."""
    (desk / "big.csv").write_bytes(b"a,b\n" + b"1.5,some text\n2.5,other\n" * 200_000)
    for name in ("p.json", "o.csv"):
        (desk / name).write_bytes(b"old")
    error = desk.fails(
        74, "fit", "-m", "zscore", "big.csv", "-p", "p.json", "-o", "o.csv", "--spool-dir", os.curdir,
        via='trap "" XFSZ; ulimit -f 2000; exec "$@"',
    )  # fmt: skip
    assert "the spool can't be written: File too large" in error


def test_to_standard_output_with_parameters_in_a_file(desk: Desk) -> None:
    out = desk.succeeds("fit", "-m", "zscore", "-p", "p.json", "-o", "-", stdin=TABLE).out
    assert out == desk.succeeds("apply", "-p", "p.json", "table.csv").out
