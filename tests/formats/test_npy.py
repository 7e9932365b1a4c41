"""NumPy arrays: what numpy writes is read, what is written numpy reads, and nothing else is believed."""

import io
import json
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normcli import api
from normcli.errors import BadDataError, BadPlaceError, NormcliError
from normcli.formats._arrays import npy_header
from normcli.formats._arrays.npy_header import Header
from normcli.methods.zscore import ZScore
from tests.cli.conftest import Workspace
from tests.conftest import examples
from tests.formats.conftest import identity, in_memory, through_pipe
from tests.formats.files import opened

TYPES = [
    f"{order}{kind}" for order in "<>" for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
]


def saved(array: Any, **more: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **more)
    return file.getvalue()


def read(data: bytes, *, piped: bool = False, block_size: int | None = None) -> Any:
    """(rows, columns) as it is read."""
    source = through_pipe(data, (7, 1000)) if piped else in_memory(data, "t.npy")
    reader = opened("npy", source, block_size=block_size)
    batches = [chunk.decode(frozenset(), "error").frame.to_arrow() for chunk in reader.chunks()]
    names = [f.name for f in reader.description.schema]
    return np.stack([np.concatenate([np.asarray(b.column(n).to_pylist()) for b in batches]) for n in names], axis=1)


def refusal(data: bytes) -> str:
    with pytest.raises((BadDataError, BadPlaceError)) as caught:
        read(data)
    return str(caught.value)


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("kind", TYPES)
def test_any_numbers_are_read_from_wherever_they_are_cut(kind: str, order: Any, piped: bool) -> None:
    array = np.asarray((np.arange(60).reshape(20, 3) * 1.5).astype(kind), order=order)
    for size in (1, 7, None):
        np.testing.assert_array_equal(read(saved(array), piped=piped, block_size=size), array)


def test_types_are_those_of_the_array() -> None:
    for kind in (*TYPES, "?"):
        reader = opened("npy", in_memory(saved(np.zeros((2, 2), kind)), "t.npy"))
        name = "bool" if kind == "?" else str(np.dtype(kind).newbyteorder("="))
        assert [(f.name, f.type) for f in reader.description.schema] == [("x0", name), ("x1", name)]


