"""Names that would do harm: literal in data and JSON, escaped where a person reads them, nothing written elsewhere."""

import csv
import io
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import TABLE, Workspace
from tests.cli.test_messages import CAPABLE, at_terminal
from tests.conftest import longer

NAMES = [
    "plain", "a\nb", "c\r\nd", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x9b31m", "[/markup]", "[bold]x[/bold]",
    ":smile:",
    "../../escape", "/etc/passwd", "..", "=cmd|' /C calc'!A0", "+1", "@x", "-o", "--help", "-", " ", "\t", "a,b",
    'q"uote',
    "n" * 3000, "\u202eabc", "\u2066x", "\u200b", "\ufeffx", "%s{0}$HOME`id`", "*", "?", "[a-z]", "\\n", "null",
    "NaN", "\x7f",
    "\x85", "\u2028line", "🦀", "\x01", "café", "cafe\u0301", "\U000e0041", "a.b[0]", "$.steps[0]", "nul\0x", "nul\0y",
]  # fmt: skip
OF_TEXT = [n for n in NAMES if "\0" not in n]
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u202e\u2066\ufeff\U000e0041]")  # of a name, as it is
OWN = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b\]8;[^\x1b]*\x1b\\|[\t\r]")  # what a table or a bar is made of
ROWS = 6


def values(j: int) -> list[float]:
    return [float((i * (j + 3)) % 7 + i / 8) for i in range(ROWS)]


def written(workspace: Workspace, name: str) -> list[str]:
    """A file with a column of each name; their names."""
    names = OF_TEXT if name.endswith(("csv", "tsv")) else NAMES
    columns = {n: values(j) for j, n in enumerate(names)}
    path = workspace / name
    if name.endswith("parquet"):
        pq.write_table(pa.table(columns), path)
    elif name.endswith("arrow"):
        pyarrow.feather.write_feather(pa.table(columns), str(path), compression="uncompressed")
    elif name.endswith("ndjson"):
        path.write_text("".join(json.dumps({n: x[i] for n, x in columns.items()}) + "\n" for i in range(ROWS)))
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter="\t" if name.endswith("tsv") else ",")
            writer.writerows([names, *zip(*columns.values(), strict=True)])
    return names


def header(data: bytes) -> list[str]:
    return next(csv.reader(io.StringIO(data.decode(), newline="")))


def check_shown(out: bytes) -> None:
    """For people: nothing in it but lines of printable text."""
    text = out.decode()
    assert all(line.isprintable() for line in text.split("\n")), text


def known(workspace: Workspace, *new: str) -> None:
    """Nothing is here, or around here, that should not be."""
    there = {p.name for p in (workspace / ".").iterdir()}
    assert there == {"table.csv", *new}
    assert not [p for p in (workspace / "..").iterdir() if "escape" in p.name]


# -- of columns --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["t.csv", *longer("t.parquet", "t.ndjson", "t.tsv", "t.arrow")])
def test_columns_of_any_name(name: str, workspace: Workspace, record_property: Any) -> None:
    names = written(workspace, name)
    fit = ("fit", name, "-m", "zscore", "-p", "p.json", "-v", "--run-report", "r.json", "--note", "".join(OF_TEXT))
    workspace.succeeds(*fit)
    file = json.loads((workspace / "p.json").read_bytes())
    assert [f["name"] for f in file["schema"]] == names
    assert list(file["steps"][0]["columns"]) == names
    assert file["note"] == "".join(OF_TEXT)
    assert all(w.isprintable() for w in json.loads((workspace / "r.json").read_bytes())["warnings"])
    check_shown(workspace.succeeds("inspect", "p.json").out)
    workspace.succeeds("apply", name, "-p", "p.json", "-v", "-o", "o.csv", "--run-report", "r.json")
    assert header((workspace / "o.csv").read_bytes()) == names
    workspace.succeeds("apply", name, "-p", "p.json", "--column-suffix", "\x1b[5m_z", "-o", "s.csv")
    assert header((workspace / "s.csv").read_bytes()) == [each for n in names for each in (n, f"{n}\x1b[5m_z")]
    workspace.succeeds("apply", name, "-p", "p.json", "-o", "o.parquet")
    assert pq.read_schema(workspace / "o.parquet").names == names
    workspace.succeeds("fit", name, "-m", "center", "-p", "q.json", "-o", "o.ndjson")
    assert list(json.loads((workspace / "o.ndjson").read_bytes().splitlines()[0])) == names
    record_property("faults", {"column names": [len(names), len(names), 0, 0]})
    known(workspace, name, "p.json", "r.json", "o.csv", "s.csv", "o.parquet", "q.json", "o.ndjson")


