"""Tables: no wider than the terminal, names on one line, nothing that says nothing; as they are where nobody looks."""

import fcntl
import re
import struct
import subprocess
import termios
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from normcli.cli import _table
from normcli.cli._table import Column, fitted, names, number, plain
from normcli.cli._terminal import cells, shortened, truncated, wrapped
from normcli.errors import printable
from tests import inside
from tests.cli.conftest import PATIENCE, Workspace, environment, start
from tests.cli.test_messages import CAPABLE, COLOUR, terminal
from tests.conftest import longer

HOSTILE = (
    "[/foo]", "temp[b]", ":smile:", "\x1b[31mred", "a\nb", "\u202eabc", "שלום עולם", "مرحبا", "温度センサー",
    "e\u0301" * 9, "\N{WOMAN}\u200d\N{GIRL}", "🇩🇪", "❤\ufe0f", "\u0301", "x" * 300, "温" * 150, " ", "\t",
)  # fmt: skip
SYMBOLS = st.characters(exclude_categories=["Cs", "Cn"], max_codepoint=0x25FF) | st.sampled_from(
    "温度한글🏯👍🏽🇩🇪\ufe0f\u0301"
)
NAMES = st.sampled_from(HOSTILE) | st.text(SYMBOLS, max_size=60)
VALUES = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.floats() | st.text(SYMBOLS, max_size=12)
WIDTHS = st.integers(40, 200)


@st.composite
def tables(draw: st.DrawFn) -> tuple[tuple[Column, ...], list[list[object]]]:
    count = draw(st.integers(0, 9))
    ranks = draw(st.lists(st.integers(1, 5), min_size=count, max_size=count))
    columns = (names(), *(Column(f"c{j}", rank=rank) for j, rank in enumerate(ranks)))
    rows = st.tuples(NAMES, *[VALUES] * count).map(list)
    return columns, draw(st.lists(rows, min_size=1, max_size=8))


@given(tables(), WIDTHS)
def test_no_line_is_wider_than_the_terminal(table: tuple[tuple[Column, ...], list[list[object]]], width: int) -> None:
    lines = fitted(*table, width, "-v")
    assert all(cells(line) <= width and cell_len(line) <= width and line.isprintable() for line in lines), lines
    assert len(lines) - 1 in (len(table[1]), len(table[1]) + 1)  # each row on a line, and what there is no room for


@given(NAMES, st.integers(1, 80))
def test_a_longer_name_loses_its_middle_and_a_shorter_one_nothing(name: str, width: int) -> None:
    name = printable(name)
    short = shortened(name, width)
    assert cells(short) <= width
    if cells(name) <= width:
        assert short == name
    else:
        head, _, tail = short.partition("…")
        assert name.startswith(head)
        assert name.endswith(tail)
        assert width - cells(short) <= 2  # what is two cells wide may have no room


@given(tables())
def test_elsewhere_everything_is_there_whatever_the_width(
    table: tuple[tuple[Column, ...], list[list[object]]],
) -> None:
    columns, rows = table
    lines = plain(columns, rows)
    assert len(lines) == 1 + len(rows)
    decimals = any(isinstance(value, float) for row in rows for value in row)
    for line, row in zip(lines[1:], rows, strict=True):
        assert line.startswith(printable(str(row[0])).rstrip())
        texts = [str(value) if decimals and type(value) is int else number(value, 10) for value in row[1:]]
        assert all(printable(text).strip() in line for text in texts)


def shown(columns: Sequence[Column], rows: Sequence[Sequence[object]], width: int) -> list[list[str]]:
    return [re.split(r"  +", line.strip()) for line in fitted(columns, rows, width, "-v")]


def test_columns_that_say_nothing_are_left_out() -> None:
    columns = (names(), *map(Column, ("empty", "false", "nan", "zero", "some")))
    rows = [("a", None, False, float("nan"), 0, None), ("b", "", False, float("nan"), 0, 1)]
    assert shown(columns, rows, 80) == [["column", "zero", "some"], ["a", "0", "-"], ["b", "0", "1"]]


