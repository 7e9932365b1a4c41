"""Columns that are nearly numbers: left out with a warning, or refused, and what is proposed takes them."""

import json
import re
import shlex
from pathlib import Path

import pytest

from normcli import api
from normcli.api.spelling import in_python
from normcli.errors import BadDataError
from normcli.formats.csv import Options
from normcli.methods.center import Center
from normcli.methods.log1p import Log1p
from normcli.parameters.plan import PlanStep
from tests.formats.conftest import normcli, reader, refusal

LIKE_MISSING = [
    "-", "--", ".", "?", "None", "none", "\\N", "n/a", "N.A.", "Null", "(null)", "<NA>", "#N/A", "#DIV/0!", "missing",
    "Unknown", "nil", "—", "*",
]  # fmt: skip
SPELLED = {  # numbers of a column in another notation, and the options that take them
    ("1,000", "2,500.5", "12"): {"thousands": ","},
    ("2,5", "3,25", "1"): {"decimal": ","},
    ("1.234,5", "2,5", "7"): {"decimal": ",", "thousands": "."},
    ("1,234", "2,5", "7"): {"decimal": ","},
    ("1 000", "2 500.5", "7"): {"thousands": " "},
    ("1 000,5", "2 500", "7"): {"decimal": ",", "thousands": " "},
    ("1'000", "7", "8"): {"thousands": "'"},
    ("1\u202f000,5", "7", "8"): {"decimal": ",", "thousands": "\u202f"},
    ("1\u00a0000", "7", "8"): {"thousands": "\u00a0"},
}
SIGNS = {"$7": "tr -d '$'", "10 %": "tr -d %", "-€7": "sed s/€//g", "7 £": "sed s/£//g", "$1,234.50": "tr -d '$'"}


def table(*values: str, column: str = "n") -> bytes:
    """A column of values, beside one of numbers and one of text."""
    return (f"id,{column},x\n" + "".join(f'u,"{v}",{j}\n' for j, v in enumerate(values))).encode()


def proposed(text: str) -> list[str]:
    """The options that a message proposes, as a shell would pass them on."""
    found = re.search(r"\((--.*) takes it", text)
    assert found, text
    unquoted = re.sub(r"\$'\\u([0-9a-f]{4})'", lambda c: shlex.quote(chr(int(c[1], 16))), found[1])
    return shlex.split(unquoted)


def options(words: list[str]) -> dict[str, str]:
    pairs = zip(words[::2], words[1::2], strict=True)
    return {flag[2:].replace("-", "_"): value for flag, value in pairs}


# -- what is proposed --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("values", SPELLED)
def test_the_options_that_take_a_column_are_proposed(values: tuple[str, ...]) -> None:
    made = reader(table(*values)).description
    assert made.doubts | made.unread_numbers == {"n": made.doubts.get("n") or made.unread_numbers["n"]}
    text = (made.doubts | made.unread_numbers)["n"]
    assert text.startswith(f"t.csv:2: column 'n' is left out: '{values[0].encode('unicode_escape').decode()}'"[:40])
    assert options(proposed(text)) == SPELLED[values]
    assert options(proposed(made.not_numbers["n"])) == SPELLED[values]
    taken = reader(table(*values), **SPELLED[values]).description
    assert [f.name for f in taken.schema if f.is_number] == ["n", "x"]
    assert (taken.doubts, taken.unread_numbers) == ({}, {})


@pytest.mark.parametrize("word", LIKE_MISSING)
def test_a_word_that_is_likely_to_mean_missing_proposes_the_whole_list(word: str) -> None:
    data = table("1", word, "NA", "2.5")
    made = reader(data).description
    given = options(proposed((made.doubts | made.unread_numbers)["n"]))
    assert given == {"na_values": f"NA,N/A,NaN,nan,null,NULL,{word}"}
    assert (taken := reader(data, **given).description).doubts == taken.unread_numbers == {}
    assert [f.name for f in taken.schema if f.is_number] == ["n", "x"]


