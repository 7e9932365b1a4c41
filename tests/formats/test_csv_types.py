"""What a field is: types from the first rows, numbers, words that mean missing, and what becomes of them."""

import json
import math
import struct
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from normcli import api, columns
from normcli.errors import BadDataError, NormcliWarning
from normcli.formats._text import reader as text_reader
from normcli.formats.csv import Options
from normcli.methods.center import Center
from normcli.methods.maxabs import MaxAbs
from normcli.methods.zscore import ZScore
from normcli.parameters import Parameters
from tests.conftest import longer
from tests.formats.conftest import (
    applied,
    fields,
    fit,
    identity,
    in_memory,
    normcli,
    pipe_path,
    read,
    reader,
    refusal,
    through_pipe,
)

SAMPLED = 1000  # rows, at most, that types are told from
NOT_NUMBERS = ["1,000", "$7", "0x10", "1_000", "1 000", "1.5.2", "1e", "--1", "12%", "true", "１２", "٣", "1f", "1d5"]
NUMBERS = ["1", "+1", "-1", ".5", "5.", "1e5", "1E-5", "-0", "9223372036854775808", "123456789012345678901234567890"]
WORDS = ["NA", "N/A", "NaN", "nan", "null", "NULL"]


def types(data: bytes, **options: Any) -> dict[str, str]:
    return {f.name: f.type for f in reader(data, **options).description.schema}


def column(*values: str, rows: int = 1) -> bytes:
    """A column n, beside one of text, each value so many times."""
    lines = (f'"{v}",x\n' if "," in v else f"{v},x\n" for v in values for _ in range(rows))
    return ("n,text\n" + "".join(lines)).encode()


def restored(data: bytes, folder: Path, *, block_size: int | None = None, **options: Any) -> tuple[bytes, bytes]:
    """A file normalized, and restored from that."""
    given = Options(**options) if options else None
    path = folder / "restored.csv"
    path.write_bytes(data)
    plan = api.fit(path, MaxAbs(), format_options=given, block_size=block_size)
    made = applied(plan, data, folder, format_options=given, block_size=block_size)
    return made, applied(plan, made, folder, inverse=True, format_options=given, block_size=block_size)


# -- types -------------------------------------------------------------------------------------------------------
def test_types_come_from_the_first_rows() -> None:
    data = b"id,x,name,code,empty,gap,flag,date\n1,1.5,a,007,,,true,2024-01-01\n2,2,b,12,,3,false,2024-01-02\n"
    assert types(data) == {
        "id": "int64",
        "x": "float64",
        "name": "string",
        "code": "string",
        "empty": "null",
        "gap": "int64",
        "flag": "string",
        "date": "string",
    }
    assert columns.select(reader(data).description.schema, (), ()) == ("id", "x", "gap")


@pytest.mark.parametrize("size", [64, None])
def test_integers_in_the_sample_and_decimals_later(size: int | None) -> None:
    data = column("2", rows=SAMPLED + 100) + b"2.5,x\n" * (SAMPLED + 100)
    made = fit(in_memory(data), Center(), include=["n"], block_size=size)
    assert made.types["n"] == "float64"
    assert made.steps[0].summary()["mean"] == pytest.approx(2.25, rel=1e-15)
    assert read(data, ["n"], block_size=size).rows[-1] == [2.5, "x"]


def test_integers_beyond_64_bits_later() -> None:
    assert read(column("2", rows=3) + b"18446744073709551616,x\n", ["n"]).rows[-1] == [2.0**64, "x"]


def test_an_empty_sample_is_left_out_with_a_warning_unless_named(tmp_path: Path) -> None:
    data = b"n,late\n" + b"1,\n" * (SAMPLED + 100) + b"3,4.5\n2,5.5\n"
    made = reader(data)
    assert columns.select(made.description.schema, (), ()) == ("n",)
    assert "'late'" in made.description.doubts["late"]
    assert "empty in the first rows" in made.description.doubts["late"]
    assert fit(in_memory(data), Center(), include=["late"]).steps[0].summary()["mean"] == 5.0

    (tmp_path / "d.csv").write_bytes(data)
    done = normcli("fit", "d.csv", "-m", "center", cwd=tmp_path)
    assert done.returncode == 0
    assert list(json.loads(done.stdout)["steps"][0]["columns"]) == ["n"]
    assert b"warning: d.csv: column 'late' is left out: it is empty in the first rows" in done.stderr
    done = normcli("fit", "d.csv", "-m", "center", "-x", "late", cwd=tmp_path)
    assert done.returncode == 0
    assert b"warning" not in done.stderr
    assert normcli("fit", "d.csv", "-m", "center", "--werror", cwd=tmp_path).returncode == 65


