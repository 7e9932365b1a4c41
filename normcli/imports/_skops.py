"""Files of skops as data: a zip with a schema in JSON, and arrays. Known classes are looked up by name; no class is
loaded, nothing is unpickled, and what is read is bounded."""

from __future__ import annotations

import json
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO, Literal

import numpy as np
from msgspec import Struct

from normcli.errors import BadDataError, short
from normcli.imports._files import opened, parsed

SCHEMA = "schema.json"
LONGEST = 64 << 20  # bytes of all entries, uncompressed
LONGEST_SCHEMA = 32 << 20  # bytes
MOST_VALUES = 1 << 20  # in the schema: more than names of the most features, twice, take
LONGEST_DIRECTORY = 1 << 20  # bytes of the list of entries
END = struct.Struct("<12xI4xH")  # of a zip: bytes of its directory, before a comment
END_MARK, LOCATOR_MARK, LOCATOR = b"PK\5\6", b"PK\6\7", 20  # the locator is that of files beyond 4 GB
LONGEST_END = END.size + (1 << 16)
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
DEEPEST = 16  # nodes below one another in a value
ARRAY = re.compile(  # of numbers, as numpy.save begins it
    rb"\x93NUMPY\x01\x00..\{'descr': '(?P<kind>[<>|](?:f[248]|[iu][1248]|b1))', "
    rb"'fortran_order': (?P<order>False|True), 'shape': \((?P<shape>(?:\d{1,12}(?:, ?)?){0,4})\), \} *\n",
    re.DOTALL,
)
HINT = "skops.io.dump writes such a file"

Values = np.ndarray[Any, Any]


class Function(Struct, frozen=True):
    """A function or a class, by its name with its module: it is not called."""

    name: str


