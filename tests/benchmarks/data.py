"""The files of the reference data, written from `values`, and only where absent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks import values
from tests.benchmarks.values import KIND_ROWS, ROWS, VERSION, WIDE_COLUMNS, WIDE_ROWS, arrow, reference, square, wide

ROW_GROUP = 1_048_576  # rows, pyarrow's own default
SMALL_ROWS, SMALL_FILES = 1000, 1000
VALUES = {  # that are normalized
    "reference.csv": ROWS * 16,
    "reference.parquet": ROWS * 16,
    "coded.parquet": ROWS * 16,
    "many.csv": KIND_ROWS // 16 * 300,
    "wide.parquet": WIDE_ROWS * WIDE_COLUMNS,
}


@dataclass(frozen=True, slots=True)
class Source:
    """One file of reference data: what it holds, and how many times over."""

    kind: str
    times: int = 1

    def path(self, directory: Path) -> Path:
        """Where the file (of `small.csv`, the directory) is kept; the name tells the generator's version."""
        stem, suffix = self.kind.split(".")
        return directory / f"{stem}-v{VERSION}{'' if self.times == 1 else f'-{self.times}x'}.{suffix}"


def regroup(tables: Iterator[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of exactly `rows` rows, the last one apart."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        while sum(t.num_rows for t in held) >= rows:
            joined = pa.concat_tables(held)
            yield joined.slice(0, rows)
            held = [joined.slice(rows)]
    if any(t.num_rows for t in held):
        yield pa.concat_tables(held)


def write_csv(path: Path, frames: Iterator[pl.DataFrame], quote: Any = "necessary") -> None:
    """Write one CSV file chunk by chunk; `quote` is the quote_style of polars."""
    with path.open("wb") as sink:
        for index, frame in enumerate(frames):
            frame.write_csv(sink, include_header=index == 0, quote_style=quote)


def write_files(directory: Path) -> None:
    """A directory of small CSV files, of as many rows as one that is measured alone."""
    directory.mkdir()
    for index, frame in enumerate(values.chunks(values.digits, SMALL_FILES * SMALL_ROWS, SMALL_ROWS)):
        write_csv(directory / f"{index:04d}.csv", iter([frame]))


def write_sealed_parquet(path: Path, tables: Iterator[pa.Table], row_group: int) -> None:
    """One Parquet file with zstd, page checksums, floats split into bytes; dictionaries for text only."""
    first = next(tables)
    text = [field.name for field in first.schema if not pa.types.is_primitive(field.type)]
    split = [field.name for field in first.schema if pa.types.is_floating(field.type)]
    options = {"use_dictionary": text or False, "use_byte_stream_split": split, "write_page_checksum": True}
    write_parquet(path, chain([first], tables), row_group, compression="zstd", **options)


def write_parquet(path: Path, tables: Iterator[pa.Table], row_group: int, **options: Any) -> None:
    """One Parquet file by pyarrow, a row group at a time; `options` are those of its ParquetWriter."""
    first = next(tables)
    with pq.ParquetWriter(path, first.schema, **options) as writer:
        for table in regroup(chain([first], tables), row_group):
            writer.write_table(table, row_group_size=row_group)


def copy_by_duckdb(path: Path) -> None:
    """The reference data in a Parquet file of DuckDB, with its defaults."""
    import duckdb

    frames = arrow(reference(1))
    source = pa.RecordBatchReader.from_batches((first := next(frames)).schema, batches(chain([first], frames)))
    duckdb.from_arrow(source).write_parquet(str(path))


def batches(tables: Iterator[pa.Table]) -> Iterator[pa.RecordBatch]:
    """The batches of tables, one after the other."""
    return chain.from_iterable(table.to_batches() for table in tables)


def kind(make: Callable[..., pl.DataFrame], rows: int = KIND_ROWS, **how: Any) -> Callable[[Path, int], None]:
    """A writer of CSV with one kind of values."""
    return lambda path, times: write_csv(path, values.chunks(make, rows, 10_000), **how)


WRITERS: dict[str, Callable[[Path, int], None]] = {
    "reference.csv": lambda path, times: write_csv(path, reference(times)),
    "halfempty.csv": lambda path, times: write_csv(path, reference(times, empty=True)),
    "quoted.csv": lambda path, times: write_csv(path, reference(times), quote="non_numeric"),
    "reference.parquet": lambda path, times: write_sealed_parquet(path, arrow(reference(times)), ROW_GROUP),
    "wide.parquet": lambda path, times: write_sealed_parquet(path, wide(times), WIDE_ROWS),
    "square.parquet": lambda path, times: write_sealed_parquet(path, square(1.0), 2048),
    "units.parquet": lambda path, times: write_sealed_parquet(path, square(1e4), 2048),
    "defaults.parquet": lambda path, times: write_parquet(path, arrow(reference(times)), ROW_GROUP),
    "coded.parquet": lambda path, times: write_parquet(path, arrow(reference(times)), 131_072, compression="zstd"),
    "polars.parquet": lambda path, times: pl.concat(reference(times)).write_parquet(path),
    "duckdb.parquet": lambda path, times: copy_by_duckdb(path),
    "digits.csv": kind(values.digits),
    "decimals.csv": kind(values.decimals),
    "integers.csv": kind(values.integers),
    "gaps.csv": kind(values.gaps),
    "allquoted.csv": kind(values.digits, quote="always"),
    "prose.csv": kind(values.prose),
    "many.csv": kind(values.many, KIND_ROWS // 16),
    "thousand.csv": kind(values.digits, SMALL_ROWS),
    "small.csv": lambda path, times: write_files(path),
}


def ensure(source: Source, directory: Path) -> Path:
    """The path of one source, made first where it is absent: written under another name, then renamed."""
    path = source.path(directory)
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            WRITERS[source.kind](partial, source.times)
            partial.rename(path)
        finally:
            shutil.rmtree(partial) if partial.is_dir() else partial.unlink(missing_ok=True)
    return path
