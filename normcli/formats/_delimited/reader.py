"""Reading delimited text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Self

from msgspec.structs import replace

from normcli import columns
from normcli.caching import cached_property
from normcli.errors import BadDataError, BadPlaceError
from normcli.formats import Address, Description
from normcli.formats._delimited import native_sampling
from normcli.formats._delimited.chunk import Chunk
from normcli.formats._delimited.description import DelimitedDescription
from normcli.formats._delimited.doubts import doubts, title_hint
from normcli.formats._delimited.faults import check_unfinished
from normcli.formats._delimited.header import header
from normcli.formats._delimited.layout import present
from normcli.formats._delimited.native import Doubts
from normcli.formats._delimited.opening import beginning
from normcli.formats._delimited.options import DelimitedOptions
from normcli.formats._delimited.respelling import Respelled
from normcli.formats._delimited.sampling import sampled
from normcli.formats._text import cutting, inferring, reader
from normcli.formats._text.cutting import Rows
from normcli.formats._text.octets import first_row_end, line_ends, row_ends
from normcli.io.sources import Source

if TYPE_CHECKING:
    import polars as pl


class DelimitedReader(reader.TextReader):
    """An input of delimited text. The types of its columns come from a sample of its first rows."""

    description: DelimitedDescription
    _respelled: Respelled | None = None

    def __init__(
        self, source: Source, options: DelimitedOptions, *, block_size: int | None = None, skip: bool = False
    ) -> None:
        super().__init__(source, block_size=block_size, skip=skip)
        before = beginning(source, options.dialect, options.skip_lines)
        self._respelled = before.respelled
        head = self._head(_count_line_ends, 2, b"\r\n", what="is empty, not even a header")
        start = _blank_lines(head)
        blank_lines = head.count(b"\n", 0, start)
        notices = before.notices
        if before.dialect.comment:
            notices += (f"{source.name}: lines that begin with '{options.comment}' are left out, as comments",)
        elif blank_lines and options.headed:
            what = f"{blank_lines} blank lines" if blank_lines > 1 else "a blank line"
            notices += (f"{source.name}: skipped {what} before the header",)
        first = head[start : start + (first_row_end(head[start:]) or len(head))]
        names = header(first, before.lines + blank_lines, source.name, options, before)
        skipped = start + len(first) if options.headed else 0  # bytes that are no rows
        description = DelimitedDescription(
            options=options,
            layout=names.layout,
            schema=names.layout.schema,
            start=before.lines + before.dialect.lines(head, skipped),
            early=blank_lines if options.headed else 0,
            first_byte=self._first_byte(skipped) if before.dialect.keeps_length(head[:skipped]) else None,
            doubt=names.doubt,
            hint=names.hint,
            notices=notices + names.notices,
            **self._known(),
        )
        sample = _sample(head[skipped:], ended=len(head) < reader.SAMPLE[0])
        self.description = self._sampled(description, sample, names.other_delimiter)
        source.read(skipped)

    @classmethod
    def at(cls, source: Source, description: Description, address: Address) -> Self:
        reader = super().at(source, description, address)
        if not reader.description.layout.dialect.is_plain:
            reader._respelled = reader.source.through(partial(Respelled, reader.description.layout.dialect))
        return reader

    @property
    def comments(self) -> int:
        return self._respelled.comments if self._respelled else 0

    def _cut(self) -> Iterator[Rows]:
        layout = self.description.layout

        def check(unfinished: bytes) -> None:
            check_unfinished(layout.without_spaces(unfinished), layout.separator)

        return cutting.cut(self.source, size=self.description.mark, quotes=True, check=check)

    def _chunk(self, rows: Rows) -> Chunk:
        return Chunk(self.description.layout, rows, doubts=self._doubts)

    @cached_property
    def _doubts(self) -> Doubts:
        return Doubts()

    def _sampled(self, description: DelimitedDescription, data: bytes, other_delimiter: str) -> DelimitedDescription:
        """The description with what each column holds, going by its first rows, and which of those that are left out
        leave a doubt. Raises BadDataError for a bad row."""
        layout, options = description.layout, description.options
        sample = Chunk(layout, Rows(data, b'"' in data))
        columns_of_text = None if options.infer_types else native_sampling.sampled(data, layout)
        values: Mapping[str, pl.Series | Sequence[str]]
        if columns_of_text is not None:
            about, values = dict(zip(layout.names, columns_of_text[0], strict=True)), columns_of_text[1]
        else:
            try:
                frame = sample.decode(frozenset(), skip=self._skip).frame.to_polars()
            except BadPlaceError as e:
                line = description.start + e.place
                hint = other_delimiter or title_hint(e, line, layout, options) or e.hint
                raise BadDataError(f"{description.place(line)}: {e.what}", hint) from None
            series = columns.all_series(frame)
            about, values = dict(zip(series, sampled(frame, layout), strict=True)), series
        if self._skip:
            about = {n: replace(s, kind="word") if s.half else s for n, s in about.items()}
        inferred: dict[str, inferring.Type] = {}
        if options.infer_types:
            words = {n: present(s, layout.missing) for n, s in series.items()}
            inferred = {n: inferring.inferred(w, layout.as_numbers(w)) for n, w in words.items()}
        locate = cache(sample.locate)

        def place_of(row: int) -> str:
            return description.place(description.start + locate(row))

        of_texts = doubts(about, values, layout, options, place_of)
        empty = {n: self._is_empty(n) for n, s in about.items() if s.kind == "empty"}
        layout = replace(layout, kinds=tuple(s.kind for s in about.values()))
        return replace(
            description,
            layout=layout,
            schema=layout.schema,
            doubts=empty | of_texts.doubts,
            unread_numbers=of_texts.unread_numbers,
            not_numbers=of_texts.not_numbers,
            identifiers=frozenset(n for n, s in about.items() if s.identifier),
            inferred=inferred,
        )


def _blank_lines(data: bytes) -> int:
    """How many bytes the blank lines at the beginning have. A carriage return that ends no line is of the header."""
    blank = re.match(rb"(?:\r*\n)*", data)
    return blank.end() if blank else 0


def _count_line_ends(data: bytes) -> int:
    """How many rows end, after blank lines."""
    data = data[_blank_lines(data) :]
    return len(line_ends(data, b'"' in data))


def _sample(data: bytes, *, ended: bool) -> bytes:
    """The first rows; at least one, however long. The last may do without a line end where the input has ended."""
    quoted = b'"' in data
    ends = (row_ends if ended else line_ends)(data, quoted)[: reader.SAMPLE[1]]
    return data[: ends[-1]] if len(ends) else data
