"""Kinds of file that are neither read nor written: how their names end and how they begin, to call them by name."""

import io
import os
import re
import shlex

from msgspec import Struct

from normcli.errors import BadDataError, UsageError, printable
from normcli.io.compression import CODECS
from normcli.io.sources import STDIN, Source

WIDE = (b"\xff\xfe", b"\xfe\xff")  # how UTF-16 and UTF-32 begin, which are text
HEAD = 4096  # bytes that are looked at
CONTROL = re.compile(rb"[\0-\x08\x0e-\x1a]")  # bytes that no text has


class Kind(Struct, frozen=True):
    """What it is called, the suffixes that mean it, how it begins (b"" where only its suffix tells), and what reads it,
    or makes of it what is read; FILE in that is its path."""

    name: str
    suffixes: tuple[str, ...]
    begins: bytes
    hint: str


BINARY = b"(?s:(?=.*" + CONTROL.pattern + b"))"  # and no header of a CSV that begins with the same letters
ZIP = rb"PK(\x03\x04|\x05\x06|\x07\x08)"
MEMBER = rb"(?s:PK\x03\x04.{26})"  # what is followed by the name of a ZIP archive's first file
OFFICE = MEMBER + rb"(\[Content_Types\]\.xml|_rels/|docProps/|xl/)(?s:(?!.*(word|ppt)/))"
OPEN_DOCUMENT = MEMBER + rb"mimetypeapplication/vnd\.oasis\.opendocument\.spreadsheet"
TAR = rb"(?s:(?=.*\0).{257}ustar)"
MARKUP = rb"(?i:(\xef\xbb\xbf)?\s*(<!--(?s:.*?)-->\s*)*<(!doctype html|html|head|body)[\s>])"
ANNEX = rb"(\.\./)*(\.git)?/annex/objects/"
NUMBERS = rb"[-+.\deE,\s]"
LIST = rb"\s*\[\s*(\{\s*[\"}]|\[\s*[\[\]\"\d-]|\"|" + NUMBERS + rb"*\]\s*\Z|" + NUMBERS + rb"{4000,}\Z)"
SHEET = "save it as CSV first, as `libreoffice --headless --convert-to csv --outdir converted FILE` does"
NPZ = "numpy.load reads it, numpy.savetxt writes CSV"
SAVED = "is it an error page of a server, in place of the data? `head -c 500 FILE` shows"
KINDS = (  # of several that begin alike, the last is what a file is called whose suffix does not tell
    Kind("an Excel workbook", (".xlsx", ".xlsm", ".xlsb"), ZIP, SHEET),
    Kind("an OpenDocument spreadsheet", (".ods",), ZIP, SHEET),
    Kind("a NumPy archive", (".npz",), ZIP, NPZ),
    Kind("a ZIP archive", (".zip",), ZIP, "unzip -p FILE | normcli …"),
    Kind("an Excel workbook", (), OFFICE, SHEET),
    Kind("an OpenDocument spreadsheet", (), OPEN_DOCUMENT, SHEET),
    Kind("a NumPy archive", (), MEMBER + rb"[^\0/]{1,200}\.npy", NPZ),
    Kind("an Excel workbook (.xls)", (".xls",), rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", SHEET),
    Kind("a database", (".db",), b"", "its own client reads it, and can write CSV"),
    Kind("a DuckDB database", (".duckdb",), rb"(?s:.{8})DUCK" + BINARY, "duckdb -csv FILE 'FROM t' | normcli …"),
    Kind("an SQLite database", (".sqlite", ".sqlite3"), rb"SQLite format 3\0",
         "sqlite3 -csv -header FILE 'SELECT * FROM t' | normcli …"),
    Kind("an HDF5 file", (".h5", ".hdf5", ".hdf"), rb"\x89HDF\r\n\x1a\n", "h5py or pandas.read_hdf reads it"),
    Kind("a netCDF file", (".nc",), rb"CDF[\x01\x02\x05]", "xarray.open_dataset reads it"),
    Kind("a Python pickle", (".pkl", ".pickle"), rb"\x80[\x02-\x05]" + BINARY,
         "pandas.read_pickle reads one that you trust"),
    Kind("an ORC file", (".orc",), rb"ORC" + BINARY,
         "pyarrow.orc.read_table reads it, pyarrow.parquet.write_table writes Parquet"),
    Kind("an Avro file", (".avro",), rb"Obj\x01", "fastavro FILE | normcli … --from ndjson"),
    Kind("a 7z archive", (".7z",), rb"7z\xbc\xaf\x27\x1c", "7z x -so FILE | normcli …"),
    Kind("a RAR archive", (".rar",), rb"Rar!\x1a\x07", "unrar p -inul FILE | normcli …"),
    Kind("a tar archive", (".tar", ".tgz"), TAR, "tar -xOf FILE MEMBER | normcli …"),
    Kind("lz4 data", (".lz4",), rb"\x04\x22\x4d\x18", "lz4 -dc FILE | normcli …"),
    Kind("compress data", (".z",), rb"\x1f\x9d", "uncompress -c FILE | normcli …"),
    Kind("a JSON array", (".json",), LIST, "jq -c '.[]' FILE | normcli … --from ndjson"),
    Kind("a PDF document", (".pdf",), rb"%PDF-\d\.\d", "pdfplumber or tabula extracts its tables"),
    Kind("an HTML page", (".html", ".htm"), MARKUP, SAVED),
    Kind("an XML document", (".xml",), rb"(\xef\xbb\xbf)?\s*<\?xml\s", SAVED),
    Kind("a git-lfs pointer", (), rb"version https://git-lfs\.github\.com/spec/", "git lfs pull brings the data"),
    Kind("a git-annex pointer", (), ANNEX, "git annex get FILE brings the data"),
    Kind("an encrypted Parquet file", (), rb"PARE" + BINARY, "decrypt it first"),
    Kind("a Feather file of version 1", (), rb"FEA1" + BINARY, "pyarrow.feather.write_feather writes version 2"),
)  # fmt: skip


UNKNOWN = Kind("binary data of no known kind", (), b"", "`file FILE` may say what it is")
LEAST, SHARE = 64, 0.05  # bytes that show whether data are text, and how many of those may be control characters


def check_input(source: Source) -> None:
    """Raises BadDataError for one that begins as such a kind does, or that was compressed twice."""
    head = source.peek(HEAD)
    outer = source.compression
    inner = next((c.name for c in CODECS if c.begins(head)), None) if outer else None
    if inner:
        what = f"{source.name}: is {inner} in {outer}: compressed twice"
        raise BadDataError(what, _called(f"{outer} -dc FILE | normcli …", source))
    kind = kind_of(head, source.name)
    if kind is None and _is_binary(head):
        kind = UNKNOWN
    if kind:
        hint = kind.hint if outer else _called(kind.hint, source)
        raise BadDataError(f"{source.name}: is {kind.name}, which is not read", hint)


def kind_of(head: bytes, name: str) -> Kind | None:
    """What a file of a name begins as."""
    alike = [k for k in KINDS if k.begins and re.match(k.begins, head)]
    named = (k for k in alike if k.suffixes and name.lower().endswith(k.suffixes))
    return next(named, alike[-1] if alike else None)


def _is_binary(head: bytes) -> bool:
    """Whether what begins so can be no text: it is not UTF-8, and full of control characters."""
    if len(head) < LEAST or len(CONTROL.findall(head)) <= SHARE * len(head) or head.startswith(WIDE):
        return False
    try:
        head[:-3].decode()
    except UnicodeDecodeError as e:
        return e.start < len(head) - 6
    return False


def is_text(head: bytes) -> bool:
    """Whether data with this beginning may be text, in any encoding."""
    return not CONTROL.search(head)


def _called(hint: str, source: Source) -> str:
    """A hint with the path of a file of this machine."""
    is_file = isinstance(source.file, io.FileIO) and source.regular and source.name != STDIN
    return hint.replace("FILE", shlex.quote(source.name)) if is_file else hint


def check_output(path: str | os.PathLike[str], name: str, suffixes: list[str]) -> None:
    """Raises UsageError for a path whose `name` has the suffix of such a kind; `suffixes` are those that there are."""
    kind = next((k for k in KINDS if k.suffixes and name.endswith(k.suffixes)), None)
    if kind is not None:
        what = f"{printable(os.fsdecode(path))}: {kind.name} is not written; there are {', '.join(suffixes)}"
        raise UsageError(what)
