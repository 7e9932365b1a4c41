"""Bytes come the same from files, pipes and what a shell hands on."""

import errno
import gzip
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from normcli.errors import BadDataError, NoInputError, OutputError, spelled_as
from normcli.formats._binary.faults import reading
from normcli.io.sources import Source, open_source
from tests.conftest import examples
from tests.formats.conftest import feed, in_memory, pipe_path, through_pipe

DATA = bytes(range(256)) * 3

WAYS: dict[str, Callable[[bytes], Source]] = {
    "file": in_memory,
    "pipe": through_pipe,
    "drops": lambda data: through_pipe(data, [1, 7, 2]),
    "nonblocking": lambda data: through_pipe(data, [5, 1], blocking=False),
}


@pytest.mark.parametrize("way", WAYS)
@given(
    size=st.integers(0, 30),
    steps=st.lists(st.tuples(st.sampled_from(["peek", "read", "again"]), st.integers(1, 12)), max_size=8),
)
@settings(max_examples=examples(60))
@example(size=2, steps=[("peek", 4), ("peek", 3), ("read", 10)])
@example(size=9, steps=[("peek", 4), ("read", 3), ("read", 9)])
@example(size=9, steps=[("peek", 2), ("peek", 4), ("read", 1), ("again", 8)])
def test_bytes_come_in_order_once(way: str, size: int, steps: list[tuple[str, int]]) -> None:
    """Whatever is peeked at, and whatever is read with what came before it."""
    data = DATA[:size]
    source = WAYS[way](data)
    at, last = 0, b""
    for what, count in steps:
        if what == "peek":
            if at == 0:  # it is for telling formats apart
                assert source.peek(count) == data[:count]
            continue
        after = last[-3:] if what == "again" else b""
        last = source.read(count, after=after)
        assert last == after + data[at : at + count]
        at = min(at + count, size)
        assert source.count == at
    assert source.read(100) == data[at:]
    assert source.read(1) == b""
    assert source.count == size


@pytest.mark.parametrize("way", WAYS)
def test_a_large_read(way: str) -> None:
    data = os.urandom(300_000)
    source = WAYS[way](data)
    assert source.peek(4) == data[:4]
    first = source.read(200_000)
    assert source.read(200_000, after=first[-50_000:]) == data[150_000:]


def test_size_is_known_of_a_file_alone() -> None:
    assert in_memory(b"12345").size == 5
    assert through_pipe(b"12345").size is None


@given(st.tuples(st.integers(0, len(DATA)), st.integers(0, len(DATA))).map(sorted), st.integers(1, 99))
def test_a_range_is_read_apart_from_the_rest(edges: list[int], step: int) -> None:
    (start, end), source = edges, in_memory(DATA)
    before = source.read(5)
    parts, part = list[bytes](), source.range(start, end)
    while piece := part.read(step):
        parts.append(piece)
        before += source.read(1)
    assert b"".join(parts) == DATA[start:end]
    assert before == DATA[: len(before)]


def test_a_range_is_no_compressed_file_whatever_it_begins_with() -> None:
    data = b"12345" + gzip.compress(b"x")
    assert in_memory(data).range(5, len(data)).rest() == data[5:]


def test_a_file_is_read_from_where_it_stands() -> None:
    file = in_memory(b"0123456789").file
    file.seek(4)
    source = Source("rest", file)
    assert (source.size, source.peek(2), source.read(3), source.read(9)) == (6, b"45", b"456", b"789")


class Gone(io.FileIO):
    """A file that another thread closes the moment it is asked."""

    asked = False

    def tell(self) -> int:
        if self.asked:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return super().tell()


@pytest.mark.parametrize("packed", [False, True])
def test_how_far_it_was_read_can_be_asked_while_another_thread_closes_it(packed: bool, tmp_path: Path) -> None:
    data = gzip.compress(DATA) if packed else DATA
    (tmp_path / "data").write_bytes(data)
    source = Source("data", file := Gone(tmp_path / "data", "rb"))
    file.asked = True
    source.read(1)
    assert 0 < source.position <= len(data)
    source.rest()
    assert source.position == len(data)
    source.close()
    assert source.position == len(data)


@pytest.mark.parametrize("way", WAYS)
def test_in_place_all_bytes_can_be_read_at_any_position(way: str) -> None:
    for peeked in (0, 4):
        source = WAYS[way](DATA)
        assert source.peek(peeked) == DATA[:peeked]
        path = source.in_place()
        with open(path, "rb") as file:
            assert file.read() == DATA
            file.seek(100)
            assert file.read(5) == DATA[100:105]


