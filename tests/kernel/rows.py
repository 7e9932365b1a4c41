"""Rows of delimited text: generated, changed, and as Python's csv and float have them."""

import csv
import io
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.kernel.hard_numbers import random_decimals, spelling
from tests.kernel.library import NUMBER, SKIP, TEXT, Kernel, Rows

WORDS = ("NA", "n/a", "null")
TEXTS = [
    "",
    "Rome",
    "São Paulo",
    "€😀",
    "x" * 40,
    " spaces ",
    "a,b",
    "say 'so'",
    'say "so"',
    "two\nlines",
    "a\r\nb",
    "\t",
    "#",
]
OCTETS = b'"",,;\t\r\r\n\n\0\xff\xc3\xa90123456789.-+eE NA\''


@dataclass(frozen=True)
class Shape:
    """What the rows of a text are like."""

    kinds: tuple[int, ...]
    delimiter: str
    line_end: str


def random_shape(dice: random.Random) -> Shape:
    width = dice.choice([1, 2, 3, 3, 5, 9])
    kinds = tuple(dice.choice([TEXT, NUMBER, NUMBER, SKIP]) for _ in range(width))
    return Shape(kinds, dice.choice(",,;\t| "), dice.choice(["\n", "\n", "\r\n"]))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _number(dice: random.Random, delimiter: str) -> str:
    kind, space = dice.randrange(12), "" if delimiter == " " else " "
    if kind == 0:
        return dice.choice(["", *WORDS, space, f"{space}NA{space}"])
    if kind == 1:
        return f"{space}{dice.randrange(-999, 1000)}{space}" if dice.randrange(2) else f'"{dice.randrange(1000)}"'
    if kind == 2:
        return next(random_decimals(1, dice))
    return dice.choice([repr(dice.gauss(0, 1)), str(dice.randrange(10**6)), f"{dice.gauss(0, 1000):.2f}"])


def random_text(shape: Shape, count: int, dice: random.Random) -> bytes:
    """Rows without fault; numbers may be such that are in doubt."""
    rows = []
    for _ in range(count):
        fields = []
        for kind in shape.kinds:
            if kind == NUMBER:
                fields.append(_number(dice, shape.delimiter))
                continue
            text = dice.choice(TEXTS)
            alone = len(shape.kinds) == 1 and not text
            needed = alone or any(c in text for c in (shape.delimiter, '"', "\r", "\n"))
            fields.append(_quoted(text) if needed or dice.randrange(8) == 0 else text)
        rows.append(shape.delimiter.join(fields) + shape.line_end)
    return "".join(rows).encode()


def changed(data: bytes, dice: random.Random) -> bytes:
    """With a few octets inserted, removed or replaced."""
    octets = bytearray(data)
    for _ in range(dice.choice([1, 1, 2, 4])):
        at = dice.randrange(len(octets) + 1)
        edit = dice.randrange(3)
        octets[at : at + (edit != 0)] = b"" if edit == 1 else bytes([dice.choice(OCTETS)])
    return bytes(octets)


def expected_rows(text: bytes, delimiter: str) -> list[list[str]]:
    """All rows, as csv has them."""
    return list(csv.reader(io.StringIO(text.decode(), newline=""), delimiter=delimiter, strict=True))


def check_certain_rows(kernel: Kernel, text: bytes, shape: Shape, rows: Rows) -> None:
    """What the kernel is certain about is as csv and float have it, and as it is to be written."""
    certain = text[: rows.block.position]
    expected = expected_rows(certain, shape.delimiter)
    assert len(expected) == rows.block.rows
    assert all(len(fields) == len(shape.kinds) for fields in expected)
    words = {(int(w["row"]), int(w["column"])): w for w in rows.words}
    number = other = 0
    for j, kind in enumerate(shape.kinds):
        fields = [row[j] for row in expected]
        if kind == TEXT:
            spans = zip(rows.starts[other].tolist(), rows.lengths[other].tolist(), strict=True)
            stored = [text[a : a + n].decode() for a, n in spans]
            assert [_value(s) for s in stored] == fields
            assert [s for s in stored if s != _minimal(_value(s), s, shape.delimiter)] == []
            other += 1
        elif kind == NUMBER:
            for r, (x, field) in enumerate(zip(rows.values[number].tolist(), fields, strict=True)):
                _check_number(x, field, words.pop((r, number), None), text)
            number += 1
    assert not words


def _value(stored: str) -> str:
    return stored[1:-1].replace('""', '"') if stored.startswith('"') else stored


def _minimal(value: str, stored: str, delimiter: str) -> str:
    """In quotes where it needs them; an empty text as it stands, for without them it is missing."""
    if not value:
        return stored
    return _quoted(value) if any(c in value for c in (delimiter, '"', "\r", "\n")) else value


def _check_number(x: float, field: str, word: np.void | None, text: bytes) -> None:
    stripped = field.strip(" \t")
    if math.isnan(x):
        assert stripped in ("", *WORDS)
        assert (word is None) == (field == "")
        if word is not None:
            assert text[word["start"] : word["start"] + word["length"]].decode() == field
        return
    assert word is None
    assert x == float(stripped)
    assert math.copysign(1, x) == math.copysign(1, float(stripped))
    assert "_" not in stripped
    assert stripped.isascii()


def expected_text(text: bytes, shape: Shape, rows: Rows, *, crlf: bool) -> bytes:
    """The rows as they are to be written: numbers in their spelling, all others as they stand."""
    kinds = [k for k in shape.kinds if k != SKIP]
    words = {(int(w["row"]), int(w["column"])): w for w in rows.words}

    def column(kind: int, j: int) -> list[str]:
        if kind == TEXT:
            spans: Sequence[tuple[int, int]] = list(zip(rows.starts[j].tolist(), rows.lengths[j].tolist(), strict=True))
            return [text[a : a + n].decode() for a, n in spans]
        result = []
        for r, x in enumerate(rows.values[j].tolist()):
            w = words.get((r, j))
            word = text[w["start"] : w["start"] + w["length"]].decode() if w is not None else ""
            result.append(word if math.isnan(x) else spelling(x))
        return result

    numbers, texts = iter(range(len(kinds))), iter(range(len(kinds)))
    columns = [column(k, next(numbers if k == NUMBER else texts)) for k in kinds]
    lines = (shape.delimiter.join(fields) or '""' * (len(kinds) == 1) for fields in zip(*columns, strict=True))
    return "".join(line + ("\r\n" if crlf else "\n") for line in lines).encode()
