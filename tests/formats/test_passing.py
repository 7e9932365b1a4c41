"""Columns that pass, of every type that Arrow has, to every format: the same values, or a refusal by name."""

import csv
import datetime
import io
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli import api
from normcli.errors import BadDataError
from normcli.formats._binary import dictionaries
from tests.conftest import examples, longer
from tests.formats.conftest import identity, normcli
from tests.formats.test_types import read_as, written_as

PLAN = identity("x")
NAME = 'a, "column"'
MOMENT = datetime.datetime(2024, 2, 29, 12, 30, 1, 250000)
UTC = datetime.UTC


# -- types and values --------------------------------------------------------------------------------------------
def table_of(column: pa.Array, metadata: Any = None) -> pa.Table:
    """A column that passes beside one that is normalized."""
    fields = [pa.field("x", pa.float64()), pa.field(NAME, column.type, metadata=metadata)]
    return pa.table([pa.array(np.arange(float(len(column)))), column], pa.schema(fields))


def stored(storage: pa.Array, kind: pa.DataType) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, storage)


def coded(values: pa.Array) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array([0, None, 1], pa.int8()), values)


STRANGE: dict[str, pa.Array] = {
    "run ends": pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["a", "b"])),
    "interval": pa.array([(1, 2, 3), None, (0, 0, 1)], pa.month_day_nano_interval()),
    "union": pa.UnionArray.from_sparse(pa.array([0, 1, 0], pa.int8()), [pa.array([1, 2, 3]), pa.array(["a"] * 3)]),
    "text view": pa.array(["a", None, "more than twelve bytes"], pa.string_view()),
    "bytes view": pa.array([b"a", None, b"b"], pa.binary_view()),
    "list view": pa.array([["a"], None, []], pa.list_view(pa.string())),
    "two bytes": pa.array([b"ab", None, b"cd"], pa.binary(2)),
    "uuid": stored(pa.array([b"0" * 16, None, b"1" * 16], pa.binary(16)), pa.uuid()),
    "json": stored(pa.array(["{}", None, "1"]), pa.json_()),
    "bool8": stored(pa.array([1, None, 0], pa.int8()), pa.bool8()),
    "opaque": stored(pa.array([1, None, 2]), pa.opaque(pa.int64(), "name", "vendor")),
    "tensor": stored(pa.array([[1], None, [3]], pa.list_(pa.float32(), 1)), pa.fixed_shape_tensor(pa.float32(), (1,))),
    "far days": pa.array([1, None, 2**31 - 1], pa.int32()).cast(pa.date32()),
    "far seconds": pa.array([1, None, 2**62]).cast(pa.timestamp("s")),
    "far milliseconds": pa.array([1, None, -(2**62)]).cast(pa.timestamp("ms", "+05:30")),
    "far within": pa.array([[], None, [MOMENT.date()]], pa.list_(pa.date32())),
    "no such zone": pa.array([MOMENT, None, MOMENT], pa.timestamp("us", "Nowhere/City")),
    "decimal of long numbers": pa.array([Decimal(10) ** 70, None, Decimal(-3)], pa.decimal256(76, 2)),
    "decimal of hundreds": pa.array([Decimal(1200), None, Decimal(-300)], pa.decimal128(10, -2)),
    "decimals within": pa.array([[Decimal("1.50")], None, []], pa.list_(pa.decimal128(5, 2))),
    "long decimals within": pa.array([[Decimal("1.50")], None, []], pa.list_(pa.decimal256(50, 2))),
    "no fields": pa.array([{}, None, {}], pa.struct([])),
    "a field twice": pa.StructArray.from_arrays([pa.array([1, 2, 3])] * 2, ["a", "a"]),
    "a key twice": pa.array([[("a", 1)], None, [("b", 1), ("b", 2)]], pa.map_(pa.string(), pa.int64())),
    "NaN within": pa.array([{"a": [float("nan")]}, None, {"a": None}], pa.struct([("a", pa.list_(pa.float64()))])),
    "infinite within": pa.array([[[1.0]], None, [[], [float("inf")]]], pa.list_(pa.list_(pa.float64()))),
    "codes of moments": coded(pa.array([MOMENT, MOMENT], pa.timestamp("us", "+05:30"))),
    "codes of durations": coded(pa.array([1, 2], pa.duration("s"))),
    "codes of lists": coded(pa.array([[1], [2]])),
    "codes of views": coded(pa.array(["a", "b"], pa.string_view())),
    "codes of null": coded(pa.array(["a", None])),
    "codes of the same": coded(pa.array(["a", "a"])),
    "codes of half floats": coded(pa.array([1.0, 2.0], pa.float16())),
    "codes within": pa.StructArray.from_arrays([pa.array(["a", None, "b"]).dictionary_encode()], ["k"]),
}  # fmt: skip
ZONES = ("UTC", "+05:30", "-03:30", "+00:00", "+14:00", "-12:00", "Europe/Berlin", "Asia/Kolkata")


