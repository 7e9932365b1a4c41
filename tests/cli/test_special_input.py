"""Data come from anywhere, under any name, with anything in it, and are the same data."""

import os
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import PATIENCE, TABLE, Workspace, ending, fitted, until

FIT = ("fit", "-m", "zscore")
ODD = {
    "a\nb": "a\\nb",
    "=cmd|' /C calc'!A0": "=cmd|' /C calc'!A0",
    "[/markup]": "[/markup]",
    "[bold]x": "[bold]x",
    "temp[b]": "temp[b]",
    "x\ty": "x\\ty",
    "\x1b[31mred\x1b[0m": "\\x1b[31mred\\x1b[0m",
    "\u202eright\u2066": "\\u202eright\\u2066",
    'say "a, b"': 'say "a, b"',
    "größe": "größe",
    "$HOME {0} %s": "$HOME {0} %s",
}


# -- places ------------------------------------------------------------------------------------------------------
def test_a_file_a_pipe_and_all_between_give_the_same_parameters(workspace: Workspace) -> None:
    same = fitted("zscore")
    with (workspace / "table.csv").open("rb") as file:
        assert workspace.succeeds(*FIT, stdin=file).out == same
    assert workspace.succeeds(*FIT, "table.csv").out == same
    assert workspace.succeeds(*FIT, "/dev/fd/3", via='cat table.csv | { exec "$@" 3<&0 <&-; }').out == same
    os.mkfifo(workspace / "fifo.csv")
    assert workspace.succeeds(*FIT, "fifo.csv", via='cat table.csv >fifo.csv & exec "$@"').out == same
    assert workspace.succeeds(*FIT, via='(head -c 9 table.csv; sleep 0.2; tail -c +10 table.csv) | "$@"').out == same


def test_so_does_parquet(workspace: Workspace, parquet: str) -> None:
    same = workspace.succeeds(*FIT, parquet).out
    with (workspace / parquet).open("rb") as file:
        assert workspace.succeeds(*FIT, stdin=file).out == same  # read in place
    assert workspace.succeeds(*FIT, stdin=(workspace / parquet).read_bytes()).out == same  # spooled
    os.mkfifo(workspace / "fifo.parquet")
    assert workspace.succeeds(*FIT, "fifo.parquet", via=f'cat {parquet} >fifo.parquet & exec "$@"').out == same


def test_parquet_on_a_redirected_file_is_not_spooled(workspace: Workspace, parquet: str) -> None:
    with (workspace / parquet).open("rb") as file:
        workspace.succeeds(*FIT, stdin=file, env={"TMPDIR": "/nosuch"})


def test_a_file_that_was_read_in_part_goes_on_from_there(workspace: Workspace) -> None:
    (workspace / "two.csv").write_bytes(b"a comment that is not CSV\n" + TABLE)
    via = '{ read line; exec "$@"; } <two.csv'
    assert workspace.succeeds(*FIT, via=via).out == fitted("zscore")


def test_parameters_come_from_anywhere_too(workspace: Workspace) -> None:
    workspace.params()
    good = fitted("zscore")
    same = workspace.succeeds("apply", "table.csv", "-p", "p.json").out
    assert workspace.succeeds("apply", "table.csv", "-p", "-", stdin=good).out == same
    assert workspace.succeeds("inspect", "-", stdin=good).out == workspace.succeeds("inspect", "p.json").out


