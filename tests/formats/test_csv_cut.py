"""Where a stream is cut changes nothing: laws of CSV passing through, over any table, block size and way in."""

import io
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from normcli import api
from normcli.formats.csv import Options
from normcli.io.sources import Source
from normcli.methods.zscore import ZScore
from tests.conftest import examples, longer
from tests.formats.conftest import (
    Rows,
    applied,
    as_numbers,
    feed,
    fit,
    identity,
    in_memory,
    learned,
    oracle,
    params_of,
    pipe_path,
    read,
    through_pipe,
)

NUMBERS = ["1.0", "-0.5", "0.0", "12345.678", "1e-7", "-2.5e+300", ""]  # as they are written, too
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Written:
    """A table as a file."""

    data: bytes
    minimal: bytes  # the same, quoted where RFC 4180 needs it, without mark, blank lines or missing line ends
    rows: int


def quoted(field: str | None, delimiter: str, *, always: bool = False) -> str:
    """A field as it is written: None is empty, and apart from it "" is a pair of quotes."""
    if field is None:
        return ""
    needed = not field or any(c in field for c in (delimiter, '"', "\r", "\n"))
    return '"' + field.replace('"', '""') + '"' if needed or always else field


@st.composite
def tables(draw: st.DrawFn, delimiter: str = ",", *, always: bool | None = None) -> Written:
    """A column of numbers, n, among some of text."""
    text = st.text("ab7 .,;\t\"'\n\ré\u2028\ufeff😀#\\\0", max_size=5)
    hard = st.sampled_from(["\r\n", '"', '""', "007", "NA", "1,000", "\n\n", " ", "\ufeff"])
    field = st.one_of(st.none(), text, hard)
    name = text.filter(lambda t: t != "n" and "\ufeff" not in t)  # at the start of a file that is a mark
    names = draw(st.lists(name, max_size=3, unique=True))
    at = draw(st.integers(0, len(names)))
    header: list[str | None] = [*names[:at], "n", *names[at:]]
    line_end = draw(st.sampled_from(["\n", "\r\n"]))
    all_quoted = draw(st.booleans()) if always is None else always
    data, minimal = draw(st.sampled_from([b"", BOM])), b""
    count = draw(st.integers(0, 12))
    for i in range(count + 1):
        row = header
        if i:
            number = draw(st.sampled_from(NUMBERS))
            if not names:  # in a column by itself a missing number is a pair of quotes, or there would be no row
                number = number or "1.0"
            row = [*(draw(field) for _ in names[:at]), number or None, *(draw(field) for _ in names[at:])]
            data += line_end.encode() * draw(st.sampled_from([0, 0, 0, 0, 1, 2]))
        plain = [n or ("" if len(header) == 1 else None) for n in row] if not i else row
        data += (delimiter.join(quoted(f, delimiter, always=all_quoted) for f in plain) + line_end).encode()
        minimal += (delimiter.join(quoted(f, delimiter) for f in plain) + line_end).encode()
    if draw(st.booleans()) and data.endswith(line_end.encode()):
        data = data[: -len(line_end)]
        if count == 0:  # the first line's ending is used throughout, and there is none
            minimal = minimal[: -len(line_end)] + b"\n"
    return Written(data, minimal, count)


@given(tables(), st.integers(1, 200), st.integers(1, 3))
def test_what_is_not_selected_comes_out_byte_for_byte(folder: Path, table: Written, size: int, threads: int) -> None:
    made = applied(identity("n"), table.data, folder, block_size=size, threads=threads)
    assert made == table.minimal
    assert oracle(made) == Rows(oracle(table.data).names, oracle(table.data).rows)


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " ", "~"])
@given(data=st.data(), size=st.integers(1, 200))
@settings(max_examples=examples(30, part=4))
def test_another_delimiter_is_kept(folder: Path, delimiter: str, data: st.DataObject, size: int) -> None:
    table = data.draw(tables(delimiter))
    options = Options(delimiter=delimiter)
    assert applied(identity("n"), table.data, folder, block_size=size, format_options=options) == table.minimal


@given(tables(), st.integers(1, 200), st.booleans())
@settings(max_examples=examples(150))
def test_rows_are_those_of_the_csv_module(table: Written, size: int, selected: bool) -> None:
    wanted = ["n"] if selected else []
    assert read(table.data, wanted, block_size=size) == as_numbers(oracle(table.data), wanted)


