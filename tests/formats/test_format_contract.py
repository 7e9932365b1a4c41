"""What every format keeps to: a new file in the folder is tested before anybody edits a test.

Files are made by the format's own writer and read by its own reader. What is said of real files of other programs, of
damage and of faults stands in the tests of each format."""

import io
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import asdict, fields, replace

from normcli import api, formats, registry
from normcli.errors import BadDataError, BadPlaceError, EmptyInputError, UsageError
from normcli.formats import Description, Format, Reader, Signature, record, signature
from normcli.methods.minmax import MinMax
from tests import inside, tables
from tests.conftest import examples
from tests.formats.conftest import identity, in_memory, through_pipe
from tests.formats.files import BARE, NAMELESS, NAMES, encoded, opened, suffix, takes, values, write

every_format = pytest.mark.parametrize("name", NAMES)
every_pair = pytest.mark.parametrize(("name", "other"), [(a, b) for a in NAMES for b in NAMES if a != b])
BLOCKS = (1, 7, 64, None)

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text("a1é,;\t\"' \\\n\r{}[]:|#", min_size=1, max_size=6)
TABLES = st.lists(st.tuples(st.none() | NUMBERS, st.none() | TEXTS, NUMBERS), min_size=1, max_size=12)
ROWS: list[tuple[float | None, str | None, float]] = [
    (1.5, "a", 1.0), (None, 'b "c", d', -2.25), (-3e-7, None, 5e300), (4.0, "e\nf", 0.1)
]  # fmt: skip


def table(rows: list[tuple[float | None, str | None, float]], *names: str) -> pa.Table:
    """Of all columns that formats of these names have a place for."""
    x, t, y = zip(*rows, strict=True)
    texts = pa.table({"t": pa.array(t, pa.string())})
    columns = {"x": pa.array(x, pa.float64()), "t": pa.array(t, pa.string()), "y": pa.array(y, pa.float64())}
    return pa.table({n: c for n, c in columns.items() if n != "t" or all(takes(name, texts) for name in names)})


def columns_of(rows: list[tuple[float | None, str | None, float]], *names: str) -> dict[str, list[Any]]:
    """What stands in them, by the names that columns have after formats of these names."""
    of = table(rows, *names).to_pydict()
    nameless = NAMELESS.intersection(names)
    return {f"x{j}": x for j, x in enumerate(of.values())} if nameless else of


def numbers(*names: str) -> list[str]:
    """The names of the columns of numbers."""
    return [n for n in columns_of(ROWS, *names) if n != "t"]


def file_of(name: str, rows: Any = tuple(ROWS)) -> bytes:
    return encoded(name, table(list(rows), name))


def reader(name: str, data: bytes | None = None, **more: Any) -> Reader:
    return opened(name, in_memory(file_of(name) if data is None else data, f"t{suffix(name)}"), **more)


# -- the record --------------------------------------------------------------------------------------------------
@every_format
def test_the_record_says_what_the_format_is(name: str) -> None:
    found = record(name)
    assert isinstance(found, Format)
    assert registry.name_of(reader(name)) == name
    assert all(s.startswith(".") and s == s.lower() for s in found.suffixes)
    assert found.suffixes
    assert not (found.magic and not found.binary), "what begins with a magic is no text"
    assert not (found.opening and found.binary), "the beginning of a binary format is its magic"
    assert not found.on_pipe or (found.on_pipe in NAMES and not signature(found.on_pipe).on_pipe)
    assert issubclass(found.reader, Reader)


@every_format
def test_what_is_known_without_importing_it_is_what_the_record_says(name: str) -> None:
    found = record(name)
    assert signature(name) == Signature(**{name: getattr(found, name) for name in Signature.__struct_fields__})


def test_no_two_formats_are_called_or_begin_alike() -> None:
    suffixes = [s for n in NAMES for s in signature(n).suffixes]
    assert sorted(set(suffixes)) == sorted(suffixes)
    begins = [b for n in NAMES for b in (signature(n).magic, signature(n).opening) if b]
    assert [(a, b) for i, a in enumerate(begins) for j, b in enumerate(begins) if i != j and b.startswith(a)] == []


@every_format
def test_importing_it_imports_no_library_of_data(name: str) -> None:
    code = f"import sys; from normcli import formats; formats.record({name!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    assert loaded & {"polars", "pyarrow", "pandas"} == set()
    others = {f"normcli.formats.{n.replace('-', '_')}" for n in NAMES if n != name}
    assert loaded & others == set()