class Node(Struct, frozen=True):
    """An object in a file: its class, and its attributes, which are decoded when they are asked for."""

    archive: Archive
    name: str  # of the class, with its module
    fields: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The name of the class alone, for messages."""
        return short(self.name.rpartition(".")[2])

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def get(self, name: str, default: Any = None) -> Any:
        """The value of an attribute. Raises BadDataError."""
        if name not in self.fields:
            return default
        return self.archive.value(self.fields[name], f"{self.kind}.{name}")

    def numbers(self, name: str, *shape: int) -> Values:
        """(shape) an attribute that is an array of numbers. Raises BadDataError."""
        value = self.get(name)
        if not isinstance(value, np.ndarray) or value.ndim != len(shape) or value.dtype.kind not in "fiu":
            raise BadDataError(f"{self.kind}.{name} is no array of numbers", "is it fitted?")
        if value.shape != shape:
            sizes = (" by ".join(f"{n:,}" for n in of) for of in (value.shape, shape))
            raise BadDataError(f"{self.kind}.{name} has {next(sizes)} numbers, not {next(sizes)}")
        return value.astype(np.float64, order="C")

    def pair(self, name: str) -> tuple[float, float]:
        """An attribute that is two numbers. Raises BadDataError."""
        value = self.get(name)
        if not isinstance(value, list) or len(value) != 2 or not all(type(x) in (int, float) for x in value):
            raise BadDataError(f"{self.kind}.{name} is no pair of numbers")
        return float(value[0]), float(value[1])

    def choice(self, name: str, *values: str) -> str:
        """An attribute that is one of these texts. Raises BadDataError."""
        value = self.get(name)
        if value not in values:
            raise BadDataError(f"{self.kind}.{name} is none of {', '.join(values)}")
        return str(value)

    def count(self, name: str) -> int:
        """An attribute that is a whole number. Raises BadDataError."""
        value = self.get(name)
        if type(value) is not int:
            raise BadDataError(f"{self.kind} has no {name}", "is it fitted?")
        return value

    def flag(self, name: str) -> bool:
        """An attribute that is true or false. Raises BadDataError."""
        value = self.get(name)
        if not isinstance(value, bool):
            raise BadDataError(f"{self.kind}.{name} is neither true nor false")
        return value


class Archive:
    """An open file."""

    def __init__(self, path: str) -> None:
        """Raises NoInputError, BadDataError."""
        self._file = opened(path, directory=HINT)
        try:
            _check_directory(self._file)
            self._zip = zipfile.ZipFile(self._file)
            self._check_entries(self._zip.infolist())
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
            self._file.close()
            raise BadDataError("it is no zip, which a .skops file is", HINT) from None
        except BaseException:
            self._file.close()
            raise
        self._left = LONGEST

    @staticmethod
    def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
        """Raises BadDataError for what skops does not write, or too much of it."""
        total, names = sum(entry.file_size for entry in entries), {entry.filename for entry in entries}
        if total > LONGEST:
            raise BadDataError(f"{len(entries):,} entries of {total:,} bytes, and {LONGEST:,} are read")
        if len(names) < len(entries):
            raise BadDataError("entries in it have the same name", HINT)
        if any(entry.compress_type not in PACKED for entry in entries):
            raise BadDataError("it is compressed in a way that is not read", f"{HINT} without compression")

    def close(self) -> None:
        """Closes the file."""
        self._zip.close()
        self._file.close()

    def root(self) -> Node:
        """The object that the file is of. Raises BadDataError."""
        text = self._bytes(SCHEMA, LONGEST_SCHEMA)
        values = sum(map(text.count, b"[{,"))
        if values > MOST_VALUES:
            raise BadDataError(f"{SCHEMA} has more than {MOST_VALUES:,} values", HINT)
        try:
            schema = parsed(text)
        except ValueError:
            raise BadDataError(f"{SCHEMA} can't be parsed", HINT) from None
        root = self.value(schema, SCHEMA)
        if not isinstance(root, Node):
            raise BadDataError("it holds no estimator", HINT)
        return root

    def value(self, node: Any, at: str, depth: int = 0) -> Any:
        """What a node stands for: of an object, the Node. Raises BadDataError; `at` spells the place."""
        if not isinstance(node, dict) or depth > DEEPEST:
            raise BadDataError(f"{at}: no node of skops, or too deep")
        content = node.get("content")
        match node.get("__loader__"):
            case "JsonNode" if isinstance(content, str):
                return _scalar(content, at)
            case "TupleNode" | "ListNode" if isinstance(content, list):
                return [self.value(entry, at, depth + 1) for entry in content]
            case "NdArrayNode" if node.get("type") == "json" and isinstance(content, list):
                return [self.value(entry, at, depth + 1) for entry in content]
            case "NdArrayNode" if node.get("type") == "numpy" and isinstance(node.get("file"), str):
                return self._array(node["file"], at)
            case "DictNode" if isinstance(content, dict):
                return {name: self.value(entry, at, depth + 1) for name, entry in content.items()}
            case "SliceNode":
                return None  # of columns, whose places stand elsewhere
            case "FunctionNode" | "TypeNode":  # a name alone
                return Function(f"{node.get('__module__')}.{node.get('__class__')}")
            case "ObjectNode" if isinstance(content, dict) and isinstance(content.get("content"), dict):
                return Node(self, f"{node.get('__module__')}.{node.get('__class__')}", content["content"])
        raise BadDataError(f"{at}: a {short(str(node.get('__loader__')))}, which is not read")

    def _array(self, name: str, at: str) -> Any:
        """An array of numbers, or the number of one without dimensions."""
        text = self._bytes(name)
        match = ARRAY.match(text)
        if match is None:
            raise BadDataError(f"{at}: {short(name)} is no array of numbers")
        kind, shape = np.dtype(match["kind"].decode()), [int(n) for n in match["shape"].split(b",") if n.strip()]
        if len(text) - match.end() != math.prod(shape) * kind.itemsize:
            raise BadDataError(f"{at}: {short(name)} is not as long as its header says")
        values = np.frombuffer(text, kind, offset=match.end())
        order: Literal["C", "F"] = "F" if match["order"] == b"True" else "C"
        return values if len(shape) == 1 else values[0].item() if not shape else values.reshape(shape, order=order)

    def _bytes(self, name: str, longest: int = LONGEST) -> bytes:
        """An entry. All that are read together are bounded."""
        longest = min(longest, self._left)
        try:
            with self._zip.open(name) as file:
                content = file.read(longest + 1)
        except KeyError:
            raise BadDataError(f"there is no {short(name)} in it", HINT) from None
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
            raise BadDataError(f"{short(name)} in it is damaged", "was it copied whole?") from None
        if len(content) > longest:
            raise BadDataError(f"{short(name)} in it has more than {longest:,} bytes")
        self._left -= len(content)
        return content


def _check_directory(file: BinaryIO) -> None:
    """Checks the size of the directory of a zip, which is read as a whole. Raises BadDataError, ValueError."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - LONGEST_END))
    end = file.read(LONGEST_END)
    at = len(end) - END.size if end[-END.size :].startswith(END_MARK) and end[-2:] == b"\0\0" else end.rfind(END_MARK)
    if at < 0 or len(end) - at < END.size:
        raise ValueError("no end of a zip")
    length, _ = END.unpack_from(end, at)
    if end[max(0, at - LOCATOR) : at].startswith(LOCATOR_MARK):
        raise BadDataError("it is no .skops file, but a zip of the form for more than 4 GB", HINT)
    if length > LONGEST_DIRECTORY:
        raise BadDataError(f"its directory has more than {LONGEST_DIRECTORY:,} bytes")


def _scalar(text: str, at: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = {}
    if isinstance(value, dict | list):
        raise BadDataError(f"{at}: is no number, text, true, false or null")
    return value
