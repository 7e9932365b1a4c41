"""NDJSON: read as Python's json module reads it or refused with its line; what is not normalized stays what it was."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from normcli import api, columns, formats
from normcli.blocks.record import Array
from normcli.columns import Field
from normcli.errors import BadDataError, BadPlaceError, BadRowError
from normcli.formats import ndjson
from normcli.methods.center import Center
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.zscore import ZScore
from tests.conftest import examples
from tests.formats.conftest import identity, in_memory, learned, normcli, params_of, sane, through_pipe

NAME = "t.ndjson"
Row = dict[str, Any]


class Number(str):
    """A number as it is spelled."""


def rows_of(data: bytes, numbers: Sequence[str] = ()) -> list[list[tuple[str, Any]]]:
    """Each row's keys and values in order; numbers as they are spelled, those of some keys as floats."""
    made = []
    for line in data.removeprefix(b"\xef\xbb\xbf").decode().split("\n"):
        if line.strip(" \t\r"):
            found = json.loads(line, object_pairs_hook=lambda p: p, parse_float=Number, parse_int=Number)
            made.append([(k, float(v) if k in numbers and isinstance(v, Number) else v) for k, v in found])
    return made


def strict(line: bytes) -> bool:
    """Whether Python's json module takes a line, with what it is lenient about refused."""

    def pairs(found: list[tuple[str, Any]]) -> Row:
        return dict(found)

    def refuse(word: str) -> None:
        raise ValueError(word)

    if not line.strip(b" \t\r"):
        return True
    try:
        text = line.decode().strip(" \t\r\n")
        top: list[Any] = []
        found = json.loads(text, parse_constant=refuse, object_pairs_hook=lambda p: top.append(p) or pairs(p))
        json.dumps(found, ensure_ascii=False).encode()
    except ValueError:
        return False
    return isinstance(found, dict) and len({k for k, _ in top[-1]}) == len(top[-1])


def reader(data: bytes, block_size: int | None = None) -> Any:
    return ndjson.Reader(in_memory(data, NAME), ndjson.Options(), block_size=block_size)


def through(data: bytes, wanted: Sequence[str] = (), *, block_size: int | None = None) -> bytes:
    """Decoded and encoded again. Raises BadDataError."""
    made = reader(data, block_size)
    writer = ndjson.Writer.for_input(made.description, made.description.blank(frozenset(wanted)), None, ())
    out, place = b"", made.description.start
    try:
        for chunk in made.chunks():
            decoded = sane(chunk, frozenset(wanted), "error")
            try:
                columns.block(decoded.frame, list(wanted))
            except BadRowError as e:
                raise BadPlaceError(chunk.locate(e.row), e.what, e.hint) from None
            out += b"".join(writer.encode(decoded.frame))
            place += decoded.places
    except BadPlaceError as e:
        raise BadDataError(f"{made.description.place(place + e.place)}: {e.what}", e.hint) from None
    return out


def refusal(data: bytes, wanted: Sequence[str] = (), *, block_size: int | None = None) -> str:
    with pytest.raises(BadDataError) as caught:
        through(data, wanted, block_size=block_size)
    return caught.value.message


