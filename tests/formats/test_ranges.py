"""Text that is cut by what was seen of ranges apart from each other: the very chunks that reading from the start gives,
wherever they are read."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from normcli.errors import BadPlaceError
from normcli.formats import Address, Chunk, Description, open_at, record
from normcli.formats._text.description import TextDescription
from normcli.formats._text.ranges import blocks, scans
from normcli.formats._text.skipping import places
from normcli.io.sources import Source
from tests.conftest import examples
from tests.formats.conftest import in_memory

DIALECTS: list[tuple[bytes, dict[str, Any]]] = [
    (b"a,b\n", {}),
    (b"\xef\xbb\xbfa,b\r\n", {}),
    (b"\n\na,b\n", {}),
    (b"sep=;\na;b\n", {}),
    (b'a title\nand, another "\na,b\n', {"skip_lines": 2}),
    (b"a,b\r", {}),
    (b"a,b\n", {"quote": "'"}),
    (b"a,b\r", {"quote": "'"}),
    (b"a,b\n", {"quote": "none"}),
    (b"a,b\n", {"escape": "\\"}),
    (b"a,b\r", {"escape": "\\", "quote": "'"}),
    (b"a,b\n", {"escape": "\\", "quote": "none"}),
    (b"a,b\n", {"skip_initial_space": True}),
    (b"1,2\n", {"header": False}),
]
PIECES = st.sampled_from(
    ["1", "2,3", "\n", "\r\n", "\r", '"', '""', "'", "\\", "\\\\", '\\"', "\\\n", ",", " ", "é", "#"]
)
RARE = st.sampled_from(["\x1a", "x" * 300, "\n" * 40, "\\" * 70])
TEXTS = st.lists(PIECES | PIECES | PIECES | RARE, max_size=120).map("".join)


def described(head: bytes, options: dict[str, Any], size: int) -> TextDescription:
    """An input of delimited text that begins so, and is cut at small marks."""
    rows = b"1;2\n" if b";" in head else b"1,2\r" if head.endswith(b"\r") else b"1,2\n"
    format = record("csv")
    reader = format.open(in_memory(head + rows), format.options(**options), block_size=size)
    assert isinstance(reader.description, TextDescription)
    return reader.description


def read(source: Source, description: Description, address: Address) -> tuple[list[Chunk], tuple[int, str] | None]:
    """The chunks at an address, and the place and text of the error after them."""
    chunks, reader = list[Chunk](), open_at(source, description, address)
    assert reader.description.start == address.place
    try:
        chunks.extend(reader.chunks())
    except BadPlaceError as e:
        return chunks, (address.place + lines(chunks, description) + e.place, e.what)
    return chunks, None


def lines(chunks: list[Chunk], description: Description) -> int:
    counts = description.layout.places if hasattr(description.layout, "dialect") else places  # type: ignore[attr-defined]
    return sum(counts(chunk.content) for chunk in chunks)


@given(st.sampled_from(DIALECTS), TEXTS, st.integers(1, 70), st.data())
@settings(max_examples=examples(400))
def test_blocks_by_scans_are_those_of_reading_from_the_start(
    dialect: tuple[bytes, dict[str, Any]], text: str, size: int, data: Any
) -> None:
    check(described(*dialect, size), dialect[0] + text.encode(), size, data)


@given(st.text('{}"a1:,\\\n\r', max_size=300), st.integers(1, 70), st.data())
@settings(max_examples=examples(60))
def test_lines_of_ndjson_are_cut_as_by_reading_from_the_start(text: str, size: int, data: Any) -> None:
    head = b'{"a": 1}\n'
    description = record("ndjson").open(in_memory(head), block_size=size).description
    assert isinstance(description, TextDescription)
    check(description, head + text.encode(), size, data)


def check(description: TextDescription, text: bytes, size: int, data: Any) -> None:
    description = replace(description, size=len(text))
    source, rows = in_memory(text), description.rows
    assert rows is not None
    first = rows.start
    several = range(first // size * size + size, len(text), size)
    cuts = sorted(data.draw(st.sets(st.sampled_from(several), max_size=5))) if several else []
    edges = [first, *cuts, len(text)]
    found = [s for a, b in pairwise(edges) for s in scans(source, description, a, b)]
    whole, error = read(source, description, rows)
    addresses = list(blocks(found, size, rows))
    chunks, place, wrong = list[Chunk](), description.start, None
    for address in addresses:
        more, wrong = read(source, description, address)
        assert address.place == place
        chunks += more
        place += lines(more, description)
        if wrong:
            break
        assert len(more) == 1 or (address == addresses[-1] and not all(s.keeps_length for s in found))
    assert [c.content for c in chunks] == [c.content for c in whole]
    assert wrong == error