ODD = b"f,fi,mix,none,zip\n1,5,$2,,007\n2,6,$3,,008\n3,7,$4,,009\n"


@pytest.mark.parametrize(
    ("selectors", "about"), [(("f",), set()), (("f*",), set()), (("f,fi",), set()), (("f", "*i*"), {"mix", "zip"})]
)
def test_columns_that_no_selector_matches_are_no_matter(
    tmp_path: Path, selectors: tuple[str, ...], about: set[str]
) -> None:
    (tmp_path / "d.csv").write_bytes(ODD)
    flags = [word for s in selectors for word in ("-c", s)]
    for line in (("fit", "d.csv", "-m", "center", "-p", "p.json"), ("describe", "d.csv")):
        strict = normcli(*line, *flags, "--werror", cwd=tmp_path)
        assert strict.returncode == (65 if about else 0)
        assert {n for n in ("mix", "none") if f"'{n}'" in strict.stderr.decode()} == about - {"zip"}
        assert normcli(*line, "--werror", cwd=tmp_path).returncode == 65
    with warnings.catch_warnings(record=True) as caught:
        api.fit(tmp_path / "d.csv", method="center", columns=selectors)
    assert {n for n in ("mix", "none", "zip") if any(n in str(w.message) for w in caught)} <= about


@pytest.mark.parametrize("code", ["007", "00", "-01", "+00.5", "01/02/2020"])
def test_a_zero_before_a_digit_is_text(code: str) -> None:
    data = f"n,code\n1,{code}\n2,5\n3,6\n".encode()
    assert types(data) == {"n": "int64", "code": "string"}
    assert types(data.replace(code.encode(), b"0.5"))["code"] == "float64"


