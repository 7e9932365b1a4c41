"""What Parquet and Arrow have in common: rows of record batches, cut into blocks, and what a schema remembers."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from math import inf
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NoReturn

from msgspec import Meta

from normcli import columns
from normcli.columns import Field, Frame, Infinite, Schema
from normcli.columns.arrow_frame import ArrowFrame
from normcli.errors import (
    BadDataError,
    BadPlaceError,
    EmptyInputError,
    UsageError,
    lacking,
    printable,
    raise_shortage,
    size,
)
from normcli.formats import Decoded, Outlet, load
from normcli.formats import Sink as AnySink
from normcli.formats import Writer as AnyWriter
from normcli.io.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 65_536  # rows to a block, within a row group or batch; part of what makes results the same bytes
VALUES = 1 << 20  # and fewer rows, by halves down to 1,024, where a block would hold more values than this
FEW = 1024  # rows to a sample
AT_ONCE = 4  # blocks, at least, for which there must be room
WHOLE = "was it copied whole?"
PLAIN = "write the file without it"
LEFT_OUT = "-x leaves it out"
DIGESTS = b"normcli"  # key of the schema metadata

Compression = Literal["none", "snappy", "gzip", "zstd", "lz4", "brotli"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the output is to be packed."""

    compression: Annotated[
        Compression | None,
        Meta(
            description="of pages",
            extra={
                "on": "writing",
                "topic": "formats",
                "hint": "text is compressed by its suffix: .csv.gz, or --to csv.gz",
            },
        ),
    ] = None

    def check(self) -> None:
        """Nothing to contradict: what a format can't write is told when it is to."""

    def packing(self, format: str, possible: tuple[str, ...]) -> str | None:
        """The compression asked for. Raises UsageError where the format does not have it."""
        if self.compression is not None and self.compression not in possible:
            raise UsageError(f"--compression {self.compression}: {format} has {', '.join(possible)}")
        return self.compression


@dataclass(frozen=True)
class Chunk:
    """Rows of one row group or batch, perhaps its last."""

    batch: pa.RecordBatch
    can_end_segment: bool
    content: ClassVar[bytes | None] = None

    @property
    def weight(self) -> int:
        return int(self.batch.num_rows)

    @property
    def load(self) -> int:
        import pyarrow as pa

        try:
            count = expanded(self.batch)
        except pa.ArrowException as e:  # which decoding will tell
            raise_shortage(e)
            count = int(self.batch.nbytes)
        return load(count, self.batch.num_rows * self.batch.num_columns)

    def decode(self, wanted: frozenset[str], infinite: Infinite, *, skip: bool = False) -> Decoded:
        import pyarrow as pa

        try:
            self.batch.validate(full=True)  # an offset, an index or a text that is none could end us all
        except pa.ArrowException as e:
            raise_shortage(e)
            raise BadPlaceError(0, "the rows from here are damaged", WHOLE) from None
        return Decoded(ArrowFrame(self.batch), self.batch.num_rows)

    def survey(self, wanted: frozenset[str], *, skip: bool = False) -> Decoded:
        return self.decode(wanted, "missing")

    def locate(self, row: int) -> int:
        return row


