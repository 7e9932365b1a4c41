"""Valid files with a few octets inserted, deleted or replaced: refused with the very line, or read exactly, wherever
blocks are cut."""

import random
import re
from collections import Counter
from collections.abc import Callable

import pytest

from normcli.errors import BadDataError
from normcli.formats._text import reader as text_reader
from tests.formats.conftest import read
from tests.formats.test_ndjson import refusal as of_ndjson
from tests.formats.test_ndjson import through
from tests.robustness.strict_text import Refused, Table, delimited, lines

SAMPLED = 8  # rows
OCTETS = b'""""||||\r\r\n\n\n\0\xff\xc3\xa90123456789.-+eE \t\xef'
JSON_OCTETS = b'""""{}[]:,,\\\\\r\n\n\0\xff\xc3\xa90123456789.-+eE u'
FILES = [
    b'id|n|t\nx|1|3\ny|2|"y|\n""z"\n|3|5\n|""|NA\nlast|4.5e3|w\n',
    b'id|n\r\n1|-.5\r\n"x\r\n\ry"|2\r\n\r\nz| 7 \r\n',
    b'n\n1\n2\n\nNA\n""\n3',
    b'n|b\n"1"|"2"\n"3"|"4"\n5|\n6|',
    b'\xef\xbb\xbf"n"|b\n1|\xc3\xa9\n2|"\xe2\x82\xac\n"\n3|\n',
    b"id|n|t\n" + b"".join(b"r%d|%d|t%d\n" % (i, i, i) for i in range(40)),
    b'"a\nb"|n\n1|2\n3|4\n',
]
JSON_FILES = [
    b'{"n":1,"t":"a\\"b"}\n{"n":-2.5e1,"t":"\xc3\xa9"}\n\n{"t":[1,{"a":null}],"n":null}\n{"n":3}\n',
    b"".join(b'{"id":"r%d","n":%d,"t":{"k":[%d]}}\n' % (i, i, i) for i in range(30)),
    b'\xef\xbb\xbf{"n": 1, "\\u0074": true}\r\n {"n": 2}\r\n{"n":3}',
]


def mutated(data: bytes, octets: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice([1, 1, 1, 2, 3, 5])):
        at = dice.randrange(len(changed) + 1)
        what = dice.choice(["insert", "insert", "delete", "replace", "double", "cut"])
        if what == "insert" or at == len(changed):
            changed.insert(at, dice.choice(octets))
        elif what == "delete":
            del changed[at : at + dice.choice([1, 1, 1, 9])]
        elif what == "replace":
            changed[at] = dice.choice(octets)
        elif what == "double":
            changed[at:at] = changed[at : at + dice.choice([1, 2, 12])]
        elif not dice.randrange(4):
            del changed[at:]
    return bytes(changed)


def held(data: bytes, form: str, delimiter: str, size: int) -> str:
    """What became of it: as the strict reader has it."""
    expected = lines(data, ["n"], SAMPLED) if form == "ndjson" else delimited(data, delimiter, ["n"], SAMPLED)
    if isinstance(expected, Table) and "n" not in expected.names:
        return "no column"
    try:
        if form == "ndjson":
            made = lines(through(data, ["n"], block_size=size), ["n"], SAMPLED)
            assert not isinstance(made, Refused)
            assert not isinstance(expected, Refused), "was taken"
            assert made.numbers("n") == expected.numbers("n")
            return "read"
        found = read(data, ["n"], block_size=size, delimiter=delimiter)
    except BadDataError as e:
        check_refused(e, expected)
        return "refused"
    except Exception as e:  # of a column that is not there, before what is wrong was come to
        if type(e).__name__ not in ("ColumnNotFoundError", "KeyError", "ValueError"):
            raise
        return "no column"
    assert not isinstance(expected, Refused), f"was taken, not {expected}"
    at = expected.names.index("n")
    wanted = [[*r[:at], v, *r[at + 1 :]] for r, v in zip(expected.rows, expected.numbers("n"), strict=True)]
    assert (found.names, found.rows, found.blank_lines) == (expected.names, wanted, expected.blank_lines)
    return "read"


def check_refused(error: BadDataError, expected: Table | Refused) -> None:
    line = re.match(r"t\.\w+:(\d+): .", error.message)
    assert isinstance(expected, Refused), error.message
    assert line or not expected.lines, error.message
    assert not line or int(line[1]) in expected.lines, (error.message, expected)


@pytest.mark.parametrize("count", [80, pytest.param(10_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("form", ["|", ",", "\t", "ndjson"])
def test_no_mutation_makes_a_silent_difference(
    form: str, count: int, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    monkeypatch.setattr(text_reader, "SAMPLE", (1 << 12, SAMPLED))
    dice, ends = random.Random(f"{form} {count}"), Counter[str]()
    for _ in range(count):
        given, octets = (JSON_FILES, JSON_OCTETS) if form == "ndjson" else (FILES, OCTETS)
        data = mutated(dice.choice(given), octets, dice)
        if form not in ("|", "ndjson"):
            data = data.replace(b"|", form.encode())
        size = dice.choice([1, 3, 7, 16, 50, 1 << 20])
        try:
            ends[held(data, form, form, size)] += 1
        except AssertionError as e:
            raise AssertionError(f"{data!r} in blocks of {size}: {e}") from e
    record_property("faults", {"text with a mutation": [count, ends["read"], count - ends["read"], 0]})
    assert ends["read"] > count / 10
    assert ends["refused"] > count / 10


def test_the_oracle_refuses() -> None:
    """A test of the tests."""
    assert delimited(b'n\n1\n2"\n', ",", ["n"], 9) == Refused(frozenset({3}))
    assert delimited(b"n\n1\n\n\nx\n", ",", ["n"], 9) == Refused(frozenset({5}))
    assert lines(b'{"n":1}\n{"n":1}{"n":2}\n', ["n"], 9) == Refused(frozenset({2}))
    assert of_ndjson(b'{"n":1}\n{"n":1}{"n":2}\n').startswith("t.ndjson:2: ")
