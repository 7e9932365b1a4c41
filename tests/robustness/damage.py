"""Damaged binary files, thousands to a process: each is read as the command would, and what became of it is counted.

Run as a process of its own, for a library that is led astray may end it: what is tried is told before it is tried.
"""

import io
import json
import os
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from normcli.columns.arrow_frame import ArrowFrame
from normcli.errors import BadDataError, BadPlaceError
from normcli.formats import arrow, arrows, parquet
from normcli.formats._binary import row_groups
from normcli.io.sources import Source
from tests.tables import table_of, write

MODULES: dict[str, Any] = {"parquet": parquet, "arrow": arrow, "arrows": arrows}
ROWS, PIECE = 12, 6
ROOM = 300 << 20  # bytes that all trials together may add to what the process holds

Case = tuple[str, bytes]
Made = tuple[str, bytes]  # the format, and the file


# -- what is damaged ---------------------------------------------------------------------------------------------
def table() -> pa.Table:
    """Numbers with and without nulls, and texts; with metadata of the file and of a column."""
    numbers = pa.field("x", pa.float64(), metadata={"unit": "m"})
    columns = {
        numbers: np.linspace(-3, 7, ROWS),
        pa.field("i", pa.int32()): [None if j % 4 == 1 else j * j for j in range(ROWS)],
        pa.field("t", pa.string(), nullable=False): [f"name {j % 3}" for j in range(ROWS)],
    }
    arrays = [pa.array(values, f.type) for f, values in columns.items()]
    return pa.table(arrays, pa.schema(list(columns), metadata={"normcli": "sha256:" + "7" * 64}))


def ours(kind: str, compression: str | None = None) -> Made:
    """Of our writer, in two row groups or batches."""
    row_groups.ROWS = PIECE
    module, sink = MODULES[kind], io.BytesIO()
    batches = table().to_batches(max_chunksize=PIECE)
    writer = module.Writer(batches[0].schema, compression or ("zstd" if kind == "parquet" else None))
    write(writer, map(ArrowFrame, batches), sink)
    return kind, sink.getvalue()


def theirs(kind: str, **options: Any) -> Made:
    """Of pyarrow's, as other programs use it."""
    sink = io.BytesIO()
    if kind == "parquet":
        pq.write_table(table(), sink, row_group_size=PIECE, **options)
    else:
        words = table().append_column("d", pa.array(["a", "b", None] * (ROWS // 3)).dictionary_encode())
        make = pa.ipc.new_file if kind == "arrow" else pa.ipc.new_stream
        with make(sink, words.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
            writer.write_table(words, max_chunksize=PIECE)
    return kind, sink.getvalue()


SPLIT = {"use_dictionary": False, "column_encoding": {"x": "BYTE_STREAM_SPLIT", "i": "DELTA_BINARY_PACKED"}}
DELTA = {"use_dictionary": False, "column_encoding": {"t": "DELTA_BYTE_ARRAY", "i": "PLAIN"}}
WRITERS: dict[str, Callable[[], Made]] = {
    "our Parquet": lambda: ours("parquet"),
    "our Parquet, uncompressed": lambda: ours("parquet", "none"),
    "our Arrow file": lambda: ours("arrow"),
    "our Arrow file, zstd": lambda: ours("arrow", "zstd"),
    "our Arrow stream": lambda: ours("arrows"),
    "our Arrow stream, lz4": lambda: ours("arrows", "lz4"),
    "Parquet of others": lambda: theirs("parquet"),
    "Parquet of others, pages v2": lambda: theirs("parquet", data_page_version="2.0", compression="zstd"),
    "Parquet of others, split and delta": lambda: theirs("parquet", compression="none", **SPLIT),
    "Parquet of others, delta of texts": lambda: theirs("parquet", data_page_version="2.0", **DELTA),
    "Parquet of others, checksums": lambda: theirs("parquet", write_page_checksum=True, compression="none"),
    "Parquet of others, checksums, v2": lambda: theirs("parquet", write_page_checksum=True, data_page_version="2.0"),
    "Arrow file of others": lambda: theirs("arrow"),
    "Arrow file of others, zstd": lambda: theirs("arrow", compression="zstd"),
    "Arrow stream of others": lambda: theirs("arrows"),
    "Arrow stream of others, lz4": lambda: theirs("arrows", compression="lz4"),
}


# -- how ---------------------------------------------------------------------------------------------------------
def cut(data: bytes, _: int, every: int) -> Iterator[Case]:
    """At every nth byte."""
    for end in range(0, len(data), every):
        yield f"cut at {end}", data[:end]


def flipped(data: bytes, bits: int, every: int) -> Iterator[Case]:
    """So many bits of every nth byte, each alone."""
    for at in range(0, len(data), every):
        for j in range(bits):
            bit = (at + j * (8 // bits)) % 8
            yield f"bit {bit} of byte {at} flipped", data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def replaced(data: bytes, bits: int, _: int) -> Iterator[Case]:
    """Every byte by others, and eight bytes at a time by zeros, ones or what stands elsewhere."""
    rng = np.random.default_rng(len(data))
    for at in range(len(data)):
        for value in rng.integers(0, 256, bits).tolist():
            yield f"byte {at} is {value}", data[:at] + bytes([value]) + data[at + 1 :]
    for at in range(0, len(data) - 8, max(1, 8 // bits)):
        other = int(rng.integers(0, len(data) - 8))
        for what, new in (("zeros", bytes(8)), ("ones", b"\xff" * 8), (f"those of {other}", data[other : other + 8])):
            yield f"eight bytes from {at} are {what}", data[:at] + new + data[at + 8 :]


WAYS = {"cut": cut, "flipped": flipped, "replaced": replaced}


# -- what becomes of it ------------------------------------------------------------------------------------------
def read(kind: str, data: bytes) -> list[Any]:
    """All that a file says: its schema and its rows. Raises BadDataError or BadPlaceError."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        source = Source(f"t.{kind}", io.FileIO(os.dup(file.fileno()), "rb"), room=ROOM // 2)
    reader = MODULES[kind].Reader(source, MODULES[kind].Options())
    schema = reader.description.blank(frozenset()).to_arrow().schema
    said = [str(schema), schema.metadata, reader.description.digests, reader.description.schema]
    table = table_of(reader)
    reader.close()
    return [*said, *[column.to_pylist() for column in table]]


def outcome(kind: str, data: bytes, whole: list[Any]) -> str:
    try:
        return "same" if repr(read(kind, data)) == repr(whole) else "other"
    except (BadDataError, BadPlaceError) as e:
        return "refused" if e.args and "\n" not in str(e) else f"a message of no use: {e!r}"


def main(case: str, names: str, way: str, bits: str, every: str) -> None:
    """Prints, for each writer, how many damaged files came to what, and the first that made a difference. What is
    about to be tried is written to the file descriptor `case`."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    found: dict[str, Any] = {}
    for name in names.split(";"):
        kind, data = WRITERS[name]()
        whole, counts, others = read(kind, data), Counter[str](), list[str]()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
        for what, damaged in WAYS[way](data, int(bits), int(every)):
            os.pwrite(int(case), f"{name}: {what}".ljust(200).encode(), 0)
            if damaged == data:
                continue
            try:
                came = outcome(kind, damaged, whole)
            except Exception as e:
                came = f"{type(e).__name__}: {e}"[:300]
            counts[came if came in ("same", "refused", "other") else "error"] += 1
            if came not in ("same", "refused"):
                others.insert(len(others) if came == "other" else 0, f"{what}: {came}")
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) - before
        found[name] = {"counts": dict(counts), "others": others[:20], "grown": grown, "bytes": len(data)}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
