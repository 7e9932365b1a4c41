"""A small file that decodes to much, read by a process of its own: how much memory that takes."""

import io
import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from normcli import formats
from normcli.errors import BadDataError
from normcli.io.sources import Source
from tests.robustness.damage import MODULES

ROWS = 50_000_000
LONG = "y" * 1_000_000
COMMON = 200_000  # rows of files that are none
PLAIN: dict[str, Any] = {"compression": "zstd", "use_dictionary": False, "row_group_size": ROWS}
WHOLE = PLAIN | {"data_page_size": 1 << 30, "write_batch_size": ROWS, "max_rows_per_page": ROWS}
PREFIXES = {"column_encoding": {"s": "DELTA_BYTE_ARRAY"}, "use_dictionary": False}
Made = tuple[str, bytes]


def parquet(**columns: Any) -> Callable[..., Made]:
    def made(**settings: Any) -> Made:
        pq.write_table(pa.table(columns), sink := io.BytesIO(), **settings)
        return "parquet", sink.getvalue()

    return made


def stream(kind: str, make: Any, *, legacy: bool = False, **columns: Any) -> Made:
    sink, table = io.BytesIO(), pa.table(columns)
    options = pa.ipc.IpcWriteOptions(compression="zstd", use_legacy_format=legacy)
    with make(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return kind, sink.getvalue()


def zeros(rows: int = ROWS) -> Any:
    return np.zeros(rows)


def repeated() -> Any:
    """65 GB of text, in 1 MB and 256 kB of numbers."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(65_536, np.int32)), pa.array([LONG, "z"]))


def names() -> list[str]:
    """Not one longer than the other, and together more than a little."""
    return [f"the name of somebody, whose number is {i % 20_000:06d}" for i in range(COMMON)]


def lists(count: int, size: int) -> Any:
    return pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(count * size)), size).cast(pa.list_(pa.float64()))


MADE: dict[str, Callable[[], Made]] = {
    "pages": lambda: parquet(x=zeros())(**PLAIN),
    "page": lambda: parquet(x=zeros())(**WHOLE),
    "page of 200 MB": lambda: parquet(x=zeros(ROWS // 2))(**WHOLE),
    "batch": lambda: stream("arrow", pa.ipc.new_file, x=zeros()),
    "messages": lambda: stream("arrows", pa.ipc.new_stream, x=zeros()),
    "batch of old": lambda: stream("arrow", pa.ipc.new_file, legacy=True, x=zeros()),
    "messages of old": lambda: stream("arrows", pa.ipc.new_stream, legacy=True, x=zeros()),
    "dictionary": lambda: parquet(s=repeated())(store_schema=False),
    "dictionary type": lambda: parquet(s=repeated())(),
    "dictionary messages": lambda: stream("arrows", pa.ipc.new_stream, s=repeated()),
    "prefixes": lambda: parquet(s=[LONG] * 1000)(**PREFIXES),
    "lists": lambda: parquet(s=lists(1000, 50_000))(compression="zstd"),
    "texts": lambda: parquet(s=names())(use_dictionary=False),
    "dictionary of many": lambda: parquet(s=names())(),
    "dictionary of many, type": lambda: parquet(s=pa.array(names()).dictionary_encode())(),
    "sorted": lambda: parquet(s=sorted(names()))(**PREFIXES),
    "embeddings": lambda: parquet(s=lists(COMMON, 16), t=lists(COMMON, 16))(),
}


def peak() -> int:
    """Bytes this process has held since that was asked to be counted anew."""
    return next(int(line.split()[1]) << 10 for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))


def main(case: str, name: str, room: str, to: str = "") -> None:
    """Read with so many MB of memory to use; `to` another format, where one is given."""
    kind, data = MADE[name]()
    pa.default_memory_pool().release_unused()
    Path("/proc/self/clear_refs").write_text("5")
    path, before, rows, told = Path(f"/dev/fd/{case}"), peak(), 0, ""
    path.write_bytes(data)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        reader = MODULES[kind].Reader(Source("t", io.FileIO(path), room=int(room) * 10**6), MODULES[kind].Options())
        frames = (chunk.decode(frozenset(), "error").frame for chunk in reader.chunks())
        writer = formats.writer(to, about := reader.description, about.blank(frozenset()), None, ()) if to else None
        rows = sum(frame.rows for frame in frames if writer is None or writer.encode(frame))
    except BadDataError as e:
        told = str(e)
    print(json.dumps({"rows": rows, "told": told, "packed": len(data), "grown": peak() - before}))


if __name__ == "__main__":
    main(*sys.argv[1:])
