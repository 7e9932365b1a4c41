"""Numbers with another point, and with groups of three digits: read as an oracle without patterns reads them, written
with the same point; whatever the notation, what is learned is the same."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from normcli import api
from normcli.errors import BadDataError, UsageError
from normcli.formats import csv, tsv
from normcli.formats._delimited.notation import Notation
from normcli.methods.maxabs import MaxAbs
from normcli.methods.zscore import ZScore
from tests.conftest import examples
from tests.formats.conftest import (
    applied,
    fields,
    identity,
    learned,
    normcli,
    numeric,
    read,
    reader,
    refusal,
)

NOTATIONS = [(".", ","), (",", "none"), (",", "."), (",", " "), (".", "'"), (".", "_"), (",", "\u202f"), (".", "none")]
DIGITS = set("0123456789")
WORDS = {"NA", "N/A", "NaN", "nan", "null", "NULL"}


def value(word: str, decimal: str, thousands: str) -> float | None:
    """The number that a word is, None if it is none: by hand."""
    body = word[1:] if word[:1] in ("+", "-") else word
    if body.lower() in ("nan", "inf", "infinity"):
        return float(word)
    mantissa, e, power = body.replace("E", "e").partition("e")
    digits = power[1:] if power[:1] in ("+", "-") else power
    whole, _, fraction = mantissa.partition(decimal)
    groups = [whole] if thousands == "none" else whole.split(thousands)
    if len(groups) > 1 and (groups[0][:1] in ("", "0") or len(groups[0]) > 3 or {len(g) for g in groups[1:]} != {3}):
        return None
    if (
        (e and not digits)
        or not (whole or fraction)
        or set("".join(groups) + fraction + digits).difference("0123456789")
    ):
        return None
    return float(f"{word[: len(word) - len(body)]}{''.join(groups) or 0}.{fraction or 0}e{power or 0}")


def grouped(number: str, decimal: str, thousands: str) -> str:
    """A plain number in another notation."""
    sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
    whole, point, fraction = digits.partition(".")
    if thousands != "none":
        whole = f"{int(whole):,}".replace(",", thousands)
    return sign + whole + point.replace(".", decimal) + fraction


@st.composite
def words(draw: st.DrawFn, decimal: str, thousands: str) -> str:
    """Numbers, and what is nearly one."""
    between = "" if thousands == "none" else thousands
    pieces = ["0", "1", "12", "123", "007", decimal, between, between + "456", decimal + "5", "e3", "E-2", *"+-x"]
    return "".join(draw(st.lists(st.sampled_from([*pieces, *between, ".", ","]), max_size=6)))


def table(values: list[str], decimal: str) -> bytes:
    """A column n of those, and one of the same as text."""
    quoted = [f'"{v}"' if any(c in v for c in ";\n") else v for v in values]
    return ("n;text\n" + "".join(f"{v};{v}\n" for v in quoted)).encode()


# -- reading -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("decimal", "thousands"), NOTATIONS)
@given(data=st.data(), size=st.integers(8, 200))
def test_a_word_is_the_number_that_it_is_by_hand_or_refused_with_its_line(
    decimal: str, thousands: str, data: st.DataObject, size: int
) -> None:
    """The fast way, by pieces of a block, and the slow one, row by row, agree on each word."""
    found = data.draw(st.lists(words(decimal, thousands).map(str.strip), min_size=1, max_size=8))
    spaces = data.draw(st.sampled_from(["", " ", "\t"]))
    text = table([spaces + w + spaces for w in found], decimal)
    expected = [None if not w or w in WORDS else value(w, decimal, thousands) for w in found]
    bad = [i for i, w in enumerate(found) if w and w not in WORDS and expected[i] is None]
    options = {"delimiter": ";", "decimal": decimal, "thousands": thousands}
    if bad:
        said = refusal(text, ["n"], block_size=size, **options)
        assert said.startswith(f"t.csv:{bad[0] + 2}: ")
        assert said.endswith("in column 'n' is not a number")
    else:
        rows = read(text, ["n"], block_size=size, **options).rows
        assert [row[0] for row in rows] == expected
        assert [row[1] for row in rows] == [spaces + w + spaces for w in found]
    for word in found:
        number = value(word, decimal, thousands) if word else None
        assert Notation(decimal, "" if thousands == "none" else thousands).matches(word) == (number is not None)


@pytest.mark.parametrize(
    ("word", "thousands", "number"),
    [
        ("1,234", ",", 1234), ("1,234,567.5", ",", 1234567.5), ("1234", ",", 1234), ("-1,000", ",", -1000),
        ("1,23", ",", None), ("12,34,567", ",", None), ("1234,567", ",", None), ("0,123", ",", None),
        (",123", ",", None), ("1,,234", ",", None), ("1,234,", ",", None), ("1.234,5", ",", None), ("1 234", " ", 1234),
    ],
)  # fmt: skip
def test_groups_are_of_three_digits(word: str, thousands: str, number: float | None) -> None:
    data = f'n,x\n"{word}",1\n'.encode()
    if number is None:
        assert refusal(data, ["n"], thousands=thousands).endswith("is not a number")
        assert numeric(data, thousands=thousands) == ["x"]
    else:
        assert read(data, ["n"], thousands=thousands).rows == [[number, "1"]]
        assert numeric(data, thousands=thousands) == ["n", "x"]


NUMBERS = st.lists(
    st.tuples(
        st.one_of(st.integers(-(10**7), 10**7).map(str), st.just(""), st.just("NA"), st.just(" ")),
        st.one_of(st.decimals(-(10**6), 10**6, places=3).map(lambda d: f"{d:f}"), st.just("null"), st.just("")),
    ),
    min_size=2,
    max_size=10,
)


@pytest.mark.parametrize(("decimal", "thousands"), NOTATIONS)
@given(rows=NUMBERS, size=st.integers(8, 200))
@settings(max_examples=examples(24))
@example(rows=[("1234", "-0.125"), ("9999999", "1234.5")], size=8)
def test_what_is_learned_and_written_is_the_same_in_any_notation(
    decimal: str, thousands: str, rows: list[tuple[str, str]], size: int, folder: Path
) -> None:
    assume(any(v[-1:].isdigit() for v, _ in rows) and any(v[-1:].isdigit() for _, v in rows))

    def text(decimal: str, thousands: str) -> bytes:
        spelled = [[grouped(v, decimal, thousands) if v[-1:].isdigit() else v for v in row] for row in rows]
        return ("a;t;b\n" + "".join(f"{a};1,5.x;{b}\n" for a, b in spelled)).encode()

    plain, other = text(".", "none"), text(decimal, thousands)
    theirs = csv.Options(delimiter=";", decimal=decimal, thousands=thousands)  # type: ignore[arg-type]
    ours = csv.Options(delimiter=";")
    plans = []
    for data, options in ((plain, ours), (other, theirs)):
        (folder / "in.csv").write_bytes(data)
        plans.append(api.fit(folder / "in.csv", ZScore(), columns=["a,b"], format_options=options))
    assert learned(plans[0]) == learned(replace(plans[1], dialect=plans[0].dialect))
    made = applied(plans[0], plain, folder, format_options=ours, block_size=size)
    found = applied(plans[1], other, folder, format_options=theirs, block_size=size)
    back = applied(plans[1], found, folder, format_options=theirs, inverse=True, block_size=size)
    restored = applied(plans[0], made, folder, format_options=ours, inverse=True, block_size=size)
    for name in "ab":
        for here, there in ((found, made), (back, restored)):
            assert fields(here, name, ";") == [str(v).replace(".", decimal) for v in fields(there, name, ";")]
    assert fields(found, "t", ";") == fields(back, "t", ";") == ["1,5.x"] * len(rows)


def test_types_come_from_numbers_of_the_notation() -> None:
    data = b'a;b;c;d\n1.234;1.234,5;2.5;x\n5;2,5;3.5;"1,5"\n'
    schema = reader(data, delimiter=";", decimal=",", thousands=".").description.schema
    assert [f.type for f in schema] == ["int64", "float64", "string", "string"]


def test_whole_numbers_beyond_64_bits_and_beyond_any_float() -> None:
    options = {"delimiter": ";", "decimal": ",", "thousands": "."}
    data = b"n;t\n18.446.744.073.709.551.616;x\n1;y\n"
    assert read(data, ["n"], **options).rows == [[2.0**64, "x"], [1, "y"]]
    assert refusal(b"n;t\n1,0e400;x\n", ["n"], **options) == "t.csv:2: infinite value in column 'n': '1,0e400'"
    assert read(b"n;t\n1,0e400;x\n", ["n"], infinite="missing", **options).rows == [[None, "x"]]  # type: ignore[arg-type]


# -- words that mean missing -------------------------------------------------------------------------------------
@pytest.mark.parametrize("word", ["-999", "9.999", "-9,9", "9,9", "1.000,5", "."])
def test_a_word_that_reads_as_a_number_in_either_notation_is_missing(word: str, folder: Path) -> None:
    options = csv.Options(delimiter=";", decimal=",", thousands=".", na_values=f'"{word}",x')
    data = f"n;t\n2,5;a\n{word};b\nx;c\n 10 ;d\n".encode()
    (folder / "in.csv").write_bytes(data)
    plan = api.fit(folder / "in.csv", MaxAbs(), format_options=options)
    assert plan.steps[0].summary()["missing"] == 2
    made = applied(plan, data, folder, format_options=options)
    back = applied(plan, made, folder, format_options=options, inverse=True)
    assert fields(made, "n", ";")[1:3] == fields(back, "n", ";")[1:3] == [word, "x"]
    assert fields(back, "n", ";")[::3] == ["2,5", "10,0"]


def test_a_result_that_is_spelled_as_such_a_word_is_written_as_a_number(folder: Path) -> None:
    """And the word as it stood."""
    options = csv.Options(delimiter=";", decimal=",", na_values="2.5")
    made = applied(identity("n"), b"n;t\n2,5;a\n2.5;b\n", folder, format_options=options)
    assert made == b"n;t\n2,5;a\n2.5;b\n"


# -- other formats -----------------------------------------------------------------------------------------------
EUROPEAN = b"id;n;m;when\n007;1.234,5;7;1,5\n008;308,625;NA;2,5\n"
AS = ("--delimiter", ";", "--decimal", ",", "--thousands", ".")


def run(*args: str, cwd: Path) -> bytes:
    done = normcli(*args, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_other_formats_have_real_numbers_and_text_of_the_same_kind_the_same_point(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(EUROPEAN)
    run("fit", "in.csv", "-m", "maxabs", "-c", "n,m", *AS, "-p", "p.json", "-o", "fit.csv", cwd=tmp_path)
    for suffix in ("csv", "tsv", "parquet", "ndjson"):
        run("apply", "in.csv", "-p", "p.json", *AS, "-o", f"o.{suffix}", cwd=tmp_path)
    expected = b"id;n;m;when\n007;1,0;1,0;1,5\n008;0,25;NA;2,5\n"
    assert (tmp_path / "o.csv").read_bytes() == (tmp_path / "fit.csv").read_bytes() == expected
    assert (tmp_path / "o.tsv").read_bytes() == expected.replace(b";", b"\t")
    rows = [
        {"id": "007", "n": 1.0, "m": 1.0, "when": "1,5"},
        {"id": "008", "n": 0.25, "m": None, "when": "2,5"},
    ]
    assert pq.read_table(tmp_path / "o.parquet").to_pylist() == rows
    assert [json.loads(line) for line in (tmp_path / "o.ndjson").read_bytes().splitlines()] == rows
    run("apply", "o.csv", "-p", "p.json", "--inverse", *AS, "-o", "back.csv", cwd=tmp_path)
    assert (tmp_path / "back.csv").read_bytes() == EUROPEAN.replace(b"1.234", b"1234")
    run("apply", "in.csv", "-p", "p.json", *AS, "--column-suffix", "_z", "-o", "beside.csv", cwd=tmp_path)
    assert (tmp_path / "beside.csv").read_bytes().splitlines()[1] == b"007;1.234,5;1,0;7;1,0;1,5"
    run(
        "apply",
        "o.parquet",
        "-p",
        "p.json",
        "--inverse",
        "--delimiter",
        ";",
        "--decimal",
        ",",
        "-o",
        "p.csv",
        cwd=tmp_path,
    )
    assert (tmp_path / "p.csv").read_bytes() == EUROPEAN.replace(b"1.234", b"1234").replace(b"NA", b"")


def test_a_comma_is_quoted_where_it_separates_too(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b'a,b\n"2,5",1\n"-2,5",x\n,y\n')
    run("fit", "in.csv", "-m", "maxabs", "--decimal", ",", "-p", "p.json", "-o", "o.csv", cwd=tmp_path)
    assert (tmp_path / "o.csv").read_bytes() == b'a,b\n"1,0",1\n"-1,0",x\n,y\n'


def test_types_that_are_inferred_and_weights_are_of_the_notation_and_keys_are_text(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b"k;w;n;m;t\n1.000;1,5;1;2.000,5;2.5\n1.000;0,5;3;;3.5\n2.000;2,0;5;1;x\n")
    args = ("in.csv", "-m", "zscore", "-c", "n", "--by", "k", "--weights", "w", *AS, "-p", "p.json")
    run("fit", *args, "-o", "o.parquet", "--infer-types", cwd=tmp_path)
    plan = json.loads((tmp_path / "p.json").read_bytes())
    assert plan["steps"][0]["columns"]["n"]["mean"] == (1.5 * 1 + 0.5 * 3 + 2.0 * 5) / 4
    assert [entry["key"] for entry in plan["keys"]] == [["1.000"], ["2.000"]]
    found = pq.read_table(tmp_path / "o.parquet")
    assert found["m"].to_pylist() == [2000.5, None, 1.0]
    assert found["t"].to_pylist() == ["2.5", "3.5", "x"]
    assert found["w"].to_pylist() == [1.5, 0.5, 2.0]
    late = b"k;w;n;m;t\n" + b"1;1;1;2,5;x\n" * 1001 + b"1;1;1;2.5;x\n"
    (tmp_path / "late.csv").write_bytes(late)
    done = normcli("fit", "late.csv", "-m", "unit", "-c", "n", *AS, "-o", "l.parquet", "--infer-types", cwd=tmp_path)
    assert (done.returncode, done.stderr.count(b"late.csv:1003: '2.5' in column 'm' is no float64")) == (65, 1)


def test_new_data_are_read_as_the_fit_was_unless_another_notation_is_said(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(EUROPEAN)
    (tmp_path / "plain.csv").write_bytes(EUROPEAN.replace(b".", b"").replace(b",", b"."))
    run("fit", "in.csv", "-m", "maxabs", "-c", "n,m", *AS, "-p", "p.json", cwd=tmp_path)
    assert run("apply", "in.csv", "-p", "p.json", cwd=tmp_path) == run(
        "apply", "in.csv", "-p", "p.json", *AS, cwd=tmp_path
    )
    said = ("--decimal", ".", "--thousands", "none")
    assert b"007;1.0;1.0;1.5\n" in run("apply", "plain.csv", "-p", "p.json", *said, cwd=tmp_path)
    assert b"no drift" in normcli("check", "in.csv", "-p", "p.json", "--min-rows", "1", cwd=tmp_path).stderr
    run("fit", "--update", "-p", "p.json", "in.csv", "--recount", cwd=tmp_path)
    run("fit", "plain.csv", "-m", "maxabs", "-c", "n,m", "--delimiter", ";", *said, "-p", "q.json", cwd=tmp_path)
    assert b'"decimal"' not in (tmp_path / "q.json").read_bytes()


# -- what contradicts itself -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--thousands", "."], "--thousands '.': is what stands for the point, too (--decimal , ?)"),
        (["--decimal", ",", "--thousands", ","], "--thousands ',': is what stands for the point, too"),
        (["--decimal", ";"], "--decimal"), (["--decimal", "5"], "--decimal"), (["--decimal", ""], "--decimal"),
        (["--thousands", "5"], "numbers, or fields, are made of"), (["--thousands", "e"], "numbers, or fields"),
        (["--thousands", "-"], "numbers, or fields"), (["--thousands", '"'], "numbers, or fields"),
        (["--thousands", "\t"], "numbers, or fields"), (["--thousands", ""], "--thousands"),
        (["--thousands", ",,"], "must be one character"), (["--na-values", '"a\nb"'], "--na-values"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["in.csv", "in.tsv"])
def test_what_contradicts_itself_is_exit_2(options: list[str], said: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"a\n1\n")
    done = normcli("fit", name, "-m", "zscore", *options, cwd=tmp_path)
    assert done.returncode == 2
    assert said.encode() in done.stderr
    assert done.stdout == b""


def test_from_python_they_are_checked_where_they_are_made_or_used() -> None:
    with pytest.raises(UsageError, match="stands for the point"):
        tsv.Options(thousands=".").check()
    with pytest.raises(BadDataError, match="'1,5' in column 'n' is not a number"):
        read(b"n\tt\n1,5\tx\n", ["n"], delimiter="\t")
