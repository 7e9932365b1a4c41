"""Bad rows of text, skipped: what is left is what would be there without them, and each is told."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli import columns
from normcli.errors import BadDataError, BadPlaceError
from normcli.formats import Decoded, csv, ndjson
from normcli.formats import Reject as Bad
from tests.conftest import examples, longer
from tests.formats.conftest import in_memory, read

OF = {"csv": csv, "ndjson": ndjson}


def decoded(
    data: bytes, wanted: Sequence[str], *, format: str = "csv", size: int | None = None, infinite: Any = "error"
) -> list[tuple[int, Any, Decoded]]:
    """Each chunk with the place where it begins, decoded without its bad rows."""
    kind = OF[format]
    made = kind.Reader(in_memory(data, f"t.{format}"), kind.Options(), block_size=size, skip=True)  # type: ignore[attr-defined]
    place, found = made.description.start, []
    for chunk in made.chunks():
        found.append((place, chunk, chunk.decode(frozenset(wanted), infinite, skip=True)))
        place += found[-1][2].places
    return found


def told(found: list[tuple[int, Any, Decoded]]) -> list[tuple[int, str, str]]:
    """Line, reason and text of each reject."""
    return [(place + r.place + 1, r.reason, r.raw) for place, _, d in found for r in d.rejects]


def values(found: list[tuple[int, Any, Decoded]], name: str) -> list[float | None]:
    return [None if v != v else v for _, _, d in found for v in columns.block(d.frame, [name]).columns[0].tolist()]


CSV = b'a,b\n1,x\n2\n\n3,"y\nz"\nfour,x\n5,x,\n6,\xff\n7,x\ry\n1e400,\n8,\nnine,'
REASONS = [
    (3, "1 field where the first row has 2", "2"),
    (7, "'four' in column 'a' is not a number", "four,x"),
    (8, "3 fields where the first row has 2", "5,x,"),
    (9, "not UTF-8: byte 0xff", "6,\\xff"),
    (10, "a carriage return that ends no line, in a field that is not quoted", "7,x\ry"),
    (11, "infinite value in column 'a': '1e400'", "1e400,"),
    (13, "'nine' in column 'a' is not a number", "nine,"),
]


@pytest.mark.parametrize("size", [1, 20, None])
def test_each_kind_of_bad_row(size: int | None) -> None:
    found = decoded(CSV, ["a"], size=size)
    assert told(found) == REASONS
    assert values(found, "a") == [1, 3, 8]
    assert [v for _, _, d in found for v in d.frame.to_polars()["b"]] == ["x", "y\nz", None]
    assert sum(d.blank_lines for _, _, d in found) == 1
    assert sum(d.places for _, _, d in found) == 12


def test_an_infinite_value_that_counts_as_missing_is_no_bad_row() -> None:
    found = decoded(CSV, ["a"], infinite="missing")
    assert (11, "infinite value in column 'a': '1e400'", "1e400,") not in told(found)
    assert len(told(found)) == len(REASONS) - 1


@pytest.mark.parametrize("size", [1, 20, None])
def test_rows_are_found_again(size: int | None) -> None:
    """Where a row of the frame stands in the file, with bad ones before it and between."""
    lines = [
        place + chunk.locate(d.row(row)) + 1
        for place, chunk, d in decoded(CSV, ["a"], size=size)
        for row in range(d.frame.rows)
    ]
    assert lines == [2, 5, 12]


@pytest.mark.parametrize(
    ("data", "line", "what"),
    [
        (b'a,b\n1,2\nx,2\n3,5"x\n4,5\n6,7\n', 4, "a quote inside a field"),
        (b'a,b\n1,2\n"3"x,4\nx,6\n', 3, "text after a closing quote"),
        (b'a,b\n1,2\nx,2\n3,"x\n4,5\n', 4, "a quote that is never closed"),
        (b'a,b\n1,2\n3,x\ry\n4\r,x"y\n', 4, "a quote inside a field"),
    ],
)
@pytest.mark.parametrize("size", [100, None, *longer(1)])
def test_a_broken_quote_is_not_skipped(data: bytes, line: int, what: str, size: int | None) -> None:
    good = b"7,8\n" * 1000
    data = data.replace(b"1,2\n", good)
    made = csv.Reader(in_memory(b"a,b\n" + good + data.split(b"\n", 1)[1]), csv.Options(), block_size=size, skip=True)
    place = made.description.start

    def run() -> None:
        nonlocal place
        for chunk in made.chunks():
            place += chunk.decode(frozenset("a"), "error", skip=True).places

    with pytest.raises(BadPlaceError, match=what) as caught:
        run()
    assert place + caught.value.place + 1 == line + 1999
    if size is None:
        assert "can't be skipped" in caught.value.hint


def test_a_sample_with_bad_rows() -> None:
    """A column of which half is numbers is to hold some; rows too short or long are passed over."""
    data = b"a,b,c\n1,x,1\n2\n3,4,5,6\nx,y,2\n,z,3\n"
    with pytest.raises(BadDataError):
        csv.Reader(in_memory(data), csv.Options())
    made = csv.Reader(in_memory(data), csv.Options(), skip=True)
    assert [f.name for f in made.description.schema if f.is_number] == ["a", "c"]
    assert made.description.doubts == {}
    text = b'{"a":1,"b":"x"}\n{"a":}\n{"a":"x","b":"y"}\n[]\n{"a":2}\n'
    made_ = ndjson.Reader(in_memory(text, "t.ndjson"), ndjson.Options(), skip=True)
    assert [f.name for f in made_.description.schema if f.is_number] == ["a"]
    assert values(decoded(text, ["a"], format="ndjson"), "a") == [1, 2]


NDJSON = (
    b'{"a":1,"b":"x"}\n\n{"a":2,}\n{"a":"3"}\n{"a":1e400}\n[1]\n{"a":4,"a":4}\n{"a":null,"z":[1]}\n{"b":"\xff"}\n'
    b'{"a":NaN}\n{"a":5'
)


@pytest.mark.parametrize("size", [1, 20, None])
def test_bad_lines_of_ndjson(size: int | None) -> None:
    found = decoded(NDJSON, ["a"], format="ndjson", size=size)
    assert values(found, "a") == [1, None]
    assert [line for line, _, _ in told(found)] == [3, 4, 5, 6, 7, 9, 10, 11]
    assert told(found)[1] == (4, "\"3\" in column 'a' is not a number", '{"a":"3"}')
    assert told(found)[5][2] == '{"b":"\\xff"}'
    assert [c.locate(d.row(r)) + p + 1 for p, c, d in found for r in range(d.frame.rows)] == [1, 8]
    assert sum(d.places for _, _, d in found) == 11


@pytest.mark.parametrize("format", OF)
def test_nothing_but_bad_rows(format: str) -> None:
    start = b"a,b\n" if format == "csv" else b'{"a":1,"b":2}\n'
    found = decoded(start + b"x\n\n,,\n", ["a"], format=format)
    assert [line for line, _, _ in told(found)] == [2, 4]
    assert sum(d.frame.rows for _, _, d in found) == (format != "csv")
    assert found[-1][2].frame.names[:2] == ("a", "b")


FIELD = st.sampled_from(["1", "-2.5", "", "NA", "x", "1e400", '"q"', '"1\n"', "é", "\r", " 3 ", "007"])


@given(
    rows=st.lists(st.lists(FIELD, min_size=1, max_size=3).map(",".join), max_size=12),
    size=st.sampled_from([1, 16, None]),
    wanted=st.sampled_from([[], ["a"], ["a", "b"]]),
)
@settings(max_examples=examples(200))
def test_what_is_left_is_the_file_without_them(rows: list[str], size: int | None, wanted: list[str]) -> None:
    """And each row is either left, or rejected for what would be said of it alone."""
    data = ("a,b\n" + "".join(f"{r}\n" for r in rows)).encode()
    good, bad = [], []
    for row in rows:
        alone = f"a,b\n{row}\n".encode()
        try:
            read(alone, wanted)
            good.append(row)
        except BadDataError as e:
            bad.append((row, e.message.split(": ", 1)[1]))
    found = decoded(data, wanted, size=size)
    assert [(raw, reason) for _, reason, raw in told(found)] == [(r.rstrip("\r\n"), what) for r, what in bad]
    left = read(("a,b\n" + "".join(f"{r}\n" for r in good)).encode(), wanted)
    for name in wanted:
        assert values(found, name) == [row[left.names.index(name)] for row in left.rows]
    assert sum(d.frame.rows for _, _, d in found) == len(left.rows)
    assert sum(d.places for _, _, d in found) == data.count(b"\n") - 1


def test_a_reject_is_plain() -> None:
    """It goes from worker to pipeline, and into NDJSON."""
    reject = Bad(1, 2, "why", "text")
    assert json.dumps([reject.row, reject.place, reject.reason, reject.raw])
