"""A slow and strict reader of text, octet by octet: the exact rows, or the physical line at which they are refused.

Python's csv module, strict too, must agree with every row that it takes; so must its json module.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL"})
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
NEWLINE, RETURN, QUOTE = b'\n\r"'
BEGIN, PLAIN, QUOTED, CLOSED = range(4)  # where in a field an octet stands

Number = float | None


@dataclass(frozen=True)
class Refused:
    """The lines that may be named: of the first fault in the file; or of the first in how the sampled rows are built,
    which is looked at before any value. None of them: there is nothing to name a line of."""

    lines: frozenset[int]


@dataclass(frozen=True)
class Table:
    """What is in a file: names, rows, and how many blank lines there were."""

    names: list[str]
    rows: list[list[Any]]
    blank_lines: int = 0

    def numbers(self, name: str) -> list[Number]:
        """A column's values; None where missing."""
        at = self.names.index(name)
        return [number(str(row[at])) for row in self.rows]


class FaultError(Exception):
    """What is wrong, on a physical line."""

    def __init__(self, line: int) -> None:
        self.line = line


def number(word: str) -> Number:
    """The number that a field of a selected column holds. Raises ValueError for what is none, or infinite."""
    word = word.strip(" \t")
    if word in MISSING or word.lower().lstrip("+-") == "nan":
        return None
    if not NUMBER.fullmatch(word) or float(word) in (float("inf"), float("-inf")):
        raise ValueError(word)
    return float(word)


# -- delimited ---------------------------------------------------------------------------------------------------
def records(data: bytes, delimiter: int) -> Iterator[tuple[int, list[bytes] | None]]:
    """Each row: the line that it begins on, and its fields; None for a blank one. Raises FaultError."""
    line = begun = opened = 1
    fields: list[bytes] = []
    field, state, bare = bytearray(), BEGIN, True  # whether the row is nothing yet
    for at, octet in enumerate(data):
        follows = data[at + 1] if at + 1 < len(data) else None
        if state == QUOTED:
            state, line = (CLOSED if octet == QUOTE else QUOTED), line + (octet == NEWLINE)
            field += bytes([octet]) if state == QUOTED else b""
        elif octet == QUOTE:
            if state == PLAIN:
                raise FaultError(line)
            opened = line if state == BEGIN else opened
            field += b'"' if state == CLOSED else b""
            state, bare = QUOTED, False
        elif octet == delimiter:
            fields, field, state, bare = [*fields, bytes(field)], bytearray(), BEGIN, False
        elif octet == NEWLINE:
            yield begun, None if bare else [*fields, bytes(field)]
            line += 1
            fields, field, state, bare, begun = [], bytearray(), BEGIN, True, line
        elif octet == RETURN:
            if follows is None and bare and not fields:  # of a blank line that was cut short
                yield begun, None
            elif follows != NEWLINE:
                raise FaultError(line)
        elif state == CLOSED:
            raise FaultError(line)
        else:
            field.append(octet)
            state, bare = PLAIN, False
    if state == QUOTED:
        raise FaultError(opened)
    if not bare:
        yield begun, [*fields, bytes(field)]


RETURNS, BACK = bytes.maketrans(b"\r\n", b"\n\r"), str.maketrans("\r\n", "\n\r")


def is_wide(data: bytes) -> bool:
    """Whether text is in an encoding of two bytes a character: with a mark, or ASCII with a zero beside each."""
    return data[:2] in (b"\xff\xfe", b"\xfe\xff") or bool(re.match(rb"([^\0]\0){6}|(\0[^\0]){6}", data, re.DOTALL))