def test_half_a_column_of_numbers_is_a_warning_with_the_first_that_is_none(tmp_path: Path) -> None:
    data = b'n,half,third\r\n1,1,1\r\n2,2,"p\r\nq"\r\n3,"?\x1b",x\r\n4,-,y\r\n5,,z\r\n'
    plain = reader(data.replace(b"\x1b", b"")).description.doubts
    takes = "--na-values 'NA,N/A,NaN,nan,null,NULL,?,-' takes it as missing"
    assert plain == {"half": f"t.csv:5: column 'half' is left out: '?' in it is not a number ({takes})"}
    (tmp_path / "d.csv").write_bytes(data)
    done = normcli("fit", "d.csv", "-m", "center", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr.count(b"warning") == 1
    assert b"warning: d.csv:5: column 'half' is left out: '?" in done.stderr
    assert b"\x1b" not in done.stderr


@pytest.mark.parametrize("size", [1, 8, 16, 100, 1000])
def test_types_do_not_depend_on_the_block_size(size: int) -> None:
    made = reader(column("1.5", "2", rows=20), size)
    assert {f.name: f.type for f in made.description.schema} == {"n": "float64", "text": "string"}


@pytest.mark.parametrize("last", ["x", "2.5", "007", ""])
def test_types_do_not_depend_on_the_last_line_end(last: str) -> None:
    data = f"n,m\n1,1\n2,{last}\n".encode()
    assert types(data.removesuffix(b"\n")) == types(data)


# -- text later --------------------------------------------------------------------------------------------------
def numbers_then_text(line_end: str, *, quoted_newlines: bool) -> tuple[bytes, int]:
    """Thousands of rows, one of which holds a word where all others hold a number; and its line."""
    text = f'"a{line_end}b"' if quoted_newlines else "a b"
    rows = [f"{i},{text},{i}.5" for i in range(6000)]
    rows[4321] = f"{4321},{text},oops"
    lines = 2 if quoted_newlines else 1
    return (line_end.join(["id,text,x", *rows]) + line_end).encode(), 2 + 4321 * lines


@pytest.mark.parametrize("quoted_newlines", [False, True])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("threads", [1, 3])
def test_text_in_the_third_block_is_refused_with_its_line(
    line_end: str, quoted_newlines: bool, threads: int, folder: Path
) -> None:
    data, line = numbers_then_text(line_end, quoted_newlines=quoted_newlines)
    size = len(data) // 4
    path = folder / "late.csv"
    path.write_bytes(data)
    said = f"{line}: 'oops' in column 'x' is not a number"
    with pytest.raises(BadDataError) as caught:
        api.fit(path, ZScore(), block_size=size, threads=threads)
    assert caught.value.message == f"{path}:{said}"
    with pytest.raises(BadDataError) as caught:
        fit(through_pipe(data, [997]), ZScore(), block_size=size, threads=threads)
    assert caught.value.message == f"t.csv:{said}"
    output = folder / "late-z.csv"
    with pytest.raises(BadDataError) as caught, pipe_path(data) as pipe:
        api.apply(identity("x"), pipe, output, block_size=size, threads=threads)
    assert caught.value.message == f"{pipe}:{said}"
    assert not output.exists()
    fit(in_memory(data), ZScore(), include=["id"], block_size=size, threads=threads)


def test_text_in_the_third_block_through_the_command(tmp_path: Path) -> None:
    row = b"1.5," + b"x" * 12_000 + b"\n"
    data = b"n,text\n" + row * 1900 + b"oops,y\n" + row
    assert len(data) > 2 * (8 << 20)
    done = normcli("fit", "-m", "zscore", "-p", tmp_path / "p.json", "--threads", "3", stdin=data)
    assert done.returncode == 65
    said = b"'oops' in column 'n' is not a number (--on-bad-row skip leaves such rows out)"
    assert done.stderr == b"normcli: error: <stdin>:1902: " + said + b"\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [16, 64, None])
@pytest.mark.parametrize("word", ['"oops"', '"7x"', '" "x', '""""', '"1\n2"'])
def test_quoted_text_later_is_refused(word: str, size: int | None) -> None:
    assert "t.csv:22: " in refusal(column("1.5", rows=20) + word.encode() + b",x\n1,x\n", ["n"], block_size=size)


@pytest.mark.parametrize("size", [40, None])
@pytest.mark.parametrize("first", [b"inf,x", b"oops,x", b"1", b"1,x,y", b'"1"0,x', b'1,x"', b"\xff,x"])
@pytest.mark.parametrize("second", [b"inf,x", b"oops,x", b"1", b'1,x"y"'])
def test_the_first_fault_in_the_file_is_told(
    first: bytes, second: bytes, size: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of two in one block, and whichever thread meets one."""
    sampled = 30
    monkeypatch.setattr(text_reader, "SAMPLE", (1 << 20, sampled))
    data = column("1.5", rows=sampled + 10) + first + b"\n1,x\n" + second + b"\n" + b"1,x\n" * 5
    for threads in (1, 3):
        with pytest.raises(BadDataError) as caught:
            fit(in_memory(data), ZScore(), include=["n"], block_size=size, threads=threads)
        assert caught.value.message.startswith(f"t.csv:{sampled + 12}: ")


# -- numbers -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("word", NOT_NUMBERS)
@pytest.mark.parametrize("before", ["1", "1.5", " 1", "NA"])
def test_what_is_no_number(word: str, before: str) -> None:
    assert types(column(word)) == {"n": "string", "text": "string"}
    for size in (32, None):
        said = refusal(column(before, "3", word, "4"), ["n"], block_size=size)
        assert said == f"t.csv:4: {word!r} in column 'n' is not a number"


@pytest.mark.parametrize("word", NUMBERS)
@pytest.mark.parametrize("before", ["1", "1.5", " 1", "NA"])
def test_what_is_a_number(word: str, before: str) -> None:
    for size in (32, None):
        assert read(column(before, "3", word, "4"), ["n"], block_size=size).rows[2] == [float(word), "x"]


@pytest.mark.parametrize("word", [" 1.5", "1.5 ", "\t1.5", " \t1.5\t ", '"1.5"', '" 1.5 "'])
def test_spaces_around_a_number_are_ignored(word: str) -> None:
    data = f"n,text\n{word},x\n2.5,y\n".encode()
    assert types(data)["n"] == "float64"
    assert [row[0] for row in read(data, ["n"]).rows] == [1.5, 2.5]
    assert read(column("1", "2", "3") + f"{word},x\n".encode(), ["n"], block_size=20).rows[-1][0] == 1.5


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20), st.booleans())
@example([5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1 / 3], False)
def test_floats_are_read_to_the_bit_and_read_back_to_the_bit(folder: Path, values: list[float], gap: bool) -> None:
    """Also through the slower way, which a word that means missing makes of a block."""
    data = column(*map(repr, values), *["NA"] * gap)
    values = [v + 0.0 for v in values]  # a zero loses its sign, on the way out
    made = [row[0] for row in read(data, ["n"]).rows]
    assert bits(made[: len(values)]) == bits(values) or 0.0 in values
    out = fields(applied(identity("n"), data, folder), "n")
    assert bits([float(str(v)) for v in out[: len(values)]]) == bits([v + 0.0 for v in values])
    assert out[len(values) :] == ["NA"] * gap


def bits(values: Sequence[object]) -> list[bytes]:
    return [struct.pack("<d", v) for v in values]


@pytest.mark.parametrize("column_of", ["1", "1.5", "NA", " 2"])
def test_floats_of_one_column_alone_are_read_back_to_the_bit(column_of: str, folder: Path) -> None:
    """A missing value makes this a file of its own kind: a null must not become a blank line."""
    values = ["1e-7", "-2.5e-8", "0.1", "123456789012345680000", "1e300", "0.30000000000000004"]
    data = "\n".join(["n", column_of, '""', *values, "", ""]).encode()
    out = fields(applied(identity("n"), data, folder), "n")
    assert out[1] == ""
    assert [float(str(v)) for v in out[2:]] == [float(v) for v in values]


def test_zero_has_no_sign(folder: Path) -> None:
    out = fields(applied(identity("n"), column("-0.0", "0", "-0", "1"), folder), "n")
    assert out == ["0.0", "0.0", "0.0", "1.0"]


# -- infinite ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("word", ["1e400", "-1e999", "inf", "-inf", "Infinity", "+INF", " inf "])
@pytest.mark.parametrize("before", ["1", *longer("1.5", "NA")])
def test_an_infinite_value_is_refused_with_line_and_column(word: str, before: str, folder: Path) -> None:
    data = b'text,n\n"a\nb",' + before.encode() + b"\n\nx,2.5\nx," + word.encode() + b"\ny,1\n"
    for size in (24, None):
        assert refusal(data, ["n"], block_size=size) == f"t.csv:6: infinite value in column 'n': '{word}'"
    with pytest.raises(BadDataError, match=r":6: infinite value in column 'n'"):
        applied(identity("n"), data, folder)

    as_missing = read(data, ["n"], infinite="missing").rows
    assert as_missing[2] == ["x", None]
    made = fields(applied(identity("n"), data, folder, infinite="missing"), "n")
    assert made[1:] == ["2.5", "", "1.0"]
    plan = fit(in_memory(data), Center(), include=["n"], infinite="missing")
    assert plan.steps[0].summary()["missing"] == 1 + (before == "NA")


# -- missing -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("word", [*WORDS, " NA ", "", '""'])
@pytest.mark.parametrize(
    ("value", "blocks"),
    [("4", 5), *(pytest.param(*case, marks=pytest.mark.soak) for case in (("4", 1), ("4.5", 1), ("4.5", 5)))],
)
def test_missing_is_counted_and_stays_what_it_was(word: str, value: str, blocks: int, folder: Path) -> None:
    """In the sample or later, alone in its block or among others."""
    for rows in ([word, value, "2"], [value, word, "2", "NA", ""], [*[value] * SAMPLED, word, "2"]):
        data = ("n,text\n" + "".join(f"{v},x\n" for v in rows)).encode()
        size = 1 + len(data) // blocks
        plan = fit(in_memory(data), MaxAbs(), include=["n"], block_size=size)
        present = sum(v in (value, "2") for v in rows)
        said = plan.steps[0].summary()
        assert [*said["count"], *said["missing"]] == [present, len(rows) - present]
        made = applied(plan, data, folder, block_size=size)
        back = applied(plan, made, folder, inverse=True, block_size=size)
        gaps = [i for i, v in enumerate(rows) if v not in (value, "2")]
        for out in (made, back):
            assert [fields(out, "n")[i] for i in gaps] == [rows[i].strip('"') for i in gaps]


@pytest.mark.parametrize("word", [" ", "\t", '" "'])
def test_nothing_but_spaces_is_missing(word: str, folder: Path) -> None:
    data = f"n,text\n1.5,x\n{word},y\n".encode()
    assert [row[0] for row in read(data, ["n"]).rows] == [1.5, None]
    assert str(fields(applied(identity("n"), data, folder), "n")[1]).strip() == ""


def test_a_missing_word_late_leaves_integers_integers(folder: Path) -> None:
    for word in WORDS:
        data = column("2", "4", rows=SAMPLED) + f"{word},x\n".encode()
        made, back = restored(data, folder)
        assert fields(made, "n")[-1] == word
        assert back == data


def test_integers_are_restored_as_integers(folder: Path) -> None:
    values = ["0", "-5", "1000000007", "-9007199254740993", "", "NA", "3"]
    data = column(*values)
    made, back = restored(data, folder)
    assert fields(made, "n")[4:6] == ["", "NA"]
    assert fields(back, "n") == [*values[:3], "-9007199254740992", *values[4:]]
    assert restored(column(*(v for v in values if v != "-9007199254740993")), folder)[1] == column(
        *(v for v in values if v != "-9007199254740993")
    )


@pytest.mark.parametrize("word", ["-999", "-", "missing", "0", "9e9", "?", "é"])
def test_na_values_replace_the_list(word: str, folder: Path) -> None:
    data = column("5", word, "", "7", f" {word} ", "6")
    options = f"x,{word}"
    assert types(data, na_values=options)["n"] in ("int64", "float64")
    for size in (16, None):
        assert [r[0] for r in read(data, ["n"], na_values=options, block_size=size).rows] == [5, None, None, 7, None, 6]
        assert refusal(data + b"NA,x\n", ["n"], na_values=options, block_size=size) == (
            "t.csv:8: 'NA' in column 'n' is not a number"
        )
    path = folder / "na.csv"
    path.write_bytes(data)
    plan = api.fit(path, MaxAbs(), format_options=Options(na_values=options))
    assert plan.steps[0].summary()["missing"] == 3
    assert plan.types["n"] == "int64"


@pytest.mark.parametrize("word", ["-999", "-", "missing", "0"])
def test_a_word_of_na_values_stays_what_it_was(word: str, folder: Path) -> None:
    data = column("5", word, "", "7", f" {word} ", "6")
    made, back = restored(data, folder, na_values=word)
    assert fields(made, "n") == [repr(5 / 7), word, "", "1.0", f" {word} ", repr(6 / 7)]
    assert back == data


def test_na_values_may_be_none(folder: Path) -> None:
    data = column("5", "NA", "7")
    assert types(data, na_values="")["n"] == "string"
    assert refusal(data, ["n"], na_values="") == "t.csv:3: 'NA' in column 'n' is not a number"


def test_na_values_from_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(column("5", "-999", "7"))
    done = normcli("fit", "d.csv", "-m", "minmax", "--na-values", "-999", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    about = json.loads(done.stdout)["steps"][0]["columns"]["n"]
    assert (about["count"], about["missing"], about["min"], about["max"]) == (2, 1, 5.0, 7.0)


def test_a_column_without_a_value_comes_out_missing(folder: Path) -> None:
    data = b"n,text\n,x\nNA,y\n,z\n"
    path = folder / "none.csv"
    path.write_bytes(data)
    with pytest.warns(NormcliWarning) as warned:
        plan: Parameters = api.fit(path, ZScore(), columns=["n"])
    assert len(warned) == 1
    assert "n" in str(warned[0].message)
    assert math.isnan(plan.steps[0].fitted.center[0, 0])  # type: ignore[attr-defined]
    assert applied(plan, data, folder) == data
    assert fields(applied(plan, data + b"5,w\n", folder), "n") == ["", "NA", "", ""]


def test_what_a_block_is_made_of() -> None:
    """Of two ways to parse a block, the slower (all columns as text) gives the same bits."""
    values = [repr(float(x)) for x in np.random.default_rng(0).normal(size=500) * 10.0 ** np.arange(-250, 250)]
    fast, slow = (read(column(*values, *more), ["n"]).rows for more in ([], [" 1 "]))
    assert [row[0] for row in fast] == [row[0] for row in slow[:-1]] == [float(v) for v in values]


# -- a header of numbers -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("header", "doubtful"),
    [
        ("1,2", True), ("0,1", False), ("1,0", True), ("0,2", True), ("00,1", True), ("1.5,-2e3", True),
        ("2001,2002,2005", False), ("2002,2001", True), ("2001", True), ("0", False), ("x,1", False), (",1", False),
        (" 1 ,2", True), ('"3","4"', True), ("nan,inf", True), ("1_000,2", False),
    ],
)  # fmt: skip
def test_names_that_are_all_numbers_may_be_data(header: str, doubtful: bool) -> None:
    width = header.count(",") + 1
    data = f"{header}\n{','.join(['7'] * width)}\n".encode()
    assert bool(reader(data).description.doubt) == doubtful
    assert reader(data, header=True).description.doubt == reader(data, header=False).description.doubt == ""
    assert reader(data).description.schema == reader(data, header=True).description.schema
