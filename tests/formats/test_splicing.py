"""Row groups that were encoded by themselves, in one file: as if one writer had written them, for any reader."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli import api
from normcli.columns.arrow_frame import ArrowFrame
from normcli.errors import NormcliError
from normcli.formats import parquet
from normcli.formats._binary import dictionaries, row_groups, splicing, thrift
from normcli.io.sources import Source
from normcli.methods.zscore import ZScore
from tests.conftest import examples
from tests.formats.files import write as write_table
from tests.tables import table_of, write

N = 240


def column(kind: pa.DataType) -> pa.Array:
    """Values of a type, a third of them null."""
    numbers = pa.array([None if j % 3 == 0 else j % 90 for j in range(N)], pa.int32())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pa.array([None if j % 3 == 0 else "é" * (j % 5) for j in range(N)], kind)
    if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.array([None if j % 3 == 0 else bytes([j, 255, 0, j]) for j in range(N)], kind)
    if pa.types.is_decimal(kind):
        return numbers.cast(pa.decimal128(12, 0)).cast(kind)
    if pa.types.is_time32(kind) or pa.types.is_date(kind):
        return numbers.cast(kind) if pa.types.is_date32(kind) else numbers.cast(pa.int32()).cast(kind)
    if pa.types.is_boolean(kind) or pa.types.is_floating(kind) or pa.types.is_integer(kind):
        return numbers.cast(pa.float32()).cast(kind) if kind == pa.float16() else numbers.cast(kind)
    return numbers.cast(pa.int64()).cast(kind)


KINDS = [
    *(pa.bool_(), pa.int8(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64()),
    *(pa.float16(), pa.float32(), pa.float64(), pa.decimal128(20, 3), pa.decimal256(40, 2)),
    *(pa.string(), pa.large_string(), pa.binary(), pa.binary(4)),
    *(pa.date32(), pa.time32("ms"), pa.time64("us"), pa.timestamp("us", "UTC"), pa.duration("s")),
]


def everything() -> pa.Table:
    """Columns of all types, nested ones, dictionaries, one that is null throughout, one with a point in its name."""
    flat = {str(kind): column(kind) for kind in KINDS}
    nested = {
        "list": [None if j % 4 == 0 else [1.5] * (j % 3) for j in range(N)],
        "struct": [{"a": j, "b": {"c": str(j)}} for j in range(N)],
        "map": pa.array([[("k", j)] for j in range(N)], pa.map_(pa.string(), pa.int64())),
        "coded": pa.array(["a", None, "b"] * (N // 3)).dictionary_encode(),
        "numbers coded": pa.array([7, 8, None] * (N // 3)).dictionary_encode(),
        "empty": pa.nulls(N, pa.int32()),
        "a.b": pa.array(range(N)),
    }
    return pa.table({**flat, **nested})


def spliced(table: pa.Table, rows: int) -> bytes:
    """A table in row groups of so many rows."""
    batches = table.combine_chunks().to_batches(max_chunksize=rows)
    write(parquet.Writer(table.schema), map(ArrowFrame, batches), file := io.BytesIO())
    return file.getvalue()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_groups, "ROWS", 50)


@pytest.mark.usefixtures("small")
def test_every_type_is_read_by_every_reader(tmp_path: Path) -> None:
    table, path = everything(), tmp_path / "t.parquet"
    path.write_bytes(spliced(table, 50))
    assert pq.read_table(path).to_pydict() == table.to_pydict()
    kinds = dict(zip(table.schema.names, table.schema.types, strict=True)) | {"numbers coded": pa.int64()}
    assert pq.read_schema(path).types == list(kinds.values())  # Parquet has dictionaries of texts alone
    assert pq.ParquetFile(path, page_checksum_verification=True).read().num_rows == N
    assert pq.ParquetFile(path).num_row_groups == 5
    assert table_of(parquet.Reader(Source("t", io.FileIO(path), room=1 << 30), parquet.Options())).num_rows == N
    simple = table.drop_columns(["decimal256(40, 2)", "duration[s]", "map", "halffloat"])
    path.write_bytes(spliced(simple, 50))
    assert pl.read_parquet(path).equals(pl.from_arrow(simple))
    duckdb = pytest.importorskip("duckdb")
    rows = duckdb.sql(f"select count(*), sum(int32), sum(double), max(string) from '{path}'").fetchall()
    expected = (N, sum(v or 0 for v in table["int32"].to_pylist()), sum(v or 0 for v in table["double"].to_pylist()))
    assert rows == [(*expected, max(v for v in table["string"].to_pylist() if v is not None))]


@pytest.mark.usefixtures("small")
def test_a_footer_is_as_that_of_one_writer() -> None:
    table = everything().drop_columns(["coded"])
    ours = pq.read_metadata(io.BytesIO(spliced(table, 50)))
    file = io.BytesIO()
    writer = row_groups.writer_of(file, table.schema, (), "zstd")
    for at in range(0, N, 50):
        writer.write_table(dictionaries.joined(table.slice(at, 50).to_batches(), table.schema, ()))
    writer.close()
    theirs = pq.read_metadata(file)
    assert [ours.row_group(g).to_dict() for g in range(5)] == [theirs.row_group(g).to_dict() for g in range(5)]
    assert ours.schema.equals(theirs.schema)
    assert ours.metadata == theirs.metadata


@pytest.mark.usefixtures("small")
@settings(max_examples=examples(100, part=5))
@given(sizes=st.lists(st.integers(0, 130), max_size=8))
def test_rows_and_their_order_are_kept(sizes: list[int]) -> None:
    schema = pa.schema([("x", pa.float64()), ("t", pa.string())])
    frames = [ArrowFrame(pa.record_batch([np.arange(float(n)), [f"{n}"] * n], schema)) for n in sizes]
    write(parquet.Writer(schema), frames, file := io.BytesIO())
    read = pq.read_table(file)
    assert read["x"].to_pylist() == [float(j) for n in sizes for j in range(n)]
    assert read["t"].to_pylist() == [f"{n}" for n in sizes for _ in range(n)]
    metadata = pq.read_metadata(file)
    assert all(metadata.row_group(g).num_rows >= 50 for g in range(metadata.num_row_groups - 1))


def test_many_groups_of_many_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what the writing thread has of each column chunk: at most 300 bytes."""
    monkeypatch.setattr(row_groups, "ROWS", 4)
    table = pa.table({f"column {j}": np.arange(32.0) + j for j in range(300)})
    data = spliced(table, 4)
    assert pq.read_table(io.BytesIO(data)).equals(table)
    assert pl.read_parquet(io.BytesIO(data)).equals(pl.from_arrow(table))
    assert pq.read_metadata(io.BytesIO(data)).serialized_size < 300 * 8 * 300