def test_a_spool_that_can_not_be_written_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    source = Source("p", through_pipe(DATA).file)
    with pytest.raises(OutputError) as caught:
        source.in_place()
    assert caught.value.message == f"p: can't be kept in {tmp_path / 'gone'}: {os.strerror(errno.ENOENT)}"
    assert caught.value.hint == "set TMPDIR"


def test_draining_reads_a_pipe_to_its_end() -> None:
    end, start = os.pipe()
    thread = feed(start, b"x" * 300_000)
    Source("p", io.FileIO(end, "rb")).drain()
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="a file that can't be read at its start")
def test_a_failing_read_is_told_with_its_name() -> None:
    source = Source("broken", io.FileIO("/proc/self/mem", "rb"))
    with pytest.raises(OutputError) as caught:
        source.read(1)
    assert caught.value.message == f"broken: reading failed: {os.strerror(errno.EIO)}"


# -- opening -----------------------------------------------------------------------------------------------------
def test_opening_a_file_a_fifo_and_a_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(DATA)
    source = open_source(path)
    assert (source.name, source.size, source.read(1000)) == (str(path), len(DATA), DATA)

    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    thread = threading.Thread(target=lambda: fifo.write_bytes(DATA))
    thread.start()
    source = open_source(fifo)
    assert (source.size, source.peek(3), source.read(1000)) == (None, DATA[:3], DATA)
    thread.join()

    with pipe_path(DATA) as given_path:
        assert open_source(given_path).read(1000) == DATA


def test_what_can_not_be_opened_is_told(tmp_path: Path) -> None:
    for path, said in (
        (tmp_path / "none\n.csv", r"none\n.csv: there is no such file"),
        (tmp_path, "is a directory"),
        (tmp_path / "a\0b", ""),
        (tmp_path / ("n" * 300), os.strerror(errno.ENAMETOOLONG)),
        (tmp_path / "none" / "d.csv", f"there is no directory {tmp_path}/none"),
    ):
        with pytest.raises(NoInputError) as caught:
            open_source(path)
        assert said in caught.value.message
        assert caught.value.message.isprintable()
        assert caught.value.code == 66


def test_a_name_that_is_no_text_is_opened(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.csv"
    with open(path, "wb") as file:
        file.write(b"1")
    source = open_source(os.fsdecode(path))
    assert source.name.isprintable()
    assert source.read(2) == b"1"


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
def test_what_the_system_says_of_reading_is_no_fault_of_the_data(tmp_path: Path, number: int) -> None:
    """pyarrow's errors of data have no number."""
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    source = open_source(tmp_path / "x.parquet")
    with pytest.raises(OutputError, match=f"x.parquet: reading failed: {os.strerror(number)}"), reading(source, "X"):
        raise OSError(number, "Error reading bytes from file")
    with pytest.raises(BadDataError, match=r"x.parquet: not a sound X \("), reading(source, "X"):
        raise OSError("thrift")


@pytest.mark.parametrize(
    "given",
    [
        "in/b.csv",
        "./in/b.csv",
        "../here/in/b.csv",
        "in",
        "b.csv",
        "none/b.csv",
        "in/none/no/b.csv",
        "in/a.csv/b.csv",
        "link",
    ],
)
def test_who_opens_a_path_elsewhere_says_of_it_what_is_said_here(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / "in").mkdir(parents=True)
    (tmp_path / "here" / "in" / "a.csv").touch()
    (tmp_path / "here" / "link").symlink_to("nowhere")
    monkeypatch.chdir(tmp_path / "here")
    said = []
    for there in (False, True):
        path = os.path.abspath(given)
        if there:
            monkeypatch.chdir("/")
        with pytest.raises(NoInputError) as caught:
            open_source(path, spelling=given) if there else open_source(given)
        said.append((caught.value.message, caught.value.hint))
    assert said[0] == said[1]


PARTS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4)


@given(PARTS, PARTS, st.integers(0, 3))
def test_paths_are_spelled_as_from_the_directory_that_one_of_them_is_given_from(
    one: list[str], other: list[str], depth: int
) -> None:
    path, cwd = "/" + "/".join(one), "/" + "/".join(one[:depth])
    spelled = spelled_as(os.path.relpath(path, cwd) if depth < len(one) else path, path, "/" + "/".join(other))
    assert os.path.normpath(os.path.join(cwd, spelled)) == "/" + "/".join(other)
    if depth < len(one) and depth < len(other) and other[:depth] == one[:depth]:
        assert not os.path.isabs(spelled)
