"""Bad text is refused with its line, or read exactly as a strict reader reads it: never a silent difference.

Each class of bad input stands at each place of a file, in each format, and goes through each command. Blocks and
samples are small here, so that the places are far apart in files of sixty rows.
"""

import gzip
import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from normcli import api, registry
from normcli.errors import BadDataError, DriftError
from normcli.formats._text import cutting
from normcli.formats._text import reader as text_reader
from normcli.methods.zscore import ZScore
from normcli.parameters import file as params
from tests import inside
from tests.formats.conftest import feed, identity
from tests.robustness.strict_text import Refused, Table, delimited, lines

ROWS, SAMPLED, BLOCK = 60, 20, 256
PLACES = {
    "first row": 0,
    "in the sample": 10,
    "after the sample": 30,
    "blocks later": 50,
    "last row": 59,
    "the end": 59,  # without a line end
}
COMMANDS = [n for n in ("fit", "update", "apply", "check") if n in {*registry.names("cli"), "update"}]


@dataclass(frozen=True)
class Form:
    """How a table is written."""

    suffix: str
    delimiter: str = ""  # none: NDJSON
    flags: tuple[str, ...] = ()
    piped: bool = False  # packed by gzip, on a pipe

    def row(self, i: int) -> bytes:
        if not self.delimiter:
            return b'{"id":"r%d","n":%d.5,"t":"t%d"}' % (i, i, i)
        return self.delimiter.join((f"r{i}", f"{i}.5", f"t{i}")).encode()

    def header(self) -> list[bytes]:
        return [self.delimiter.join(("id", "n", "t")).encode()] if self.delimiter else []

    def expected(self, data: bytes) -> Table | Refused:
        if self.delimiter:
            return delimited(data, self.delimiter, ["n"], SAMPLED)
        return lines(data, ["n"], SAMPLED)