@pytest.mark.parametrize("names", [("\x1b[31mred",), *longer(("a\nb", "-o", "[/markup]", "\u202eabc", "=cmd"))])
def test_errors_that_name_a_column(names: tuple[str, ...], workspace: Workspace, record_property: Any) -> None:
    """Each is one line, and says the name so that it can be read."""
    tried = 0
    for name in names:
        with (workspace / "t.csv").open("w", newline="") as file:
            csv.writer(file).writerows([[name, "ok"], ["1", "2"], ["oops", "3"]])
        shown = name if name.isprintable() else name.encode("unicode_escape").decode()
        selected = name if not name.startswith("-") else f"[-]{name[1:]}"
        for code, line in (
            (65, ("-c", f"{name},ok")),
            (65, ("-c", selected)),
            (65, ("-c", f"no {name}")),
            (65, ("-c", "ok", "--weights", name)),
            (65, ("-c", "ok", "--by", f"no {name}")),
            (2, ("-c", "ok", "--by", "ok", "--weights", "ok", "--to", name)),
        ):
            error = workspace.fails(code, "fit", "t.csv", "-m", "zscore", *line)
            assert shown in error or "[-]" in error or "--to a b: " in error, (line, error)
            tried += 1
    record_property("faults", {"errors with a name": [tried, 0, tried, 0]})


def test_plans_and_components_of_any_name(workspace: Workspace) -> None:
    written(workspace, "t.csv")
    columns = json.dumps(["\x1b[31mred\x1b[0m", "a\nb", "../../escape"])
    (workspace / "plan.toml").write_text(
        f'[[steps]]\nmethod = "decorrelate"\ncolumns = {columns}\noptions = {{prefix="[/x]\\u001b"}}\n'
    )
    workspace.succeeds("fit", "t.csv", "--plan", "plan.toml", "-p", "p.json", "-v", "-o", "o.csv")
    assert {"[/x]\x1b1", "[/x]\x1b3"} <= set(header((workspace / "o.csv").read_bytes()))
    check_shown(workspace.succeeds("inspect", "p.json").out)
    check_shown(workspace.succeeds("fit", "t.csv", "--plan", "plan.toml", "--dry-run").out)
    (workspace / "plan.toml").write_text('[[steps]]\nmethod = "zscore"\ncolumns = ["\\u001b[31mno"]\n')
    assert "'\\x1b[31mno'" in workspace.fails(65, "fit", "t.csv", "--plan", "plan.toml")


# -- on a terminal -----------------------------------------------------------------------------------------------
def check_terminal(seen: bytes, expected: Sequence[str] = ()) -> None:
    """Of all that a terminal was sent, only what a table, a line or a bar is made of is not text."""
    text = OWN.sub("", seen.decode())
    assert not RAW.search(text), repr(text)
    assert b"\x1b[31mred" not in seen
    assert b"\x1b]0;" not in seen
    for words in expected:
        assert words in text


@pytest.mark.parametrize("env", [CAPABLE | {"COLUMNS": "400"}, *longer({"TERM": "dumb"})])
def test_a_terminal_is_not_written_on_by_names(env: dict[str, str], workspace: Workspace) -> None:
    written(workspace, "t.parquet")
    escaped = ("\\x1b[31mred", "[/markup]", "\\u202eabc", "nul\\x00x", "../../escape")
    line = ("fit", "t.parquet", "-m", "zscore", "-v", "-x", "n*", "-p")
    code, seen = at_terminal(workspace, *line, "p.json", "--note", "\x1b[31mred", on=(2,), env=env)
    assert code == 0
    check_terminal(seen, escaped[:2])
    code, seen = at_terminal(workspace, "inspect", "-v", "p.json", on=(1, 2), env=env)
    assert code == 0
    check_terminal(seen, escaped[:3] if "COLUMNS" in env else ())
    workspace.succeeds(*line, "q.json")
    code, seen = at_terminal(workspace, "merge", "p.json", "q.json", "-o", "m.json", on=(1, 2), env=env)
    assert code == 65  # counted twice
    check_terminal(seen)
    code, seen = at_terminal(workspace, "fit", "\x1b[31mred.csv", "-m", "zscore", on=(1, 2), env=env)
    assert code == 66
    check_terminal(seen, ["\\x1b[31mred.csv"])


# -- of files ----------------------------------------------------------------------------------------------------
FILES: list[bytes] = [
    b"-o.csv", b"--help.csv", b"-", b"\xff\xfe.csv", b"*.csv", b"[a]b?.csv", b"a\nb.csv", b"\x1b[31mred.csv",
    b"a b.csv",
    "größe\u202e.csv".encode(), b"'q\".csv", b"$HOME`id`.csv", b"~.csv", b"#.csv", b"a,b.csv", b"%41.csv", b".csv",
    b"x" * 240 + b".csv",
    b"=cmd.csv", b"s3:.csv", b"file:x.csv",
]  # fmt: skip


