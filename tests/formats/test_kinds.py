"""Which format a file is in, whatever it is called; and files of kinds that are neither read nor written."""

import bz2
import gzip
import io
import lzma
import pickle
import re
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.orc as orc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normcli import api, formats
from normcli.errors import BadDataError, BadPlaceError, BadRowError, NormcliError, UsageError
from normcli.formats._foreign import KINDS
from normcli.methods.center import Center
from tests.formats.conftest import identity, in_memory, normcli, params_of
from tests.formats.test_types import written_as

TABLE = pa.table({"x": [1.0, 2.0, 4.0]})
BINARY = ("arrow", "arrows", "parquet")


@pytest.mark.parametrize("called", BINARY)
@pytest.mark.parametrize("kind", BINARY)
def test_a_binary_file_is_what_its_first_bytes_say(kind: str, called: str, folder: Path) -> None:
    given = folder / f"given.{called}"
    written_as(TABLE, folder / f"as.{kind}").rename(given)
    right = api.fit(written_as(TABLE, folder / f"right.{kind}"), Center())
    assert params_of(api.fit(given, Center())) == params_of(right)


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
    with pytest.raises(BadDataError, match=r"p\.csv: is parquet, and its name says csv") as caught:
        api.fit(given, Center())
    assert caught.value.hint == "`from_='parquet'` reads it"
    assert api.fit(given, Center(), from_="parquet").rows == 3


@pytest.mark.parametrize("data", [b"PAR1,PAR2\n1,2\n", b"ARROW1\n1\n", b"ORC\n1\n", b"FEA1,b\n1,2\n", b"[x],y\n1,2\n"])
@pytest.mark.parametrize("name", ["t", "t.csv"])
def test_names_of_columns_do_not_make_a_binary_file(data: bytes, name: str) -> None:
    assert formats.of_source(in_memory(data, name)) == "csv"