@pytest.mark.parametrize("indexes", [False, True])
def test_places_beyond_what_one_file_has(indexes: bool) -> None:
    """All places of a footer are moved, those of indexes and Bloom filters, too, and nothing else."""
    table, file = pa.table({"x": [1.0, 2.0] * 50, "t": ["a", "b"] * 50}), pa.BufferOutputStream()
    pq.write_table(table, file, row_group_size=50, write_page_index=indexes, store_schema=False)
    groups = splicing.groups_of(memoryview(file.getvalue()))
    assert [g.rows for g in groups.footers] == [50, 50]
    for by in (0, 1, 10**6, 1 << 40):
        for group in groups.footers:
            before, _ = thrift.struct(group.data, 0)
            after, end = thrift.struct(moved := bytes(group.moved(by, 3)), 0)
            assert end == len(moved)
            for one, other in zip(before[1], after[1], strict=True):
                for fields, numbers in (((one, other), (2, 4, 6)), ((one[3], other[3]), (9, 10, 11, 14))):
                    for number in numbers:
                        place = fields[0].get(number)
                        assert fields[1].get(number) == (place + by if place else place)
                        fields[0].pop(number, None), fields[1].pop(number, None)
                assert one == other
            assert after.get(5) == before[5] + by
            assert {k: v for k, v in before.items() if k not in (1, 5, 7)} == {
                k: v for k, v in after.items() if k not in (1, 5, 7)
            }


@given(number=st.integers(-(1 << 63), (1 << 63) - 1))
def test_numbers_are_encoded_as_they_are_read(number: int) -> None:
    data = thrift.encoded(number)
    assert thrift.integer_at(data, 0) == number
    assert len(data) <= 10


@pytest.mark.parametrize("count", [0, 1, 14, 15, 127, 128, 100_000])
def test_heads_of_lists(count: int) -> None:
    data = thrift.list_of_structs(count)
    assert thrift.list_head(data, 0) == (thrift.STRUCT, count, len(data))


# -- the whole way -------------------------------------------------------------------------------------------------
def apply(given: Sequence[Path], to: Path, **options: Any) -> bytes:
    api.apply(api.fit(given, ZScore()), given, to, **options)
    return to.read_bytes()


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_bytes_are_the_same_for_any_workers_and_memory(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_groups, "ROWS", 9_000)
    rng = np.random.default_rng(5)
    table = pa.table({"x": rng.standard_normal(30_000), "t": ["a", "b", "c"] * 10_000})
    given = [write_table(table.slice(at, 5_000), tmp_path / f"{at}.{kind}") for at in range(0, 30_000, 5_000)]
    made = {
        apply(given, tmp_path / "z.parquet", threads=threads, max_memory=memory)
        for threads, memory in ((1, None), (2, None), (4, 400 << 20), (8, 1 << 30))
    }
    assert len(made) == 1
    read = pq.ParquetFile(io.BytesIO(made.pop()))
    assert read.read()["t"].to_pylist() == table["t"].to_pylist()
    assert [read.metadata.row_group(j).num_rows for j in range(read.num_row_groups)] == [10_000] * 3


def test_what_is_read_before_an_error_counts(tmp_path: Path) -> None:
    """The row of the error is found by what comes before it, though no group was whole."""
    given, values = tmp_path / "t.parquet", [float(j) for j in range(50)]
    pq.write_table(pa.table({"x": values}), given, row_group_size=10)
    plan = api.fit(given, ZScore())
    pq.write_table(pa.table({"x": [*values, float("inf")]}), given, row_group_size=10)
    with pytest.raises(NormcliError, match="row 51: infinite"):
        api.apply(plan, given, tmp_path / "z.parquet")
    assert not (tmp_path / "z.parquet").exists()