class Reader:
    """What all readers of record batches share. `what` is what the input should be, in words."""

    typed = True
    unit = "rows"
    start = comments = early = 0
    doubt = hint = ""
    expected = identifiers = frozenset[str]()
    size: int | None = None
    notices: tuple[str, ...] = ()
    what: ClassVar[str]

    def __init__(self, source: Source, arrow: pa.Schema, block_size: int | None) -> None:
        self.source = source
        self.nearly: dict[str, str] = {}
        self.others: dict[str, str] = {}
        self.inferred: dict[str, Any] = {}
        self.schema: Schema = columns.arrow_fields(arrow)
        without = "is left out: it is of type null, without a value"
        empty = (f.name for f in self.schema if f.type == "null")
        self.doubts = {n: f"{source.name}: column '{printable(n)}' {without}" for n in empty}
        names = [f.name for f in self.schema]
        if len(set(names)) < len(names):
            twice = next(n for j, n in enumerate(names) if n in names[:j])
            raise BadDataError(f"{source.name}: two columns are called '{printable(twice)}'", "rename one")
        self.digests = tuple((arrow.metadata or {}).get(DIGESTS, b"").decode("ascii", "replace").split())
        self.indexes = _pandas_indexes(arrow.metadata or {}).intersection(names)
        self._arrow = arrow
        self._block = block_size

    def name(self, place: int) -> str:
        return f"{self.source.name}: row {place + 1}"

    def close(self) -> None:
        self.source.close()

    def blank(self, wanted: frozenset[str]) -> Frame:
        return ArrowFrame(no_rows(self._arrow))

    def expect(self, names: Sequence[str]) -> None:
        """The schema has them all."""

    def list_size(self, name: str) -> int:
        sizes = map(columns.first_size, self._samples(name))
        size = next((s for s in sizes if s is not None), None)
        if not size:
            what = "an empty list" if size == 0 else "no list to take their length from"
            raise BadDataError(f"{self.source.name}: there is {what} in column '{printable(name)}'", LEFT_OUT)
        return size

    def _samples(self, name: str) -> Iterator[pa.Array]:
        """The lists in a column, from the first on, as far as they can be had before all is read."""
        raise NotImplementedError

    @cached_property
    def _rows(self) -> int:
        """Rows to a block: fixed by the schema and the first lists, never by what is asked of it."""
        if self._block:
            return self._block
        rows, values = BLOCK, sum(map(self._values, self.schema))
        while rows > 1024 and rows * values > VALUES:
            rows //= 2
        return rows

    def _values(self, field: Field) -> int:
        """How many values there are to a row."""
        if field.list_of is None or field.list_size is not None:
            return field.list_size or 1
        first = next(self._samples(field.name), None)
        return (columns.first_size(first) if first is not None else None) or 1

    def _blocks(self, batch: pa.RecordBatch, rows: int) -> Iterator[Chunk]:
        """A batch in blocks, without a copy."""
        longest = max(map(longest_entry, batch.columns), default=0)
        for at in range(0, batch.num_rows, rows):
            block = batch.slice(at, rows)
            with reading(self.source, self.what):
                check_expanded(self.source, block, longest)
            yield Chunk(block, at + rows >= batch.num_rows)

    @property
    def _most(self) -> float:
        """Bytes that one block may have."""
        return most(self.source)


def _pandas_indexes(metadata: Mapping[bytes, bytes]) -> frozenset[str]:
    """The columns that are an index of pandas, by what it writes into schemas; one that only counts rows is none."""
    try:
        about = json.loads(metadata.get(b"pandas", b"{}"))
    except (ValueError, RecursionError):
        return frozenset()
    listed = about.get("index_columns") if isinstance(about, dict) else None
    return frozenset(name for name in listed if isinstance(name, str)) if isinstance(listed, list) else frozenset()


def in_place(source: Source) -> Any:
    """What pyarrow reads at any position, open as long as the source is. Raises OutputError, OSError."""
    import pyarrow as pa

    place = source.in_place()
    if not isinstance(place, str):
        return place
    file = pa.OSFile(place)
    source.handles.append(file)
    return file


def check_any(source: Source) -> None:
    """Raises EmptyInputError where there is no byte."""
    if source.length == 0 or (not source.regular and not source.peek(1)):
        raise EmptyInputError(f"{source.name}: is empty", "did the command that made it fail?")


def check_held(source: Source, count: float, what: str) -> None:
    """Raises BadDataError where so many bytes, which can't be read in pieces, would be too much."""
    if source.room is not None and count > source.room:
        refuse(source, f"{what} takes {size(count)} once it is decoded")


def most(source: Source) -> float:
    """Bytes that one block may have."""
    return inf if source.room is None else source.room / AT_ONCE


def check_block(source: Source, count: float) -> None:
    """Raises BadDataError where a block of so many bytes would be too much."""
    if count > most(source):
        refuse(source, f"{AT_ONCE} blocks of its rows take {size(AT_ONCE * count)} and more")


def check_expanded(source: Source, block: pa.RecordBatch, longest: int) -> None:
    """Raises BadDataError where a block would be too much, had each row of a dictionary column a text of its own; none
    of these is longer than `longest` bytes."""
    if longest * block.num_rows > most(source):
        check_block(source, expanded(block))


def refuse(source: Source, what: str) -> NoReturn:
    raise lacking(source.room, f"{source.name}: {what}, and there are {size(source.room)} of memory to use")


def longest_entry(column: pa.Array) -> int:
    """Bytes of the longest text in the dictionary of a column; 0 where it has none, or one that is damaged."""
    import pyarrow as pa

    try:
        lengths = _entry_lengths(column)
    except pa.ArrowException as e:  # which decoding will tell
        raise_shortage(e)
        return 0
    if lengths is None:
        return 0
    import pyarrow.compute as pc

    return int(pc.max(lengths).as_py() or 0)