FORMS = {
    "csv": Form(".csv", ","),
    "tsv": Form(".tsv", "\t"),
    "semicolons": Form(".csv", ";", ("--delimiter", ";")),
    "csv.gz on a pipe": Form(".csv", ",", ("--from", "csv"), piped=True),
    "ndjson": Form(".ndjson"),
    "ndjson.gz on a pipe": Form(".ndjson", "", ("--from", "ndjson"), piped=True),
}
FIELDS: dict[str, str] = {  # rows of delimited text, a | for the delimiter
    "short": "x|1",
    "one field": "x",
    "long": "x|1|y|z",
    "long, empty": "x|1|y|",
    "stray delimiter": "x|1|,y|;|\t|",
    "another delimiter": "x,1;y\t2",
    "spaces alone": "   ",
    "blank": "",
    "delimiters alone": "||",
    "stray quote": 'x|1|a "b" c',
    "stray quote at the end": 'x|1|y"',
    "unclosed quote": '"x|1|y',
    "unclosed quote of a number": 'x|"1|y',
    "unclosed quote, doubled": 'x|1|"y""',
    "text after a quote": 'x|"1"2|y',
    "space after a quote": 'x|1|"y" ',
    "space before a quote": 'x|1| "y"',
    "quoted": '"x|y"|"1"|"a\n""b""\r\n"',
    "quoted line ends and text after": '"x\n\n\n"y|1|z',
    "quoted CR": 'x|1|"a\rb"',
    "CR in a field": "x|1|a\rb",
    "CR alone": "x|1|y\rx|2|y\r",
    "CR twice": "x|1|y\r\r",
    "CRLF": "x|1|y\r",
    "NUL in text": "x\0|1|\0",
    "NUL in a number": "x|1\0|y",
    "byte order mark": "\ufeffx|1|\ufeff",
    "mark before a number": "x|\ufeff1|y",
    "text": "x|y|z",
    "thousands": 'x|"1,000"|y',
    "currency": "x|$7|y",
    "hexadecimal": "x|0x10|y",
    "underscore": "x|1_000|y",
    "beyond a double": "x|1e400|y",
    "below a double": "x|1e-400|y",
    "inf": "x|inf|y",
    "-Infinity": "x|-Infinity|y",
    "nan": "x|NaN|y",
    "NA": "x| NA |y",
    "None": "x|None|y",
    "empty": "x||y",
    "pair of quotes": 'x|""|y',
    "spaces around": "x| 1 \t|y",
    "no-break space": "x|1\xa0|y",
    "other digits": "x|٣|y",
    "two points": "x|1.2.3|y",
    "point alone": "x|.|y",
    "exponent alone": "x|e5|y",
    "half an exponent": "x|1e|y",
    "sign alone": "x|-|y",
    "two signs": "x|--1|y",
    "plus": "x|+1.|y",
    "no digit before": "x|.5E+2|y",
    "zeros before": "x|007|y",
    "a number of 5000 digits": "x|" + "1" * 140 + "." + "3" * 4700 + "|y",
    "true": "x|true|y",
    "date": "x|2024-01-02|y",
    "decimal comma": 'x|"1,5"|y',
    "percent": "x|5%|y",
    "suffix f": "x|1.5f|y",
    "suffix d": "x|1d5|y",
}
OCTETS: dict[str, bytes] = {
    "invalid UTF-8": b"x|1|\xff",
    "invalid UTF-8 in a number": b"x|1\xe9|y",
    "half a letter": b"x|1|\xe2\x82",
    "surrogate": b"x|1|\xed\xa0\x80",
    "overlong": b"x|1|\xc0\xaf",
    "beyond Unicode": b"x|1|\xf4\x90\x80\x80",
}
OBJECTS: dict[str, bytes] = {
    "key twice": b'{"id":"x","n":1,"n":2}',
    "key twice, escaped": b'{"id":"x","n":1,"\\u006e":2}',
    "key twice within": b'{"id":"x","n":1,"t":{"a":1,"a":2}}',
    "nested deeply": b'{"n":1,"t":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "nested deeply, unclosed": b'{"n":1,"t":' + b'{"a":' * 100_000,
    "nested": b'{"n":1,"t":' + b"[" * 200 + b"]" * 200 + b"}",
    "5000 digits": b'{"n":1,"t":' + b"7" * 5000 + b"}",
    "5000 digits selected": b'{"n":' + b"7" * 5000 + b"}",
    "5000 decimals selected": b'{"n":0.' + b"7" * 5000 + b"}",
    "5000 digits of exponent": b'{"n":1e' + b"9" * 5000 + b"}",
    "NaN": b'{"n":NaN}',
    "NaN not selected": b'{"n":1,"t":NaN}',
    "Infinity": b'{"n":-Infinity}',
    "1e400": b'{"n":1e400}',
    "1e400 not selected": b'{"n":1,"t":1e400}',
    "half a pair": b'{"n":1,"t":"\\ud800"}',
    "half a pair in a key": b'{"n":1,"\\udfff":2}',
    "pair": b'{"n":1,"t":"\\ud83d\\ude00"}',
    "byte order mark": b'\xef\xbb\xbf{"n":1}',
    "truncated": b'{"id":"x","n":1',
    "NUL": b'{"n":1}\0',
    "NUL in text": b'{"n":1,"t":"\0"}',
    "NUL, escaped": b'{"n":1,"t":"\\u0000"}',
    "invalid UTF-8": b'{"n":1,"t":"\xff"}',
    "invalid UTF-8 in a key": b'{"n":1,"\xe9":"x"}',
    "list": b'[{"n":1}]',
    "number": b"1",
    "string": b'"x"',
    "null": b"null",
    "blank": b"",
    "white space": b" \t\r",
    "form feed": b"\f",
    "two objects": b'{"n":1}{"n":2}',
    "two objects apart": b'{"n":1} {"n":2}',
    "comma after": b'{"n":1},',
    "trailing comma": b'{"n":1,}',
    "no quotes": b"{n:1}",
    "comment": b'{"n":1} // one',
    "text": b'{"n":"1"}',
    "true": b'{"n":true}',
    "object": b'{"n":{"n":1}}',
    "a list as a number": b'{"n":[1]}',
    "null as a number": b'{"n":null}',
    "no key": b'{"id":"x"}',
    "empty": b"{}",
    "empty key": b'{"":1,"n":2}',
    "zero before": b'{"n":01}',
    "plus": b'{"n":+1}',
    "hexadecimal": b'{"n":0x10}',
    "underscore": b'{"n":1_000}',
    "-0": b'{"n":-0}',
    "key by case": b'{"N":5,"n":1}',
    "CR within": b'{"n":1,\r"t":"x"}',
    "mixed types": b'{"n":1,"t":[1,"a",null],"id":{"k":true}}',
}
WHOLE: dict[str, bytes] = {  # files of delimited text
    "empty": b"",
    "mark alone": b"\xef\xbb\xbf",
    "blank lines alone": b"\n\r\n\n",
    "header alone": b"id|n|t\n",
    "header alone, no line end": b"id|n|t",
    "blank header": b"\nid|n|t\nx|1|y\n",
    "name twice": b"n|id|n\n1|x|2\n",
    "no names": b"n||\n1|x|2\n",
    "one name empty": b"n||t\n1|x|2\n",
    "names in quotes": b'"n"|"a\nb"|"c""d"\n1|x|y\n',
    "fault on a header's second line": b'n|"a\nb"x|t\n1|x|y\n',
    "UTF-16": "id|n|t\nx|1|y\n".encode("utf-16"),
    "UTF-16, the other": b"\xfe\xff" + "id|n|t\nx|1|y\n".encode("utf-16-be"),
    "UTF-16 without a mark": "id|n|t\nx|1|y\n".encode("utf-16-le"),
    "CR alone": b"id|n|t\rx|1|y\rx|2|y\r",
    "CR alone after the header": b"id|n|t\nx|1|y\rx|2|y\r",
    "mark": b"\xef\xbb\xbfid|n|t\nx|1|y\n",
    "mark twice": b"\xef\xbb\xbf\xef\xbb\xbfid|n|t\nx|1|y\n",
    "mixed line ends": b"id|n|t\r\nx|1|y\nx|2|y\r\n\r\n\nx|3|y",
    "Latin-1 header": b"n|\xe9|t\n1|x|y\n",
    "one column": b'n\n1\n\n""\n2',
    "half by another delimiter": b"id|n|t\n" + b"x|1|y\n" * 40 + b"x/1/y\n" * 40,
    "cut in the middle": (b"id|n|t\n" + b'x|1|"y y"\n' * 80)[:-5],
    "zeros": b"\0" * 500,
}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "BLOCK", BLOCK)
    monkeypatch.setattr(text_reader, "SAMPLE", (1 << 12, SAMPLED))


@dataclass(frozen=True)
class Bench:
    """A directory, parameters in it, and how many inputs of each class went through all commands."""

    path: Path
    tried: Counter[str]  # how often commands have read what they must, and refused what they must

    def held(self, data: bytes, form: Form) -> None:
        """Every command refuses the data as it must, or has read them exactly."""
        expected = form.expected(data)
        for name in COMMANDS:
            with ExitStack() as opened:
                where = given(opened, self.path, data, form)
                try:
                    getattr(self, f"_{name}")(where, form, expected)
                    self.tried["read"] += 1
                except BadDataError as e:
                    check_refusal(name, e.message, where, expected)
                    self.tried["refused"] += 1

    def _fit(self, where: str, form: Form, expected: Table | Refused) -> None:
        inside.run("fit", where, *form.flags, "-m", "zscore", "-c", "n", "-p", self.path / "new.json")
        assert isinstance(expected, Table), "fit took it"
        check_described(self.path / "new.json", expected.numbers("n"))

    def _update(self, where: str, form: Form, expected: Table | Refused) -> None:
        (self.path / "u.json").write_bytes((self.path / "old.json").read_bytes())
        inside.run("fit", "--update", "--recount", where, *form.flags, "-p", self.path / "u.json")
        assert isinstance(expected, Table), "fit --update took it"
        check_described(self.path / "u.json", [*OLD, *expected.numbers("n")])

    def _apply(self, where: str, form: Form, expected: Table | Refused) -> None:
        out = self.path / f"out{form.suffix}"
        inside.run("apply", where, *form.flags, "-p", self.path / "same.json", "-o", out)
        assert isinstance(expected, Table), "apply took it"
        made = form.expected(out.read_bytes())
        if not form.delimiter and not expected.rows:
            return
        assert isinstance(made, Table)
        assert made.numbers("n") == expected.numbers("n")
        at = expected.names.index("n")
        beside = [[*row[:at], *row[at + 1 :]] for row in expected.rows]
        assert (made.names, [[*row[:at], *row[at + 1 :]] for row in made.rows]) == (expected.names, beside)

    def _check(self, where: str, form: Form, expected: Table | Refused) -> None:
        try:
            inside.run("check", where, *form.flags, "-p", self.path / "old.json", "--json")
        except DriftError as e:
            if "n (string, was float64)" in e.message or "n (gone)" in e.message:
                return  # that is told of such a column, whatever else is wrong
        assert isinstance(expected, Table), "check took it"


OLD = [0.5, 1.5, 30.5, 59.5]  # what was fitted before


def check_refusal(command: str, said: str, where: str, expected: Table | Refused) -> None:
    if isinstance(expected, Table):
        gone = "n" not in expected.names and re.search("no (numeric )?column is called '?n'?", said)
        named = command == "fit" and "in column 'n' begins with a zero, as names do" in said
        empty = not expected.rows and re.search("no rows|there is no value in the first rows", said)
        assert gone or named or (empty and command != "apply"), said
        return
    line = re.match(re.escape(where) + r":(\d+): .", said)
    assert line or not expected.lines, said
    assert not line or int(line[1]) in expected.lines, (said, expected)


def check_described(path: Path, values: list[float | None]) -> None:
    """What is said of column n is what is true of its values."""
    document = json.loads(path.read_bytes())
    assert document["rows"] == len(values)
    column, there = document["steps"][0]["columns"]["n"], [v for v in values if v is not None]
    assert (column["count"], column["missing"]) == (len(there), len(values) - len(there))
    if there:
        assert (column["min"], column["max"]) == (min(there), max(there))
        assert math.isclose(column["mean"], math.fsum(there) / len(there), rel_tol=1e-12)


def given(opened: ExitStack, folder: Path, data: bytes, form: Form) -> str:
    """A path of the data, in the form's way in."""
    if form.piped:
        end, start = os.pipe()
        opened.callback(os.close, end)
        feed(start, gzip.compress(data, 1), (97, 4096))
        return f"/dev/fd/{end}"
    path = folder / f"t{form.suffix}"
    path.write_bytes(data)
    return str(path)


@pytest.fixture
def bench(tmp_path: Path, record_property: Callable[[str, object], None]) -> Iterator[Bench]:
    (tmp_path / "o.csv").write_text("n\n" + "".join(f"{v}\n" for v in OLD))
    (tmp_path / "old.json").write_bytes(params.write(api.fit(tmp_path / "o.csv", ZScore())))
    (tmp_path / "same.json").write_bytes(params.write(params.sealed(identity("n"))))
    made = Bench(tmp_path, Counter())
    yield made
    read, refused = made.tried["read"], made.tried["refused"]
    record_property("faults", {"text with one fault, through each command": [read + refused, read, refused, 0]})


def file(form: Form, row: bytes, place: str) -> bytes:
    """A row among good ones."""
    rows = [form.row(i) for i in range(ROWS)]
    rows[PLACES[place]] = row
    return b"\n".join([*form.header(), *rows]) + (b"" if place == "the end" else b"\n")


def bad_rows(form: Form) -> dict[str, bytes]:
    if not form.delimiter:
        return OBJECTS
    fields = {k: v.replace("|", form.delimiter).encode() for k, v in FIELDS.items()}
    return fields | {k: v.replace(b"|", form.delimiter.encode()) for k, v in OCTETS.items()}


def whole(form: Form) -> dict[str, bytes]:
    """Files that are odd as a whole."""
    return {k: v.replace(b"|", form.delimiter.encode()) for k, v in WHOLE.items() if form.delimiter}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", FORMS)
def test_a_bad_row(bench: Bench, form: str, place: str) -> None:
    """Here each class is at one place of one form; in soak, at all places of all forms."""
    turns = 24 if FORMS[form].delimiter else 12  # as many as there are pairs of a form and a place
    turn = (list(PLACES).index(place) + len(PLACES) * list(FORMS).index(form)) % turns
    for number, row in enumerate(bad_rows(FORMS[form]).values()):
        if number % turns == turn:
            bench.held(file(FORMS[form], row, place), FORMS[form])


@pytest.mark.soak
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", FORMS)
def test_a_bad_row_anywhere(bench: Bench, form: str, place: str) -> None:
    for row in bad_rows(FORMS[form]).values():
        bench.held(file(FORMS[form], row, place), FORMS[form])


@pytest.mark.parametrize("form", FORMS)
def test_a_bad_file(bench: Bench, form: str) -> None:
    """Here each is in every other form; in soak, in all of them."""
    for number, data in enumerate(whole(FORMS[form]).values()):
        if number % 2 == list(FORMS).index(form) % 2:
            bench.held(data, FORMS[form])


@pytest.mark.soak
@pytest.mark.parametrize("form", FORMS)
def test_a_bad_file_in_any_form(bench: Bench, form: str) -> None:
    for data in whole(FORMS[form]).values():
        bench.held(data, FORMS[form])