def test_digits_go_before_columns_and_columns_by_rank() -> None:
    columns = (names(), Column("mean", rank=1), Column("std", rank=2))
    rows = [("price", 1234.5678, 0.12345678)]
    assert shown(columns, rows, 80)[1] == ["price", "1234.57", "0.123457"]
    assert shown(columns, rows, 23)[1] == ["price", "1234.6", "0.12346"]
    assert shown(columns, rows, 20)[1] == ["price", "1235", "0.1235"]
    assert fitted(columns, rows, 18, "-v") == ["column     mean", "price   1234.57", "(no room …std: -v)"]


def test_names_are_shortened_before_digits_and_digits_before_names_of_32_cells() -> None:
    columns, rows = (names(), Column("mean", rank=1)), [("x" * 130, 1234.5678), ("y", 0.12345678)]
    for room, cell, digits in ((100, 90, "0.123457"), (42, 32, "0.123457"), (41, 32, "0.12346"), (40, 32, "0.1235")):
        header, first, second = fitted(columns, rows, room, "-v")
        assert (cells(header), second.split()[1]) == (room, digits)
        assert cells(first.split()[0]) == cell
    assert shown(columns, rows, 29)[2] == ["y", "0.1235"]


@given(st.floats(-1e9, 1e9, exclude_min=True, exclude_max=True), st.integers(4, 10))
def test_a_number_of_up_to_nine_figures_has_all_before_the_point_and_no_exponent(x: float, digits: int) -> None:
    text = number(x, digits)
    if abs(x) >= 1e-4 or x == 0:
        assert "e" not in text
    exact = Decimal(x)
    places = max(digits - 1 - exact.adjusted(), 0) if x else 0
    assert abs(Decimal(text) - exact) <= Decimal(1).scaleb(-places) / 2


def test_integers_beside_decimals_have_no_separators() -> None:
    columns = (names(), Column("mean"), Column("min"))
    rows = [("a", 1_099_999.5, 1_000_000), ("b", 57_735.02692, 2_000_000)]
    assert plain(columns, rows)[1].split() == ["a", "1099999.5", "1000000"]
    assert shown(columns, rows, 80)[1] == ["a", "1100000", "1000000"]
    assert plain((names(), Column("count")), [("a", 1_000_000)])[1].split() == ["a", "1,000,000"]


@given(st.text(SYMBOLS, max_size=60).map(printable), st.integers(1, 80))
def test_a_truncated_text_loses_its_end(text: str, width: int) -> None:
    short = truncated(text, width)
    assert cells(short) <= width
    assert short == text if cells(text) <= width else text.startswith(short.removesuffix("…"))