@dataclass(frozen=True)
class Kind:
    """A type, and values of it, as Python has them."""

    type: pa.DataType
    values: st.SearchStrategy[Any]


def _leaves() -> list[Kind]:
    day = st.dates(datetime.date(1, 1, 2), datetime.date(9999, 12, 30))
    moment = st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1))
    recent = st.datetimes(datetime.datetime(1975, 1, 1), datetime.datetime(2090, 1, 1))  # whose offsets polars knows
    signs, widths = ("", "u"), (8, 16, 32, 64)
    return [
        *(Kind(getattr(pa, f"{sign}int{n}")(), st.integers(*_ends(sign, n))) for sign in signs for n in widths),
        *(Kind(kind, st.floats(width=w)) for kind, w in ((pa.float16(), 16), (pa.float32(), 32), (pa.float64(), 64))),
        *(Kind(kind, st.text(max_size=5)) for kind in (pa.string(), pa.large_string(), pa.string_view())),
        *(Kind(kind, st.binary(max_size=5)) for kind in (pa.binary(), pa.large_binary(), pa.binary_view())),
        *(Kind(kind, _decimals(9)) for kind in (pa.decimal32(9, 2), pa.decimal64(12, 2), pa.decimal256(30, 2))),
        *(Kind(pa.timestamp(unit), moment.map(_whole(unit))) for unit in ("s", "ms", "us", "ns")),
        *(Kind(pa.timestamp("us", zone), recent.map(lambda v: v.replace(tzinfo=UTC))) for zone in ZONES),
        *(Kind(pa.duration(unit), st.timedeltas(-_DAY, _DAY).map(_whole_days)) for unit in ("s", "ns")),
        *(Kind(kind, day) for kind in (pa.date32(), pa.date64())),
        *(Kind(kind, st.times().map(lambda v: v.replace(microsecond=0))) for kind in (pa.time32("s"), pa.time64("ns"))),
        Kind(pa.decimal128(38, 2), _decimals(38)),
        Kind(pa.bool_(), st.booleans()),
        Kind(pa.null(), st.none()),
    ]  # fmt: skip


_DAY = datetime.timedelta(days=1)


def _ends(sign: str, bits: int) -> tuple[int, int]:
    return (0, 2**bits - 1) if sign else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _decimals(digits: int) -> st.SearchStrategy[Decimal]:
    most = 10**digits - 1
    return st.integers(-most, most).map(lambda n: Decimal(n).scaleb(-2) if digits < 38 else Decimal(f"{n}e-2"))


