"""Which format a file is in, whatever it is called; and files of kinds that are neither read nor written."""

import io
import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.orc as orc
import pytest

from normcli import api, formats
from normcli.errors import BadDataError, UsageError
from normcli.formats._foreign import KINDS
from normcli.methods.center import Center
from tests.formats.conftest import identity, in_memory, normcli
from tests.formats.test_types import written_as

TABLE = pa.table({"x": [1.0, 2.0, 4.0]})
BINARY = ("arrow", "arrows", "parquet")


@pytest.mark.parametrize("called", BINARY)
@pytest.mark.parametrize("kind", BINARY)
def test_a_binary_file_is_what_its_first_bytes_say(kind: str, called: str, folder: Path) -> None:
    given = folder / f"given.{called}"
    written_as(TABLE, folder / f"as.{kind}").rename(given)
    right = api.fit(written_as(TABLE, folder / f"right.{kind}"), Center())
    assert api.fit(given, Center()) == right


@pytest.mark.parametrize("said", BINARY)
@pytest.mark.parametrize("kind", BINARY)
def test_also_where_from_says_another_binary_one(kind: str, said: str, folder: Path) -> None:
    data = written_as(TABLE, folder / f"as.{kind}").read_bytes()
    done = normcli("fit", "-m", "center", "-p", "p.json", "--from", said, cwd=folder, stdin=data)
    assert done.returncode == 0, done.stderr


def test_also_in_a_directory_that_has_both(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for name, kind in (("a.arrow", "arrows"), ("b.arrow", "arrow"), ("c.arrows", "arrow")):
        written_as(TABLE, tmp_path / f"as.{kind}").rename(tmp_path / "d" / name)
    done = normcli("fit", "d", "-m", "center", "-p", "p.json", "-o", "out/", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert b"9 rows of 3 inputs" in done.stderr
    for name in ("a.arrow", "b.arrow", "c.arrows"):  # which are, now, what they are called
        data = (tmp_path / "out" / name).read_bytes()
        assert data.startswith(formats.signature(name.partition(".")[2]).magic)


def test_a_binary_file_with_the_name_of_text_is_called_what_it_is(folder: Path) -> None:
    given = written_as(TABLE, folder / "p.parquet").rename(folder / "p.csv")
    with pytest.raises(BadDataError, match=r"p\.csv: begins as parquet does") as caught:
        api.fit(given, Center())
    assert caught.value.hint == "--from parquet reads it"
    assert api.fit(given, Center(), from_="parquet").rows == 3


@pytest.mark.parametrize("data", [b"PAR1,PAR2\n1,2\n", b"ARROW1\n1\n", b"ORC\n1\n", b"FEA1,b\n1,2\n", b"[x],y\n1,2\n"])
@pytest.mark.parametrize("name", ["t", "t.csv"])
def test_names_of_columns_do_not_make_a_binary_file(data: bytes, name: str) -> None:
    assert formats.of_source(in_memory(data, name)) == "csv"


# -- kinds that are not read -------------------------------------------------------------------------------------
def made_of(kind: str) -> bytes:
    """A small file of a kind, as its own library writes it."""
    out = io.BytesIO()
    if kind in ("xlsx", "zip"):
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("a.csv", "x\n1\n")
    elif kind == "npz":
        np.savez(out, x=np.ones(3))
    elif kind == "npy":
        np.save(out, np.ones(3))
    elif kind == "orc":
        orc.write_table(TABLE, out)
    elif kind == "sqlite":
        with sqlite3.connect(":memory:") as database:
            database.execute("create table t (x)")
            return bytes(database.serialize())
    begins = {"avro": b"Obj\x01\x04\x16avro.schema", "pdf": b"%PDF-1.7\n", "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"}
    begins |= {"json": b' [\n {"x": 1}]', "feather": b"FEA1" + bytes(40), "enc": b"PARE\x15\0"}
    return out.getvalue() or begins[kind]


CALLED = {
    "xlsx": "an Excel workbook",
    "npz": "a NumPy archive",
    "zip": "a ZIP archive",
    "npy": "a NumPy array",
    "orc": "an ORC file",
    "sqlite": "an SQLite database",
    "avro": "an Avro file",
    "pdf": "a PDF document",
    "xls": "an Excel workbook",
    "json": "a JSON document",
    "feather": "a Feather file of version 1",
    "enc": "an encrypted Parquet file",
}


@pytest.mark.parametrize("kind", CALLED)
def test_an_input_of_a_kind_that_is_not_read_is_called_by_its_name(kind: str) -> None:
    data = made_of(kind)
    with pytest.raises(BadDataError) as caught:
        formats.of_source(in_memory(data, f"t.{kind}"))
    assert caught.value.message.startswith(f"t.{kind}: is {CALLED[kind]}")
    for name in ("t.csv", "t.txt", "<stdin>"):
        with pytest.raises(BadDataError, match="which is not read"):
            formats.of_source(in_memory(data, name))


# -- kinds that are not written ----------------------------------------------------------------------------------
OTHERS = [".xlsx", ".xls", ".db", ".sqlite", ".npy", ".npz", ".orc", ".avro", ".json", ".pdf", ".zip"]


def test_the_list_is_closed() -> None:
    assert sorted(s for kind in KINDS for s in kind.suffixes) == sorted(OTHERS)


@pytest.mark.parametrize("suffix", OTHERS)
def test_a_suffix_that_means_something_else_is_no_output(suffix: str, folder: Path) -> None:
    for name in (f"out{suffix}", f"out{suffix.upper()}", f"s3://bucket/out{suffix}", f"out{suffix}.gz"):
        with pytest.raises(UsageError, match=r"is not written; there are .*\.csv"):
            formats.check_output(None, name)
        formats.check_output("csv", name)
    given, made = folder / "given.csv", folder / f"out{suffix}"
    given.write_text("x\n1\n")
    with pytest.raises(UsageError):
        api.apply(identity("x"), given, made)
    assert not made.exists()


@pytest.mark.parametrize("name", ["out", "out.txt", "out.dat", "out.out", "out.csv.tmp", "json", "x.db/out", None])
def test_any_other_is_as_the_input(name: str | None) -> None:
    formats.check_output(None, name)
    assert formats.of_output(None, name, "tsv") == "tsv"


def test_before_anything_is_read_or_written(tmp_path: Path) -> None:
    """The input is not there: that would be 66."""
    (tmp_path / "out.npy").write_bytes(b"as it was")
    (tmp_path / "d.csv").write_text("x\n1\n2\n")
    assert normcli("fit", "d.csv", "-m", "center", "-p", "p.json", cwd=tmp_path).returncode == 0
    before = (tmp_path / "p.json").read_bytes()
    for line in (["fit", "-m", "zscore"], ["apply"]):
        done = normcli(*line, "gone.csv", "-p", "p.json", "-o", "out.npy", cwd=tmp_path)
        assert (done.returncode, done.stderr.count(b"\n")) == (2, 1), done.stderr
        done = normcli(*line, "d.csv", "-p", "p.json", "-o", "out.npy", cwd=tmp_path)
        assert done.returncode == 2
        assert (tmp_path / "out.npy").read_bytes() == b"as it was"
        assert (tmp_path / "p.json").read_bytes() == before
    done = normcli("apply", "d.csv", "-p", "p.json", "-o", "out.npy", "--to", "csv", cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "out.npy").read_bytes() == b"x\n-0.5\n0.5\n"
    (tmp_path / "out.db").mkdir()
    assert normcli("apply", "d.csv", "-p", "p.json", "-o", "out.db", cwd=tmp_path).returncode == 0
