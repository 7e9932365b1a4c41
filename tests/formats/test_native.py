"""With the native kernel and without it, all that comes of text is the same: parameters, output, errors and places."""

import io
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from xxhash import xxh3_128

from normcli import columns, kernel, pipeline
from normcli.columns import Frame
from normcli.columns.native_frame import NativeFrame
from normcli.columns.polars_frame import PolarsFrame
from normcli.engines.threads import Threads
from normcli.errors import BadDataError
from normcli.formats import Chunk, Reader
from normcli.formats._delimited import chunk as csv_chunk
from normcli.formats._delimited import native, native_sampling, remedies, sampling
from normcli.formats._delimited.native import Doubts
from normcli.formats._text.cutting import Rows
from normcli.methods import Method
from normcli.methods.quantile import Quantile
from normcli.methods.zscore import ZScore
from normcli.parameters import FrameTransform, Parameters, unfitted
from normcli.parameters import file as params
from normcli.pipeline import Part, spool, written_by
from normcli.pipeline.spool import Spool
from tests.conftest import examples
from tests.formats.conftest import reader
from tests.formats.test_csv_damage import damaged

pytestmark = pytest.mark.skipif(kernel.library() is None, reason="there is no native kernel")

NUMBERS = (
    *("0", "1", "-1", "+2", "007", "3.25", "-0.5", ".5", "5.", "1e3", "2E-3", "1e400", "-0", "-0.0", "0.1", "1e-320"),
    *("9007199254740993", "12345678901234567890", "0.30000000000000004", "1.7976931348623157e308", " 4 ", "\t5"),
)
WORDS = (
    "",
    "NA",
    "nan",
    "NaN",
    "null",
    " NA ",
    "  ",
    "inf",
    "x",
    "1,5",
    "é",
    '"',
    "a b",
    "\n",
    "0x10",
    "-",
    "\ufeff",
    "\0",
)
FIELDS = st.sampled_from(NUMBERS) | st.sampled_from(WORDS)


def quoted(field: str) -> str:
    return '"' + field.replace('"', '""') + '"'


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """A file of numbers, most of them plain, and text; some fields are quoted that need not be."""
    width, end = draw(st.integers(1, 4)), draw(st.sampled_from(["\n", "\n", "\r\n"]))
    hard = draw(st.sampled_from([0, 0, 1, 5]))  # of ten

    def field() -> str:
        text = draw(FIELDS) if draw(st.integers(1, 10)) <= hard else draw(st.sampled_from(NUMBERS[:12]))
        return quoted(text) if any(c in text for c in ',"\r\n') or draw(st.integers(0, 9)) == 0 else text

    names = [f"c{j}" for j in range(width)]
    texts = [draw(st.booleans()) and j > 0 for j in range(width)]

    def row() -> str:
        return ",".join(draw(st.sampled_from(["u", "", '""', '"v,w"', "é"])) if t else field() for t in texts)

    rows = [row() for _ in range(draw(st.integers(1, 12)))]
    return (end.join([",".join(names), *rows]) + draw(st.sampled_from([end, end, ""]))).encode()


@contextmanager
def switched(setting: str, piece: int) -> Iterator[None]:
    """With the kernel on or off, and pieces of so many bytes."""
    before, of_file = os.environ.get(kernel.SWITCH), native.PIECE
    os.environ[kernel.SWITCH], native.PIECE = setting, piece
    try:
        yield
    finally:
        native.PIECE = of_file
        os.environ.pop(kernel.SWITCH)
        if before is not None:
            os.environ[kernel.SWITCH] = before


MEAN = ZScore()


