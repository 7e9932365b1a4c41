"""Several files, directories, globs and lists: one fit over all, one output or a directory of them."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import TABLE, Workspace

HEADER, *ROWS = TABLE.splitlines(keepends=True)


@pytest.fixture
def parts(workspace: Workspace) -> Workspace:
    """The table in three files, one with its columns in another order, and one without rows."""
    (workspace / "in").mkdir()
    (workspace / "in" / "1.csv").write_bytes(HEADER + b"".join(ROWS[:2]))
    turned = [b",".join(reversed(row.rstrip().split(b","))) + b"\n" for row in (HEADER, *ROWS[2:5])]
    (workspace / "in" / "2.csv").write_bytes(b"".join(turned))
    (workspace / "in" / "0.csv").write_bytes(HEADER)
    (workspace / "in" / "3.csv").write_bytes(HEADER + b"".join(ROWS[5:]))
    return workspace


def statistics(path: Path) -> dict[str, list[object]]:
    step = json.loads(path.read_bytes())["steps"][0]
    return {
        n: [pytest.approx(v) if isinstance(v, float) else v for v in c.values()] for n, c in step["columns"].items()
    }


def test_one_fit_over_all(parts: Workspace) -> None:
    done = parts.succeeds("fit", "-m", "zscore", "in", "-p", "many.json")
    assert "6 rows of 4 inputs" in done.err
    parts.succeeds("fit", "-m", "zscore", "table.csv", "-p", "one.json")
    assert statistics(parts / "many.json") == statistics(parts / "one.json")
    for names in (["in/0.csv", "in/1.csv", "in/2.csv", "in/3.csv"], ["in/*.csv"], ["in/", "--threads", "3"]):
        parts.succeeds("fit", "-m", "zscore", *names, "-p", "again.json")
        assert (parts / "again.json").read_bytes() == (parts / "many.json").read_bytes()


@pytest.mark.parametrize(("flags", "end"), [((), "\n"), (("-0",), "\0")])
def test_names_from_a_list(parts: Workspace, flags: tuple[str, ...], end: str) -> None:
    names = end.join(f"in/{n}.csv" for n in range(4)).encode()
    listed = parts.succeeds("fit", "-m", "zscore", "--files-from", "-", *flags, stdin=names).out
    assert listed == parts.succeeds("fit", "-m", "zscore", "in").out


def test_all_into_one_output_or_each_into_its_own(parts: Workspace) -> None:
    parts.params()
    whole = parts.succeeds("apply", "-p", "p.json", "table.csv").out
    assert parts.succeeds("apply", "-p", "p.json", "in").out == whole
    done = parts.succeeds("apply", "-p", "p.json", "in", "-o", "out/deep/", "--to", "parquet")
    assert "6 rows of 4 inputs" in done.err
    made = sorted((parts / "out" / "deep").glob("*.parquet"))
    assert [p.name for p in made] == ["0.parquet", "1.parquet", "2.parquet", "3.parquet"]
    assert [pq.read_metadata(p).num_rows for p in made] == [0, 2, 3, 1]
    back = parts.succeeds("apply", "-p", "p.json", "--inverse", "out/deep", "--to", "csv", "--only").out
    assert back == parts.succeeds("apply", "-p", "p.json", "--inverse", "--only", stdin=whole).out


def test_each_keeps_its_own_column_order_in_a_directory(parts: Workspace) -> None:
    parts.params()
    (parts / "out").mkdir()
    (parts / "out" / "other").write_bytes(b"left alone")
    parts.succeeds("apply", "-p", "p.json", "in", "-o", "out")
    assert (parts / "out" / "2.csv").read_bytes().splitlines()[0] == b"c,b,a,site"
    assert (parts / "out" / "other").read_bytes() == b"left alone"


def test_what_is_hidden_in_a_directory_that_is_read_may_be_written(parts: Workspace) -> None:
    parts.params()
    parts.succeeds("apply", "-p", "p.json", "in", "-o", "in/_out/")
    parts.succeeds("apply", "-p", "p.json", "in", "-o", "in/.all.csv")
    assert "6 rows of 4 inputs" in parts.succeeds("fit", "-m", "zscore", "in", "-p", "q.json").err


def test_keys_of_a_hive_tree_pass_through(parts: Workspace) -> None:
    parts.params()
    for year, name in (("2025", "1"), ("__HIVE_DEFAULT_PARTITION__", "3")):
        (parts / "t" / f"year={year}").mkdir(parents=True)
        (parts / "t" / f"year={year}" / "x.csv").write_bytes((parts / "in" / f"{name}.csv").read_bytes())
    out = parts.succeeds("apply", "-p", "p.json", "t").out.splitlines()
    assert out[0] == b"site,a,b,c,year"
    assert [row.rsplit(b",", 1)[1] for row in out[1:]] == [b"2025", b"2025", b""]
    parts.succeeds("apply", "-p", "p.json", "t", "-o", "o/")
    assert (parts / "o" / "year=2025" / "x.csv").read_bytes().splitlines()[0] == HEADER.strip()


def test_a_fault_names_its_file_and_line(parts: Workspace) -> None:
    parts.params()
    with (parts / "in" / "2.csv").open("ab") as file:
        file.write(b"oops,1,2,x\n")
    for command in (["fit", "-m", "zscore", "-p", "q.json"], ["apply", "-p", "p.json", "-o", "q.csv"]):
        assert parts.fails(65, *command, "in").startswith("in/2.csv:5: 'oops' in column 'c' is not a number")
    (parts / "in" / "2.csv").write_bytes(b"site,a,b\nx,1,2\n")
    assert parts.fails(65, "fit", "-m", "zscore", "in", "-p", "q.json").startswith("in/2.csv: no column is called c")


def test_numeric_here_and_text_there_is_refused(workspace: Workspace) -> None:
    pq.write_table(pa.table({"x": [1.0, 2.0]}), workspace / "1.parquet")
    pq.write_table(pa.table({"x": ["1", "2"]}), workspace / "2.parquet")
    error = workspace.fails(65, "fit", "-m", "center", "1.parquet", "2.parquet")
    assert error.startswith("2.parquet: column 'x' is not numeric but ")


def test_one_output_has_one_set_of_columns(workspace: Workspace) -> None:
    workspace.params("center", "-c", "a", name="p.json")
    (workspace / "1.csv").write_bytes(b"a,b\n1,2\n")
    (workspace / "2.csv").write_bytes(b"a\n1\n")
    (workspace / "3.csv").write_bytes(b"a,b,z\n1,2,3\n")
    apply = ["apply", "-p", "p.json", "-o", "o.csv", "1.csv"]
    assert workspace.fails(65, *apply, "2.csv").startswith("2.csv: lacks b")
    assert workspace.fails(65, *apply, "3.csv").startswith("3.csv: has z")


def test_what_is_done_before_a_fault_stays_and_the_rest_is_not_begun(parts: Workspace) -> None:
    parts.params()
    (parts / "in" / "2.csv").write_bytes(b"site,a,b,c\nx,1,2,oops\n")
    done = parts.run("apply", "-p", "p.json", "in", "-o", "out/")
    assert done.code == 65
    assert sorted(p.name for p in (parts / "out").iterdir() if not p.name.startswith(".")) == ["0.csv", "1.csv"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["table.csv", "table.csv", "-o", "o.csv"], "table.csv is given twice"),
        (["in/1.csv", "in/2.csv", "-o", "in/2.csv"], "-o in/2.csv is one of the INPUTs"),
        (["in", "-o", "in/"], "lies in a directory that is read"),
        (["in", "-o", "in/out/"], "lies in a directory that is read"),
        (["in", "-o", "in/all.csv"], "lies in a directory that is read"),
        (["in/1.csv", "-o", "in/"], "in/1.csv is an INPUT, and would be replaced"),
        (["--files-from", "-", "-"], "standard input"),
        (["in/1.csv", "x/1.csv", "-o", "out/"], "in/1.csv and x/1.csv would both become out/1.csv"),
        (["-", "-o", "out/"], "standard input has no name"),
        (["--files-from", "-", "-p", "-"], "standard input"),
        (["-0", "table.csv"], "-0 is for --files-from"),
    ],
)
def test_wrong_before_anything_is_written(parts: Workspace, words: list[str], message: str) -> None:
    parts.params()
    (parts / "x").mkdir()
    (parts / "x" / "1.csv").write_bytes(TABLE)
    given = words if "-p" in words else ["-p", "p.json", *words]
    assert message in parts.fails(2, "apply", *given, stdin=b"table.csv\n")