# -- what passes -------------------------------------------------------------------------------------------------
PASSES: dict[str, bytes] = {
    "numbers as they are spelled": b'{"x": 1.50, "y": 1E+05, "z": -0, "w": 12345678901234567890123, "v": 0.10}\n',
    "text": '{"x": 1, "t": "é \\u00e9 \\n \\" \\\\", "u": "", "v": "null", "w": "1.0"}\n'.encode(),
    "quotes and backslashes": b'{"x":1,"t":"\\\\","u":"\\\\\\"","v":"{\\"a\\":[1,2]}, \\\\\\\\"}\n',
    "brackets in text": b'{"x": 1, "t": "}{][,:", "u:,{": "\\"}"}\n',
    "nested": b'{"x": 1, "n": {"b": 1.0, "a": [1, {"x": [2]}, []], "c": {}}, "m": [], "o": [[[]]]}\n',
    "words": b'{"x": 1, "t": true, "f": false, "n": null}\n',
    "missing keys and nulls": b'{"x":1,"a":2}\n{"a":3}\n{"x":null}\n{}\n{"x":4,"a":null}\n',
    "nothing but empty objects": b"{}\n{}\n",
    "names that hidden columns might have": b'{"x":1,"\\u0000hidden":2}\n{"\\u0000hidden\\u0000":3,"x":4}\n',
    "another order": b'{"x":1,"a":2}\n{"a":3,"x":4}\n{"a":5}\n',
    "white space": b' { "x" :\t1 , "a" : [ 1 , 2 ] } \r\n\t{"x":2 ,"a":3}\t\n',
    "no line end": b'{"x":1}\n{"x":2}',
    "CRLF": b'{"x":1}\r\n{"x":2}\r\n',
    "blank lines": b'\n{"x":1}\n\n \t\r\n{"x":2}\n\n',
    "byte order mark": b'\xef\xbb\xbf{"x":1}\n',
    "keys like patterns": b'{"*":1,"":2,"^x$":3,"0":4,"x":5,"column_1":6,"\\u0078y":7,"a\\"b":8,"\\n":9}\n',
    "one key, spelled two ways": b'{"xy":1,"x":2}\n{"\\u0078y":3,"x":4}\n',
    "mixed": b'{"x":1,"a":1}\n{"x":2,"a":"1"}\n{"x":3,"a":[1]}\n{"x":4,"a":true}\n',
    "emoji": '{"x":1,"😀":"😀","b":"\\ud83d\\ude00"}\n'.encode(),
    "separators of lines that are none": '{"x":1,"t":"a\u2028b\u0085c\x7f"}\n'.encode(),
}


@pytest.mark.parametrize("name", PASSES)
@pytest.mark.parametrize("size", [1, 30, None])
def test_what_is_not_selected_stays(name: str, size: int | None) -> None:
    """Values, their spelling, the order of keys, and what is not there; selected numbers the same numbers."""
    data = PASSES[name]
    assert rows_of(through(data, block_size=size)) == rows_of(data)
    if b'"x"' in data:
        assert rows_of(through(data, ["x"], block_size=size), ["x"]) == rows_of(data, ["x"])


def test_white_space_is_dropped() -> None:
    assert through(PASSES["white space"]) == b'{"x":1,"a":[ 1 , 2 ]}\n{"x":2,"a":3}\n'


def test_keys_that_come_late(folder: Path) -> None:
    """After the first rows, wherever in their row; selected values beside them are normalized."""
    data = b'{"x":1,"a":1}\n' * 1000 + b'{"b":[1.0, "x"],"x":2,"c":null,"a":"z","d":{"q":1}}\n{"a":1,"e":5}\n'
    (folder / "in.jsonl").write_bytes(data)
    api.apply(identity("x"), folder / "in.jsonl", folder / "out.ndjson")
    made = (folder / "out.ndjson").read_bytes()
    assert rows_of(made, ["x"]) == rows_of(data, ["x"])
    assert made.endswith(b'{"b":[1.0, "x"],"x":2.0,"c":null,"a":"z","d":{"q":1}}\n{"a":1,"e":5}\n')
    with pytest.raises(BadDataError, match=r"in\.jsonl:1001: there is no column for key 'b'"):
        api.apply(identity("x"), folder / "in.jsonl", folder / "out.csv")


