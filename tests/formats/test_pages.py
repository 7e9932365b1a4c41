"""Sizes that are told before anything is decoded, against what pyarrow says of the same files."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from normcli.formats._binary import thrift
from normcli.formats._binary.flatbuffers import body_size, decoded_size
from normcli.formats._binary.pages import DICTIONARY, Footer, Load, load, pages
from normcli.io.sources import Source

ROWS = 3000
TABLE = pa.table(
    {
        "x": np.arange(ROWS) / 7,
        "s": pa.array([None if i % 5 == 0 else f"text {i % 300}" for i in range(ROWS)]),
        "l": pa.array([[float(j) for j in range(i % 4)] or None for i in range(ROWS)]),
        "t": pa.StructArray.from_arrays(
            [pa.array(np.arange(ROWS)), pa.array([b"ab"] * ROWS, pa.binary(2))], ["a", "b"]
        ),
        "m": pa.array([[("k", i)] for i in range(ROWS)], pa.map_(pa.string(), pa.int32())),
    }
)
SETTINGS: dict[str, dict[str, Any]] = {
    "ordinary": {},
    "many pages and groups": {"data_page_size": 500, "row_group_size": 700, "write_batch_size": 64},
    "version 2, no statistics": {"data_page_version": "2.0", "write_statistics": False, "compression": "gzip"},
    "plain": {"use_dictionary": False, "compression": "none", "write_page_checksum": True},
    "an index of pages": {"write_page_index": True, "compression": "zstd", "data_page_size": 900},
}


def written(path: Path, settings: dict[str, Any]) -> Source:
    pq.write_table(TABLE, path, **settings)
    source = Source("x.parquet", io.FileIO(path), room=1 << 30)
    source.in_place()
    return source


@pytest.mark.parametrize("kind", SETTINGS)
def test_footers_and_pages_are_what_pyarrow_says(kind: str, tmp_path: Path) -> None:
    source = written(tmp_path / "x.parquet", SETTINGS[kind])
    footer, metadata = Footer(source), pq.read_metadata(tmp_path / "x.parquet")
    for number in (*range(metadata.num_row_groups), 0):
        group = metadata.row_group(number)
        chunks = footer.group(number)
        assert len(chunks) == group.num_columns
        for j, chunk in enumerate(chunks):
            about = group.column(j)
            assert chunk is not None
            assert chunk.path == about.path_in_schema
            assert chunk.codec == {"UNCOMPRESSED": "none"}.get(about.compression, about.compression.lower())
            assert chunk.end - chunk.start == about.total_compressed_size
            found = list(pages(source.read_at, chunk.start, chunk.end))
            assert sum(p.values for p in found if p.kind != DICTIONARY) == about.num_values
            assert sum(p.size for p in found) < about.total_uncompressed_size < sum(p.size + 200 for p in found)
    with pytest.raises(ValueError, match="does not describe row group"):
        footer.group(metadata.num_row_groups)


def test_a_block_takes_no_more_than_is_told(tmp_path: Path) -> None:
    source = written(tmp_path / "x.parquet", {})
    file, told = pq.ParquetFile(tmp_path / "x.parquet"), Load(0, 0)
    for chunk, column in zip(Footer(source).group(0), file.schema, strict=True):
        assert chunk is not None
        found = list(pages(source.read_at, chunk.start, chunk.end))
        more = load(chunk, column, found, 1000, 0, lambda: len("text 299"))
        told = Load(told.held + more.held, told.block + more.block)
    most = max(batch.nbytes for batch in file.iter_batches(1000))
    assert most <= told.block < 5 * most


@pytest.mark.parametrize("codec", [None, "zstd", "lz4"])
def test_a_batch_takes_what_is_told(codec: str | None) -> None:
    batch = TABLE.select(["x", "s", "l"]).to_batches()[0]
    options = pa.ipc.IpcWriteOptions(compression=codec)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    reader = pa.ipc.MessageReader.open_stream(sink.getvalue())
    assert decoded_size(bytes(reader.read_next_message().metadata), lambda *_: b"") == 0  # the schema
    message = reader.read_next_message()
    metadata, body = bytes(message.metadata), bytes(message.body)
    assert body_size(metadata) == len(body)
    size = decoded_size(metadata, lambda start, count: body[start : start + count])
    assert batch.nbytes <= size <= batch.nbytes + 64 * 12


@pytest.mark.parametrize("data", [b"", b"\x15", b"\x19\xf5", b"\x18\x7f", b"\x15" + b"\xff" * 9, b"\x1c" * 40])
def test_what_ends_too_soon_or_never(data: bytes) -> None:
    with pytest.raises((IndexError, ValueError)):
        thrift.struct(data, 0)
    with pytest.raises(ValueError, match="outside of the metadata"):
        body_size(data)


def test_every_kind_of_field() -> None:
    data = b"\x11\x12\x13\x05\x14\x03\x17" + bytes(8) + b"\x18\x01x\x19\x25\x02\x04\x02\x20\x00more"
    fields, end = thrift.struct(data, 0)
    assert fields == {1: True, 2: False, 3: 5, 4: -2, 5: None, 6: b"x", 7: [1, 2], 16: False}
    assert data[end:] == b"more"
