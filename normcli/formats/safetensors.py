"""safetensors: named arrays of one length, each a column, or of two dimensions, a column of lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import numpy as np
from msgspec import Meta, Struct

from normcli import suggestions
from normcli.errors import BadDataError, BadPlaceError, printable
from normcli.formats import Format, load
from normcli.formats._arrays import safetensors_header as headers
from normcli.formats._arrays.safetensors_header import BFLOAT, TYPES, Tensor
from normcli.formats._arrays.safetensors_writer import WHAT, Writer
from normcli.formats._arrays.values import Values, arrow_type, as_columns, as_lists
from normcli.formats._binary.chunk import Chunk
from normcli.formats._binary.description import BatchDescription
from normcli.formats._binary.reader import BatchReader
from normcli.io.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FORMAT", "Options", "Reader", "Writer"]

SHOWN = 8  # tensors that a message names
SHAPES = "tensors that are columns have one or two dimensions, the first of one length"
CHOOSE = "--tensors NAME,NAME chooses some"


class Options(Struct, frozen=True, kw_only=True):
    """Which tensors are read."""

    tensors: Annotated[
        str | None, Meta(description="names of safetensors to read", extra={"on": "reading", "topic": "formats"})
    ] = None

    def check(self) -> None:
        """Nothing to contradict: which there are is known later."""


class Reader(BatchReader):
    """Tensors, in blocks of rows, which the workers read; only those that are needed."""

    what = WHAT

    def __init__(self, source: Source, options: Options, *, block_size: int | None = None) -> None:
        import pyarrow as pa

        super().__init__(source, block_size)
        source.in_place()
        length = headers.length_of(source.name, source.read_at(0, headers.LENGTH.size))
        self._start = headers.LENGTH.size + length
        text = source.read_at(headers.LENGTH.size, length)
        if len(text) < length:
            raise BadDataError(f"{source.name}: truncated: its header takes {length:,} bytes", "was it copied whole?")
        header = headers.parsed(source.name, text, source.count - self._start)
        self._tensors = {t.name: t for t in _chosen(source.name, header.tensors, options.tensors)}
        self._row_count = next(iter(self._tensors.values())).shape[0]
        metadata = {key.encode(): value.encode() for key, value in header.metadata.items()}
        schema = pa.schema([(n, _type(t)) for n, t in self._tensors.items()], metadata or None)
        self.description = BatchDescription.of(schema, size=self._row_count, **self._known())

    def chunks(self, needed: Sequence[str] | None = None) -> Iterator[Chunk]:
        names = list(self._tensors if needed is None else [n for n in self._tensors if n in set(needed)])
        size = sum(self._tensors[n].row_size for n in names)
        values = sum(self._values(f) for f in self.description.schema if f.name in set(names))
        for at in range(0, self._row_count, self._rows):
            count = min(self._rows, self._row_count - at)
            self._limit.check_block(2.0 * count * size)
            read = partial(self._batch, at, count, names)
            yield Chunk(count, at + count == self._row_count, read, load(count * size, count * values))

    def _batch(self, at: int, count: int, names: Sequence[str]) -> pa.RecordBatch:
        """Rows from `at` on, of some of the tensors."""
        import pyarrow as pa

        schema = self.description.arrow
        arrays = [self._column(self._tensors[n], at, count) for n in names]
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema([schema.field(n) for n in names], schema.metadata))

    def _column(self, tensor: Tensor, at: int, count: int) -> pa.Array:
        """Rows of a tensor. Raises BadPlaceError, OutputError."""
        size = count * tensor.row_size
        try:
            data = self.source.read_at(self._start + tensor.start + at * tensor.row_size, size)
        except OSError as e:
            raise self.source.failed(e) from None
        if len(data) < size:
            raise BadPlaceError(0, "the rows from here are gone", "was it changed meanwhile?")
        values = _decoded(tensor, data)
        return as_columns(values[:, None])[0] if len(tensor.shape) == 1 else as_lists(values.reshape(count, -1))

    def _samples(self, name: str) -> Iterator[pa.Array]:
        if self._row_count:
            yield self._column(self._tensors[name], 0, 1)


def _chosen(source: str, tensors: Sequence[Tensor], names: str | None) -> list[Tensor]:
    """The tensors that are read, all of one length. Raises BadDataError."""
    by_name = {t.name: t for t in tensors}
    wanted = list(by_name) if names is None else [names] if names in by_name else names.split(",")
    missing = [n for n in wanted if n not in by_name]
    if missing:
        raise BadDataError(
            f"{source}: no tensor is called '{printable(missing[0])}'", suggestions.hint(missing[0], by_name)
        )
    chosen = [by_name[n] for n in dict.fromkeys(wanted)]
    if not chosen:
        raise BadDataError(f"{source}: there is no tensor", "did the command that made it fail?")
    unread = [t for t in chosen if t.dtype not in headers.SIZES]
    if unread:
        raise BadDataError(f"{source}: tensor {unread[0].described} is of a type that is not read", CHOOSE)
    odd = [t for t in chosen if len(t.shape) not in (1, 2) or t.shape[0] != chosen[0].shape[0] or 0 in t.shape[1:]]
    if odd or len(chosen[0].shape) not in (1, 2):
        some = ", ".join(t.described for t in [*chosen[:1], *odd[: SHOWN - 1]])
        raise BadDataError(f"{source}: {SHAPES}, and these do not: {some}", CHOOSE)
    return chosen


def _type(tensor: Tensor) -> pa.DataType:
    """The type of a tensor's column."""
    import pyarrow as pa

    kind = arrow_type(np.dtype(TYPES.get(tensor.dtype, "<f4")))
    return kind if len(tensor.shape) == 1 else pa.list_(kind, tensor.shape[1])


def _decoded(tensor: Tensor, data: bytes) -> Values:
    """(values,) of a tensor; those of half an F32 as all of one."""
    if tensor.dtype == BFLOAT:
        return (np.frombuffer(data, "<u2").astype(np.uint32) << np.uint32(16)).view(np.float32)
    return np.frombuffer(data, TYPES[tensor.dtype])


FORMAT = Format(
    suffixes=(".safetensors",),
    binary=True,
    pattern=rb"(?s:.{3})\0{5}\{\s*[\"}]",  # the length of a header of up to 8 MB, and its JSON
    keeps_marks=True,
    on_pipe="arrows",  # whose header need not say how many rows will come
    options=Options,
    reader=Reader,
    writer=Writer,
)