# -- what is refused ---------------------------------------------------------------------------------------------
REFUSED: dict[str, tuple[bytes, str]] = {  # a line, and what is said of it
    "nothing whole": (b'{"x":1', "not JSON"),
    "a comma too many": (b'{"x":1,}', "not JSON"),
    "no comma": (b'{"x":1 "y":2}', "not JSON"),
    "no value": (b'{"x":}', "not JSON"),
    "no quotes": (b"{x:1}", "not JSON"),
    "other quotes": (b"{'x':1}", "not JSON"),
    "a word": (b"x", "not JSON"),
    "NaN": (b'{"x":NaN}', "NaN is not JSON"),
    "Infinity": (b'{"y":-Infinity}', "-Infinity is not JSON"),
    "NaN within": (b'{"y":[NaN]}', "NaN is not JSON"),
    "a zero before": (b'{"x":01}', "not JSON"),
    "a plus": (b'{"x":+1}', "not JSON"),
    "no digit": (b'{"x":1.}', "not JSON"),
    "two in a line": (b'{"x":1} {"x":2}', "not JSON"),
    "two in a line, closely": (b'{"x":1}{"x":2}', "not JSON"),
    "over two lines": (b'{"x":\n1}', "not JSON"),
    "over two lines, with two in one": (b'{"y":[{"x":1}\n,{"x":1}]} {"x":2}', "not JSON"),
    "a list": (b'[{"x":1}]', "not an object"),
    "a list over lines": (b'[\n{"x":1},\n{"x":2}\n]', "not JSON"),
    "a number": (b"1", "not an object"),
    "null": (b"null", "not an object"),
    "a key twice": (b'{"x":1,"y":2,"x":1}', "key 'x' is there twice"),
    "a new key twice": (b'{"x":1,"z":2,"z":3}', "key 'z' is there twice"),
    "a key twice, spelled two ways": (b'{"x":1,"\\u0078":2}', "key 'x' is there twice"),
    "not UTF-8": (b'{"x":1,"y":"\xff"}', "not UTF-8: byte 0xff"),
    "not UTF-8 in a key": (b'{"\xc3":1}', "not UTF-8"),
    "surrogates": (b'{"y":"\xed\xa0\x80"}', "not UTF-8"),
    "half a pair": (b'{"y":"\\ud83d"}', "an unpaired surrogate"),
    "half a pair in a key": (b'{"\\ude00":1}', "an unpaired surrogate"),
    "half a pair within": (b'{"y":[{"a":"\\ud83d x"}]}', "an unpaired surrogate"),
    "a tab in text": (b'{"y":"\t"}', "not JSON"),
    "no such escape": (b'{"y":"\\x"}', "not JSON"),
    "text that is never closed": (b'{"y":"', "not JSON"),
    "zero bytes": (b'{"x":1}\0', "not JSON"),
    "form feed": (b'\x0c{"x":1}', "not JSON"),
    "a byte order mark within": (b'\xef\xbb\xbf{"x":1}', "not JSON"),
    "text": (b'{"x":"1"}', "\"1\" in column 'x' is not a number"),
    "true": (b'{"x":true}', "true in column 'x' is not a number"),
    "a list as a number": (b'{"x":[1]}', "a list in column 'x'"),
    "an object as a number": (b'{"x":{"x":1}}', "an object in column 'x'"),
    "infinite": (b'{"x":1e400}', "infinite value in column 'x'"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize(
    ("size", "before"),
    [(1, 1), (25, 1), (None, 600), *(pytest.param(size, 600, marks=pytest.mark.soak) for size in (1, 25))],
)
def test_refused_with_its_line(name: str, size: int | None, before: int) -> None:
    """After the sample, and in it."""
    line, what = REFUSED[name]
    good = b'{"x":1,"y":2}\n\n'
    later = good * before + line + b"\n" + good
    for data, at in ((later, 2 * before + 1), (good + line + b"\n" + good, 3), (good + line, 3)):
        assert re.match(rf"{NAME}:{at}: ", said := refusal(data, ["x"], block_size=size)), said
        assert what in said


def test_the_first_fault_is_told() -> None:
    good = b'{"x":1}\n' * 1000
    assert ":1001: infinite" in refusal(good + b'{"x":1e400}\n{"x":}\n', ["x"])
    assert ":1001: not JSON" in refusal(good + b'{"x":}\n{"x":1e400}\n', ["x"])


@pytest.mark.parametrize("data", [b"", b"\n", b" \r\n\n", b"\xef\xbb\xbf"])
def test_nothing(data: bytes) -> None:
    assert "is empty" in refusal(data)


def test_utf_16() -> None:
    assert "UTF-16" in refusal('{"x":1}\n'.encode("utf-16"))


def test_nested_too_deeply() -> None:
    assert refusal(b'{"x":1}\n' * 1000 + b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n")


def test_truncated_anywhere() -> None:
    """Refused, but between rows, where nobody can tell."""
    data = b'{"x":1,"t":"a\\"b","n":[1,{"a":null}]}\n{"x":-2.5e1,"t":"\xc3\xa9","n":[]}\n'
    whole = {0, len(data), len(data) - 1, data.index(b"\n"), data.index(b"\n") + 1}
    for length in range(1, len(data)):
        if length in whole:
            assert rows_of(through(data[:length], ["x"]), ["x"]) == rows_of(data[:length], ["x"])
        else:
            assert f"{NAME}:" in refusal(data[:length], ["x"])


# -- laws --------------------------------------------------------------------------------------------------------
KEYS = st.sampled_from(["x", "y", "", "*", "é", 'a"b', "a\\", "{", "\n"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
ROWS = st.lists(st.dictionaries(KEYS, VALUES, max_size=5), min_size=1, max_size=12)


@given(rows=ROWS, size=st.sampled_from([1, 40, None]), ascii=st.booleans(), compact=st.booleans())
@settings(max_examples=examples(150))
def test_any_rows_come_out_as_they_were(rows: list[Row], size: int | None, ascii: bool, compact: bool) -> None:
    separators = (",", ":") if compact else None
    data = b"".join(json.dumps(r, ensure_ascii=ascii, separators=separators).encode() + b"\n" for r in rows)
    assert rows_of(through(data, block_size=size)) == rows_of(data)


@given(
    rows=st.lists(
        st.dictionaries(st.sampled_from("abc"), st.floats(-1e300, 1e300) | st.none(), max_size=3), min_size=1
    ),
    size=st.sampled_from([1, 40, None]),
)
@settings(max_examples=examples(80))
def test_selected_numbers_keep_their_bits(rows: list[Row], size: int | None) -> None:
    data = b"".join(json.dumps(r).encode() + b"\n" for r in rows)
    names = sorted({n for r in rows for n in r})
    assert rows_of(through(data, names, block_size=size), names) == rows_of(data, names)


@given(
    line=st.text(st.sampled_from('{}[]:,"\\ \t\n01.-eEx'), max_size=14).map(str.encode)
    | st.binary(max_size=8).map(lambda b: b'{"a":"' + b + b'"}')
    | st.text(st.sampled_from('{}[]:,"1a'), max_size=8).map(lambda t: b'{"a":' + t.encode() + b"}"),
    before=st.booleans(),
)
@settings(max_examples=examples(400))
@example(line=b'{"a":"\\\\"}', before=True)
def test_taken_if_and_only_if_python_takes_it(line: bytes, before: bool) -> None:
    good = b'{"a":1}\n'
    data = good * (1000 if before else 1) + line + b"\n" + good
    if all(strict(part) for part in line.split(b"\n")):
        assert rows_of(through(data)) == rows_of(data)
    else:
        assert f"{NAME}:" in refusal(data)


@given(data=st.data(), size=st.sampled_from([1, 7, 64, None]))
@settings(max_examples=examples(60))
def test_however_the_bytes_arrive(data: st.DataObject, size: int | None) -> None:
    whole = b"\n".join(PASSES.values()).replace(b"\xef\xbb\xbf", b"")
    steps = data.draw(st.lists(st.integers(1, 400), min_size=1, max_size=4))
    made = ndjson.Reader(through_pipe(whole, steps), ndjson.Options(), block_size=size)
    assert b"".join(c.data for c in made.chunks()) == whole


# -- columns -----------------------------------------------------------------------------------------------------
def test_columns_and_their_types() -> None:
    data = b'{"i":1,"f":1,"s":"a","n":null,"l":[1],"b":true,"m":"x"}\n{"late":1,"f":1.0,"m":2,"i":null,"b":null}\n'
    made = reader(data)
    assert made.description.schema == tuple(
        Field(n, t)
        for n, t in [
            ("i", "int64"), ("late", "int64"), ("f", "float64"), ("s", "string"), ("n", "null"),
            ("l", "large_list<float64>"),
            ("b", "bool"), ("m", "json"),
        ]
    )  # fmt: skip
    assert columns.select(made.description.schema, (), ()) == ("i", "late", "f")
    assert list(made.description.doubts) == ["n", "m"]
    assert "t.ndjson:1: column 'm' is left out: \"x\" in it is not a number" in made.description.doubts["m"]


def test_a_key_stands_where_its_row_has_it() -> None:
    assert [f.name for f in reader(b'{"a":1,"c":1}\n{"a":1,"b":1,"c":1}\n{"d":1,"a":1}\n').description.schema] == list(
        "dabc"
    )


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, unique=True), min_size=1, max_size=6))
def test_a_row_of_new_keys_comes_last_and_a_key_in_front_of_known_ones_right_before_them(rows: list[list[str]]) -> None:
    def order(some: list[list[str]]) -> list[str]:
        data = b"".join(json.dumps(dict.fromkeys(row, 1)).encode() + b"\n" for row in some)
        return [f.name for f in reader(data).description.schema]

    assert order(rows[:1]) == rows[0]
    before, last = order(rows[:-1]) if rows[1:] else [], rows[-1]
    after, new = order(rows), [name for name in last if name not in before]
    assert [name for name in after if name in before] == before
    assert sorted(after) == sorted([*before, *new])
    if len(new) == len(last):
        assert after == [*before, *last]
    elif last[0] in new:
        known = next(name for name in last if name in before)
        assert after[after.index(known) - last.index(known) : after.index(known)] == last[: last.index(known)]


def test_integers_stay_integers(folder: Path) -> None:
    data = b'{"i":1,"f":0.5,"k":null}\n{"i":null,"f":2}\n{"f":-1,"k":7}\n{"i":-40,"k":8}\n'
    (folder / "i.ndjson").write_bytes(data)
    plan = api.fit(folder / "i.ndjson", ZScore())
    assert [(f.name, f.type) for f in plan.schema] == [("i", "int64"), ("f", "float64"), ("k", "int64")]
    api.apply(plan, folder / "i.ndjson", folder / "z.ndjson")
    shape = [[k for k, v in row if v is not None] for row in rows_of(data)]
    assert [[k for k, v in row if v is not None] for row in rows_of((folder / "z.ndjson").read_bytes())] == shape
    api.apply(plan, folder / "z.ndjson", folder / "back.ndjson", inverse=True)
    back = rows_of((folder / "back.ndjson").read_bytes())
    assert [[p for p in row if p[0] != "f"] for row in back] == [[p for p in r if p[0] != "f"] for r in rows_of(data)]
    assert [k for row in back for k, _ in row] == [k for row in rows_of(data) for k, _ in row]


def test_a_result_that_is_missing_is_null(folder: Path) -> None:
    """Where a row misses one of its values, the others come out null; what was not there is not there."""
    data = b'{"a":1,"b":2,"t":"x"}\n{"b":3,"t":"y"}\n{"a":5,"b":null,"t":"z"}\n{"a":2,"b":7}\n{"a":2.5,"b":1}\n'
    (folder / "in.ndjson").write_bytes(data)
    plan = api.fit(folder / "in.ndjson", Decorrelate())
    api.apply(plan, folder / "in.ndjson", folder / "out.ndjson")
    made = rows_of((folder / "out.ndjson").read_bytes())
    assert [[k for k, _ in row] for row in made] == [["pc1", "pc2", "t"]] * 3 + [["pc1", "pc2"]] * 2
    assert [[v is None for k, v in row if k != "t"] for row in made] == [[False] * 2, [True] * 2, [True] * 2] + [
        [False] * 2
    ] * 2
    api.apply(plan, folder / "out.ndjson", folder / "back.ndjson", inverse=True)
    back = rows_of((folder / "back.ndjson").read_bytes(), "ab")
    assert [k for k, _ in back[0]] == ["a", "b", "t"]
    assert dict(back[3])["b"] == pytest.approx(7)


def test_real_data_as_from_csv(real: Array, folder: Path) -> None:
    """The same numbers in NDJSON give the same parameters as in CSV, whatever threads and blocks."""
    names = [f"x{j}" for j in range(real.shape[1])]
    rows = real.tolist()
    (folder / "r.csv").write_text("\n".join([",".join(names), *(",".join(map(repr, r)) for r in rows)]) + "\n")
    (folder / "r.ndjson").write_text("".join(json.dumps(dict(zip(names, r, strict=True))) + "\n" for r in rows))
    of_csv, of_json = (api.fit(folder / f"r.{s}", ZScore()) for s in ("csv", "ndjson"))
    assert learned(of_csv) == learned(of_json)
    api.apply(of_json, folder / "r.ndjson", folder / "z.ndjson", threads=2)
    api.apply(of_csv, folder / "r.csv", folder / "z.csv")
    made = np.array([[float(v) for _, v in row] for row in rows_of((folder / "z.ndjson").read_bytes())])
    expected = np.loadtxt(folder / "z.csv", delimiter=",", skiprows=1)
    assert (made == expected).all()
    api.apply(of_json, folder / "r.ndjson", folder / "small.ndjson", threads=1, block_size=4999)
    assert (folder / "small.ndjson").read_bytes() == (folder / "z.ndjson").read_bytes()


# -- from and to other formats -----------------------------------------------------------------------------------
MANY = (
    '{"x":1.5,"t":"a,\\"b\\"\\n","n":{"k":[1, 2]},"c":"007","f":1.50,"b":true,"e":"","u":"\\u00e9 ,"}\n'
    '{"x":null,"t":null,"n":null,"f":2,"e":"null"}\n'
    '{"t":"é","f":"f","x":3}\n'
).encode()


def test_to_csv(folder: Path) -> None:
    (folder / "m.ndjson").write_bytes(MANY)
    api.apply(identity("x"), folder / "m.ndjson", folder / "m.csv")
    assert (folder / "m.csv").read_text() == (
        'x,t,n,c,f,b,e,u\n1.5,"a,""b""\n","{""k"":[1, 2]}",007,1.50,true,"","é ,"\n,,,,2,,null,\n3.0,é,,,f,,,\n'
    )


def test_to_parquet(folder: Path) -> None:
    (folder / "m.ndjson").write_bytes(MANY)
    api.apply(identity("x"), folder / "m.ndjson", folder / "m.parquet")
    table = pq.read_table(folder / "m.parquet")
    assert table.schema.field("x").type == pa.float64()
    assert table["x"].to_pylist() == [1.5, None, 3.0]
    assert table["t"].to_pylist() == ['a,"b"\n', None, "é"]
    assert table["n"].to_pylist() == ['{"k":[1, 2]}', None, None]
    assert table["e"].to_pylist() == ["", "null", None]


def test_from_csv(folder: Path) -> None:
    data = b'id,x,w,t\n007,1.5,NA,"a ""b""\\\t"\n,,4,""\n3,-2e-7, 6 ,\xc3\xa9\n4,NaN,,\n'
    (folder / "d.csv").write_bytes(data)
    api.apply(identity("x", "w"), folder / "d.csv", folder / "d.ndjson")
    assert rows_of((folder / "d.ndjson").read_bytes(), ["x", "w"]) == [
        [("id", "007"), ("x", 1.5), ("w", None), ("t", 'a "b"\\\t')],
        [("id", None), ("x", None), ("w", 4.0), ("t", "")],
        [("id", "3"), ("x", -2e-7), ("w", 6.0), ("t", "é")],
        [("id", "4"), ("x", None), ("w", None), ("t", None)],
    ]


def test_from_parquet(folder: Path) -> None:
    import datetime
    from decimal import Decimal

    table = pa.table(
        {
            "x": pa.array([1.5, None, float("nan")]),
            "i": pa.array([1, None, -3], pa.int16()),
            "d": pa.array([Decimal("1.10"), None, Decimal("2.20")]),
            "b": [True, None, False],
            "day": pa.array([datetime.date(2026, 1, 2), None, datetime.date(1, 1, 1)]),
            "l": [[1, 2], None, []],
            "s": [{"a": 1.0, "b": "é"}, None, {"a": None, "b": '"'}],
            'q"': ["\x00\x1f", None, "\\"],
        }
    )
    pq.write_table(table, folder / "d.parquet")
    api.apply(identity("x"), folder / "d.parquet", folder / "d.ndjson")
    made = [json.loads(line) for line in (folder / "d.ndjson").read_text().splitlines()]
    assert [r["x"] for r in made] == [1.5, None, None]
    assert [r["i"] for r in made] == [1, None, -3]
    assert '"d":1.10,' in (folder / "d.ndjson").read_text()
    assert [r["b"] for r in made] == [True, None, False]
    assert [r["day"] for r in made] == ["2026-01-02", None, "0001-01-01"]
    assert [r["l"] for r in made] == [[1, 2], None, []]
    assert [r["s"] for r in made] == table["s"].to_pylist()
    assert [r['q"'] for r in made] == ["\x00\x1f", None, "\\"]


@pytest.mark.parametrize(
    ("column", "what"),
    [
        (pa.array([1.0, float("inf")]), "row 2: infinite value in column 'y'"),
        (pa.array([b"a", b"b"]), r"ndjson has no place for column y \(binary\)"),
        (pa.array([[1.0], [float("inf")]]), "row 2: infinite value in column 'y'"),
        (pa.array([[[1.0]], [[float("inf")]]]), "row 2: infinite value in column 'y'"),
    ],
)
def test_what_json_can_not_hold(folder: Path, column: Any, what: str) -> None:
    pq.write_table(pa.table({"x": [1.0, 2.0], "y": column}), folder / "d.parquet")
    with pytest.raises(BadDataError, match=what):
        api.apply(identity("x"), folder / "d.parquet", folder / "no.ndjson")
    assert not (folder / "no.ndjson").exists()


# -- the command -------------------------------------------------------------------------------------------------
def test_through_pipes(folder: Path) -> None:
    fit = normcli("fit", "--from", "ndjson", "-m", "minmax", "-p", folder / "p.json", stdin=MANY)
    assert fit.returncode == 0, fit.stderr
    done = normcli("apply", "--from", "ndjson", "-p", folder / "p.json", "--to", "ndjson.gz", stdin=MANY)
    assert done.returncode == 0, done.stderr
    back = normcli("apply", "--from", "ndjson", "-p", folder / "p.json", "--inverse", stdin=done.stdout)
    assert rows_of(back.stdout, ["x"]) == rows_of(MANY, ["x"])


def test_learned_and_applied_in_one(folder: Path) -> None:
    """What is kept in between is what it was, keys in another order and late ones among it."""
    data = MANY + b'{"f":0.5,"x":7}\n' + b'{"x":9}\n' * 1000 + b'{"late":[1.0],"x":2,"t":null}\n'
    (folder / "o.ndjson").write_bytes(data)
    one, two, p = folder / "one.ndjson", folder / "two.ndjson", folder / "o.json"
    assert normcli("fit", folder / "o.ndjson", "-m", "zscore", "-p", p, "-o", one).returncode == 0
    assert normcli("apply", folder / "o.ndjson", "-p", p, "-o", two).returncode == 0
    assert one.read_bytes() == two.read_bytes()
    assert one.read_bytes().splitlines()[-1].startswith(b'{"late":[1.0],"x":')


def test_columns_of_a_partitioned_tree(folder: Path) -> None:
    """They are text, whatever it looks like."""
    tree = folder / "tree" / "year=2026" / 'name=a"b'
    tree.mkdir(parents=True)
    (tree / "a.ndjson").write_bytes(b'{"x":1,"s":"a"}\n{"s":null,"x":2}\n')
    (folder / "p.json").write_bytes(params_of(identity("x")))
    made = normcli("apply", folder / "tree", "-p", folder / "p.json")
    assert made.stdout == (
        b'{"x":1.0,"s":"a","year":"2026","name":"a\\"b"}\n{"s":null,"x":2.0,"year":"2026","name":"a\\"b"}\n'
    )
    made = normcli("apply", folder / "tree", "-p", folder / "p.json", "--to", "csv")
    assert made.stdout == b'x,s,year,name\n1.0,a,2026,"a""b"\n2.0,,2026,"a""b"\n'


def test_a_late_key_called_as_a_column_of_the_output(folder: Path) -> None:
    data = b'{"a":1,"b":2}\n{"a":3,"b":1}\n' * 500 + b'{"a":5,"b":7,"pc1":0}\n'
    (folder / "pc.ndjson").write_bytes(data)
    plan = api.fit(folder / "pc.ndjson", Decorrelate())
    with pytest.raises(BadDataError, match=r"pc\.ndjson:1001: key 'pc1' is what a column of the output is called"):
        api.apply(plan, folder / "pc.ndjson", folder / "no.ndjson")


def test_only_and_none(folder: Path) -> None:
    (folder / "p.json").write_bytes(params_of(identity("x")))
    only = normcli("apply", "--from", "ndjson", "-p", folder / "p.json", "--only", stdin=MANY)
    assert only.stdout == b'{"x":1.5}\n{"x":null}\n{"x":3.0}\n'
    said = normcli("fit", "--from", "ndjson", "-m", "center", stdin=b'{"x":null}\n')
    assert said.returncode == 65
    assert formats.by_suffix("a.jsonl.gz") == "ndjson"
    assert api.fit_blocks(Center(), [np.ones((2, 1))], ["x"])


def test_a_first_line_without_end_is_held_to_the_longest_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from normcli.formats._text import cutting
    from normcli.io import sources

    monkeypatch.setattr(cutting, "LONGEST_ROW", 1 << 22)
    (tmp_path / "l.ndjson").write_bytes(b'{"a": "' + b"x" * (1 << 23) + b'"}\n{"a": "y"}\n')
    with pytest.raises(BadDataError, match=r"l\.ndjson:1: a row of more than 4 MB"):
        ndjson.Reader(sources.open_source(tmp_path / "l.ndjson"), ndjson.Options())
