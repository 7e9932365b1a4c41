"""safetensors: what the format's definition says is read and written, and a header is not believed."""

import json
import struct
from contextlib import suppress
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normcli.errors import BadDataError, BadPlaceError, NormcliError
from normcli.formats._detection import of_source
from tests.cli.conftest import Workspace
from tests.conftest import examples
from tests.formats.conftest import in_memory, through_pipe
from tests.formats.files import opened

DTYPES = {
    "F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1", "U64": "u8", "U32": "u4",
    "U16": "u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


def saved(tensors: dict[str, Any], metadata: dict[str, str] | None = None, **types: str) -> bytes:
    """By the format's definition: header length, JSON, data without gaps. A type may be another one."""
    names = {np.dtype(kind): name for name, kind in DTYPES.items()}
    header, data = {"__metadata__": metadata} if metadata is not None else {}, b""
    for name, array in tensors.items():
        octets = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": types.get(name, names[array.dtype]), "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + len(octets)]}  # fmt: skip
        data += octets
    return packed(header, data)


def packed(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def parsed(data: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    """Tensors and metadata, by the definition."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata, rest = header.pop("__metadata__", {}), data[8 + length :]
    tensors = {
        name: np.frombuffer(rest[slice(*t["data_offsets"])], DTYPES[t["dtype"]]).reshape(t["shape"])
        for name, t in header.items()
    }
    return tensors, metadata


def read(data: bytes, *, piped: bool = False, block_size: int | None = None, tensors: str | None = None) -> pa.Table:
    from normcli.formats.safetensors import Options

    source = through_pipe(data, (11, 1000)) if piped else in_memory(data, "t.safetensors")
    reader = opened("safetensors", source, options=Options(tensors=tensors), block_size=block_size)
    batches = [chunk.decode(frozenset(), "error").frame.to_arrow() for chunk in reader.chunks()]
    return pa.Table.from_batches(batches, reader.description.blank(frozenset()).to_arrow().schema)


def refusal(data: bytes, **more: Any) -> str:
    with pytest.raises((BadDataError, BadPlaceError)) as caught:
        read(data, **more)
    return str(caught.value)


TENSORS: dict[str, Any] = {
    name.lower(): (np.arange(20) % 2 if kind == "?" else np.arange(20)).astype(kind) for name, kind in DTYPES.items()
} | {"e": np.arange(60, dtype="f4").reshape(20, 3)}


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("size", [1, 7, None])
def test_every_type_is_read_from_wherever_it_is_cut(size: int | None, piped: bool) -> None:
    table = read(saved(TENSORS), piped=piped, block_size=size)
    assert table.column_names == list(TENSORS)
    for name, array in TENSORS.items():
        np.testing.assert_array_equal(np.array(table[name].to_pylist()), array)
    assert table.schema.field("e").type == pa.list_(pa.float32(), 3)


def test_half_a_float32_is_one() -> None:
    values = np.array([1.5, -2.25, 1e30, np.nan], "f4")
    halves = (values.view("u4") >> 16).astype("u2")
    table = read(saved({"b": halves}, b="BF16"))
    assert table.schema.field("b").type == pa.float32()
    expected = (halves.astype("u4") << 16).view("f4")
    np.testing.assert_array_equal(table["b"].to_numpy(), expected)


def test_embeddings_are_normalized_marked_and_restored(workspace: Workspace) -> None:
    random = np.random.default_rng(5)
    tensors = {"id": np.arange(200), "score": random.normal(size=200).astype("f4"), "e": random.normal(size=(200, 8))}
    (workspace / "a.safetensors").write_bytes(saved(tensors, {"model": "m"}))
    workspace.succeeds("fit", "a.safetensors", "-m", "zscore", "-c", "score", "-c", "e", "-p", "p.json")
    workspace.succeeds("apply", "a.safetensors", "-p", "p.json", "-o", "z.safetensors")
    out, metadata = parsed((workspace / "z.safetensors").read_bytes())
    assert {n: (x.dtype, x.shape) for n, x in out.items()} == {n: (x.dtype, x.shape) for n, x in tensors.items()}
    e = tensors["e"]
    np.testing.assert_allclose(out["e"], (e - e.mean(axis=0)) / e.std(axis=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(out["id"], tensors["id"])
    assert metadata["model"] == "m"
    assert metadata["normcli"].startswith("sha256:")
    assert "is normalized by these parameters already" in workspace.fails(
        65, "apply", "z.safetensors", "-p", "p.json", "-o", "again.safetensors")  # fmt: skip
    workspace.succeeds("apply", "z.safetensors", "-p", "p.json", "--inverse", "-o", "back.safetensors")
    back, metadata = parsed((workspace / "back.safetensors").read_bytes())
    assert metadata == {"model": "m"}
    np.testing.assert_allclose(back["e"], e, rtol=1e-12, atol=1e-12)
    vectors = pa.array(list(e), pa.list_(pa.float64(), 8))
    pq.write_table(pa.table({"id": tensors["id"], "score": tensors["score"], "e": vectors}),
                   workspace / "a.parquet")  # fmt: skip
    workspace.succeeds("apply", "a.parquet", "-p", "p.json", "-o", "from.safetensors")
    np.testing.assert_array_equal(parsed((workspace / "from.safetensors").read_bytes())[0]["e"], out["e"])


def test_data_are_aligned_and_without_gaps_whatever_the_types(workspace: Workspace) -> None:
    (workspace / "a.safetensors").write_bytes(saved({n: TENSORS[n][:7] for n in ("bool", "f16", "f64", "i8", "f32")}))
    workspace.succeeds("fit", "a.safetensors", "-m", "zscore", "-c", "f64", "-p", "p.json")
    workspace.succeeds("apply", "a.safetensors", "-p", "p.json", "-o", "z.safetensors")
    data = (workspace / "z.safetensors").read_bytes()
    tensors, _ = parsed(data)
    assert [*tensors] == ["bool", "f16", "f64", "i8", "f32"]
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert length % 8 == 0
    for name, x in tensors.items():
        assert header[name]["data_offsets"][0] % x.itemsize == 0
    places = sorted(t["data_offsets"] for n, t in header.items() if n != "__metadata__")
    assert [start for start, _ in places] == [0, *(end for _, end in places[:-1])]


def test_tensors_of_other_lengths_are_named_and_chosen(workspace: Workspace) -> None:
    data = saved({"w": np.zeros((4, 2)), "x": np.arange(3.0), "y": np.arange(3.0), "s": np.float64(1).reshape(())})
    message = refusal(data)
    assert "w (F64 [4, 2]), x (F64 [3]), y (F64 [3]), s (F64 [])" in message
    assert "--tensors NAME,NAME chooses some" in message
    assert read(data, tensors="y,x").column_names == ["y", "x"]
    assert "did you mean" in refusal(data, tensors="x,yy") or "there are w" in refusal(data, tensors="x,yy")
    (workspace / "m.safetensors").write_bytes(data)
    workspace.succeeds("fit", "m.safetensors", "-m", "zscore", "--tensors", "x,y", "-p", "p.json")


def test_a_missing_whole_number_has_no_place(workspace: Workspace) -> None:
    pq.write_table(pa.table({"x": [1.5, 2.5], "n": [1, None]}), workspace / "t.parquet")
    workspace.succeeds("fit", "t.parquet", "-m", "center", "-c", "x", "-p", "p.json")
    message = workspace.fails(65, "apply", "t.parquet", "-p", "p.json", "-o", "o.safetensors")
    assert "row 2: column 'n' misses a value, which int64 has no place for" in message


@pytest.mark.parametrize(("lists", "row"), [([[1, 2], [3, None], [5, 6]], 2), ([[1, 2], [3, 4], None], 3)])
def test_lists_of_whole_numbers_have_no_place_for_a_missing_one(
    lists: list[Any], row: int, workspace: Workspace
) -> None:
    data = pa.table({"x": [1.5, 2.5, 3.5], "l": pa.array(lists, pa.list_(pa.int64(), 2))})
    pq.write_table(data, workspace / "t.parquet")
    workspace.succeeds("fit", "t.parquet", "-m", "center", "-c", "x", "-p", "p.json")
    message = workspace.fails(65, "apply", "t.parquet", "-p", "p.json", "-o", "o.safetensors")
    assert f"row {row}: column 'l' misses a value, which int64 has no place for" in message
    assert "--only" in message


# -- what is not believed ----------------------------------------------------------------------------------------
def tensor(*offsets: Any, dtype: Any = "F64", shape: Any = (2,)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape) if isinstance(shape, tuple) else shape, "data_offsets": list(offsets)}


D = bytes(32)
X = b'{"dtype":"F64","shape":[2],"data_offsets":[0,16]}'


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<Q", 1 << 63) + b"{}", struct.pack("<Q", (8 << 20) + 1) + b"{}", struct.pack("<Q", 0), b"\0\0\0",
        struct.pack("<Q", 500) + b'{"x":1}', packed(b"{}"), packed(b"[]"), packed(b"nul"), packed(b' {"x": {}}'),
        packed(b'{"x":' * 5000), packed(b"[" * 100_000),
        packed(b'{"x":{"dtype":"F64","shape":[2],"data_offsets":[0,16]'),
        packed(b'{"x":' + X + b',"x":' + X + b"}", D), packed({"x": tensor(0, 16), "y": tensor(24, 40)}, D + D[:8]),
        packed({"x": tensor(0, 16), "y": tensor(8, 24)}, D[:24]),
        packed({"x": tensor(8, 24)}, D[:24]), packed({"x": tensor(0, 16)}, D[:15]),
        packed({"x": tensor(0, 16)}, D[:17]),
        packed({"x": tensor(16, 0)}, D), packed({"x": tensor(-16, 0)}, D), packed({"x": tensor(0, 24)}, D[:24]),
        packed({"x": tensor(0, 16.0)}, D[:16]), packed({"x": tensor(0, True)}, D[:1]), packed({"x": tensor(0)}, D),
        packed({"x": tensor(0, 16, shape=(-2,))}, D), packed({"x": tensor(0, 16, shape=(2, 0))}, D),
        packed({"x": tensor(0, 16, shape=(1 << 62, 1 << 62))}, D), packed({"x": tensor(0, 16, shape=(2,) * 2000)}, D),
        packed({"x": tensor(0, 1 << 66, shape=(1 << 63,))}, D), packed({"x": tensor(0, 16, shape="22")}, D),
        packed({"x": tensor(0, 16, dtype="F65")}, D), packed({"x": tensor(0, 16, dtype=None)}, D),
        packed({"x": tensor(0, 16) | {"more": 1}}, D), packed({"x": [0, 16]}, D), packed({"x": None}, D),
        packed({"__metadata__": {"a": 1}, "x": tensor(0, 16)}, D[:16]),
        packed({"__metadata__": [], "x": tensor(0, 16)}, D[:16]),
        packed({"x": tensor(0, 16, dtype="C64")}, D[:16]), packed({"x": tensor(0, 8, shape=())}, D[:8]),
        packed(b'{"x":{"dtype":"F64","shape":[NaN],"data_offsets":[0,16]}}', D),
        packed(b'{"x":' + b"9" * 5000 + b"}", D),
        packed(b"\xff\xfe{}"), packed({"x": tensor(0, 16), "y": tensor(16, 32)}, D[:31]),
    ],
)  # fmt: skip
def test_a_hostile_header_is_bad_data(data: bytes) -> None:
    assert refusal(data).startswith("t.safetensors: ")


@given(st.data())
@settings(max_examples=examples(400), suppress_health_check=list(HealthCheck))
def test_a_damaged_file_is_bad_data_or_other_numbers(data: st.DataObject) -> None:
    octets = bytearray(saved({"x": np.arange(4.0), "e": np.arange(8, dtype="f4").reshape(4, 2)}))
    for at in data.draw(st.lists(st.integers(0, len(octets) - 1), max_size=4)):
        octets[at] = data.draw(st.integers(0, 255))
    octets = octets[: data.draw(st.sampled_from([len(octets), data.draw(st.integers(1, len(octets)))]))]
    with suppress(NormcliError, BadPlaceError):
        assert read(bytes(octets)).nbytes <= 1024


def test_a_file_is_known_by_its_header_whatever_it_is_called_and_in_a_pipe(workspace: Workspace) -> None:
    data = saved({"a": np.arange(50.0), "b": np.arange(50.0) ** 2})
    (workspace.path / "x.safetensors").write_bytes(data)
    (workspace.path / "x.bin").write_bytes(data)
    workspace.succeeds("fit", "x.safetensors", "-m", "zscore", "-p", "p.json")
    workspace.succeeds("fit", "x.bin", "-m", "zscore", "-p", "q.json")
    workspace.succeeds("fit", "-m", "zscore", "-p", "r.json", stdin=data)
    learned = {json.dumps(json.loads((workspace.path / f"{n}.json").read_text())["steps"]) for n in "pqr"}
    assert len(learned) == 1


@pytest.mark.parametrize("head", [b'{"a": 1}\n', b"a,b\n1,2\n", struct.pack("<Q", 1 << 40) + b'{"a"'])
def test_what_only_looks_like_one_is_none(head: bytes) -> None:
    assert of_source(in_memory(head + b" " * 20, "x")) != "safetensors"
