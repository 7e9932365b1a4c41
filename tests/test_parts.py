"""Chunks decoded part by part: the same bytes, types, counts and faults as of whole ones."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli.errors import NormcliError
from normcli.formats._delimited import chunk as delimited
from normcli.formats._json import chunk as lines
from normcli.formats._text import cutting
from tests import inside
from tests.conftest import examples

WORDS = ("1", "2", "-3", "1.5", "2.0", "1e3", "NA", "", " 4", "nan", "12345678901234567890", "9007199254740993", '"5"')
RARE = ("x", "inf", "1e400", '"a\nb"', '"', "1,2")
VALUES = ("1", "2", "-3", "1.5", "2.0", "null", "12345678901234567890", "9007199254740993")
RARE_VALUES = ('"x"', "1e400", "[1,2]", "}")
FIRST = ("u,1,1.5,t", "v,2,0.25,t")
FIRST_LINES = ('{"k":"u","a":1,"b":1.5,"t":"s"}', '{"k":"v","a":2,"b":0.25,"t":"s"}')


@st.composite
def fields(draw: st.DrawFn, words: tuple[str, ...], rare: tuple[str, ...]) -> str:
    return draw(st.sampled_from(rare if draw(st.integers(0, 60)) == 0 else words))


@st.composite
def delimited_rows(draw: st.DrawFn) -> str:
    number = fields(WORDS[: draw(st.integers(1, len(WORDS)))], RARE)
    rows = st.tuples(st.sampled_from(["u", "v"]), number, number, st.sampled_from(["t", '"p,\n""q"', "NA", ""]))
    made = [row if draw(st.integers(0, 30)) else "" for row in map(",".join, draw(st.lists(rows, max_size=30)))]
    return "\n".join(["k,a,b,t", *FIRST, *made]) + "\n" * draw(st.integers(0, 1))


@st.composite
def json_lines(draw: st.DrawFn) -> str:
    number = fields(VALUES[: draw(st.integers(1, len(VALUES)))], RARE_VALUES)
    made = []
    for a, b in draw(st.lists(st.tuples(number, number), max_size=30)):
        members = [f'"k":"{"uv"[len(made) % 2]}"', f'"a":{a}', f'"b":{b}', '"t":"s"', '"late":1']
        gone = draw(st.sets(st.integers(1, 4), max_size=1)) | ({4} if draw(st.integers(0, 9)) else set())
        made.append("{" + ",".join(m for j, m in enumerate(members) if j not in gone) + "}")
    return "\n".join([*FIRST_LINES, *made]) + "\n"


LINES = (
    ("fit", "-m", "zscore"), ("fit", "-m", "robust", "--by", "k"), ("fit", "-m", "zscore", "--weights", "a", "-c", "b"),
    ("fit", "-m", "zscore", "--on-bad-row", "skip", "--rejects", "rejects.ndjson"),
    ("fit", "-m", "zscore", "--inf", "missing", "-o", "out"), ("fit", "-m", "unit", "--na-values", "NA,-3"),
)  # fmt: skip


def outcome(suffix: str, *words: str) -> dict[str, str | bytes]:
    """Every file that a fit, an apply and its inverse leave, or what each says."""
    skip = [w for w in words if w in ("--on-bad-row", "skip", "--inf", "missing")]
    runs = (
        [*words, f"data{suffix}", "-p", "p.json"],
        ["apply", f"data{suffix}", "-p", "p.json", "-o", f"z{suffix}", *skip],
        ["apply", f"z{suffix}", "-p", "p.json", "-o", f"back{suffix}", "--inverse"],
        ["check", f"data{suffix}", "-p", "p.json", *skip],
    )
    said: dict[str, str | bytes] = {}
    for run in runs:
        run = [w if w != "out" else f"out{suffix}" for w in run if run[0] == "fit" or w != "-m"]
        try:
            inside.run(*run)
        except NormcliError as e:
            said[run[0] + run[-1]] = f"{type(e).__name__} {e}".replace(os.getcwd(), "")
        except SystemExit as e:
            said[run[0] + run[-1]] = f"exit {e.code}"
    said |= {p.name: p.read_bytes() for p in Path().iterdir()}
    return said


def same(data: str, suffix: str, words: tuple[str, ...], part: int) -> None:
    if suffix != ".csv":
        words = tuple(w for w in words if w not in ("--na-values", "NA,-3"))
    found = []
    for size in (1 << 30, part):
        with inside.folder(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(delimited, "PART", size)
            patch.setattr(lines, "PART", 4 * size)
            Path(f"data{suffix}").write_text(data)
            found.append(outcome(suffix, *words))
    assert found[0] == found[1]


@given(data=delimited_rows(), words=st.sampled_from(LINES), part=st.integers(1, 40))
@settings(max_examples=examples(300, part=20))
def test_parts_of_delimited_text_change_nothing(data: str, words: tuple[str, ...], part: int) -> None:
    same(data, ".csv", words, part)


@given(data=json_lines(), words=st.sampled_from(LINES), part=st.integers(1, 40))
@settings(max_examples=examples(200, part=20))
def test_parts_of_lines_change_nothing(data: str, words: tuple[str, ...], part: int) -> None:
    same(data, ".ndjson", words, part)


@given(
    rows=st.lists(st.sampled_from(["a,b", "", '"x\ny",z', "long" * 9, '"""\n"']), max_size=30), count=st.integers(1, 9)
)
def test_parts_are_whole_rows_and_all_of_them(rows: list[str], count: int) -> None:
    data = "".join(f"{row}\n" for row in rows).encode()
    made = list(cutting.parts(data, b'"' in data, count))
    assert b"".join(made) == data
    assert len(made) <= count
    assert all(part and part.count(b'"') % 2 == 0 and part.endswith(b"\n") for part in made)