def test_a_device_without_an_end_to_fit_unit(workspace: Workspace) -> None:
    """What learns nothing looks at the header alone, but whoever writes is heard out."""
    with ending(
        workspace.start("fit", "-m", "unit", "-p", "u.json", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    ) as process:
        assert process.stdin is not None
        process.stdin.write(b"a,b\n" + b"1,2\n" * (1 << 22))
        for _ in range(16):
            process.stdin.write(b"not, at, all, data\n" * 50_000)  # nobody looks
        process.stdin.flush()
        assert process.poll() is None
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said
    assert (workspace / "u.json").read_bytes().count(b'"type": "int64"') == 4


def test_standard_input_is_left_alone_where_it_is_not_asked_for(workspace: Workspace) -> None:
    workspace.params()
    with (workspace / "table.csv").open("rb", buffering=0) as file:
        workspace.succeeds("apply", "table.csv", "-p", "p.json", "-o", "out.csv", stdin=file)
        workspace.succeeds("methods", stdin=file)
        assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == 0


def test_a_pipe_that_does_not_block(workspace: Workspace) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    try:
        with ending(workspace.start(*FIT, "-p", "new.json", stdin=reading)) as process:
            until(workspace.temporaries, "the run has begun")
            os.write(writing, TABLE)
            os.close(writing)
            assert process.wait(PATIENCE) == 0
    finally:
        os.close(reading)
    assert (workspace / "new.json").read_bytes() == fitted("zscore")


# -- file names --------------------------------------------------------------------------------------------------
NAMES = ["-x.csv", "--help", "-", "a[1]*?.csv", "a\nb.csv", b"\xff\xfe.csv", "\x1b[31m [x].csv"]


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_any_name(workspace: Workspace, name: str | bytes) -> None:
    os.rename(workspace / "table.csv", os.path.join(os.fsencode(workspace.path), os.fsencode(name)))
    given = f"./{name}" if name == "-" else name
    shown = given if given != "a\nb.csv" else "a\\nb.csv"
    params, output = (b"p" + os.fsencode(name), b"o" + os.fsencode(name))
    done = workspace.succeeds(*FIT, "-p", params, "--", given)
    if name in ("-x.csv", "a\nb.csv") or isinstance(name, bytes):
        workspace.succeeds("apply", "-p", params, "-o", output, "--", given)
        assert os.path.exists(os.path.join(os.fsencode(workspace.path), output))
    assert Path(os.fsdecode(os.path.join(os.fsencode(workspace.path), params))).read_bytes() == fitted("zscore")
    if isinstance(shown, bytes):
        shown = "\\udcff\\udcfe.csv"
    assert f"-> p{name if isinstance(name, str) else shown}".replace("\n", "\\n").replace("\x1b", "\\x1b") in done.err


def test_outputs_whose_names_begin_with_a_dash(workspace: Workspace) -> None:
    workspace.succeeds(*FIT, "table.csv", "-p", "-p.json")
    workspace.succeeds("apply", "table.csv", "-p", "-p.json", "-o", "-o.csv")
    assert (workspace / "-o.csv").exists()
    workspace.succeeds("inspect", "--", "-p.json")


def test_a_name_with_glob_characters_is_that_file(workspace: Workspace) -> None:
    (workspace / "t[a-z]ble.csv").write_bytes(b"x\n1\n2\n")
    assert b'"name": "x"' in workspace.succeeds(*FIT, "t[a-z]ble.csv").out


def test_suffixes_in_capitals(workspace: Workspace, parquet: str) -> None:
    workspace.params()
    os.rename(workspace / parquet, workspace / "DATA.PARQUET")
    workspace.succeeds("apply", "DATA.PARQUET", "-p", "p.json", "-o", "OUT.CSV")
    assert (workspace / "OUT.CSV").read_bytes().startswith(b"site,a,b,c\nnorth,")


# -- column names ------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two rows under strange names, as CSV and Parquet."""
    path = tmp_path_factory.mktemp("odd")
    quoted = ",".join('"' + name.replace('"', '""') + '"' for name in ODD)
    rows = [",".join(str(j + k) for j in range(len(ODD))) for k in range(2)]
    (path / "odd.csv").write_text("\n".join([quoted, *rows, ""]), newline="")
    pq.write_table(pa.table({name: [j, j + 1] for j, name in enumerate(ODD)}), path / "odd.parquet")
    return {"csv": path / "odd.csv", "parquet": path / "odd.parquet"}


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_strange_column_names_are_literal_in_data_and_escaped_for_people(
    workspace: Workspace, odd: dict[str, Path], format: str
) -> None:
    done = workspace.succeeds(*FIT, odd[format], "-p", "p.json", "-v")
    assert f"({', '.join(ODD.values())})" in done.err
    table = workspace.succeeds("inspect", "p.json").out.decode().splitlines()
    for name in ODD.values():
        assert sum(line.startswith(f"{name} ") for line in table) == 1
    assert all(line.isprintable() for line in table)
    workspace.succeeds("apply", odd[format], "-p", "p.json", "-o", f"out.{format}")
    if format == "parquet":
        assert pq.read_schema(workspace / "out.parquet").names == list(ODD)
    else:
        written = (workspace / "out.csv").read_bytes().split(b"\n-1.0,")[0].decode()
        for name in ODD:
            assert name in written or name.replace('"', '""') in written


def test_strange_names_select_their_columns(workspace: Workspace, odd: dict[str, Path]) -> None:
    given = [word for name in ODD for word in ("-c", name)]
    done = workspace.succeeds("fit", odd["csv"], "-m", "center", *given[:-2], "-p", "p.json", "-v")
    assert f"{len(ODD) - 1} columns ({', '.join(list(ODD.values())[:-1])}), 1 left out" in done.err
    given = [word for name in ODD for word in ("-x", name)]
    done = workspace.succeeds("fit", odd["csv"], "-m", "center", *given[2:], "-p", "p.json", "-v")
    assert f"1 column ({next(iter(ODD.values()))}), {len(ODD) - 1} left" in done.err


def test_a_strange_name_is_escaped_once_in_errors(workspace: Workspace) -> None:
    (workspace / "odd.csv").write_text('"a\nb",c\n1,2\nx,3\n', newline="")
    message = workspace.fails(65, *FIT, "odd.csv", "-c", "a\nb")
    assert "'a\\nb'" in message
    (workspace / "odd.csv").write_text('"a\nb",c\n1,2\ninf,3\n', newline="")
    assert "odd.csv:4: infinite value in column 'a\\nb'" in workspace.fails(65, *FIT, "odd.csv")
    assert "'a\\nb'" not in workspace.fails(65, *FIT, "odd.csv", "-x", "a\tb")


def test_a_value_is_shown_escaped_and_not_at_length(workspace: Workspace) -> None:
    (workspace / "odd.csv").write_bytes(b"a,b\n" + b"1,2\n" * 2_000 + b"\x1b[31m" + b"x" * 10_000 + b",3\n")
    message = workspace.fails(65, *FIT, "odd.csv")
    assert "\\x1b[31mxx" in message
    assert len(message) < 300


def test_no_bytes_of_the_line_are_a_bug(workspace: Workspace) -> None:
    """Arguments that are not UTF-8 can't go into a parameter file."""
    for option in ("--note", "-c"):
        done = workspace.run(*FIT, "table.csv", "-p", "p.json", option, b"\xff")
        assert done.code in (0, 2, 65), done.err
    done = workspace.run("fit", "table.csv", "-m", "decorrelate", "--prefix", b"\xff", "-p", "p.json")
    assert done.code in (0, 2, 65), done.err


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("x.csv", b"x,y\n1,2\n2,1\n1e400,3\n", "1e400"),
        ("x.csv", b'x,y\n1,2\n2,1\n"-1.5e309",3\n', "-1.5e309"),
        ("x.csv", b"x,y\n1,2\n2,1\n" + b"9" * 400 + b",3\n", f"{'9' * 80}…"),
        ("x.ndjson", b'{"x": 1}\n{"x": 2}\n{"x": 1e400, "y": 3}\n', "1e400"),
    ],
)
@pytest.mark.parametrize("method", [("zscore",), ("batch", "--batch-size", "2")])
def test_an_infinite_value_is_shown_as_it_is_spelled(
    workspace: Workspace, name: str, data: bytes, text: str, method: tuple[str, ...]
) -> None:
    """Whether its row is refused or left out."""
    (workspace / name).write_bytes(data)
    line = ("fit", name, "-m", *method, "-c", "x", "-p", "p.json")
    words = f"infinite value in column 'x': '{text}'"
    number = 4 if name == "x.csv" else 3
    assert workspace.fails(65, *line).startswith(f"{name}:{number}: {words} (")
    workspace.run(*line, "--on-bad-row", "skip", "--rejects", "bad")
    assert f'"reason": "{words}"' in (workspace / "bad").read_text()