@every_format
def test_options_are_flags_with_defaults(name: str) -> None:
    kind = record(name).options
    assert issubclass(kind, Struct)
    kind().check()
    for f in fields(kind):
        with pytest.raises(AttributeError):
            setattr(kind(), f.name, None)
    hints = registry.annotations(kind)
    assert all(hints[f.name].__metadata__[0].description for f in fields(kind))


# -- which format a file is in -----------------------------------------------------------------------------------
@every_format
def test_its_files_are_known_by_suffix_and_by_how_they_begin(name: str) -> None:
    data, about = file_of(name), signature(name)
    assert [formats.by_suffix(f"t{s}") for s in about.suffixes] == [name] * len(about.suffixes)
    assert data.startswith(about.magic)
    for each in [f"t{suffix(name)}", *(["<stdin>"] if about.magic or about.opening else [])]:
        assert formats.of_source(in_memory(data, each)) == name
    assert formats.of_output(None, f"t{suffix(name)}", "") == name
    assert formats.is_text(name) is not about.binary


@every_format
def test_text_is_compressed_as_a_whole_and_nothing_else_is(name: str) -> None:
    if signature(name).binary:
        with pytest.raises(UsageError):
            formats.of_output(f"{name}.gz", None, "csv")
    else:
        packed = encoded(f"{name}.gz", table(ROWS, name))
        assert values(reader(name, packed), "xy") == columns_of(ROWS)
        assert formats.is_binary(f"{name}.gz")


@every_format
def test_nothing_is_an_empty_input_and_noise_is_bad_data(name: str) -> None:
    with pytest.raises(EmptyInputError):
        reader(name, b"")
    end = b"" if name in BARE else b"\xff\xff\xff"
    for data in (b"\xff\xfe\xfd" * 50, file_of(name)[:-3] + end):
        with pytest.raises((BadDataError, BadPlaceError)):
            values(reader(name, data), numbers(name))


# -- reading and writing -----------------------------------------------------------------------------------------
@every_format
@given(rows=TABLES)
@settings(max_examples=examples(40), suppress_health_check=list(HealthCheck))
def test_what_is_written_is_read_again(name: str, rows: list[tuple[float | None, str | None, float]]) -> None:
    """Numbers to the last bit, texts to the last character, null as null; from wherever it is cut, and from pipes."""
    data = file_of(name, rows)
    for size in BLOCKS:
        assert values(reader(name, data, block_size=size), numbers(name)) == columns_of(rows, name)
    source = through_pipe(data, (3, 1, 11), blocking=False)
    source.name = f"t{suffix(name)}"
    piped = opened(name, source)
    assert values(piped, numbers(name)) == columns_of(rows, name)


@every_format
def test_chunks_are_whole_bounded_and_say_what_they_weigh(name: str) -> None:
    rows = [(float(i), f"t{i}", i / 3) for i in range(300)]
    made = reader(name, file_of(name, rows), block_size=64)
    chunks = list(made.chunks())
    assert len(chunks) > 1
    assert all(c.weight > 0 and c.load > 0 for c in chunks)
    decoded = [c.decode(frozenset(numbers(name)[:1]), "error") for c in chunks]
    assert sum(d.frame.rows for d in decoded) == 300
    if made.description.size is not None:
        assert 0 < sum(c.weight for c in chunks) <= made.description.size
    place = made.description.start
    for chunk, part in zip(chunks, decoded, strict=True):
        places = [chunk.locate(row) for row in range(part.frame.rows)]
        assert places == sorted(set(places))
        assert max(places) < part.places
        place += part.places
    assert made.description.place(place - 1) != made.description.place(place)


@every_format
def test_a_blank_is_as_chunks_are(name: str) -> None:
    made = reader(name)
    for wanted in (frozenset[str](), frozenset(numbers(name)[:1]), frozenset(numbers(name))):
        blank = made.description.blank(wanted)
        assert blank.rows == 0
        (chunk,) = reader(name).chunks()
        assert blank.names == chunk.decode(wanted, "error").frame.names
    assert [f.name for f in made.description.schema] == [*columns_of(ROWS, name)]


# -- what is handed to workers -----------------------------------------------------------------------------------
@every_format
def test_descriptions_are_frozen_and_can_be_pickled(name: str) -> None:
    for rows in (ROWS, ROWS * 50):
        made = reader(name, file_of(name, rows))
        description = made.description
        assert description.format == name
        again: Description = pickle.loads(pickle.dumps(description))
        assert again == description
        assert asdict(again) == asdict(description)
        for wanted in (frozenset[str](), frozenset(numbers(name))):
            one, two = (d.blank(wanted).to_arrow().schema for d in (description, again))
            assert one.equals(two, check_metadata=True)
        assert values(made.described_as(again), numbers(name)) == columns_of(rows, name)
        for field in description.__struct_fields__:
            with pytest.raises(AttributeError):
                setattr(description, field, None)