@given(st.lists(NAMES.map(printable), max_size=12).map(" ".join), st.integers(2, 80))
def test_a_wrapped_text_has_every_word_that_fits(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(cells(line) <= width for line in lines)
    if all(cells(word) <= width for word in text.split(" ")):
        assert " ".join(lines).split() == text.split()


def test_a_name_is_whole_while_there_is_room() -> None:
    rows = [("temperature_of_the_outer_wall_north_celsius", 1.0), ("x", 2.0)]
    assert fitted((names(), Column("mean", rank=1)), rows, 60, "-v")[1].split()[0] == rows[0][0]
    assert fitted((names(), Column("mean", rank=1)), rows, 30, "-v")[1] == "temperature_…rth_celsius     1"


# -- a real terminal ---------------------------------------------------------------------------------------------
def at_width(workspace: Workspace, width: int, *line: str, env: dict[str, str] | None = None) -> tuple[int, list[str]]:
    """The exit code of a run at a terminal of that width, and the lines on it as they were sent."""
    with terminal() as t:
        fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        given = environment(CAPABLE | (env or {}))
        run = start(
            line, cwd=workspace.path, env=given, stdin=subprocess.DEVNULL, stdout=t.fd, stderr=subprocess.DEVNULL
        )
        code = run.wait(PATIENCE)
    return code, t.seen.decode().replace("\r\n", "\n").splitlines()


@pytest.fixture
def wide(workspace: Workspace) -> Workspace:
    """A table of 30 columns, the last two of which drift later on."""
    heads = [name.replace("\n", " ") for name in ("温度センサー" * 8, "[/foo]", "temp[b]", "x" * 90)]
    heads += [f"sensor_{j}" for j in range(26)]
    rows = [",".join(str((i * (j + 3)) % 17) for j in range(30)) for i in range(120)]
    drifted = [row.rsplit(",", 2)[0] + f",{i % 3 + 500},{i % 3 - 500}" for i, row in enumerate(rows)]
    for name, body in (("t.csv", rows), ("u.csv", drifted)):
        (workspace / name).write_text("\n".join([",".join(heads), *body, ""]))
    workspace.succeeds("fit", "t.csv", "-m", "zscore", "-p", "p.json")
    return workspace


@pytest.mark.parametrize("width", [60, *longer(40, 80, 160)])
def test_tables_fit_a_real_terminal(wide: Workspace, width: int) -> None:
    for line in (("inspect", "p.json"), ("check", "t.csv", "-p", "p.json"), ("methods",)):
        code, lines = at_width(wide, width, *line)
        assert code == 0
        plain = [COLOUR.sub(b"", text.encode()).decode() for text in lines]
        begin = next(i for i, text in enumerate(plain) if text.startswith(("column ", "method  ")) and "(" not in text)
        table = [text for text in plain[begin:] if not text.startswith("sha256:")]
        assert all(cells(text) <= width for text in table)
        assert len([text for text in table if text]) >= 21


def test_what_has_drifted_stands_on_top_in_colour_and_the_rest_is_counted(wide: Workspace) -> None:
    line = ("check", "u.csv", "-p", "p.json")
    code, lines = at_width(wide, 80, *line)
    assert code == 1
    start = next(i for i, text in enumerate(lines) if "column" in text and "mean" in text)
    assert [text.split()[0] for text in lines[start + 1 : start + 3]] == ["\x1b[31msensor_24", "\x1b[31msensor_25"]
    end = lines.index("", start)
    assert not any("\x1b" in text for text in lines[start + 3 : end])
    values = [text.split()[:2] for text in lines[end + 2 :] if "drift" in text and "\x1b" in text]
    assert values[0] == ["\x1b[31msensor_24", "shift"]
    assert "… 10 more, all without drift (-v)" in lines
    code, lines = at_width(wide, 80, *line, env={"NO_COLOR": "1"})
    assert not any("\x1b" in text for text in lines)
    code, lines = at_width(wide, 80, *line, "--color", "never", "-v")
    assert not any("\x1b" in text for text in lines)
    assert any("x" * 90 in text for text in lines)
    assert sum("sensor_" in text for text in lines[: lines.index("", start)]) == 26


def test_colours_are_for_a_terminal_unless_they_are_wanted(wide: Workspace) -> None:
    line = ("check", "u.csv", "-p", "p.json")
    done = wide.run(*line)
    assert b"\x1b" not in done.out
    assert "\x1b" not in done.err
    _, coloured, _ = inside.main((*line, "--color", "always"), cwd=wide.path, env=environment())
    assert b"\x1b[31msensor_25" in coloured
    assert COLOUR.sub(b"", coloured) == done.out
    assert wide.run(*line).out == done.out  # the next run has its own


def test_rows_with_marks_that_are_not_shown_are_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    rows = [(f"c{j}", j) for j in range(30)]
    _table.table((names(), Column("n")), rows, marked=[j % 10 != 0 for j in range(30)], mark="drift")
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "… 10 more, 7 of them with drift (-v)"
    assert len(lines) == 22
