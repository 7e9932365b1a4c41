"""Lines of NDJSON one by one: their keys and values, and their errors."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from normcli.errors import infinite_value, printable
from normcli.formats._json.layout import Kind
from normcli.formats._text.cutting import SKIP, encoding_hint
from normcli.formats._text.names import first_twice

SPACE = b" \t\r\n"
BACKSLASH = ord("\\")
HALF = re.compile(r"\\u[dD][89a-fA-F]..")  # of a pair of surrogates, or both
INTEGER = re.compile(r"-?\d+")


class LineError(Exception):
    """An error in a line."""


def line_hint(what: str, line: bytes) -> str:
    """What to do about a line with something wrong."""
    return encoding_hint(line) if what.startswith("not UTF-8") else SKIP


def members(line: bytes) -> list[tuple[str, Any]]:
    """The keys and values of a line that is an object; numbers stay text, marked as such. Raises LineError."""
    try:
        text = line.decode("utf-8").strip(SPACE.decode())
        parsed = json.loads(text, object_pairs_hook=_pairs, parse_float=Number, parse_int=Number, parse_constant=_word)
    except UnicodeDecodeError as e:
        raise LineError(f"not UTF-8: byte 0x{line[e.start]:02x}") from None
    except json.JSONDecodeError as e:
        raise LineError(f"not JSON at character {e.pos + 1}") from None
    except RecursionError:
        raise LineError("nested too deeply") from None
    if not isinstance(parsed, Members):
        raise LineError('not an object: each line is one, like {"a": 1}')
    if BACKSLASH in line and HALF.search(text):
        try:
            json.dumps(parsed, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise LineError("an unpaired surrogate in a string") from None
    return parsed


class Number(str):
    """A number as it is written."""


class Members(list[tuple[str, Any]]):
    """An object's keys and values."""


def _pairs(pairs: list[tuple[str, Any]]) -> Members:
    return Members(pairs)


def _word(word: str) -> None:
    raise LineError(f"{word} is not JSON: null is a missing value")


class LineCheck(Struct, frozen=True):
    """What every line must be like."""

    wanted: frozenset[str]
    finite: bool  # whether an infinite number is wrong
    lists: Mapping[str, int | None] = field(default_factory=dict)  # how long those are that a wanted column must hold

    def fault(self, line: bytes) -> str | None:
        """What is wrong with a line; nothing is with a blank one."""
        if not line.strip(SPACE):
            return None
        try:
            parsed = members(line)
        except LineError as e:
            return str(e)
        names = [n for n, _ in parsed]
        twice = first_twice(names)
        if twice is not None:
            return f"key '{printable(twice)}' is there twice"
        for name, value in parsed:
            if name not in self.wanted or value is None:
                continue
            what = self._fault(name, value)
            if what:
                return what
        return None

    def _fault(self, name: str, value: Any) -> str | None:
        """What is wrong with a value that is not null: it should be a number, or a list of them."""
        where, numbers = f"in column '{printable(name)}'", [value]
        if name in self.lists:
            if type(value) is not list:
                return f"{shown(value)} {where} is not a list of numbers"
            where_within, numbers = f"in a list {where}", [v for v in value if v is not None]
        else:
            where_within = where
        other = next((v for v in numbers if not isinstance(v, Number)), None)
        if other is not None:
            return f"{shown(other)} {where_within} is not a number"
        size = self.lists.get(name)
        if size is not None and len(value) != size:
            return f"a list of {len(value)} {where}, the others have {size}"
        infinite = next((v for v in numbers if math.isinf(float(v))), "") if self.finite else ""
        return infinite_value(name, infinite) if infinite else None


def shown(value: Any) -> str:
    """A value for a message."""
    if isinstance(value, Members):
        return "an object"
    if isinstance(value, Number):
        return printable(value[:80])
    return "a list" if isinstance(value, list) else printable(json.dumps(value, ensure_ascii=False)[:80])


def kind(values: list[Any], *, skip: bool = False) -> Kind:
    """What a key's values (not null) are; with `skip`, numbers where half of them are."""
    numbers = [v for v in values if isinstance(v, Number)]
    if skip and 2 * len(numbers) >= len(values):
        values = numbers
    if all(isinstance(v, Number) for v in values):
        integers = all(INTEGER.fullmatch(v) for v in values)
        return ("integer" if integers else "float") if values else "empty"
    if all(isinstance(v, bool) for v in values):
        return "bool"
    filled = [v for v in values if v != []]
    vectors = sum(type(v) is list and all(x is None or isinstance(x, Number) for x in v) for v in filled)
    if vectors > len(numbers) and 2 * vectors >= len(filled):
        return "list"  # a value that is none is reported with its line
    return "string" if all(type(v) is str for v in values) else "json"