def expanded(batch: pa.RecordBatch, coded: Container[str] = ()) -> int:
    """Bytes of a batch, each row of a dictionary column with a text of its own unless it is `coded`. Raises
    ArrowException where it is damaged."""
    import pyarrow.compute as pc

    total = batch.nbytes
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        lengths = None if name in coded else _entry_lengths(column)
        if lengths is not None:
            total += (pc.sum(lengths.take(column.indices)).as_py() or 0) - column.dictionary.nbytes
    return int(total)


def _entry_lengths(column: pa.Array) -> pa.Array | None:
    """Bytes of each text in the dictionary of a column, None where it has none."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        return None
    import pyarrow.compute as pc

    kind, entries = column.type.value_type, column.dictionary
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)):
        return None
    entries.validate(full=True)
    return pc.binary_length(entries)


def no_rows(schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([pa.nulls(0, f.type) for f in schema], schema=schema)


def output_schema(blank: Frame, digests: tuple[str, ...]) -> pa.Schema:
    """The schema of output like `blank`, with the digests of what it was normalized by."""
    schema = blank.to_arrow().schema
    metadata = {k: v for k, v in (schema.metadata or {}).items() if k != DIGESTS}
    if digests:
        metadata[DIGESTS] = " ".join(digests).encode()
    return schema.with_metadata(metadata or None)


def following(first: AnyWriter, schema: pa.Schema, reader: Any, blank: Frame) -> AnyWriter:
    """The writer of another input into output of a schema: the first one's, where the types are the same. Raises
    BadDataError where a column can't become of the type that it has there."""
    own = output_schema(blank, ())
    if own.types == schema.types:
        return first
    try:
        columns.conformed(no_rows(own), schema)
    except BadDataError as e:
        raise BadDataError(f"{reader.source.name}: {e.message}", e.hint) from None
    return Conformed(first, own, schema)


@dataclass(frozen=True)
class Conformed:
    """Rows of another input, whose columns become of the types that the first one's have."""

    writer: AnyWriter
    own: pa.Schema
    schema: pa.Schema

    def following(self, reader: Any, blank: Frame) -> AnyWriter:
        return self.writer.following(reader, blank)

    def encode(self, frame: Frame) -> pa.RecordBatch:
        return self.writer.encode(ArrowFrame(columns.conformed(frame.to_arrow(self.own), self.schema)))

    def open(self, file: Outlet) -> AnySink:
        return self.writer.open(file)


def refused(blank: Frame, is_refused: Callable[[pa.DataType], bool]) -> Schema:
    """The columns of a frame whose type can't be written."""
    fields, of_type = blank.to_arrow().schema, cache(is_refused)
    return tuple(f for f, t in zip(columns.arrow_fields(fields), fields.types, strict=True) if of_type(t))


def first_line(error: Exception) -> str:
    return printable(str(error).strip().split("\n")[0])


@contextmanager
def reading(source: Source, what: str) -> Iterator[None]:
    """What pyarrow says of an input that it can't read, in our words."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as e:
        raise_shortage(e)
        if fault := source.fault(e):
            raise fault from None
        if isinstance(e, NotImplementedError):
            raise BadDataError(f"{source.name}: {what} with what is not read: {first_line(e)}", PLAIN) from None
        if "crypt" in str(e):
            raise BadDataError(
                f"{source.name}: {what} with encrypted columns, which are not read", "decrypt it"
            ) from None
        why = f": {e}" if type(e) is ValueError else ""  # which is ours; pyarrow's have types of their own
        raise BadDataError(f"{source.name}: not a sound {what}{why}", WHOLE) from None


@contextmanager
def writing(what: str) -> Iterator[None]:
    """What pyarrow says of columns that it can't write, in our words."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as e:
        raise_shortage(e)
        if isinstance(e, OSError) and e.errno:  # the system's
            raise
        raise BadDataError(f"the columns can't be written as {what}: {first_line(e)}", "another --to may") from None


@dataclass
class Sink:
    """Record batches into one of pyarrow's writers. `close` is not called after a failure, and what the writer
    sends when it is collected goes nowhere."""

    writer: Any
    what: str

    def write(self, piece: pa.RecordBatch) -> None:
        with writing(self.what):
            self.writer.write_batch(piece)

    def close(self) -> None:
        self.writer.close()