def _whole(unit: str) -> Any:
    cut = {"s": 1_000_000, "ms": 1000}.get(unit, 1)
    return lambda v: v.replace(microsecond=v.microsecond // cut * cut)


def _whole_days(value: datetime.timedelta) -> datetime.timedelta:
    return datetime.timedelta(days=value.days, seconds=value.seconds)


def _nested(inner: st.SearchStrategy[Kind]) -> st.SearchStrategy[Kind]:
    def lists(kind: Kind, make: Any) -> Kind:
        return Kind(make(kind.type), st.lists(st.none() | kind.values, max_size=3))

    def pairs(kind: Kind) -> Kind:
        return Kind(pa.list_(kind.type, 2), st.lists(st.none() | kind.values, min_size=2, max_size=2))

    def structs(kinds: list[Kind]) -> Kind:
        named = {f"f{j}": kind for j, kind in enumerate(kinds)}
        fields = pa.struct([(n, k.type) for n, k in named.items()])
        return Kind(fields, st.fixed_dictionaries({n: st.none() | k.values for n, k in named.items()}))

    def maps(kind: Kind) -> Kind:
        values = st.dictionaries(st.text(max_size=2), st.none() | kind.values, max_size=3)
        return Kind(pa.map_(pa.string(), kind.type), values.map(lambda v: list(v.items())))

    return st.one_of(
        st.builds(lists, inner, st.sampled_from([pa.list_, pa.large_list])),
        st.builds(pairs, inner),
        st.builds(structs, st.lists(inner, min_size=1, max_size=2)),
        st.builds(maps, inner),
    )


KINDS = st.recursive(st.sampled_from(_leaves()), _nested, max_leaves=3)


@st.composite
def columns(draw: st.DrawFn) -> pa.Array:
    """A column of a type, with null; or a part of one."""
    kind = draw(KINDS)
    values = draw(st.lists(st.none() | kind.values, min_size=1, max_size=5))
    made = pa.array(values, kind.type)
    return made.slice(draw(st.integers(0, len(made) - 1)))


# -- what comes out ----------------------------------------------------------------------------------------------
def texts(path: Path) -> list[Any]:
    """The column in text, as Python's own modules read it."""
    if path.suffix == ".ndjson":
        return [json.loads(line, parse_float=Decimal)[NAME] for line in path.read_text("utf-8").split("\n")[:-1]]
    text = io.StringIO(path.read_text("utf-8"), newline="")
    rows = csv.reader(text, delimiter="\t" if path.suffix == ".tsv" else ",")
    return [row[1] for row in rows][1:]


def equal(made: pa.ChunkedArray, column: pa.ChunkedArray) -> bool:
    """Whether values are the same, NaN equal to itself; types are, as far as Parquet has them."""
    return made.equals(column) or str(made) == str(column) or str(made.to_pylist()) == str(column.to_pylist())


def same(text: Any, value: Any, kind: pa.DataType, *, json: bool) -> bool:
    """Whether text, or what JSON made of it, is a value: by what Python reads."""
    if isinstance(kind, pa.BaseExtensionType):
        return same(text, value, kind.storage_type, json=json)
    if value is None or (json and isinstance(value, float) and value != value):
        return text is None if json else text == ""
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return same(text, value, kind.value_type, json=json)
    if pa.types.is_struct(kind):
        return list(text) == list(value) and all(same(text[f.name], value[f.name], f.type, json=json) for f in kind)
    if pa.types.is_map(kind):
        return list(text) == [k for k, _ in value] and all(
            same(text[k], v, kind.item_type, json=json) for k, v in value
        )
    if isinstance(value, list):
        pairs = zip(text, value, strict=True)
        return all(same(t, v, kind.value_type, json=json) for t, v in pairs)
    if isinstance(value, bool):
        return text is value if json else text == str(value).lower()
    if pa.types.is_decimal(kind) or pa.types.is_integer(kind):
        return Decimal(text) == value
    if isinstance(value, float):
        narrow = {pa.float16(): np.float16, pa.float32(): np.float32}.get(kind, np.float64)
        return bool(narrow(float(text)) == value) or (value != value and text == "NaN")
    if isinstance(value, datetime.datetime):
        found = datetime.datetime.fromisoformat(text)
        return found == value and found.utcoffset() == value.utcoffset()
    if isinstance(value, datetime.date):
        found = datetime.datetime.fromisoformat(text)
        return found.date() == value
    return bool(datetime.time.fromisoformat(text) == value if isinstance(value, datetime.time) else text == value)


def refusal(table: pa.Table, to: str, folder: Path) -> BadDataError | None:
    """What is said of a table where it is refused, and nothing written."""
    source = written_as(table, folder / ("given.arrows" if to == "arrow" else "given.arrow"))
    made = folder / f"made.{to}"
    made.unlink(missing_ok=True)
    try:
        api.apply(PLAN, source, made)
    except BadDataError as e:
        assert not made.exists()
        return e
    return None


# what types do not tell
DATA = r": row \d+: .* (beyond any calendar|JSON can't hold|is twice in a map)|be written as Parquet"


def check(table: pa.Table, to: str, folder: Path) -> None:
    """The column comes out as it was; or the file is refused by the column's name, with formats that do take it."""
    refused = refusal(table, to, folder)
    if refused is None:
        column = table[NAME]
        if to not in ("csv", "tsv", "ndjson"):
            assert equal(read_as(folder / f"made.{to}")[NAME], column), column.type
            return
        for text, value in zip(texts(folder / f"made.{to}"), column.to_pylist(), strict=True):
            assert same(text, value, column.type, json=to == "ndjson"), (column.type, text, value)
        return
    assert NAME in refused.message
    assert len(refused.message) < 500
    if "has no place for" not in refused.message:
        assert re.search(DATA, refused.message)
        return
    no_rows = table.slice(0, 0)  # of which the types alone tell
    assert "has no place for" in str(refusal(no_rows, to, folder))
    others = re.search(r"`to='([a-z]+)'`([a-z ]*) has one", refused.hint)
    assert [
        refusal(no_rows, other, folder) for other in ("".join(others.groups()).split(" or ") if others else ())
    ].count(None) >= 1
    assert refused.hint.endswith("`only=True` leaves it out")


@pytest.mark.parametrize("to", ["csv", "ndjson", "parquet", "arrow", *longer("tsv", "arrows")])
@pytest.mark.parametrize("name", STRANGE)
def test_strange_columns_come_out_or_are_refused(name: str, to: str, folder: Path) -> None:
    check(table_of(STRANGE[name]), to, folder)


@pytest.mark.parametrize("to", ["csv", "ndjson", "parquet", *longer("tsv", "arrow", "arrows")])
@settings(max_examples=examples(200))
@given(column=columns())
def test_every_type_comes_out_or_is_refused(to: str, folder: Path, column: pa.Array) -> None:
    check(table_of(column), to, folder)


# -- moments -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("zone", "csv_text", "json_text"),
    [
        ("+05:30", "2024-02-29T18:00:01.250000+0530", "2024-02-29 18:00:01.250000+05:30"),
        ("-03:30", "2024-02-29T09:00:01.250000-0330", "2024-02-29 09:00:01.250000-03:30"),
        ("Z", "2024-02-29T12:30:01.250000+0000", "2024-02-29 12:30:01.250000+00:00"),
        ("UTC", "2024-02-29T12:30:01.250000+0000", "2024-02-29 12:30:01.250000+00:00"),
        ("+0545", "2024-02-29T18:15:01.250000+0545", "2024-02-29 18:15:01.250000+05:45"),
        ("-05", "2024-02-29T07:30:01.250000-0500", "2024-02-29 07:30:01.250000-05:00"),
        ("Asia/Kolkata", "2024-02-29T18:00:01.250000+0530", "2024-02-29 18:00:01.250000+05:30"),
    ],
)
@pytest.mark.parametrize("given_as", ["parquet", *longer("arrow", "arrows")])
def test_moments_of_every_zone_have_a_text(
    zone: str, csv_text: str, json_text: str, given_as: str, folder: Path
) -> None:
    moment = MOMENT.replace(tzinfo=UTC)
    table = table_of(pa.array([moment, None], pa.timestamp("us", zone)))
    source = written_as(table, folder / f"given.{given_as}")
    for to, text, none in (("csv", csv_text, ""), ("tsv", csv_text, ""), ("ndjson", json_text, None)):
        api.apply(PLAN, source, folder / f"made.{to}")
        assert texts(folder / f"made.{to}") == [text, none]


