"""Lines, rows and headers beyond all measure: refused with what is wrong, or read right, in bounded memory."""

import subprocess
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from normcli import api
from normcli.errors import BadDataError, BadPlaceError
from normcli.formats import csv, ndjson
from normcli.formats._json.members import LineCheck
from normcli.formats._text import cutting
from normcli.formats._text.names import first_twice
from normcli.io.sources import Source, open_source
from normcli.methods.center import Center
from normcli.parameters import file as params
from tests.formats.conftest import identity, in_memory, read, refusal

MB = 1 << 20
PROGRAM = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "normcli", *sys.argv[1:]])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)
sys.exit(done.returncode)
"""


def run(folder: Path, *args: str, stdin: Iterable[bytes]) -> tuple[int, str, int]:
    """Exit code, standard error, and the most memory that it took, in MB."""
    command = [sys.executable, "-c", PROGRAM, *args]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=folder, **pipes) as process:  # type: ignore[call-overload]
        try:
            for piece in stdin:
                process.stdin.write(piece)
        except BrokenPipeError:
            pass
        out, said = process.communicate(timeout=600)
    return process.returncode, said.decode(), int(out)


def gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    member = zlib.compressobj(9, wbits=31)
    yield from (member.compress(piece) for piece in pieces)
    yield member.flush()


def line(size: int, begins: bytes = b"", ends: bytes = b"") -> Iterator[bytes]:
    """Of so many MB."""
    yield begins
    yield from (b"x" * MB for _ in range(size))
    yield ends


WIDE = 2000  # columns; in soak a hundred thousand


def wide(columns: int) -> bytes:
    rows = [[f"c{j}" for j in range(columns)], *([f"{i}.{j}" for j in range(columns)] for i in range(3))]
    return "".join(",".join(row) + "\n" for row in rows).encode()


@pytest.mark.parametrize("columns", [WIDE, pytest.param(100_000, marks=pytest.mark.soak)])
def test_many_columns_there_and_back(columns: int, tmp_path: Path) -> None:
    data = wide(columns)
    (tmp_path / "wide.csv").write_bytes(data)
    plan = api.fit(tmp_path / "wide.csv", Center())
    assert len(plan.steps[0].columns) == columns
    assert params.read(params.write(params.sealed(plan))).steps[0].columns == plan.steps[0].columns
    api.apply(plan, tmp_path / "wide.csv", tmp_path / "z.csv")
    api.apply(plan, tmp_path / "z.csv", tmp_path / "back.csv", inverse=True)
    first, *rows = (tmp_path / "back.csv").read_text().splitlines()
    assert first.encode() == data.split(b"\n")[0]
    for i, row in enumerate(rows):
        found = [float(v) for v in row.split(",")]
        assert max(abs(v - float(f"{i}.{j}")) for j, v in enumerate(found)) < 1e-12


def test_a_name_twice_among_many_is_found() -> None:
    """In one look over them, in a header and in a line."""
    names = [f"c{j}" for j in range(100_000)] + ["c99999"]
    assert first_twice(names) == "c99999"
    assert first_twice(names[:-1]) is None
    assert refusal((",".join(names) + "\n").encode()) == "t.csv:1: two columns are called 'c99999'"
    row = b"{" + b",".join(b'"%s":1' % n.encode() for n in names) + b"}"
    assert LineCheck(frozenset(), finite=False).fault(row) == "key 'c99999' is there twice"


def test_new_keys_in_every_row_of_a_sample() -> None:
    data = b"".join(b'{"a":1,"k%d":1,"b":2,"j%d":3}\n' % (i, i) for i in range(1000))
    names = [f.name for f in ndjson.Reader(in_memory(data, "t.ndjson"), ndjson.Options()).description.schema]
    assert len(names) == 2002
    assert [n for n in names if n in ("a", "k0", "k999", "b", "j0", "j999")] == ["a", "k999", "k0", "b", "j999", "j0"]


def test_a_header_of_long_names() -> None:
    names = [str(j) * MB for j in range(3)]
    assert read((",".join(names) + "\n1,2,3\n").encode()).names == names
    said = refusal((",".join([*names, names[1]]) + "\n").encode())
    assert said.startswith("t.csv:1: two columns are called '1")
    assert len(said) < 1000


@pytest.mark.parametrize("module", [csv, ndjson])
@pytest.mark.parametrize("quote", [b"", b'"'])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_row_is_held_to_the_longest(
    module: Any, quote: bytes, before: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """At the beginning and after good rows, in quotes and not; and hardly more is read than that."""
    monkeypatch.setattr(cutting, "LONGEST_ROW", 2 * MB)
    good = b"a\n" if module is csv else b'{"a":1}\n'
    rows = [good, *[b"1\n" if module is csv else good] * (before - 1)] if before else []
    (tmp_path / "long").write_bytes(b"".join(rows) + quote + b"x" * (9 * MB))
    source = open_source(tmp_path / "long")
    with pytest.raises((BadDataError, BadPlaceError), match="a row of more than 2 MB"):
        drain(module, source)
    assert source.count <= 4 * MB


def drain(module: Any, source: Source) -> None:
    for chunk in module.Reader(source, module.Options(), block_size=MB).chunks():
        chunk.decode(frozenset())


@pytest.mark.soak
def test_lines_without_end_take_bounded_memory(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_bytes(params.write(params.sealed(identity("n"))))
    begins = b"n,t\n1,"
    for size, name, pieces, code in (
        (47, "47 MB in a line", line(47, begins, b"\n2,y\n"), 0),
        (100, "100 MB in quotes", line(100, begins + b'"', b'"\n2,y\n'), 0),
        (300, "300 MB in a line", line(300, begins), 65),
        (400, "400 MB of gzip", gzipped(line(400, begins)), 65),
        (400, "400 MB of gzip, at the beginning", gzipped(line(400)), 65),
        (400, "400 MB of gzip in quotes", gzipped(line(400, b'"')), 65),
    ):
        for command in (("apply", "-p", "p.json", "-o", "out.csv"), ("fit", "-m", "zscore", "-c", "n", "-p", "q.json")):
            pieces = list(pieces)
            found, said, memory = run(tmp_path, *command, stdin=pieces)
            assert found == code, (name, said)
            assert code == 0 or "a row of more than 256 MB" in said, (name, said)
            assert memory < 300 + 7 * min(size, 256), (name, memory)
            print(f"{name}: {command[0]}: exit {found}, {memory} MB")


def test_refusals_are_short() -> None:
    """Whatever the size of what is wrong."""
    with pytest.raises(BadDataError) as caught:
        read(b"n\n" + b"9" * MB + b"x\n", ["n"])
    assert len(caught.value.message) < 200