@every_format
def test_another_description_leaves_the_first_what_it_was(name: str) -> None:
    made = reader(name, file_of(name, ROWS * 50))
    before = pickle.dumps(made.description)
    other = made.description.expecting(["x", "late"]).with_texts(["t"])
    assert {f.name for f in other.schema} - {f.name for f in made.description.schema} <= {"late"}
    assert other.expected == {f.name for f in other.schema} - set(columns_of(ROWS, name))
    changed = made.described_as(replace(other, name="other"))
    assert (changed.description.name, changed.source) == ("other", made.source)
    assert pickle.dumps(made.description) == before


@every_format
def test_chunks_and_writers_can_be_pickled(name: str) -> None:
    made, wanted = reader(name, file_of(name, ROWS * 20), block_size=50), frozenset(numbers(name))
    writer = formats.writer(name, made.description, made.description.blank(wanted), None, ())
    chunks = list(made.chunks())
    files = []
    for some, each in ((chunks, writer), pickle.loads(pickle.dumps((chunks, writer)))):
        files.append(io.BytesIO())
        tables.write(each, [chunk.decode(wanted, "error").frame for chunk in some], files[-1])
    assert files[0].getvalue() == files[1].getvalue()
    assert values(reader(name, files[1].getvalue()), numbers(name)) == columns_of(ROWS * 20, name)


# -- the whole way -----------------------------------------------------------------------------------------------
@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    monkeypatch.chdir(tmp_path)
    return tmp_path.joinpath


@every_format
def test_every_command_reads_and_writes_it(name: str, place: Callable[[str], Path]) -> None:
    rows = [(None if i % 7 == 3 else i / 8, f"t{i}", 3.0 * i) for i in range(40)]
    given, there, back = (place(f"{n}{suffix(name)}") for n in ("given", "there", "back"))
    write(table(rows, name), given)
    names = numbers(name)
    plan = api.fit(given, MinMax(), columns=names, params=place("p.json"), output=there)
    assert values(reader(name, there.read_bytes()), names)[names[1]] == [i / 39 for i in range(40)]
    inside.run("check", given, "-p", place("p.json"))
    for threads in (1, 2):
        api.apply(plan, given, back, threads=threads)
        assert back.read_bytes() == there.read_bytes()
    api.apply(plan, there, back, inverse=True)
    restored = values(reader(name, back.read_bytes()), names)
    for column, expected in columns_of(rows, name).items():
        assert restored[column] == (expected if column == "t" else pytest.approx(expected))
    api.apply(plan, given, back, block_size=16)
    assert values(reader(name, back.read_bytes()), names) == values(reader(name, there.read_bytes()), names)


@every_format
def test_digests_stay_where_there_is_a_place_for_them(name: str, place: Callable[[str], Path]) -> None:
    given, there = place(f"given{suffix(name)}"), place(f"there{suffix(name)}")
    write(table(ROWS, name), given)
    plan = api.fit(given, MinMax(), columns=numbers(name))
    api.apply(plan, given, there)
    digests = reader(name, there.read_bytes()).description.digests
    assert digests == ((plan.digest,) if signature(name).keeps_marks else ())
    assert signature(name).binary or not signature(name).keeps_marks


@every_pair
def test_formats_become_each_other(name: str, other: str, place: Callable[[str], Path]) -> None:
    given, there = place(f"given{suffix(name)}"), place(f"there{suffix(other)}")
    write(table(ROWS, name, other), given)
    api.apply(identity(*numbers(name)), given, there)
    assert values(reader(other, there.read_bytes()), numbers(name, other)) == columns_of(ROWS, name, other)


@every_format
@pytest.mark.parametrize(
    "kind",
    [pa.list_(pa.float64()), pa.struct([("a", pa.int64())]), pa.binary(), pa.date32(), pa.duration("s")],
    ids=str,
)
def test_what_it_has_no_place_for_is_refused(name: str, kind: pa.DataType, place: Callable[[str], Path]) -> None:
    """By whoever writes it, before anything is written; all else is written."""
    whole = pa.table({"x": [1.0], "v": pa.nulls(1, kind)})
    if takes(name, whole):
        assert encoded(name, whole)
        return
    source = next(n for n in NAMES if takes(n, whole) and signature(n).binary)
    write(whole, place(f"given{suffix(source)}"))
    with pytest.raises(BadDataError, match=f"{name} has no place for column v"):
        api.apply(identity("x"), place(f"given{suffix(source)}"), there := place(f"there{suffix(name)}"))
    assert not there.exists()