# -- kinds that are not read -------------------------------------------------------------------------------------
def zipped(*names: str, text: str = "x\n1\n") -> bytes:
    """A ZIP archive of small files, in order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, text)
    return out.getvalue()


def written_by(writer: Callable[[io.BytesIO], object]) -> bytes:
    out = io.BytesIO()
    writer(out)
    return out.getvalue()


def database() -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table t (x)")
        return bytes(connection.serialize())


def tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.csv"))
    return out.getvalue()


XLSX = ("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml", "xl/worksheets/sheet1.xml")
ODS = "mimetype", "application/vnd.oasis.opendocument.spreadsheet"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
KNOWN: dict[str, tuple[str, Callable[[], bytes]]] = {  # where no library is here, how its specification says it begins
    "xlsx": ("an Excel workbook", lambda: zipped(*XLSX)),
    "ods": ("an OpenDocument spreadsheet", lambda: zipped(ODS[0], text=ODS[1])),
    "docx": ("a ZIP archive", lambda: zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml")),
    "npz": ("a NumPy archive", lambda: written_by(lambda out: np.savez(out, x=np.ones(3)))),
    "zip": ("a ZIP archive", lambda: zipped("a.csv")),
    "orc": ("an ORC file", lambda: written_by(lambda out: orc.write_table(TABLE, out))),
    "sqlite": ("an SQLite database", database),
    "pickle": ("a Python pickle", lambda: pickle.dumps({"x": [1.0, 2.0]})),
    "tar": ("a tar archive", tar),
    "avro": ("an Avro file", lambda: b"Obj\x01\x04\x16avro.schema"),
    "hdf5": ("an HDF5 file", lambda: b"\x89HDF\r\n\x1a\n" + bytes(40)),
    "nc": ("a netCDF file", lambda: b"CDF\x01" + bytes(40)),
    "duckdb": ("a DuckDB database", lambda: bytes(range(8)) + b"DUCK" + bytes(40)),
    "7z": ("a 7z archive", lambda: b"7z\xbc\xaf\x27\x1c\0\4" + bytes(40)),
    "rar": ("a RAR archive", lambda: b"Rar!\x1a\x07\x01\0" + bytes(40)),
    "lz4": ("lz4 data", lambda: b"\x04\x22\x4d\x18" + bytes(40)),
    "z": ("compress data", lambda: b"\x1f\x9d\x90" + bytes(40)),
    "pdf": ("a PDF document", lambda: b"%PDF-1.7\n"),
    "xls": ("an Excel workbook", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(40)),
    "json": ("a JSON array", lambda: b' [\n {"x": 1}]'),
    "rows.json": ("a JSON array", lambda: b"[[1, 2],\n [3, 4]]"),
    "numbers.json": ("a JSON array", lambda: b"[1, -2.5,\n 3e4]\n"),
    "texts.json": ("a JSON array", lambda: b'["x", "y"]'),
    "html": ("an HTML page", lambda: b"\n<!-- proxy -->\n<!DOCTYPE html>\n<html><body>502, try later</body></html>\n"),
    "htm": ("an HTML page", lambda: b"\xef\xbb\xbf<HTML lang='en'>\n"),
    "xml": ("an XML document", lambda: b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"),
    "lfs": ("a git-lfs pointer", lambda: LFS),
    "annex": ("a git-annex pointer", lambda: b"/annex/objects/SHA256E-s8--a2.csv\n"),
    "feather": ("a Feather file of version 1", lambda: b"FEA1" + bytes(40)),
    "enc": ("an encrypted Parquet file", lambda: b"PARE\x15\0"),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_an_input_of_a_kind_that_is_not_read_is_called_by_its_name(kind: str) -> None:
    name, write = KNOWN[kind]
    data = write()
    for called in (f"t.{kind}", "t.csv", "t.parquet", "t.arrow", "t.ndjson", "t.txt", "<stdin>"):
        for asked in (None, "csv", "tsv", "ndjson", "parquet", "arrows"):
            with pytest.raises(BadDataError, match="which is not read") as caught:
                formats.of_source(in_memory(data, called), asked)
            assert caught.value.message.startswith(f"{called}: is {name}")
            assert caught.value.hint


@pytest.mark.parametrize("kind", KNOWN)
def test_also_compressed(kind: str) -> None:
    name, write = KNOWN[kind]
    for pack in (gzip.compress, bz2.compress, lzma.compress):
        with pytest.raises(BadDataError, match=f"is {name}"):
            formats.of_source(in_memory(pack(write()), "t.csv"))


def test_every_kind_that_begins_in_a_way_is_among_those() -> None:
    assert {k.name.removesuffix(" (.xls)") for k in KINDS if k.begins} == {name for name, _ in KNOWN.values()}


@pytest.mark.parametrize("inner", ["gzip", "bzip2", "xz"])
@pytest.mark.parametrize("outer", ["gzip", "bzip2", "xz"])
def test_what_is_compressed_twice_says_so(outer: str, inner: str) -> None:
    pack: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}
    data = pack[outer](pack[inner](b"x\n1\n"))
    for asked in (None, "csv"):
        with pytest.raises(BadDataError, match=f"is {inner} in {outer}: compressed twice") as caught:
            formats.of_source(in_memory(data, "t.csv.gz"), asked)
        assert caught.value.hint.startswith(f"{outer} -dc ")


@pytest.mark.parametrize("asked", [None, "parquet", "arrow"])
def test_text_with_the_name_of_a_binary_format_is_text(asked: str | None) -> None:
    for data, reading in ((b"x,y\n1,2\n", "csv"), (b'{"x":1}\n', "ndjson"), ("größe\n1\n".encode("latin1"), "csv")):
        with pytest.raises(BadDataError, match="is text, and ") as caught:
            formats.of_source(in_memory(data, "t.parquet"), asked)
        assert caught.value.hint == f"--from {reading} reads it"


TEXTS = [  # that begin nearly as such kinds do
    *("[x],y\n1,2\n", "[[x]],y\n1,2\n", "[1,2\n3,4\n", "[1],[2]\n1,2\n", "[x] [y]\n1 2\n", "<x>,y\n1,2\n"),
    *("<htmlx>,y\n1,2\n", "%PDF,y\n1,2\n", "PK,y\n1,2\n", "version,x\n1,2\n", "7z,y\n1,2\n", "Obj,y\n1,2\n"),
    *("CDF,y\n1,2\n", "SQLite format 3,y\n1,2\n", "NUMPY,y\n1,2\n", "Rar!,y\n1,2\n", "x" * 257 + "ustar,y\n1,2\n"),
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_that_begins_nearly_as_one_is_read(text: str) -> None:
    assert formats.of_source(in_memory(text.encode(), "t.csv")) == "csv"


@pytest.mark.parametrize("kind", ["sqlite", "npz", "zip", "pdf", "html", "xls", "7z"])
def test_through_the_command_it_is_one_line_and_no_iconv(kind: str, tmp_path: Path) -> None:
    data = KNOWN[kind][1]()
    (tmp_path / "it's.csv").write_bytes(data)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(data))
    for line, stdin in (
        *((["it's.csv"], b""), (["t.csv.gz"], b""), (["-"], data)),
        *((["it's.csv", "--from", "csv"], b""), (["-", "--from", "ndjson"], data), (["-"], gzip.compress(data))),
    ):
        done = normcli("fit", *line, "-m", "center", "-p", "p.json", cwd=tmp_path, stdin=stdin)
        assert (done.returncode, done.stderr.count(b"\n")) == (65, 1)
        assert KNOWN[kind][0].encode() in done.stderr
        assert b"iconv" not in done.stderr
    assert not (tmp_path / "p.json").exists()


@given(
    st.binary(min_size=1, max_size=300).map(lambda data: data.translate(None, b"\r\n")),
    st.sampled_from(["csv", "tsv", "ndjson"]),
)
def test_only_text_is_told_to_run_iconv(data: bytes, format: str) -> None:
    """No encoding of letters has control characters."""
    try:
        found = formats.record(formats.of_source(in_memory(data, "t"), format))
        for chunk in found.open(in_memory(data, "t")).chunks():
            chunk.decode(frozenset(), "error")
    except NormcliError as e:
        hint = e.hint
    except (BadPlaceError, BadRowError) as e:
        hint = e.hint
    else:
        return
    assert "iconv -f LATIN1" not in hint or not re.search(rb"[\0-\x08\x0e-\x1a]", data)


# -- kinds that are not written ----------------------------------------------------------------------------------
OTHERS = {
    *(
        ".xlsx",
        ".xlsm",
        ".xlsb",
        ".xls",
        ".ods",
        ".db",
        ".duckdb",
        ".sqlite",
        ".sqlite3",
        ".npz",
        ".h5",
        ".hdf5",
    ),
    *(".hdf", ".nc", ".pkl", ".pickle", ".orc", ".avro", ".zip", ".7z", ".rar", ".tar", ".tgz", ".lz4", ".z", ".json"),
    *(".pdf", ".html", ".htm", ".xml"),
}


def test_the_list_is_closed() -> None:
    assert {s for kind in KINDS for s in kind.suffixes} == OTHERS


@pytest.mark.parametrize("suffix", sorted(OTHERS))
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
    (tmp_path / "out.npz").write_bytes(b"as it was")
    (tmp_path / "d.csv").write_text("x\n1\n2\n")
    assert normcli("fit", "d.csv", "-m", "center", "-p", "p.json", cwd=tmp_path).returncode == 0
    before = (tmp_path / "p.json").read_bytes()
    for line in (["fit", "-m", "zscore"], ["apply"]):
        done = normcli(*line, "gone.csv", "-p", "p.json", "-o", "out.npz", cwd=tmp_path)
        assert (done.returncode, done.stderr.count(b"\n")) == (2, 1), done.stderr
        done = normcli(*line, "d.csv", "-p", "p.json", "-o", "out.npz", cwd=tmp_path)
        assert done.returncode == 2
        assert (tmp_path / "out.npz").read_bytes() == b"as it was"
        assert (tmp_path / "p.json").read_bytes() == before
    done = normcli("apply", "d.csv", "-p", "p.json", "-o", "out.npz", "--to", "csv", cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "out.npz").read_bytes() == b"x\n-0.5\n0.5\n"
    (tmp_path / "out.db").mkdir()
    assert normcli("apply", "d.csv", "-p", "p.json", "-o", "out.db", cwd=tmp_path).returncode == 0