# -- before anything is read -------------------------------------------------------------------------------------
@pytest.mark.parametrize("to", ["csv", "tsv", *longer("csv.gz")])
def test_what_has_no_place_is_told_before_anything_is_learned(to: str, tmp_path: Path) -> None:
    """By fit -o, by apply, and by --dry-run; with a way out that is one."""
    table = pa.table({"x": [1.0, 3.0], "l": [[1], [2]], "s": [{"a": 1}] * 2, "b": [b"a", b"b"]})
    written_as(table, tmp_path / "d.parquet")
    (tmp_path / "p.json").write_bytes(b"as it was")
    what = f"normcli: error: d.parquet: {to.removesuffix('.gz')} has no place for columns l (list<element: int64>), s ("
    fit = ["fit", "d.parquet", "-m", "center", "-c", "x", "-p", "p.json"]
    for more in (["-o", "out/"], ["-o", "out"]):
        for dry in ([], ["--dry-run"]):
            done = normcli(*fit, *more, "--to", to, *dry, cwd=tmp_path)
            assert (done.returncode, done.stderr.count(b"\n")) == (65, 1), done.stderr
            assert done.stderr.decode().startswith(what)
            assert b"--only leaves them out" in done.stderr
            assert (tmp_path / "p.json").read_bytes() == b"as it was"
    assert normcli(*fit, cwd=tmp_path).returncode == 0
    for more in (["-o", "out/"], ["-o", "out"], []):
        for dry in ([], ["--dry-run"]):
            done = normcli("apply", "d.parquet", "-p", "p.json", *more, "--to", to, *dry, cwd=tmp_path)
            assert (done.returncode, done.stdout) == (65, b""), done.stderr
            assert done.stderr.decode().startswith(what)
    assert not (tmp_path / "out").exists()
    for way_out in (["--to", to, "--only"], ["--to", "arrows"]):
        done = normcli("apply", "d.parquet", "-p", "p.json", "-o", "out", *way_out, cwd=tmp_path)
        assert done.returncode == 0, done.stderr


