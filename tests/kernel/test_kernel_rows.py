"""Rows to columns and back: certain where csv and float say the same, else in doubt, at the place."""

import random

import numpy as np
import pytest

from normcli.kernel import text as native
from tests.conftest import longer
from tests.kernel import library as k
from tests.kernel.library import NUMBER, SKIP, TEXT, Kernel, Rows
from tests.kernel.rows import WORDS, Shape, changed, check_certain_rows, expected_text, random_shape, random_text

COUNTS = [1500, *longer(200_000)]


def parsed(kernel: Kernel, text: bytes, shape: Shape) -> Rows:
    return kernel.parse(text, shape.kinds, delimiter=shape.delimiter, words=WORDS)


def formatted(kernel: Kernel, text: bytes, shape: Shape, rows: Rows, **options: int) -> tuple[int, bytes, object]:
    """The rows as text, without the columns that were skipped."""
    numbers, texts = iter(rows.values), iter(zip(rows.starts, rows.lengths, strict=True))
    columns = [next(numbers) if kind == NUMBER else next(texts) for kind in shape.kinds if kind != SKIP]
    return kernel.format(text, columns, rows, delimiter=shape.delimiter, **options)


@pytest.mark.parametrize("count", COUNTS)
def test_rows_without_fault_are_read_as_csv_reads_them(kernel: Kernel, count: int) -> None:
    dice = random.Random(21)
    for _ in range(count):
        shape = random_shape(dice)
        text = random_text(shape, dice.randrange(1, 12), dice)
        rows = parsed(kernel, text, shape)
        assert rows.status == native.DONE or rows.block.reason in (native.NO_NUMBER, k.FEW_FIELDS)
        check_certain_rows(kernel, text, shape, rows)


@pytest.mark.parametrize("count", COUNTS)
def test_changed_rows_are_read_as_csv_reads_them_or_in_doubt(kernel: Kernel, count: int) -> None:
    dice, doubts = random.Random(22), 0
    for _ in range(count):
        shape = random_shape(dice)
        text = changed(random_text(shape, dice.randrange(1, 12), dice), dice)
        rows = parsed(kernel, text, shape)
        assert rows.status in (native.DONE, native.DOUBT)
        assert (rows.status == native.DOUBT) == bool(rows.block.reason)
        assert rows.block.position <= rows.block.doubt <= len(text) or rows.status == native.DONE
        check_certain_rows(kernel, text, shape, rows)
        doubts += rows.status == native.DOUBT
    assert count / 4 < doubts < count


@pytest.mark.parametrize("count", COUNTS)
def test_rows_are_written_as_they_stand_and_numbers_in_their_spelling(kernel: Kernel, count: int) -> None:
    dice = random.Random(23)
    for _ in range(count):
        shape, crlf = random_shape(dice), dice.randrange(2) == 0
        if set(shape.kinds) == {SKIP}:
            continue
        text = random_text(shape, dice.randrange(1, 12), dice)
        rows = parsed(kernel, text, shape)
        expected = expected_text(text, shape, rows, crlf=crlf)
        assert formatted(kernel, text, shape, rows, crlf=crlf)[:2] == (native.DONE, expected)


DOUBTS = {
    "short": (b"1,a\n2\n", (k.FEW_FIELDS, 1, 0, 4)),
    "long": (b"1,a\n2,b,c\n", (k.MANY_FIELDS, 1, 1, 6)),
    "blank": (b"1,a\n\n2,b\n", (k.FEW_FIELDS, 1, 0, 4)),
    "a word": (b"1,a\nx,b\n", (native.NO_NUMBER, 1, 0, 4)),
    "infinite": (b"1,a\ninf,b\n", (native.NO_NUMBER, 1, 0, 4)),
    "not a number": (b"1,a\nnan,b\n", (native.NO_NUMBER, 1, 0, 4)),
    "beyond doubles": (b"1,a\n1e309,b\n", (native.NO_NUMBER, 1, 0, 4)),
    "minus zero": (b"1,a\n-0,b\n", (native.NO_NUMBER, 1, 0, 4)),
    "a word in quotes": (b'1,a\n"NA",b\n', (native.NO_NUMBER, 1, 0, 4)),
    "nothing in quotes": (b'1,a\n"",b\n', (native.NO_NUMBER, 1, 0, 4)),
    "a quote within": (b'1,a\n2,b"c\n', (k.QUOTE, 1, 1, 6)),
    "text behind a quote": (b'1,a\n2,"b"c\n', (k.QUOTE, 1, 1, 6)),
    "no closing quote": (b'1,a\n2,"b\n', (k.QUOTE, 1, 1, 6)),
    "a quote and no more": (b'1,a\n2,"', (k.NO_LINE_END, 1, 0, 4)),
    "carriage return": (b"1,a\n2,b\rc\n", (k.RETURN, 1, 1, 6)),
    "carriage return alone": (b"1,a\n2,b\r", (k.NO_LINE_END, 1, 0, 4)),
    "carriage return before a delimiter": (b"1,a\n2\r,b\n", (k.RETURN, 1, 0, 4)),
    "Latin-1": (b"1,a\n2,\xe9\n", (k.NOT_UTF8, 1, 1, 6)),
    "surrogate": (b"1,a\n2,\xed\xa0\x80\n", (k.NOT_UTF8, 1, 1, 6)),
    "too long a code": (b"1,a\n2,\xc0\xaf\n", (k.NOT_UTF8, 1, 1, 6)),
    "half a character": (b"1,a\n2,\xe2\x82\n", (k.NOT_UTF8, 1, 1, 6)),
    "no line end": (b"1,a\n2,b", (k.NO_LINE_END, 1, 0, 4)),
}