def delimited(data: bytes, delimiter: str, wanted: Sequence[str], sample: int) -> Table | Refused:
    """What is in delimited text of which some columns have to be numbers, where as many rows are sampled first. Where
    the first line ends in CR alone, so do all."""
    if is_wide(data):
        return Refused(frozenset({1}))
    data = data.removeprefix(b"\xef\xbb\xbf")
    first = re.match(rb'[\r\n]*(?:[^\r\n"]|"[^"]*")*', data)
    if first and re.match(rb"\r(?!\n)", data[first.end() :]):
        found = _delimited(data.translate(RETURNS), delimiter, wanted, sample)
        if isinstance(found, Refused):
            return found
        names, *rows = ([v.translate(BACK) for v in row] for row in [found.names, *found.rows])
        return Table(names, rows, found.blank_lines)
    return _delimited(data, delimiter, wanted, sample)


def _delimited(data: bytes, delimiter: str, wanted: Sequence[str], sample: int) -> Table | Refused:
    if not data.strip(b"\r\n"):
        return Refused(frozenset())
    names: list[str] | None = None
    rows: list[list[Any]] = []
    blank = seen = 0
    value_at: int | None = None  # the line of the first value that is wrong
    try:
        for line, fields in records(data, ord(delimiter)):
            seen += names is not None
            if fields is None:
                blank += names is not None
                continue
            try:
                row = [f.decode("utf-8") for f in fields]
            except UnicodeDecodeError:
                raise FaultError(line) from None
            if names is None:
                names = row
                if len(set(names)) < len(names):
                    raise FaultError(line)
                continue
            if len(row) != len(names):
                raise FaultError(line)
            try:
                _ = [number(v) for n, v in zip(names, row, strict=True) if n in wanted]
            except ValueError:
                value_at = value_at or line
            rows.append(row)
    except FaultError as e:
        early = {e.line} if names is None or seen <= sample + 1 else set()
        return Refused(frozenset({min(e.line, value_at or e.line), *early}))
    assert names is not None
    assert [r for r in csv_rows(data, delimiter) if r] == [names, *rows]
    return Refused(frozenset({value_at})) if value_at else Table(names, rows, blank)


def csv_rows(data: bytes, delimiter: str) -> list[list[str]]:
    before = csv.field_size_limit(1 << 30)
    try:
        return list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True, delimiter=delimiter))
    finally:
        csv.field_size_limit(before)


# -- NDJSON ------------------------------------------------------------------------------------------------------
class Spelled(str):
    """A number as it is written."""


def objects(line: bytes) -> dict[str, Any]:
    """What a line holds. Raises ValueError, RecursionError."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(found)
        made["\0twice"] = len(made) < len(found)
        return made

    def refuse(word: str) -> None:
        raise ValueError(word)

    text = line.decode("utf-8").strip(" \t\r\n")
    made = json.loads(text, object_pairs_hook=pairs, parse_constant=refuse, parse_float=Spelled, parse_int=Spelled)
    json.dumps(made, ensure_ascii=False).encode()
    if not isinstance(made, dict) or made.pop("\0twice"):
        raise ValueError("no object, or a key twice")
    return made


def lines(data: bytes, wanted: Sequence[str], sample: int) -> Table | Refused:
    """What is in NDJSON: a row has a value for each key of `wanted`."""
    if is_wide(data):
        return Refused(frozenset({1}))
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip(b" \t\r\n"):
        return Refused(frozenset())
    rows, blank = list[list[Any]](), 0
    value_at: int | None = None
    for place, line in enumerate(data.removesuffix(b"\n").split(b"\n"), 1):
        if not line.strip(b" \t\r"):
            blank += 1
            continue
        try:
            row = objects(line)
        except (ValueError, RecursionError):
            early = {place} if place <= sample + 1 + blank else set()
            return Refused(frozenset({min(place, value_at or place), *early}))
        values = [row.get(n) for n in wanted]
        try:
            _ = [spelled(v) for v in values]
        except ValueError:
            value_at = value_at or place
        rows.append(["" if v is None else v for v in values])
    return Refused(frozenset({value_at})) if value_at else Table(list(wanted), rows, blank)


def spelled(value: Any) -> Number:
    """The number that a selected key holds. Raises ValueError."""
    if value is not None and not isinstance(value, Spelled):
        raise ValueError(value)
    return number(value or "")
