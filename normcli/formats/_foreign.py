"""Kinds of file that are neither read nor written: how their names end and how they begin, to call them by name."""

import os
import re
from dataclasses import dataclass

from normcli.errors import BadDataError, UsageError, printable
from normcli.io.sources import Source

HEAD = 4096  # bytes that are looked at
CONTROL = re.compile(rb"[\0-\x08\x0e-\x1a]")  # bytes that no text has


@dataclass(frozen=True)
class Kind:
    """What it is called, the suffixes that mean it, how it begins (b"" where only its suffix tells), and how to make of
    one what is read."""

    name: str
    suffixes: tuple[str, ...]
    begins: bytes = b""
    hint: str = "convert it to CSV, Parquet or Arrow first"


BINARY = b"(?s:(?=.*" + CONTROL.pattern + b"))"  # and no header of a CSV that begins with the same letters
ZIP = rb"PK(\x03\x04|\x05\x06|\x07\x08)"
KINDS = (  # of several that begin alike, the last is what a file is called whose suffix does not tell
    Kind("an Excel workbook", (".xlsx",), ZIP, "save it as CSV first"),
    Kind("a NumPy archive", (".npz",), ZIP),
    Kind("a ZIP archive", (".zip",), ZIP, "unzip -p FILE | normcli …"),
    Kind("an Excel workbook (.xls)", (".xls",), rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as CSV first"),
    Kind("a database", (".db",)),
    Kind("an SQLite database", (".sqlite",), rb"SQLite format 3\0", "sqlite3 -csv -header FILE 'SELECT …' | normcli …"),
    Kind("a NumPy array", (".npy",), rb"\x93NUMPY"),
    Kind("an ORC file", (".orc",), rb"ORC" + BINARY),
    Kind("an Avro file", (".avro",), rb"Obj\x01"),
    Kind("a JSON document", (".json",), rb"\s*\[\s*[\[{]", "jq -c '.[]' FILE | normcli … makes lines of it"),
    Kind("a PDF document", (".pdf",), rb"%PDF-\d\.\d"),
    Kind("an encrypted Parquet file", (), rb"PARE" + BINARY, "decrypt it first"),
    Kind("a Feather file of version 1", (), rb"FEA1" + BINARY, "pyarrow.feather.write_feather writes version 2"),
)


def check_input(source: Source) -> None:
    """Raises BadDataError for one that begins as such a kind does."""
    head = source.peek(HEAD)
    alike = [k for k in KINDS if k.begins and re.match(k.begins, head)]
    if alike:
        kind = next((k for k in alike if source.name.lower().endswith(k.suffixes)), alike[-1])
        raise BadDataError(f"{source.name}: is {kind.name}, which is not read", kind.hint)


def check_output(path: str | os.PathLike[str], name: str, suffixes: list[str]) -> None:
    """Raises UsageError for a path whose `name` has the suffix of such a kind; `suffixes` are those that there are."""
    kind = next((k for k in KINDS if k.suffixes and name.endswith(k.suffixes)), None)
    if kind is not None:
        what = f"{printable(os.fsdecode(path))}: {kind.name} is not written; there are {', '.join(suffixes)}"
        raise UsageError(what)
