"""The kernel as tests call it: by ctypes, on numpy's memory, with capacities that are as stated."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import normcli
from normcli.kernel import tables
from normcli.kernel.text import (
    PADDING,
    ROOM,
    WORD,
)  # fmt: skip
from normcli.kernel.text import _Block as Block
from normcli.kernel.text import _Layout as Layout
from normcli.kernel.text import _Output as Output
from normcli.kernel.text import _Table as Table

SOURCES = Path(normcli.__file__).parent / "kernel"
HERE = Path(__file__).parent
FLAGS = ("-O2", "-std=c11", "-ffp-contract=off", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror")
FEW_FIELDS, MANY_FIELDS, QUOTE, RETURN, NOT_UTF8, NO_LINE_END = range(2, 8)  # after NO_NUMBER
TEXT, NUMBER, SKIP = range(3)
COLUMN = np.dtype(
    [("values", np.uint64), ("starts", np.uint64), ("lengths", np.uint64), ("word", np.uint32), ("unused", np.uint32)]
)


P, U64 = ctypes.c_void_p, ctypes.c_uint64


def compiler() -> str | None:
    """The C compiler, if there is one."""
    return next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)


def compiled(folder: Path, name: str, flags: Sequence[str], sources: Sequence[Path] = ()) -> Path:
    """The kernel and other sources as a program or a library in a folder, without a warning."""
    (folder / "powers.h").write_text(tables.header(), encoding="utf-8")
    paths = [*sources, *sorted(SOURCES.glob("*.c"))]
    command = [
        compiler() or "cc",
        *FLAGS,
        *flags,
        f"-I{SOURCES}",
        f"-I{folder}",
        "-o",
        str(folder / name),
        *map(str, paths),
    ]
    subprocess.run([*command, "-lm"], check=True)
    return folder / name


@dataclass
class Rows:
    """What nk_parse made of a text."""

    status: int
    block: Any
    values: Any  # (columns of numbers, rows)
    starts: Any  # (columns of text, rows)
    lengths: Any
    words: Any
    traits: Any


@dataclass
class Kernel:
    """A library that was built from the sources."""

    path: Path
    _library: Any = field(init=False)

    def __post_init__(self) -> None:
        library = self._library = ctypes.CDLL(str(self.path))
        library.nk_parse.argtypes = (P, P, U64, P)
        library.nk_format.argtypes = (P, P)
        library.nk_read_number.argtypes = (ctypes.c_char_p, U64, P)
        library.nk_write_number.argtypes = (ctypes.c_double, P)

    @property
    def interface(self) -> int:
        return int(self._library.nk_interface())

    def number(self, text: bytes) -> float | None:
        """The double of a decimal; None where it is in doubt."""
        value = ctypes.c_double()
        certain = self._library.nk_read_number(text + b"\n" + bytes(PADDING), len(text), ctypes.byref(value))
        return value.value if certain else None

    def spelled(self, x: float) -> str:
        room = ctypes.create_string_buffer(ROOM)
        size = self._library.nk_write_number(x, room)
        return room.raw[:size].decode()

    def parse(
        self,
        text: bytes,
        kinds: Sequence[int],
        *,
        delimiter: str = ",",
        words: Sequence[str] = (),
        capacity: int = 1000,
        word_capacity: int = 1000,
    ) -> Rows:
        view, of_fields = np.frombuffer(text + bytes(PADDING), np.uint8), np.array(kinds, np.uint8)
        list_of_words = b"".join(w.encode() + b"\n" for w in words)
        layout = Layout(of_fields.ctypes.data, ctypes.cast(list_of_words, P), len(list_of_words), len(kinds))
        layout.delimiter = delimiter.encode()
        numbers, texts = kinds.count(NUMBER), kinds.count(TEXT)
        values, spans = np.empty((numbers, capacity)), np.empty((2, texts, capacity), np.uint32)
        missing, traits = np.empty(word_capacity, WORD), np.zeros(numbers, np.uint8)
        pointers = (a.ctypes.data for a in (values, spans[0], spans[1], missing, traits))
        block = Block(*pointers, capacity, capacity, word_capacity)
        status = self._library.nk_parse(ctypes.byref(layout), view.ctypes.data, len(text), ctypes.byref(block))
        rows, found = block.rows, missing[: block.word_count]
        return Rows(status, block, values[:, :rows], spans[0][:, :rows], spans[1][:, :rows], found, traits)

    def format(
        self,
        text: bytes,
        columns: Sequence[Any],
        rows: Rows,
        *,
        delimiter: str = ",",
        crlf: bool = False,
        capacity: int = 1 << 16,
    ) -> tuple[int, bytes, Any]:
        """The status, the text and the cursor for columns that are arrays of numbers, or (starts, lengths)."""
        view, entries, number = np.frombuffer(text, np.uint8), np.zeros(len(columns), COLUMN), 0
        for entry, column in zip(entries, columns, strict=True):
            if isinstance(column, tuple):
                entry["starts"], entry["lengths"] = (a.ctypes.data for a in column)
            else:
                entry["values"], entry["word"] = column.ctypes.data, number
                number += 1
        table = Table(entries.ctypes.data, view.ctypes.data, len(text), rows.words.ctypes.data, len(rows.words))
        table.rows, table.fields = rows.block.rows, len(columns)
        table.delimiter, table.crlf = delimiter.encode(), crlf
        out = np.empty(capacity, np.uint8)
        output = Output(out.ctypes.data, capacity)
        status = self._library.nk_format(ctypes.byref(table), ctypes.byref(output))
        return status, out[: output.size].tobytes(), output