@pytest.mark.parametrize(("text", "expected"), DOUBTS.values(), ids=DOUBTS)
@pytest.mark.parametrize("kind", [TEXT, SKIP])
def test_doubt_names_row_field_and_place(
    kernel: Kernel, kind: int, text: bytes, expected: tuple[int, int, int, int]
) -> None:
    rows = kernel.parse(text, (NUMBER, kind))
    block = rows.block
    assert rows.status == native.DOUBT
    assert (block.reason, block.rows, block.doubt_field, block.doubt) == expected
    assert block.position == 4
    assert rows.values.tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("text", "traits"),
    [
        (b"1\n-2\n9007199254740992\n", 0),
        (b"1\n2.0\n", native.FRACTION),
        (b"1\n2e3\n", native.FRACTION),
        (b"9007199254740993\n", native.WIDE),
        (b"12345678901234567\n", native.WIDE),
        (b"1.5\n9007199254740993\n", native.FRACTION | native.WIDE),
        (b'1\n"5"\nNA\n', native.MISSING),
    ],
)
def test_traits_are_those_of_the_numbers(kernel: Kernel, text: bytes, traits: int) -> None:
    rows = kernel.parse(text, (NUMBER,), words=("NA",))
    assert rows.status == native.DONE
    assert rows.traits.tolist() == [traits]


@pytest.mark.parametrize("words", [("0",), ("NA", "-999"), ("1e5",), (".5",)])
def test_word_that_is_a_number_is_unfit(kernel: Kernel, words: tuple[str, ...]) -> None:
    assert kernel.parse(b"1\n", (NUMBER,), words=words).status == native.UNFIT


@pytest.mark.parametrize("delimiter", list('0aZ"\n\r+-.\0'))
def test_delimiter_of_which_fields_are_made_is_unfit(kernel: Kernel, delimiter: str) -> None:
    assert kernel.parse(b"1\n", (NUMBER,), delimiter=delimiter).status == native.UNFIT


def test_capacities_end_before_a_row_that_does_not_fit(kernel: Kernel) -> None:
    text = b"1,a\nNA,b\n3,c\n"
    few = kernel.parse(text, (NUMBER, TEXT), words=("NA",), capacity=2)
    assert (few.status, few.block.rows, few.block.position) == (native.FULL, 2, 9)
    none = kernel.parse(text, (NUMBER, TEXT), words=("NA",), word_capacity=0)
    assert (none.status, none.block.rows, none.block.position) == (native.FULL, 1, 4)
    shape, rows = Shape((NUMBER, TEXT), ",", "\n"), kernel.parse(text, (NUMBER, TEXT), words=("NA",))
    status, out, output = formatted(kernel, text, shape, rows, capacity=54)
    assert (status, out, output.row, output.word) == (native.FULL, b"1.0,a\nNA,b\n", 2, 1)


def test_infinite_value_is_not_written(kernel: Kernel) -> None:
    text, shape = b"1,a\n2,b\n", Shape((NUMBER, TEXT), ",", "\n")
    rows = kernel.parse(text, shape.kinds)
    rows.values[0, 1] = -np.inf
    status, out, output = formatted(kernel, text, shape, rows)
    assert (status, out, output.row) == (native.INFINITE, b"1.0,a\n", 1)


def test_field_beyond_the_text_is_unfit(kernel: Kernel) -> None:
    text, shape = b"1,a\n2,b\n", Shape((NUMBER, TEXT), ",", "\n")
    rows = kernel.parse(text, shape.kinds)
    rows.lengths[0, 1] = 0xFFFFFFFF
    assert formatted(kernel, text, shape, rows)[:2] == (native.UNFIT, b"1.0,a\n")


def test_value_that_becomes_missing_is_an_empty_field(kernel: Kernel) -> None:
    text, shape = b"1,NA,a\n2,4,b\n", Shape((NUMBER, NUMBER, TEXT), ",", "\n")
    rows = kernel.parse(text, shape.kinds, words=("NA",))
    rows.values[0, 0] = rows.values[1, 1] = np.nan
    assert formatted(kernel, text, shape, rows)[:2] == (native.DONE, b",NA,a\n2.0,,b\n")