def test_one_dimension_is_a_column_and_stays_one(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.arange(5.0))
    np.save(tmp_path / "two.npy", np.arange(5.0)[:, None])
    for name, shape in (("one", (5,)), ("two", (5, 1))):
        api.apply(identity("x0"), tmp_path / f"{name}.npy", tmp_path / "out.npy")
        assert np.load(tmp_path / "out.npy").shape == shape
    api.apply(identity("x0"), tmp_path / "one.npy", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines()[:2] == ["x0", "0.0"]


@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_it_is_normalized_and_restored_as_parquet_is(workspace: Workspace, kind: str) -> None:
    array = np.random.default_rng(3).normal(5.0, 2.0, (300, 4)).astype(kind)
    array[7, 2] = np.nan
    np.save(workspace / "a.npy", array)
    pq.write_table(pa.table({f"x{j}": column for j, column in enumerate(array.T)}), workspace / "a.parquet")
    for name in ("npy", "parquet"):
        workspace.succeeds("fit", f"a.{name}", "-m", "zscore", "-p", f"{name}.json")
        workspace.succeeds("apply", f"a.{name}", "-p", f"{name}.json", "-o", f"z.{name}")
    of_npy, of_parquet = (json.loads((workspace / f"{n}.json").read_text()) for n in ("npy", "parquet"))
    assert of_npy["steps"] == of_parquet["steps"]
    z, table = np.load(workspace / "z.npy"), pq.read_table(workspace / "z.parquet")
    assert z.dtype == kind
    np.testing.assert_array_equal(z, np.stack([c.to_numpy() for c in table.columns], axis=1))
    workspace.succeeds("apply", "z.npy", "-p", "npy.json", "--inverse", "-o", "back.npy")
    np.testing.assert_allclose(np.load(workspace / "back.npy"), array, atol=1e-6 if kind == "f4" else 1e-13)
    piped = workspace.succeeds("apply", "a.npy", "-p", "npy.json", "--to", "npy").out
    assert piped == (workspace / "z.npy").read_bytes()


def test_what_it_has_no_place_for_is_said(workspace: Workspace) -> None:
    (workspace / "gap.csv").write_text("x,n\n1,1\n2,\n")
    workspace.succeeds("fit", "gap.csv", "-m", "center", "-p", "p.json")
    workspace.succeeds("apply", "gap.csv", "-p", "p.json", "-o", "z.npy")
    assert np.isnan(np.load(workspace / "z.npy")[1, 1])
    pq.write_table(pa.table({"x": [1.5, 2.5], "n": [1, None], "m": [1, 2**53 + 1]}), workspace / "t.parquet")
    workspace.succeeds("fit", "t.parquet", "-m", "center", "-c", "x", "-p", "x.json")
    message = workspace.fails(65, "apply", "t.parquet", "-p", "x.json", "-o", "o.npy")
    assert "row 2: 9007199254740993 in column 'm' is no float64, as all columns are here" in message
    workspace.params()
    assert "npy has no place for column site" in workspace.fails(
        65, "apply", "table.csv", "-p", "p.json", "-o", "t.npy"
    )
    assert "npy can't say that it was normalized" in workspace.fails(
        2, "apply", "z.npy", "-p", "p.json", "-o", "z.npy")  # fmt: skip


def test_many_columns_are_read_in_blocks_of_bounded_size() -> None:
    array = np.ones((2100, 4096), "f4")
    reader = opened("npy", in_memory(saved(array), "t.npy"))
    chunks = list(reader.chunks())
    assert [c.weight for c in chunks] == [1024, 1024, 52]
    assert chunks[0].decode(frozenset(), "error").frame.to_arrow().num_columns == 4096


def test_a_directory_of_arrays_becomes_another(workspace: Workspace) -> None:
    """Whose digests are computed as they are written, so that no header is written twice."""
    (workspace / "in").mkdir()
    for i in range(3):
        np.save(workspace / "in" / f"{i}.npy", np.arange(8.0).reshape(4, 2) + i)
    workspace.succeeds("fit", "in", "-m", "zscore", "-p", "p.json")
    workspace.succeeds("apply", "in", "-p", "p.json", "-o", "out/")
    assert "3 of 3 complete" in workspace.succeeds("apply", "in", "-p", "p.json", "-o", "out/", "--resume").err
    workspace.succeeds("apply", "in/1.npy", "-p", "p.json", "-o", "one.npy")
    assert (workspace / "one.npy").read_bytes() == (workspace / "out" / "1.npy").read_bytes()


# -- what is not believed ----------------------------------------------------------------------------------------
class Evil:
    def __reduce__(self) -> Any:
        return print, ("unpickled",)


def test_objects_are_never_unpickled(capsys: pytest.CaptureFixture[str]) -> None:
    data = saved(np.array([Evil(), 1], object), allow_pickle=True)
    assert "Python objects, which are never unpickled" in refusal(data)
    assert "structured array" in refusal(saved(np.zeros(2, [("a", "f8"), ("b", object)]), allow_pickle=True))
    assert capsys.readouterr().out == ""


def with_header(
    text: str | bytes, data: bytes = bytes(800), version: bytes = b"\x01\0", length: int | None = None
) -> bytes:
    header = text.encode() if isinstance(text, str) else text
    size = struct.pack("<H" if version == b"\x01\0" else "<I", len(header) if length is None else length)
    return b"\x93NUMPY" + version + size + header + data


GOOD = "{'descr': '<f8', 'fortran_order': False, 'shape': (50, 2), }\n"


def test_a_header_of_any_version_is_read() -> None:
    for version in (b"\x01\0", b"\x02\0", b"\x03\0"):
        assert read(with_header(GOOD, version=version)).shape == (50, 2)
    assert read(with_header("{'shape':(100,),'fortran_order':True,'descr':'<f8'}")).shape == (100, 1)


@pytest.mark.parametrize(
    "data",
    [
        with_header(GOOD, version=b"\x04\0"), with_header(GOOD, version=b"\x02\0", length=(1 << 32) - 1),
        with_header(GOOD, length=0), with_header(GOOD, length=65535), with_header(GOOD, bytes(799)),
        with_header(GOOD, bytes(801)), with_header(GOOD)[:9], with_header(GOOD)[:30],
        with_header(GOOD.replace("(50, 2)", "(50, -2)")), with_header(GOOD.replace("(50, 2)", "(50, 2.0)")),
        with_header(GOOD.replace("(50, 2)", "(True, 100)")), with_header(GOOD.replace("(50, 2)", "[50, 2]")),
        with_header(GOOD.replace("(50, 2)", "()")), with_header(GOOD.replace("(50, 2)", "(5, 5, 4)")),
        with_header(GOOD.replace("(50, 2)", "(0, 1099511627776)"), b""),
        with_header(GOOD.replace("(50, 2)", "(4611686018427387904, 4)")),
        with_header(GOOD.replace("(50, 2)", "(100, 0)")), with_header(GOOD.replace("False", "0")),
        with_header(GOOD.replace("'<f8'", "'<c16'")), with_header(GOOD.replace("'<f8'", "'<U2'")),
        with_header(GOOD.replace("'<f8'", "'<M8[s]'")), with_header(GOOD.replace("'<f8'", "'|O'")),
        with_header(GOOD.replace("'<f8'", "'(2,)<f4'")), with_header(GOOD.replace("'<f8'", "'nosuch'")),
        with_header(GOOD.replace("'<f8'", "8")), with_header(GOOD.replace("'<f8'", "'<f16'")),
        with_header(GOOD.replace("'shape'", "'shapes'")), with_header("__import__('os').system('false')"),
        with_header("(" * 9000), with_header("[" * 4000 + "]" * 4000), with_header("{" + "'a':" * 2000),
        with_header(b"\xff\xfe{}"), with_header("{'descr': '<f8'}"), with_header("9" * 9999),
    ],
)  # fmt: skip
def test_a_hostile_header_is_bad_data(data: bytes) -> None:
    assert refusal(data).startswith("t.npy: ")
    with pytest.raises(NormcliError):
        read(data, piped=True)


@given(st.data())
@settings(max_examples=examples(400), suppress_health_check=list(HealthCheck))
def test_a_damaged_file_is_bad_data_or_other_numbers(data: st.DataObject) -> None:
    octets = bytearray(saved(np.arange(12.0).reshape(6, 2)))
    for at in data.draw(st.lists(st.integers(0, len(octets) - 1), max_size=4)):
        octets[at] = data.draw(st.integers(0, 255))
    octets = octets[: data.draw(st.sampled_from([len(octets), data.draw(st.integers(1, len(octets)))]))]
    with suppress(NormcliError, BadPlaceError):
        assert read(bytes(octets)).size <= 12 * 8


def test_a_header_takes_as_many_bytes_for_any_number_of_rows() -> None:
    for rows in (0, 1, 10**6, 10**19):
        header = npy_header.written(Header(np.dtype("<f8"), rows, 16))
        assert len(header) % 64 == 0
        assert len(header) == len(npy_header.written(Header(np.dtype("<f8"), 0, 16)))
        shape, order, kind = np.lib.format.read_array_header_1_0(io.BytesIO(header[8:]))
        assert (shape, order, kind) == ((rows, 16), False, np.dtype("f8"))


def test_a_fit_of_one_array_is_that_of_its_columns(workspace: Workspace) -> None:
    array = np.random.default_rng(1).normal(size=(50, 3))
    np.save(workspace / "a.npy", np.asfortranarray(array))
    fitted = api.fit(workspace / "a.npy", ZScore())
    summary = fitted.steps[0].summary()
    np.testing.assert_allclose(summary["mean"], array.mean(axis=0), rtol=1e-14, atol=1e-16)
