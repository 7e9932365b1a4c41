"""What tests of formats share: Python's csv module as an oracle, bytes as inputs, and the whole way through."""

import csv
import io
import itertools
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from normcli import api, columns, kernel, pipeline
from normcli.columns import Field, Infinite
from normcli.engines.threads import Threads
from normcli.errors import BadDataError, BadPlaceError, BadRowError
from normcli.formats import Chunk
from normcli.formats import csv as csv_format
from normcli.formats.csv import Options
from normcli.io.sources import Source
from normcli.methods import Method
from normcli.methods.maxabs import MaxAbs
from normcli.parameters import Parameters, unfitted
from normcli.parameters import file as params
from normcli.pipeline.decoding import in_words
from tests.cli.conftest import run
from tests.cli.conftest import workspace as workspace
from tests.conftest import longer

NAME = "t.csv"
MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL"})
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)

Value = str | float | None


@dataclass(frozen=True)
class Rows:
    """What is in a file: its names, its rows, how many blank lines were between them."""

    names: list[str]
    rows: list[list[Value]]
    blank_lines: int = 0


# -- both ways ---------------------------------------------------------------------------------------------------
OF_TEXT = ("csv_cut", "csv_damage", "csv_faults", "csv_types", "missing", "passing", "skipping", "tsv", "types")
LONG = ("missing", "passing")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of plain text run with the native kernel, where there is one, and without it."""
    module = metafunc.module.__name__.rpartition("test_")[2]
    if module in OF_TEXT:
        metafunc.fixturenames.append("kernel_switch")
        without = longer("off") if module in LONG else ["off"]
        settings = ["on", *without] if kernel.library() else ["off"]
        metafunc.parametrize("kernel_switch", settings, indirect=True, scope="module")


@pytest.fixture(scope="module")
def kernel_switch(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.environ.get(kernel.SWITCH)
    os.environ[kernel.SWITCH] = request.param
    yield
    os.environ.pop(kernel.SWITCH)
    if before is not None:
        os.environ[kernel.SWITCH] = before


# -- the oracle --------------------------------------------------------------------------------------------------
def oracle(data: bytes, delimiter: str = ",") -> Rows:
    """As Python's csv module reads it, without blank lines before the header. Raises csv.Error or
    UnicodeDecodeError."""
    before = csv.field_size_limit(1 << 30)
    try:
        text = io.StringIO(data.decode("utf-8-sig").lstrip("\r\n"), newline="")
        lines = list(csv.reader(text, strict=True, delimiter=delimiter))
    finally:
        csv.field_size_limit(before)
    rows: list[list[Value]] = [list(line) for line in lines[1:] if line]
    return Rows(lines[0], rows, sum(not line for line in lines[1:]))


def number(word: Value) -> float | None:
    """The number that a field of a selected column holds, None where it is missing."""
    stripped = str(word).strip(" \t")
    if stripped in MISSING or stripped.lower().lstrip("+-") == "nan":
        return None
    assert NUMBER.fullmatch(stripped), f"{word!r} was taken for a number"
    return float(stripped)


def as_numbers(rows: Rows, wanted: Sequence[str]) -> Rows:
    """The oracle's rows, the wanted columns as numbers."""
    at = [name in wanted for name in rows.names]
    made: list[list[Value]] = [
        [number(v) if w else v for v, w in zip(row, at, strict=True)] if len(row) == len(at) else row
        for row in rows.rows
    ]
    return Rows(rows.names, made, rows.blank_lines)


