"""Fields of a row of delimited text, one by one."""

import re
from collections.abc import Sequence

from normcli.formats._text import cutting

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE | re.ASCII)


def split_row(row: bytes, delimiter: str) -> list[str]:
    """A row's fields. The row must be without fault. Raises UnicodeDecodeError."""
    text = row.decode("utf-8").rstrip("\r\n")
    if '"' not in text:
        return text.split(delimiter)
    import csv

    csv.field_size_limit(cutting.LONGEST_ROW)
    return next(csv.reader([text], delimiter=delimiter, strict=True))


def numbered(names: Sequence[str]) -> list[str]:
    """Names that differ: of those that are the same, all but the first get a number, and one that is empty is called
    by its place."""
    taken, result = set(names), list[str]()
    used: set[str] = set()
    for j, name in enumerate(names):
        base, n = (name, 1) if name else (f"column_{j + 1}", 1)
        new = base
        while new in used or (new in taken and (new != name or n > 1)):
            n += 1
            new = f"{base}_{n}"
        used.add(new)
        result.append(new)
    return result


def quoted_field(field: str, delimiter: str, *, alone: bool) -> str:
    """A field of a row, in quotes where it needs them; an empty one does where it is alone in its row, and one that
    would be taken for a byte order mark."""
    if any(c in field for c in (delimiter, '"', "\r", "\n")) or field.startswith("\ufeff") or (alone and not field):
        return '"' + field.replace('"', '""') + '"'
    return field
