"""Parquet files that have groups without fields, as parquet-go writes of empty structs: nothing is stored of one."""

import io
import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import longer
from tests.formats.conftest import normcli
from tests.formats.test_types import read_as

TABLE = pa.table({"g": [{"a": 1}, None, {"a": 2}], "x": [1.0, 2.0, 6.0]})
NAME, CHILDREN, STOP = b"\x18", b"\x15", b"\0"  # fields of a schema's element, in the compact protocol: 4, then 5


def parquet(table: pa.Table) -> bytes:
    pq.write_table(table, sink := io.BytesIO(), store_schema=False)
    return sink.getvalue()


def with_group(table: pa.Table, within: str, *, optional: bool) -> bytes:
    """A Parquet file whose group `within` has an empty one, `s`, in it; which is first."""
    data = parquet(table)
    size = struct.unpack("<I", data[-8:-4])[0]
    footer = bytearray(data[-8 - size : -8])
    children = footer.index(bytes([len(within)]) + within.encode()) + 1 + len(within)
    assert footer[children : children + 1] == CHILDREN
    assert footer[2:3] == b"\x19"  # a list of elements: four bits of its size, and its type
    footer[3] += 1 << 4
    footer[children + 1] += 2
    end = footer.index(STOP, children + 2) + 1
    footer[end:end] = b"\x35" + (b"\x02" if optional else b"\0") + NAME + b"\x01s" + CHILDREN + b"\0" + STOP
    return data[: -8 - size] + footer + struct.pack("<I", len(footer)) + b"PAR1"


@pytest.mark.parametrize("to", ["parquet", "arrow", *longer("arrows", "ndjson")])
@pytest.mark.parametrize("optional", [True, *longer(False)])
def test_a_column_of_which_nothing_is_stored_is_left_out(to: str, optional: bool, tmp_path: Path) -> None:
    """With a notice; all else is as without it."""
    (tmp_path / "d.parquet").write_bytes(with_group(TABLE, "schema", optional=optional))
    (tmp_path / "e.parquet").write_bytes(parquet(TABLE))
    assert pq.read_schema(tmp_path / "d.parquet").names == ["s", "g", "x"]
    for name in "de":
        fit = ["fit", f"{name}.parquet", "-m", "center", "-p", f"{name}.json", "-o", f"{name}1.{to}", "--werror"]
        apply = ["apply", f"{name}.parquet", "-p", f"{name}.json", "-o", f"{name}2.{to}", "--werror"]
        for line in (fit, apply, ["check", f"{name}.parquet", "-p", f"{name}.json", "--min-rows", "0", "--werror"]):
            done = normcli(*line, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            assert (b"d.parquet: column 's' is left out: a group without fields" in done.stderr) is (name == "d")
    for file in ("{}.json", f"{{}}1.{to}", f"{{}}2.{to}"):
        assert (tmp_path / file.format("d")).read_bytes() == (tmp_path / file.format("e")).read_bytes()
    if to != "ndjson":
        assert read_as(tmp_path / f"d2.{to}")["g"].to_pylist() == TABLE["g"].to_pylist()


def test_a_column_that_has_one_in_it_is_refused_by_name(tmp_path: Path) -> None:
    """Where it has to be read."""
    (tmp_path / "d.parquet").write_bytes(with_group(TABLE, "g", optional=True))
    assert normcli("fit", "d.parquet", "-m", "center", "-p", "p.json", cwd=tmp_path).returncode == 0
    done = normcli("apply", "d.parquet", "-p", "p.json", "-o", "z.arrow", cwd=tmp_path)
    assert done.returncode == 65
    assert b"d.parquet: column 'g' has a group without fields in it, and can't be read" in done.stderr
    assert not (tmp_path / "z.arrow").exists()