# -- bytes as inputs ---------------------------------------------------------------------------------------------
def in_memory(data: bytes, name: str = NAME, *, room: int | None = None) -> Source:
    """As a regular file."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        return Source(name, io.FileIO(os.dup(file.fileno()), "rb"), room=room)


def feed(fd: int, data: bytes, sizes: Sequence[int] = (1 << 16,)) -> threading.Thread:
    """Writes into a pipe, in pieces of these sizes, and closes it."""

    def write() -> None:
        at = 0
        try:
            for size in itertools.cycle(sizes):
                if at >= len(data):
                    break
                at += os.write(fd, data[at : at + size])
        except BrokenPipeError:
            pass
        finally:
            os.close(fd)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def through_pipe(data: bytes, sizes: Sequence[int] = (1 << 16,), *, blocking: bool = True) -> Source:
    """As a pipe."""
    end, start = os.pipe()
    os.set_blocking(end, blocking)
    feed(start, data, sizes)
    return Source(NAME, io.FileIO(end, "rb"))


@contextmanager
def pipe_path(data: bytes, sizes: Sequence[int] = (1 << 16,)) -> Iterator[str]:
    """As a path that can be read only once, which is what a shell gives for <(command)."""
    end, start = os.pipe()
    feed(start, data, sizes)
    try:
        yield f"/dev/fd/{end}"
    finally:
        os.close(end)


# -- reading -----------------------------------------------------------------------------------------------------
def reader(data: bytes | Source, block_size: int | None = None, **options: Any) -> Any:
    source = data if isinstance(data, Source) else in_memory(data)
    return csv_format.Reader(source, Options(**options), block_size=block_size)


def numeric(data: bytes, **options: Any) -> list[str]:
    """The columns that are numbers, going by the sample."""
    return [f.name for f in reader(data, **options).description.schema if f.is_number]


def read(
    data: bytes | Source,
    wanted: Sequence[str] = (),
    *,
    block_size: int | None = None,
    infinite: Infinite = "error",
    **options: Any,
) -> Rows:
    """As we read it, one block after the other: wanted columns as numbers, all others as text. Raises BadDataError."""
    made = reader(data, block_size, **options)
    names = [f.name for f in made.description.schema]
    rows: list[list[Value]] = []
    blank_lines = 0
    place = made.description.start
    try:
        for chunk in made.chunks():
            decoded = sane(chunk, frozenset(wanted), infinite)
            try:
                with np.errstate(all="ignore"):
                    block = columns.block(decoded.frame, list(wanted), infinite)
            except BadRowError as e:
                raise BadPlaceError(chunk.locate(e.row), in_words(chunk, e.row, e), e.hint) from None
            numbers: dict[str, list[Value]] = {
                n: [None if np.isnan(v) else v for v in x.tolist()] for n, x in zip(wanted, block.columns, strict=True)
            }
            text = {
                n: ["" if v is None else v for v in decoded.frame.to_polars()[n]] for n in names if n not in numbers
            }
            rows += map(list, zip(*(numbers.get(n) or text.get(n, []) for n in names), strict=True))
            blank_lines += decoded.blank_lines
            place += decoded.places
    except BadPlaceError as e:
        raise BadDataError(f"{made.description.place(place + e.place)}: {e.what}", e.hint) from None
    return Rows(names, rows, blank_lines)


def sane(chunk: Chunk, wanted: frozenset[str], infinite: Infinite) -> Any:
    """A chunk decoded, by the native kernel where that can; a library that panics, which is no Exception, fails the
    test and not the run."""
    try:
        return chunk.compact(wanted, infinite) or chunk.decode(wanted, infinite)
    except Exception:
        raise
    except BaseException as e:
        if type(e).__name__ != "PanicException":
            raise
        raise AssertionError(f"panic: {e}") from None


def refusal(data: bytes | Source, wanted: Sequence[str] = (), *, block_size: int | None = None, **options: Any) -> str:
    """What is said of a file that must be refused."""
    with pytest.raises(BadDataError) as caught:
        read(data, wanted, block_size=block_size, **options)
    return caught.value.message


# -- the whole way -----------------------------------------------------------------------------------------------
def fit(
    source: Source,
    method: Method,
    *,
    include: Sequence[str] = (),
    block_size: int | None = None,
    threads: int = 1,
    infinite: Infinite = "error",
    **options: Any,
) -> Parameters:
    """A fit of a source that has no path."""
    made = reader(source, block_size, **options)
    names = columns.select(made.description.schema, include, ())
    return pipeline.fit(
        [made], Parameters(unfitted(method, names, {}), made.description.schema), Threads(threads), infinite=infinite
    )


def params_of(plan: Parameters) -> bytes:
    return params.write(plan)


def learned(plan: Parameters) -> bytes:
    """All but which bytes it was learned from."""
    return params.write(replace(plan, inputs=()))


def identity(*names: str) -> Parameters:
    """A plan that leaves numbers what they are: divided by 1."""
    step = api.fit_blocks(MaxAbs(), [np.ones((1, len(names)))], names)
    return Parameters((step,), tuple(Field(n, "float64") for n in names), 1)


def applied(plan: Parameters, data: bytes, folder: Path, **more: Any) -> bytes:
    """What apply makes of a CSV file."""
    given, made = folder / "given.csv", folder / "made.csv"
    given.write_bytes(data)
    api.apply(plan, given, made, **more)
    return made.read_bytes()


def fields(data: bytes, name: str, delimiter: str = ",") -> list[Value]:
    """One column of a CSV file."""
    rows = oracle(data, delimiter)
    return [row[rows.names.index(name)] for row in rows.rows]


def normcli(*args: str | Path, stdin: Any = b"", cwd: Path | None = None) -> "subprocess.CompletedProcess[bytes]":
    """The command itself; `stdin` is bytes for a pipe, or a file."""
    ended = run(*args, cwd=cwd or Path.cwd(), stdin=stdin, polite=False)
    done = subprocess.CompletedProcess(args, ended.code, ended.out, ended.err.encode("utf-8", "surrogateescape"))
    assert b"Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place for the files of one example at a time."""
    return tmp_path_factory.mktemp("formats")