@given(
    tables(),
    st.integers(1, 200),
    st.lists(st.integers(1, 70), min_size=1, max_size=4),
    st.booleans(),
    st.sampled_from([[], ["n"]]),
)
@example(Written(b"n\n", b"n\n", 0), 64, [1], True, ["n"])
@example(Written(b"n", b"n\n", 0), 64, [1], False, [])
def test_a_pipe_is_read_like_a_file(
    table: Written, size: int, writes: list[int], blocking: bool, wanted: list[str]
) -> None:
    source = through_pipe(table.data, writes, blocking=blocking)
    assert source.peek(4) == table.data[:4]  # as it is done to tell the format
    assert read(source, wanted, block_size=size) == read(table.data, wanted, block_size=size)


SAME = (
    "id,n,text\r\n"
    + "".join(f'{i},{i * 0.37 - 5:.3f},"é {i}\r\n""x"", y"\r\n' + "\r\n" * (i % 7 == 0) for i in range(300))
).encode()


@pytest.mark.parametrize("threads", [1, 3, *longer(2)])
def test_params_and_output_are_the_same_bytes_whatever_the_way_in(threads: int, folder: Path) -> None:
    path = folder / "same.csv"
    path.write_bytes(SAME)
    plan = api.fit(path, ZScore(), block_size=1000)
    first, without_sketches = params_of(plan), params_of(api.fit(path, ZScore(), block_size=1000, no_sketch=True))
    for _ in range(2):
        assert params_of(api.fit(path, ZScore(), block_size=1000, threads=threads)) == first
    for sizes in ([1], [7, 1, 999], [1 << 16]):
        with pipe_path(SAME, sizes) as pipe:
            assert params_of(api.fit(pipe, ZScore(), block_size=1000, threads=threads)) == first
        for blocking in (True, False):
            source = through_pipe(SAME, sizes, blocking=blocking)
            assert params_of(fit(source, ZScore(), block_size=1000, threads=threads)) == without_sketches

    once = applied(plan, SAME, folder, block_size=1000)
    assert applied(plan, SAME, folder, block_size=1000, threads=threads) == once
    assert applied(plan, SAME, folder, block_size=77, threads=threads) == once
    with pipe_path(SAME, [13, 1]) as pipe:
        api.apply(plan, pipe, folder / "piped.csv", block_size=1000, threads=threads)
    assert (folder / "piped.csv").read_bytes() == once


def test_a_file_that_grew_a_mark_or_lost_its_last_line_end_is_the_same_to_a_fit(folder: Path) -> None:
    """A mark shifts the bytes, not the marks at which they are cut."""
    plans = set()
    for data in (SAME, BOM + SAME, SAME[:-2]):
        path = folder / "same.csv"
        path.write_bytes(data)
        plans.add(learned(api.fit(path, ZScore(), block_size=1000)))
    assert len(plans) == 1


def test_a_file_handed_on_in_the_middle_is_read_from_there(folder: Path) -> None:
    """{ read line; normcli …; } < file."""
    path = folder / "stands.csv"
    path.write_bytes(b"# not for us\n" + SAME)
    file = io.FileIO(path, "rb")
    file.seek(13)
    made = fit(Source("<stdin>", file), ZScore(), block_size=1000)
    assert params_of(made) == params_of(fit(in_memory(SAME), ZScore(), block_size=1000))


def test_blocks_of_the_default_size_come_out_byte_for_byte(folder: Path) -> None:
    """Text that looks like rows, several times the parser's own pieces long, over three blocks in three threads."""
    inner = "".join(f"{i},x,y\n" for i in range(10_000)).replace("\n", '\n""q"",')
    rows = [f'{i}.0,"{inner}",\n' if i % 3 else f'{i}.0,"","{i},\r\n"\n' * 2000 for i in range(180)]
    data = ("n,a,b\n" + "".join(rows)).encode()
    assert len(data) > 2 * 8 << 20
    assert applied(identity("n"), data, folder, threads=3) == data


def test_feeding_stops_when_nobody_reads() -> None:
    """A test of the tests: a reader that raised leaves no thread behind."""
    end, start = os.pipe()
    thread = feed(start, b"x" * (1 << 20))
    os.close(end)
    thread.join(10)
    assert not thread.is_alive()