class Memory:
    """Where output goes."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes | memoryview) -> int:
        self.data += bytes(data)
        return len(data)


def fitted(
    data: bytes, size: int, *, method: Method = MEAN, keep: Spool | None = None, **options: Any
) -> Parameters:  # fmt: skip
    """A fit of all columns of numbers. Raises BadDataError."""
    source = reader(data, size, **options)
    schema = source.description.schema
    names = columns.select(schema, (), ())
    return pipeline.fit([source], Parameters(unfitted(method, names, {}), schema), Threads(1), keep=keep)


def applied(parameters: Parameters, data: bytes, size: int, **options: Any) -> bytes:
    """Its columns normalized. Raises BadDataError."""
    return written(parameters, reader(data, size, **options))


def written(parameters: Parameters, source: Reader) -> bytes:
    transform = FrameTransform(parameters)
    blank = pipeline.output_frame(transform, source.description)
    from normcli.formats import writer

    work = written_by(writer("csv", source.description, blank, None, ()), blank, transform)
    output = Memory()
    for end in pipeline.apply([Part(source, work)], Threads(1), file=output):
        end.sink.close()
    return output.data


def outcome(data: bytes, size: int, **options: Any) -> tuple[bytes, bytes | str]:
    """What fit and apply give, or what they say."""
    try:
        parameters = fitted(data, size, **options)
    except BadDataError as e:
        return b"", e.message
    try:
        return params.write(parameters), applied(parameters, data, size, **options)
    except BadDataError as e:
        return params.write(parameters), e.message


def described(data: bytes) -> object:
    """What is known of the columns, and what leaves a doubt; or what is said instead."""
    try:
        return reader(data).description
    except BadDataError as e:
        return e.message, e.hint


def check(data: bytes, size: int, piece: int) -> None:
    with switched("off", piece):
        expected = described(data), outcome(data, size)
    with switched("on", piece):
        assert (described(data), outcome(data, size)) == expected


SIZES, PIECES = st.sampled_from([16, 64, 1 << 20]), st.sampled_from([8, 40, 1 << 20])


@given(tables(), SIZES, PIECES)
@settings(max_examples=examples(1200, part=20))
def test_text_gives_the_same_with_and_without_the_kernel(data: bytes, size: int, piece: int) -> None:
    check(data, size, piece)


@given(damaged(3), SIZES, PIECES)
@example(b"a,b\n1,x\n2,y\r", 1 << 20, 1 << 20)
@example(b"a,b\n1,x\n2,\r", 16, 8)
@example(b"b,a\nx,1\ny,2\r", 1 << 20, 1 << 20)
@settings(max_examples=examples(800, part=16))
def test_damaged_text_gives_the_same_with_and_without_the_kernel(data: bytes, size: int, piece: int) -> None:
    check(data, size, piece)


@given(tables(), SIZES, PIECES, st.sampled_from([1, 7, 1 << 16]), st.booleans())
@example(b"a,b\n1.5,2.5\n-0,NA\n1.5,2.5\n3.5,4.5\n", 1 << 20, 8, 7, True)
@example(b'a,b\n1.5,\n2,""\nNA,x\n', 1 << 20, 1 << 20, 1 << 16, True)
@settings(max_examples=examples(800, part=16))
def test_the_spool_gives_what_the_text_gives(data: bytes, size: int, piece: int, values: int, packs: bool) -> None:
    """As it was parsed, or as it stands; in one pass or two."""
    try:
        expected = [(m, fitted(data, size, method=m)) for m in (MEAN, Quantile(exact=True))]
        output = applied(expected[0][1], data, size)
    except BadDataError:
        return
    share = 1e9 if packs else 1.0
    with switched("on", piece), patch.multiple(spool, VALUES=values, SHARE=share):
        for method, parameters in expected:
            with closing(Spool(tempfile.gettempdir(), None, delimiter=",")) as keep:
                assert params.write(fitted(data, size, method=method, keep=keep)) == params.write(parameters)
                assert method is not MEAN or written(parameters, keep.readers[0]) == output


@given(tables(), st.sampled_from([1, 3, 1 << 16]))
@settings(max_examples=examples(400, part=16))
def test_packed_rows_are_the_rows(data: bytes, step: int) -> None:
    """Also the plain way to them, which spells numbers anew."""
    try:
        source = reader(data)
    except BadDataError:
        return
    wanted = frozenset(f.name for f in source.description.schema if f.is_number)
    for chunk in source.chunks():
        compact = chunk.compact(wanted, "error", ",")
        if compact is None or not compact.frame.is_parsed:
            continue
        whole, backs = compact.frame, list[Frame]()
        for start in range(0, whole.rows, step):
            part = whole.slice(start, start + step)
            packed, memory = part.pack(io.BytesIO())
            backs.append(back := packed.unpack(b"".join(memory)))
            assert back.is_parsed
            assert packed.rows == back.rows == part.rows
            assert back.types(sorted(wanted)) == part.types(sorted(wanted))
            assert text_of(back) == text_of(part)
            for name in part.names:
                if name in wanted:
                    assert np.array_equal(
                        PolarsFrame(back.to_polars()).numbers(name), part.numbers(name), equal_nan=True
                    )
                else:
                    assert back.to_polars()[name].equals(part.to_polars()[name])
        stack = backs[0].stacked(backs[1:], sorted(wanted)) if backs else whole
        assert stack.rows == whole.rows
        assert all(stack.numbers(n).tobytes() == whole.numbers(n).tobytes() for n in wanted)
        assert stack.types(sorted(wanted)) == whole.types(sorted(wanted))


def text_of(frame: Frame) -> list[bytes] | None:
    """With the numbers as if they were results."""
    assert isinstance(frame, NativeFrame)
    return replace(frame, outputs=frame.numeric).formatted(",", crlf=False)


NEARLY = (
    *(
        "1.234,5",
        "$5",
        "5 €",
        "12%",
        "-",
        "n/a",
        "none",
        "1 000",
        "2024-01-05",
        "a7",
        "+1",
        "Inf",
        "NAN",
        "1'000",
        "007",
    ),
    *("1e5x", "5\xa0€", "１", "--", "1_000", "+", ".", "e5", "US$", "5.5.5"),
)


@given(st.data())
@settings(max_examples=examples(1200, part=20))
def test_a_sample_says_the_same_without_polars(data: st.DataObject) -> None:
    words = st.sampled_from([*NUMBERS, *WORDS, *NEARLY]) | st.text(max_size=4)
    few = st.lists(words, min_size=1, max_size=3)
    columns_of_words = [data.draw(few) for _ in range(data.draw(st.integers(1, 3)))]
    rows = data.draw(st.integers(1, 6))
    drawn = [[data.draw(st.sampled_from(words)) for words in columns_of_words] for _ in range(rows)]
    text = "".join(",".join(map(quoted_if_needed, row)) + "\n" for row in drawn).encode("utf-8", "replace")
    layout = reader(b"a,b,c\n1,2,3\n").description.layout
    layout = replace(layout, names=layout.names[: len(columns_of_words)], kinds=layout.kinds[: len(columns_of_words)])
    answer = native_sampling.sampled(text, layout)
    if answer is not None:
        frame = csv_chunk.Chunk(layout, Rows(text, b'"' in text)).decode(frozenset()).frame.to_polars()
        assert answer[0] == sampling.sampled(frame, layout)
        for name, fields in answer[1].items():
            assert fields == ["" if v is None else v for v in frame[name]]


def quoted_if_needed(field: str) -> str:
    return quoted(field) if any(c in field for c in ',"\r\n') else field


@pytest.mark.parametrize("word", [*NUMBERS, *WORDS, *NEARLY])
def test_what_is_nearly_a_number_is_so_with_and_without_polars(word: str) -> None:
    assert remedies.is_nearly_a_number(word) == remedies.is_nearly_number(pl.Series([word]))[0]


@given(st.text(st.sampled_from("$€%‰¤12.,' \t\xa0\u202f+-enaif\x1cx"), max_size=8))
@settings(max_examples=examples(800, part=16))
def test_words_are_nearly_numbers_with_and_without_polars(word: str) -> None:
    assert remedies.is_nearly_a_number(word) == remedies.is_nearly_number(pl.Series([word]))[0]


def chunks(data: bytes) -> list[Chunk]:
    return list(reader(data).chunks())


def test_plain_text_is_parsed_by_the_kernel() -> None:
    (chunk,) = chunks(b'a,b,c\n1,x,2.5\n3,"y,",NA\n')
    decoded = chunk.compact(frozenset("ac"), "error")
    assert decoded is not None
    assert decoded.places == 2
    assert decoded.frame.types(["a", "c"]) == {"a": "int64", "c": "float64"}
    np.testing.assert_array_equal(decoded.frame.numbers("c"), [2.5, np.nan])


def test_line_ends_that_end_no_row_take_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    rooms = list[int]()

    class Noted(native.kernel.Parser):
        def __init__(
            self, is_number: Sequence[bool], delimiter: str, words: Sequence[str], rows: int, *, texts: bool = True
        ) -> None:
            rooms.append(rows)
            super().__init__(is_number, delimiter, words, rows, texts=texts)

    names = [f"c{j}" for j in range(99)]
    rows = [["1"] * 99, ['"' + "\n" * 5000 + '"', *["2"] * 98], [""] * 99]
    monkeypatch.setattr(native.kernel, "Parser", Noted)
    (chunk,) = chunks("\n".join(map(",".join, [names, *rows])).encode())
    decoded = chunk.compact(frozenset(names[1:]), "error")
    assert decoded is not None
    assert decoded.places == 5003
    np.testing.assert_array_equal(decoded.frame.numbers("c98"), [1, 2, np.nan])
    assert len(rooms) > 1  # of the sample, too
    assert max(rooms) < 100


def test_what_is_switched_off_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernel.SWITCH, "off")
    (chunk,) = chunks(b"a\n1\n")
    assert chunk.compact(frozenset("a"), "error") is None
    assert "NORMCLI_KERNEL=off" in kernel.description()


def test_a_piece_in_doubt_is_decoded_by_polars_and_the_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "PIECE", 100)
    rows = [f"{j}.5,x" for j in range(200)]
    rows[70] = '"",x'  # empty in quotes, among numbers
    (chunk,) = chunks("\n".join(["a,b", *rows, ""]).encode())
    decoded, expected = chunk.compact(frozenset("a"), "error"), chunk.decode(frozenset("a"), "error")
    assert decoded is not None
    np.testing.assert_array_equal(decoded.frame.numbers("a"), expected.frame.numbers("a"))
    assert decoded.frame.to_polars().equals(expected.frame.to_polars())
    assert decoded.hasher is not None
    assert decoded.hasher.digest() == xxh3_128(chunk.content or b"").digest()
    assert (decoded.places, decoded.blank_lines) == (expected.places, expected.blank_lines)


def test_after_three_doubts_in_a_row_the_next_sixteen_pieces_are_not_tried() -> None:
    doubts = Doubts()
    tries = []
    for _ in range(40):
        tries.append(not doubts.passes())
        if tries[-1]:
            doubts.add(doubt=True)
    assert tries == [*[True] * 3, *[False] * 16] * 2 + [True, True]


def test_pieces_without_a_doubt_between_are_a_new_count() -> None:
    doubts = Doubts()
    for doubt in (True, True, False, True, True):
        assert not doubts.passes()
        doubts.add(doubt=doubt)
    assert not doubts.passes()


def test_the_same_rows_come_out_of_pieces_of_a_frame(tmp_path: Path) -> None:
    (chunk,) = chunks(b"a,b\n1.5,x\nNA,y\n2.5,\n,z\n")
    decoded = chunk.compact(frozenset("a"), "error", ",")
    assert decoded is not None
    frame = decoded.frame.put({"a": np.array([0.5, np.nan, 1.0, np.nan])}, {"a": "float64"}, ["a", "b"])
    writer = _writer(b"a,b\n1.5,x\n")
    assert b"".join(writer.encode(frame)) == b"0.5,x\nNA,y\n1.0,\n,z\n"
    some = frame.slice(1).filter(np.array([True, False, True]))
    assert b"".join(writer.encode(some)) == b"NA,y\n,z\n"
    assert b"".join(writer.encode(frame.filter(np.array([True, False, True, True])))) == b"0.5,x\n1.0,\n,z\n"
    parts = [frame.slice(0, 1), frame.slice(1, 3), frame.slice(3)]
    assert b"".join(b"".join(writer.encode(part)) for part in parts) == b"0.5,x\nNA,y\n1.0,\n,z\n"


def _writer(data: bytes) -> Any:
    from normcli.formats import csv

    source = reader(data)
    return csv.Writer.for_input(source.description, source.description.blank(frozenset("a")), None, ())


COMMA_FIELDS = [
    "1",
    "-2,5",
    "3,25",
    "",
    "NA",
    "N.A.",
    "1e3",
    "2,5e-3",
    " 4,5 ",
    "9007199254740993",
    "0,00039716105328445",
]
COMMA_ODD = ["1.5", "1.000,5", "+3", '"4,5"', ",5", "5,", "-0", "inf", "x"]


@given(st.lists(st.tuples(st.sampled_from(COMMA_FIELDS), st.sampled_from(["x", "a.b", "q,r", '"s;"'])), max_size=40),
       st.sampled_from(["", *COMMA_ODD]))  # fmt: skip
@settings(max_examples=examples(400, part=16))
def test_decimal_commas_are_read_the_same_with_and_without_the_kernel(rows: list[tuple[str, str]], odd: str) -> None:
    lines = ["a;b", *map(";".join, rows), *([f"{odd};x"] if odd else [])]
    text = "\n".join([*lines, ""]).encode()
    for chunk in reader(text, delimiter=";", decimal=",", na_values="NA,N.A.").chunks():
        decoded = chunk.compact(frozenset("a"), "error")
        if decoded is None:
            continue  # as all rows in doubt are
        expected = chunk.decode(frozenset("a"), "error")
        assert decoded.frame.numbers("a").tobytes() == np.asarray(expected.frame.numbers("a"), np.float64).tobytes()
        assert decoded.frame.types(["a"]) == expected.frame.types(["a"])
        assert (decoded.places, decoded.blank_lines) == (expected.places, expected.blank_lines)