def test_the_same_list_is_for_all_columns(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b"id,a,b,c,d\nu,1,2,3,\nv,-,None,?,-\nw,3,\\N,?,-\nx,-,4,?,-\n")
    done = normcli("fit", "in.csv", "-m", "center", cwd=tmp_path)
    assert done.returncode == 65
    lines = done.stderr.decode().splitlines()
    assert [line.split("'")[1] for line in lines[:3]] == ["a", "b", "c"]
    assert "no numeric column is selected" in lines[3]
    assert {tuple(proposed(line)) for line in lines[:3]} == {("--na-values", "NA,N/A,NaN,nan,null,NULL,-,None,\\N,?")}
    done = normcli("fit", "in.csv", "-m", "center", *proposed(lines[0]), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(json.loads(done.stdout)["steps"][0]["columns"]) == ["a", "b", "c"]


def test_words_that_were_said_stay_in_the_list() -> None:
    made = reader(table("1", "-", "2"), na_values='x,"1,5",NA').description
    assert options(proposed(made.doubts["n"])) == {"na_values": 'NA,"1,5",x,-'}


@pytest.mark.parametrize("word", SIGNS)
def test_what_no_option_takes_is_called_by_its_sign(word: str) -> None:
    made = reader(table(word, word, "7")).description
    sign = next(c for c in word if c in "$€£%")
    hint = f"(no option takes a '{sign}': remove it first, as {SIGNS[word]} does)"
    assert made.unread_numbers == {"n": f"t.csv:2: column 'n' is left out: '{word}' in it is not a number {hint}"}
    assert refusal(table(word), ["n"]) == f"t.csv:2: '{word}' in column 'n' is not a number"


@pytest.mark.parametrize(
    "values",
    [
        ("a", "b", "1,000"), ("2024-01-01", "2024-01-02"), ("192.168.1.5", "10.0.0.1"), ("12:30", "13:45"),
        ("1,23,4", "5,6,7"), ("1/2", "3/4"), ("-", "-"), ("unknown", "None"), ("007", "1,000"), ("a", "?", "b"),
        ("12,34,567", "1,23,456"), ("v1.2", "v1.3"),
    ],
)  # fmt: skip
def test_what_is_no_number_in_any_notation_leaves_no_doubt(values: tuple[str, ...]) -> None:
    made = reader(table(*values)).description
    assert (made.doubts, made.unread_numbers) == ({}, {})


def test_a_group_or_three_decimals_where_the_delimiter_is_a_semicolon() -> None:
    made = reader(b"id;n\nu;1,000\nv;2,500\n", delimiter=";").description
    assert made.unread_numbers["n"].endswith("(--thousands , or --decimal , takes it: which is meant?)")


def test_where_another_notation_is_said_the_plain_one_is_proposed() -> None:
    made = reader(b"id;n;m\nu;2.5;1.234\nv;3.5;2,5\n", delimiter=";", decimal=",").description
    assert options(proposed(made.unread_numbers["n"])) == {"decimal": "."}
    assert options(proposed(made.doubts["m"])) == {"decimal": ",", "thousands": "."}


# -- columns that are selected, and rows beyond the first --------------------------------------------------------
@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("1,000", "--thousands , takes it"), ("2,5", "--decimal , takes it"), ("oops", None),
        ("-", "--na-values NA,N/A,NaN,nan,null,NULL,- takes it as missing"),
        ("$7", "no option takes a '$': remove it first, as tr -d '$' does"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("late", [False, True])
def test_a_selected_column_is_refused_with_its_line_and_the_same_proposal(
    word: str, hint: str | None, late: bool, tmp_path: Path
) -> None:
    rows = ["7"] * (1100 if late else 1)
    if hint is None:  # a word: of the first rows it is those of text, later one that is bad
        hint = "--on-bad-row skip leaves such rows out" if late else "-c takes columns of numbers: x"
    (tmp_path / "in.csv").write_bytes(table(*rows, word))
    done = normcli("fit", "in.csv", "-m", "center", "-c", "n", cwd=tmp_path)
    assert done.returncode == 65
    said = f"normcli: error: in.csv:{len(rows) + 2}: '{word}' in column 'n' is not a number"
    assert done.stderr.decode() == f"{said} ({hint})\n"
    with pytest.raises(BadDataError) as caught:
        api.fit(tmp_path / "in.csv", Center(), columns=["n"])
    assert str(caught.value).endswith(f"is not a number ({in_python(hint)})")


def test_a_warning_counts_as_one(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(table("1,000", "2,000"))
    assert normcli("fit", "in.csv", "-m", "center", "--werror", cwd=tmp_path).returncode == 65
    for args in (["-x", "n"], ["--thousands", ","], ["-c", "x"]):
        done = normcli("fit", "in.csv", "-m", "center", *args, "--werror", "-p", "p.json", cwd=tmp_path)
        assert (done.returncode, b"warning" in done.stderr) == (0, False)


def test_a_column_that_drifted_into_another_notation_is_drift_and_says_what_takes_it(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_bytes(table(*map(str, range(1000, 1040))))
    (tmp_path / "new.csv").write_bytes(table(*(f"{v:,}" for v in range(1000, 1040))))
    assert normcli("fit", "old.csv", "-m", "center", "-p", "p.json", cwd=tmp_path).returncode == 0
    done = normcli("check", "new.csv", "-p", "p.json", cwd=tmp_path)
    assert done.returncode == 1
    assert b"'1,000' in column 'n' is not a number (--thousands , takes it)" in done.stdout
    assert normcli("check", "new.csv", "-p", "p.json", "--thousands", ",", cwd=tmp_path).returncode == 0


# -- zeros before a number ---------------------------------------------------------------------------------------
ZIP = table("02134", "10001", "", "00501", column="zip")


def test_a_name_takes_numbers_with_zeros_before_and_a_glob_does_not(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(ZIP)
    done = normcli("fit", "in.csv", "-m", "center", "-p", "p.json", cwd=tmp_path)
    assert done.returncode == 0
    said = "normcli: in.csv: zip left out: numbers that begin with zeros, as names do (-c zip takes it)"
    assert said in done.stderr.decode().splitlines()
    assert list(json.loads((tmp_path / "p.json").read_bytes())["steps"][0]["columns"]) == ["x"]
    for flags in (["-x", "zip"], ["-c", "*"], ["-q"]):
        done = normcli("fit", "in.csv", "-m", "center", *flags, "-p", "p.json", cwd=tmp_path)
        assert (done.returncode, b"zip left out" in done.stderr) == (0, flags == ["-c", "*"])
    assert normcli("fit", "in.csv", "-m", "center", "-c", "z*", cwd=tmp_path).returncode == 65

    done = normcli("fit", "in.csv", "-m", "center", "-c", "zip,x", "-p", "p.json", "-o", "o.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    plan = json.loads((tmp_path / "p.json").read_bytes())
    about = plan["steps"][0]["columns"]["zip"]
    assert (about["type"], about["mean"], about["missing"]) == ("int64", (2134 + 10001 + 501) / 3, 1)
    done = normcli("apply", "in.csv", "-p", "p.json", cwd=tmp_path)
    assert done.stdout == (tmp_path / "o.csv").read_bytes()
    done = normcli("apply", "o.csv", "-p", "p.json", "--inverse", cwd=tmp_path)
    assert [line.split(b",")[1] for line in done.stdout.splitlines()] == [b"zip", b"2134", b"10001", b"", b"501"]
    (tmp_path / "many.csv").write_bytes(ZIP + ZIP.split(b"\n", 1)[1] * 9)
    done = normcli("check", "many.csv", "-p", "p.json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout


def test_zeros_before_do_not_hide_a_value_that_is_no_number() -> None:
    made = reader(table("02134", "K1A 0B1", "10001", column="zip")).description
    said = "t.csv:3: 'K1A 0B1' in column 'zip' is not a number"
    assert made.not_numbers == {"id": made.not_numbers["id"], "zip": said}
    assert (made.identifiers, made.doubts, made.unread_numbers) == (frozenset(), {}, {})


def test_of_a_method_that_learns_nothing_the_type_is_that_of_numbers(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(ZIP)
    plan = api.fit(tmp_path / "in.csv", Log1p(), columns=["zip"], format_options=Options())
    assert plan.types["zip"] == "float64"
    assert api.fit(tmp_path / "in.csv", Log1p()).types["zip"] == "string"


def test_a_step_without_selectors_does_not_take_what_another_one_names(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(ZIP)
    plan = api.fit(tmp_path / "in.csv", [PlanStep(Log1p()), PlanStep(Center(), ("zip",))])
    assert [step.columns for step in plan.steps] == [("x",), ("zip",)]
