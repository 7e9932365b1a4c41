"""A small file that decodes to 400 MB, read by a process of its own: how much memory that takes."""

import io
import json
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from normcli.sources import Source
from tests.hostile.damage import MODULES

ROWS = 50_000_000
PLAIN: dict[str, Any] = {"compression": "zstd", "use_dictionary": False, "row_group_size": ROWS}
WHOLE = PLAIN | {"data_page_size": 1 << 30, "write_batch_size": ROWS, "max_rows_per_page": ROWS}


def packed(name: str) -> tuple[str, bytes]:
    sink, table = io.BytesIO(), pa.table({"x": np.zeros(ROWS)})
    if name in ("pages", "one page"):
        pq.write_table(table, sink, **(PLAIN if name == "pages" else WHOLE))
        return "parquet", sink.getvalue()
    kind, make = ("arrow", pa.ipc.new_file) if name == "batch" else ("arrows", pa.ipc.new_stream)
    with make(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return kind, sink.getvalue()


def peak() -> int:
    """Bytes this process has held since that was asked to be counted anew."""
    return next(int(line.split()[1]) << 10 for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))


def main(case: str, name: str) -> None:
    kind, data = packed(name)
    pa.default_memory_pool().release_unused()
    Path("/proc/self/clear_refs").write_text("5")
    path, before = Path(f"/dev/fd/{case}"), peak()
    path.write_bytes(data)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    reader = MODULES[kind].Reader(Source("t", io.FileIO(path)), MODULES[kind].Options())
    rows = sum(chunk.decode(frozenset(), "error").frame.num_rows for chunk in reader.chunks())
    print(json.dumps({"rows": rows, "packed": len(data), "grown": peak() - before}))


if __name__ == "__main__":
    main(*sys.argv[1:])
