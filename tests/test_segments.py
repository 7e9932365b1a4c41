"""Segments of inputs: all of them together are what one machine reads and folds, chunk by chunk."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from normcli.formats import Address, Chunk, Reader, open_at, record
from normcli.formats._text.description import TextDescription
from normcli.io.sources import Source, open_source
from normcli.parameters.folding import SEGMENT, ends_segment
from normcli.pipeline import segments
from tests.conftest import examples
from tests.formats.conftest import in_memory, through_pipe


def of_one_machine(chunks: Sequence[Chunk]) -> list[list[Chunk]]:
    """Chunks as they fold from the left."""
    split, last = list[list[Chunk]](), list[Chunk]()
    for chunk in chunks:
        last.append(chunk)
        if ends_segment(len(last), can_end=chunk.can_end_segment):
            split, last = [*split, last], []
    return [*split, last] if last else split


def scan(
    source: Source, description: TextDescription, stretch: tuple[int, int], is_wanted: Callable[[], bool] = lambda: True
) -> segments.StretchScan:
    """What the scans of a stretch say, where its likely segment is read on the way."""

    def read(source: Source, rows: Address) -> int:
        return sum(1 for _ in takewhile(lambda _: is_wanted(), open_at(source, description, rows).chunks()))

    return segments.read_stretch(source, description, stretch, is_wanted, read)[0]


def addresses(reader: Reader, source: Source) -> list[Address]:
    description = reader.description
    if not isinstance(description, TextDescription):
        return list(segments.of_reader(reader))
    found = [scan(source, description, s) for s in segments.stretches(description)]
    return list(segments.of_scans(description, [s for f in found for s in f.scans]))


def same(a: Chunk, b: Chunk) -> bool:
    wanted = frozenset({"a"})
    frames = [chunk.decode(wanted, "missing") for chunk in (a, b)]
    values = [np.asarray(d.frame.numbers("a")).tobytes() for d in frames]
    return (
        (a.weight, a.load, a.content, a.can_end_segment) == (b.weight, b.load, b.content, b.can_end_segment)
        and values[0] == values[1]
        and (frames[0].places, frames[0].late) == (frames[1].places, frames[1].late)
        and all(a.locate(row) == b.locate(row) for row in range(frames[0].frame.rows))
    )


def check(name: str, data: bytes, block_size: int, *, several: bool | None = None, **options: Any) -> None:
    source, format = in_memory(data), record(name)
    reader = format.open(source, format.options(**options), block_size=block_size)
    split = of_one_machine(
        list(format.open(in_memory(data), format.options(**options), block_size=block_size).chunks())
    )
    found = addresses(reader, source)
    assert len(found) == len(split)
    assert several is None or (len(found) > 1) == several
    place = reader.description.start
    for address, chunks in zip(found, split, strict=True):
        assert address.place == place
        part = open_at(source, pickle.loads(pickle.dumps(reader.description)), address)
        assert part.description.start == place
        again = list(part.chunks())
        assert part.description.size == sum(c.weight for c in again)
        assert len(again) == len(chunks)
        assert all(map(same, again, chunks))
        place += sum(c.decode(frozenset({"a"}), "missing").places for c in chunks)


WORDS = st.sampled_from(["x", "", '"y"', '"a\nb"', '"a""b"', '"\n\n"', '"' + "long\n" * 9 + '"', "é"])
ROWS = st.lists(st.tuples(st.integers(0, 999), WORDS), min_size=1, max_size=150)


@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.integers(1, 40))
@settings(max_examples=examples(120))
def test_segments_of_csv_are_those_of_one_machine(rows: Any, end: str, last: bool, block_size: int) -> None:
    text = end.join(["a,b", *(f"{a},{b}" for a, b in rows)]) + end * last
    check("csv", text.encode(), block_size)


@given(ROWS, st.integers(1, 40))
@settings(max_examples=examples(60))
def test_segments_of_ndjson_are_those_of_one_machine(rows: Any, block_size: int) -> None:
    check("ndjson", "".join(f'{{"a": {a}}}\n' + "\n" * (a % 2) for a, _ in rows).encode(), block_size)


def parquet(counts: Sequence[int], **more: Any) -> bytes:
    file, number = io.BytesIO(), 0
    schema = pa.schema([("a", pa.float64()), ("t", pa.dictionary(pa.int32(), pa.string()))])
    with pq.ParquetWriter(file, schema, **more) as writer:
        for count in counts:
            writer.write_table(table(number, count).cast(schema), row_group_size=max(count, 1))
            number += count
    return file.getvalue()


def table(first: int, count: int) -> pa.Table:
    numbers = pa.array(range(first, first + count), pa.float64())
    codes = pa.array([n % 3 for n in range(first, first + count)], pa.int32())
    texts = pa.DictionaryArray.from_arrays(codes, ["t0", "t1", "t2"])
    return pa.table({"a": numbers, "t": texts})


COUNTS = st.lists(st.integers(0, 70) | st.just(200), min_size=1, max_size=8)


@given(COUNTS, st.integers(1, 5))
@settings(max_examples=examples(60))
def test_segments_of_parquet_are_those_of_one_machine(counts: list[int], block_size: int) -> None:
    check("parquet", parquet(counts), block_size)


@given(COUNTS, st.integers(1, 5))
@settings(max_examples=examples(60))
def test_segments_of_arrow_are_those_of_one_machine(counts: list[int], block_size: int) -> None:
    file, number = io.BytesIO(), 0
    schema = table(0, 1).schema
    with pa.ipc.new_file(file, schema) as writer:
        for count in counts:
            writer.write_batch(pa.record_batch([c.combine_chunks() for c in table(number, count).columns], schema))
            number += count
    check("arrow", file.getvalue(), block_size)


@pytest.mark.parametrize("several", [False, True])
def test_a_segment_has_64_chunks(several: bool) -> None:
    check("csv", b"a,b\n" + b"1,2\n" * (SEGMENT + several), 4, several=several)


def test_what_is_compressed_or_has_comments_can_only_be_read_together(tmp_path: Path) -> None:
    import gzip

    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    format = record("csv")
    for source, options in [
        (open_source(tmp_path / "t.csv.gz"), format.options()),
        (through_pipe(b"a,b\n1,2\n"), format.options()),
        (in_memory(b"a,b\n1,2\n"), format.options(comment="#")),
    ]:
        assert segments.stretches(format.open(source, options).description) == ()
        source.close()


@given(st.lists(st.integers(0, 999), min_size=1, max_size=400), st.integers(10, 30))
@settings(max_examples=examples(60))
def test_without_quotes_a_stretch_is_what_it_likely_is(rows: list[int], block_size: int) -> None:
    """So that nothing is read twice."""
    data = "a,b\n" + "".join(f"{a},{a}\n" for a in rows)
    source = in_memory(data.encode())
    description = record("csv").open(source, block_size=block_size).description
    assert isinstance(description, TextDescription)
    found = [scan(source, description, s) for s in segments.stretches(description)]
    found = [pickle.loads(pickle.dumps(f)) for f in found]
    actual = segments.of_scans(description, [s for f in found for s in f.scans])
    for address, stretch in zip(actual, found, strict=False):
        assert stretch.likely == replace(address, place=0)


def test_no_more_of_a_stretch_is_read_than_is_wanted() -> None:
    source = in_memory(b"a,b\n" + b"1,2\n" * 1000)
    description = record("csv").open(source, block_size=20).description
    assert isinstance(description, TextDescription)
    (stretch, *_), left = segments.stretches(description), iter([True, True])
    found = scan(source, description, stretch, lambda: next(left, False))
    assert len(found.scans) < 10
    assert found.likely is None
    assert len(scan(source, description, stretch).scans) > 2
