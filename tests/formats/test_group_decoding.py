"""Row groups decoded by several workers: what a block holds does not depend on who decodes what, and when."""

import io
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli.engines.threads import Threads
from normcli.errors import BadDataError
from normcli.formats import parquet
from normcli.formats._binary.chunk import Chunk
from normcli.formats._binary.group_decoding import ColumnBlocks, GroupDecoding
from normcli.formats._binary.parquet_file import ParquetFile
from normcli.io.sources import Source
from tests.conftest import examples

ROWS, BLOCK = 1000, 64


def table(columns: int) -> pa.Table:
    rng = np.random.default_rng(7)
    wide = {f"x{j}": rng.standard_normal(ROWS) for j in range(columns)}
    texts = [None if j % 7 == 0 else f"t{j % 5}" for j in range(ROWS)]
    return pa.table({**wide, "t": texts, "s": [{"a": j, "b": [str(j)] * (j % 3)} for j in range(ROWS)]})


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("groups") / "t.parquet"
    pq.write_table(table(40), path, row_group_size=300, write_page_checksum=True, data_page_size=400)
    return path


def reader(path: Path) -> parquet.Reader:
    return parquet.Reader(Source("t", io.FileIO(path), room=1 << 30), parquet.Options(), block_size=BLOCK)


def rows_of(chunk: Chunk) -> pa.RecordBatch:
    return chunk.decode(frozenset(), "error").frame.to_arrow()


@pytest.mark.parametrize("needed", [None, ("x3",), ("t", "x1", "s")])
@settings(max_examples=examples(50, part=5))
@given(order=st.permutations(range(17)))
def test_blocks_are_the_same_in_any_order(path: Path, needed: Sequence[str] | None, order: list[int]) -> None:
    chunks = list(reader(path).chunks(needed))
    assert [c.weight for c in chunks] == [64, 64, 64, 64, 44] * 3 + [64, 36]
    batches = {j: rows_of(chunks[j]) for j in order}
    whole = pq.read_table(path, columns=needed and list(needed))
    assert all(b.schema.names == list(needed or whole.schema.names) for b in batches.values())
    joined = pa.Table.from_pylist([row for j in sorted(batches) for row in batches[j].to_pylist()], whole.schema)
    assert joined.equals(whole)


def test_blocks_are_the_same_for_any_number_of_workers(path: Path) -> None:
    expected = [rows_of(c) for c in reader(path).chunks()]
    for count in (1, 2, 8):
        assert list(Threads(count).map_ordered(rows_of, reader(path).chunks())) == expected


def test_a_block_that_nobody_takes_keeps_nobody_waiting(path: Path) -> None:
    """A worker may be called off when another one has begun with what follows."""
    chunks, expected = list(reader(path).chunks()), [rows_of(c) for c in reader(path).chunks()]
    some = random.Random(3).sample(range(len(chunks)), 9)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(rows_of, [chunks[j] for j in some])) == [expected[j] for j in some]


def test_an_error_is_the_same_for_all_blocks_from_it_on() -> None:
    batch = pa.record_batch({"x": np.arange(10.0)})

    def batches() -> object:
        yield batch
        raise pa.ArrowInvalid("damaged")

    blocks = ColumnBlocks(batches)  # type: ignore[arg-type]
    for number in (2, 1, 2):
        with pytest.raises(pa.ArrowInvalid, match="damaged"):
            blocks.take(number, [10, 10, 10])
    assert blocks.take(0, [10, 10, 10]) is batch


def test_parts_of_a_block_with_other_dictionaries_are_joined() -> None:
    parts = [pa.array(texts).dictionary_encode() for texts in (["a", "b"], ["c", None, "a"])]
    blocks = ColumnBlocks(lambda: iter([pa.record_batch({"t": part}) for part in parts]))
    assert blocks.take(0, [5]).to_pydict() == {"t": ["a", "b", "c", None, "a"]}
    for rows in (4, 6):
        with pytest.raises(ValueError, match=r"too (few|many)"):
            ColumnBlocks(lambda: iter([pa.record_batch({"t": part}) for part in parts])).take(0, [rows])


def test_damage_is_reported_by_whoever_decodes(path: Path, tmp_path: Path) -> None:
    data = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(1).column(5)
    data[column.dictionary_page_offset + column.total_compressed_size - 1] ^= 16
    (tmp_path / "bad.parquet").write_bytes(data)
    results = Threads(4).map_ordered(rows_of, reader(tmp_path / "bad.parquet").chunks())
    assert [next(results).num_rows for _ in range(5)] == [64, 64, 64, 64, 44]
    with pytest.raises(BadDataError, match="not a sound Parquet file"):
        list(results)


@pytest.mark.parametrize("needed", [None, (), ("a",), ("a.b", "c"), ("a.x", "a"), ("c", "a.b", "a")])
def test_columns_are_found_as_pyarrow_finds_them_by_name(tmp_path: Path, needed: Sequence[str] | None) -> None:
    """A name may be a path, and a path a name: `a` is a group with `x` and `y`, `a.b` a column beside it."""
    columns = {"a": [{"x": 1, "y": [{"z": 2.0}]}] * 9, "a.b": [3] * 9, "c": ["t"] * 9}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet", row_group_size=5)
    with pa.OSFile(str(tmp_path / "t.parquet")) as place, pq.ParquetFile(tmp_path / "t.parquet") as theirs:
        ours = ParquetFile(place, coded=["c"])
        assert ours.arrow.names == theirs.schema_arrow.names
        for group in range(2):
            expected = theirs.iter_batches(3, row_groups=[group], columns=needed and list(needed))
            batches = [b.to_pylist() for b in ours.batches(3, group, needed)]
            assert batches == [b.to_pylist() for b in expected]


def test_each_block_begins_with_other_columns() -> None:
    """Else workers would queue for the first ones; what a block holds is in order all the same."""
    order = list[tuple[int, int]]()

    class Share(ColumnBlocks):
        def __init__(self, place: int) -> None:
            self.place = place

        def take(self, number: int, rows: Sequence[int]) -> pa.RecordBatch:
            order.append((number, self.place))
            return pa.record_batch({f"x{self.place}": np.arange(rows[number])})

    decoding = GroupDecoding(Source("t", io.FileIO(__file__)), [3, 3, 2, 1], [Share(j) for j in range(8)])
    blocks = [decoding.block(number) for number in range(4)]
    assert [b.schema.names for b in blocks] == [[f"x{j}" for j in range(8)]] * 4
    assert [place for number, place in order if order.index((number, place)) % 8 == 0] == [0, 2, 4, 6]