def test_lists_that_are_normalized_have_no_place_in_csv(tmp_path: Path) -> None:
    """Which --only does not change, and is not said to."""
    written_as(pa.table({"e": [[1.0, 2.0], [3.0, 4.0]]}), tmp_path / "d.parquet")
    (tmp_path / "d.ndjson").write_text('{"e":[1.0,2.0]}\n{"e":[3.0,4.0]}\n')
    for name in ("d.parquet", "d.ndjson"):
        done = normcli("fit", name, "-m", "center", "-c", "e", "-p", "p.json", "-o", "out.csv", "--only", cwd=tmp_path)
        assert (done.returncode, b"--only" in done.stderr) == (65, False), done.stderr
        assert f"{name}: csv has no place for column e".encode() in done.stderr
        assert not (tmp_path / "p.json").exists()


def test_the_second_of_two_inputs_is_told_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n2\n")
    written_as(pa.table({"x": [1.0], "b": [b"a"]}), tmp_path / "b.parquet")
    line = ["fit", "a.csv", "b.parquet", "-m", "center", "-p", "p.json", "-o", "out/", "--to", "csv"]
    done = normcli(*line, cwd=tmp_path)
    assert done.returncode == 65
    assert b"b.parquet: csv has no place for column b (binary)" in done.stderr
    assert not (tmp_path / "p.json").exists()


CODES = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None, 2, 0, 1, 2], pa.int8()), pa.array(["a", None, "b"]))
PLACES = [0, 1, 2, 3, 4, 4, 5, 7, 8]


def nests(inner: pa.Array) -> dict[str, pa.Array]:
    """Columns that a column of eight rows is in."""
    gone = pa.array([False, False, True, False, False, True, False, False])
    return {
        "struct": pa.StructArray.from_arrays([inner, pa.array(range(8))], ["e", "f"], mask=gone),
        "list": pa.ListArray.from_arrays(pa.array([0, 1, None, 3, 4, 4, 5, 7, 8]), inner),
        "large list": pa.LargeListArray.from_arrays(PLACES, inner),
        "pairs": pa.FixedSizeListArray.from_arrays(inner, 2, mask=gone[:4]),
        "map": pa.MapArray.from_arrays(PLACES, pa.array(range(8)), inner),
        "list view": pa.ListViewArray.from_arrays([0, 2, 1, 0, 0, 0, 3, 7], [2, 3, 2, 0, 1, 8, 4, 1], inner),
        "opaque": stored(inner, pa.opaque(inner.type, "name", "vendor")),
    }


NESTS = nests(CODES)


def nulls_among_values(column: pa.Array) -> int:
    """Of dictionaries in a column, as their buffers have them."""
    if pa.types.is_dictionary(column.type):
        return int(column.dictionary.null_count)
    return sum(map(nulls_among_values, dictionaries._children(column)))


@pytest.mark.parametrize("first", NESTS)
@pytest.mark.parametrize("second", ["", *NESTS])
def test_dictionaries_are_written_without_null_among_their_values(first: str, second: str) -> None:
    """Wherever they are in a column, or in a part of one; what the rows say stays."""
    column = nests(NESTS[first])[second] if second and len(NESTS[first]) == 8 else NESTS[first]
    assert nulls_among_values(column)
    for start, stop in ((0, len(column)), (1, len(column) - 1), (2, 3)):
        part = table_of(column[start:stop]).to_batches()[0]
        made = dictionaries.encoded(part, part.schema)
        made.validate(full=True)
        assert made.schema == part.schema
        assert made.to_pylist() == part.to_pylist()
        assert nulls_among_values(made.column(1)) == 0


@pytest.mark.parametrize("to", ["arrow", "parquet", *longer("arrows", "ndjson")])
@pytest.mark.parametrize("name", ["", "struct", "list", "map", *longer("large list", "pairs", "opaque")])
def test_dictionaries_with_null_among_their_values_pass(name: str, to: str, folder: Path) -> None:
    table = table_of(NESTS[name] if name else CODES)
    assert refusal(table, to, folder) is None
    check(table, to, folder)


def test_dictionaries_within_structs_grow_from_batch_to_batch(folder: Path) -> None:
    """Of an Arrow file, which has one to a column."""
    parts = [pa.StructArray.from_arrays([pa.array(v).dictionary_encode()], ["k"]) for v in (["a", "b"], ["c", "a"])]
    batches = [table_of(part).to_batches()[0] for part in parts]
    with pa.ipc.new_stream(str(folder / "given.arrows"), batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    api.apply(PLAN, folder / "given.arrows", folder / "made.arrow")
    assert read_as(folder / "made.arrow")[NAME].to_pylist() == [{"k": k} for k in "abca"]