def test_files_of_any_name(workspace: Workspace, record_property: Any) -> None:
    """Into a directory, each keeps its name; and by itself, it is the one that is read, whatever a glob would find."""
    here = os.fsencode(workspace.path)
    os.mkdir(here + b"/in")
    names = [n for n in FILES if n not in (b"-", b".csv")]
    for name in (*names, b"aab1.csv"):
        (Path(os.fsdecode(here + b"/in")) / os.fsdecode(name)).write_bytes(TABLE)
    listed = b"".join(b"in/" + name + b"\0" for name in names)
    given = ("--files-from", "-", "-0")
    done = workspace.run("fit", *given, "-m", "zscore", "-p", "p.json", "-v", "--run-report", "r.json", stdin=listed)
    assert done.code == 0, done.err
    told = json.loads((workspace / "r.json").read_bytes())
    assert len(told["inputs"]) == len(names)
    assert told["rows_in"] == 6 * len(names)
    done = workspace.run("apply", *given, "-p", "p.json", "-v", "-o", "out/", "--resume", stdin=listed)
    assert done.code == 0, done.err
    assert sorted(os.listdir(here + b"/out")) == sorted(
        [*names, *(n for n in os.listdir(here + b"/out") if b"normcli" in n)]
    )
    again = workspace.run("apply", *given, "-p", "p.json", "-o", "out/", "--resume", stdin=listed)
    assert f"{len(names)} of {len(names)} complete" in again.err
    record_property("faults", {"file names": [3 * len(names), 3 * len(names), 0, 0]})
    known(workspace, "in", "out", "p.json", "r.json")


@pytest.mark.parametrize("name", [*FILES[:1], *longer(*(n for n in FILES[1:] if n not in (b"-", b".csv")))])
def test_a_file_of_any_name_as_every_argument(name: bytes, workspace: Workspace) -> None:
    here = os.fsencode(workspace.path)
    (Path(os.fsdecode(here)) / os.fsdecode(name)).write_bytes(TABLE)
    dotted = b"./" + name
    words: list[tuple[str | bytes, ...]] = [
        ("fit", "-m", "zscore", "-p", dotted + b".json", "--run-report", dotted + b".r", "--", name),
        ("inspect", "--", name + b".json"),
        ("apply", "-p", dotted + b".json", "-o", dotted + b".z.csv", "--", name),
        ("merge", "-o", dotted + b".m", "--allow-duplicates", "--", name + b".json", name + b".json"),
        ("fit", "--update", "-p", dotted + b".json", "--recount", "--", name),
    ]
    for line in words:
        done = workspace.run(*line)
        assert done.code == 0, (line, done.err)
        check_shown(done.out)
    there = set(os.listdir(here))
    assert there == {b"table.csv", name, *(name + end for end in (b".json", b".r", b".z.csv", b".m"))}


# -- of keys -----------------------------------------------------------------------------------------------------
def test_keys_of_any_text(workspace: Workspace, record_property: Any) -> None:
    names = [n for n in OF_TEXT if n.strip()]
    with (workspace / "k.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["key", "x"], *((n, i + j) for j, n in enumerate(names) for i in range(3))])
    workspace.succeeds("fit", "k.csv", "-m", "zscore", "-c", "x", "--by", "key", "-p", "p.json", "-v")
    assert {entry["key"][0] for entry in json.loads((workspace / "p.json").read_bytes())["keys"]} == set(names)
    out = workspace.succeeds("apply", "k.csv", "-p", "p.json").out.decode()
    assert [row[0] for row in csv.reader(io.StringIO(out, newline=""))][1:] == [n for n in names for _ in range(3)]
    for name in ("\x1b[31mred\x1b[0m", "a\nb"):
        check_shown(workspace.succeeds("inspect", "p.json", "--key", name if "\n" not in name else f'"{name}"').out)
        (workspace / "new.csv").write_text(f'key,x\n"new {name}",1\n')
        assert "new " in workspace.fails(65, "apply", "new.csv", "-p", "p.json")
        workspace.fails(2, "inspect", "p.json", "--key", f"no {name}")
    record_property("faults", {"keys": [len(names), len(names), 0, 0]})


def test_rejected_rows_are_literal_json(workspace: Workspace) -> None:
    rows = "".join(f"{i},{i}\n" for i in range(3)) + "\x1b[31mred\n1,2,\u202e[/markup]\n"
    (workspace / "\x1b[31m.csv").write_text("a,b\n" + rows, "utf-8")
    skip = ("--on-bad-row", "skip", "--rejects", "rejects.ndjson")
    workspace.succeeds("fit", "\x1b[31m.csv", "-m", "zscore", "-p", "p.json", *skip)
    told = [json.loads(line) for line in (workspace / "rejects.ndjson").read_bytes().splitlines()]
    assert [t["raw"] for t in told] == ["\x1b[31mred", "1,2,\u202e[/markup]"]
    assert b"\x1b" not in (workspace / "rejects.ndjson").read_bytes()


def test_a_note_that_is_no_text_is_refused(workspace: Workspace) -> None:
    assert "UTF-8" in workspace.fails(2, "fit", "table.csv", "-m", "zscore", "-p", "p.json", "--note", b"\xff\xfe")
