"""Contents of inputs: small tables that are known to be awkward, in any format."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from normcli.blocks.record import Array

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ROWS = 36
NUMBERS = ("n0", "n1", "n2", "n3")
ODD = {"n0": "value", "n1": "a,b", "n2": "*", "n3": 'é "x"'}


@dataclass(frozen=True)
class Content:
    """Columns of numbers, of which all take part, of lists, or of both kinds none; and those beside them: a text, two
    keys, and a weight."""

    table: pa.Table
    numbers: tuple[str, ...] = NUMBERS
    bad: int = 0  # rows of text that can't be read, which are the last
    plain: bool = True  # an ordinary fit of it succeeds

    @property
    def rows(self) -> int:
        return int(self.table.num_rows)

    def pieces(self, count: int) -> list[Content]:
        """So many, of rows that follow each other, none of them empty; fewer where there are not so many rows."""
        count = max(1, min(count, self.rows))
        at = [self.rows * i // count for i in range(count + 1)]
        parts = [replace(self, table=self.table.slice(a, b - a), bad=0) for a, b in itertools.pairwise(at)]
        return [*parts[:-1], replace(parts[-1], bad=self.bad)]

    def values(self, name: str) -> Array:
        """(rows,) of a column of numbers, NaN where missing; (rows, length) of one of lists."""
        column = self.table[name]
        if pa.types.is_list(column.type):
            return np.array(column.to_pylist(), np.float64)
        return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _beside(rows: int) -> dict[str, pa.Array]:
    texts = ["007", "a", " b ", "c,d", 'e"f', "NA", "x\ny", "é", "1.50", "g", "h", "i"]
    return {
        "t": pa.array((texts * (rows // len(texts) + 1))[:rows], pa.string()),
        "k": pa.array([f"k{i % 2}" for i in range(rows)], pa.string()),
        "k2": pa.array([f"m{i // 2 % 2}" for i in range(rows)], pa.string()),
        "w": pa.array([float(1 + i % 3) for i in range(rows)], pa.float64()),
    }


def _numbers(rows: int = ROWS) -> dict[str, Array]:
    rng = np.random.default_rng(7)
    x = np.abs(rng.normal(size=(max(rows, 1), 4)) @ rng.normal(size=(4, 4))) + 0.125
    return {n: column[:rows] for n, column in zip(NUMBERS, (x * [1.0, 10.0, 0.1, 3.0]).T, strict=True)}


def _of(numbers: dict[str, Any], **more: Any) -> Content:
    columns = {n: x if isinstance(x, pa.Array) else pa.array(np.asarray(x)) for n, x in numbers.items()}
    rows = len(next(iter(columns.values())))
    return Content(pa.table(columns | _beside(rows)), tuple(numbers), **more)


def _with(**changed: Any) -> Content:
    return _of(_numbers() | changed)


def _gaps() -> Content:
    x = _numbers()
    return _of({n: pa.array([None if (i + j) % 5 == 4 else v for i, v in enumerate(c)], pa.float64())
                for j, (n, c) in enumerate(x.items())})  # fmt: skip


CONTENTS: dict[str, Callable[[], Content]] = {
    "plain": lambda: _with(),
    "gaps": _gaps,
    "integers": lambda: _of({n: np.rint(50 * x).astype(np.int64) for n, x in _numbers().items()}),
    "float32": lambda: _of({n: x.astype(np.float32) for n, x in _numbers().items()}),
    "small integers": lambda: _with(n1=np.arange(ROWS, dtype=np.int16), n2=np.arange(ROWS, dtype=np.uint8) * 7),
    "decimals": lambda: _with(
        n1=pa.array([round(2.5 * i - 3, 2) for i in range(ROWS)]).cast(pa.decimal128(9, 2), safe=False)
    ),
    "constant": lambda: _with(n1=np.full(ROWS, 3.25)),
    "far off": lambda: _with(n0=1e12 + _numbers()["n0"], n2=-1e9 + _numbers()["n2"]),
    "units": lambda: _with(n0=1e-12 * _numbers()["n0"], n2=1e12 * _numbers()["n2"]),
    "heavy": lambda: _with(n1=np.array([0.0] * 25 + [1.0] * 6 + [2.0] * 3 + [1000.0, 50000.0])),
    "below zero": lambda: _with(n3=-_numbers()["n3"]),
    "no value": lambda: _with(n1=pa.array([None] * ROWS, pa.float64())),
    "infinite": lambda: replace(_with(n1=np.array([1.0] * 5 + [math.inf] + [2.0] * (ROWS - 6))), plain=False),
    "one row": lambda: replace(_of(_numbers(1)), plain=False),
    "no rows": lambda: replace(_of(_numbers(0)), plain=False),
    "names": lambda: replace(_with(), table=_with().table.rename_columns(ODD), numbers=tuple(ODD.values())),
    "bad row": lambda: replace(_with(), bad=1),
    "lists": lambda: _of({"v": pa.array(np.column_stack([*_numbers().values()]).tolist(), pa.list_(pa.float64()))}),
}
BINARY = ("parquet", "arrow", "arrows")
FORMATS = ("csv", "csv.gz", "tsv", "ndjson", "ndjson.zst", *BINARY)
OF_TEXT = frozenset({"bad row"})
OF_TYPES = frozenset({"small integers", "decimals", "float32"})  # which text does not tell
OF_LISTS = frozenset({"lists"})


def encoded(content: Content, format: str) -> bytes:
    """As the file of a format."""
    name, _, codec = format.partition(".")
    if name in BINARY:
        return _binary(content.table, name)
    text = (_json if name == "ndjson" else _delimited)(content, "\t" if name == "tsv" else ",")
    data = text.encode()
    return gzip.compress(data, mtime=0) if codec == "gz" else zstd.compress(data) if codec == "zst" else data


def _binary(table: pa.Table, name: str) -> bytes:
    out = io.BytesIO()
    if name == "parquet":
        pq.write_table(table, out)
    else:
        new = pa.ipc.new_file if name == "arrow" else pa.ipc.new_stream
        with new(out, table.schema) as writer:
            writer.write_table(table)
    return out.getvalue()


def _delimited(content: Content, delimiter: str) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n", delimiter=delimiter)
    writer.writerow(content.table.column_names)
    for row in content.table.to_pylist():
        writer.writerow(["" if v is None else repr(v) if isinstance(v, float) else v for v in row.values()])
    return out.getvalue() + delimiter.join(["1"] * 20 + ["\n"]) * content.bad


def _json(content: Content, _: str) -> str:
    rows = [json.dumps({n: float(v) if not isinstance(v, str | int | list | None) else v for n, v in row.items()})
            for row in content.table.to_pylist()]  # fmt: skip
    return "".join(row.replace("Infinity", "1e400") + "\n" for row in rows) + "{not an object\n" * content.bad


def _array(values: list[Any]) -> pa.Array:
    """As texts where one is a text: numbers that pass from CSV are texts in JSON, those from Parquet are not."""
    texts = any(isinstance(v, str) for v in values)
    return pa.array([None if v is None else str(v) for v in values] if texts else values)


def decoded(path: Path) -> pa.Table:
    """What a file holds, as texts where it is text."""
    suffix = path.name.partition(".")[2]
    name, _, codec = suffix.partition(".")
    data = path.read_bytes()
    data = gzip.decompress(data) if codec == "gz" else zstd.decompress(data) if codec == "zst" else data
    if name == "parquet":
        return pq.read_table(io.BytesIO(data))
    if name in BINARY:
        opened = pa.ipc.open_file(data) if name == "arrow" else pa.ipc.open_stream(data)
        return opened.read_all()
    if name == "ndjson":
        rows = [json.loads(line) for line in data.decode().splitlines()]
        names = list(rows[0]) if rows else []
        return pa.table({n: _array([row[n] for row in rows]) for n in names})
    lines = list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter="\t" if name == "tsv" else ","))
    return pa.table({n: pa.array([line[j] for line in lines[1:]], pa.string()) for j, n in enumerate(lines[0])})
