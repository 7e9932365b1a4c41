"""Bad Parquet and Arrow: cut, flipped, overwritten, claims that are not true. Refused, or the same values."""

import base64
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from normcli import api
from normcli.errors import BadDataError, BadPlaceError
from normcli.formats._binary.seal import MARK
from normcli.io.sources import Source
from normcli.methods.center import Center
from tests.conftest import longer
from tests.formats.conftest import in_memory, normcli
from tests.robustness import damage
from tests.robustness.damage import MODULES, ROOM, WRITERS, ours, read, table

FAULTS = "faults"  # property of tests: by kind, how many were tried, came to the same, were refused, and lied
OURS = [name for name in WRITERS if name.startswith("our ")]
OTHERS = [name for name in WRITERS if name not in OURS]
FEW = ["Parquet of others, checksums", "Arrow stream of others, lz4"]

Record = Callable[[str, object], None]


def child(module: str, *words: str) -> Any:
    """What a process of many cases found. One that dies names the case."""
    with tempfile.TemporaryFile() as case:
        line = [sys.executable, "-m", module, str(case.fileno()), *words]
        done = subprocess.run(line, capture_output=True, check=False, timeout=3000, pass_fds=[case.fileno()])
        case.seek(0)
        assert done.returncode == 0, (done.returncode, case.read().decode().strip(), done.stderr.decode()[-2000:])
    return json.loads(done.stdout)


def damaged(names: Sequence[str], way: str, bits: int, every: int, record_property: Record) -> None:
    for name, found in child("tests.robustness.damage", ";".join(names), way, str(bits), str(every)).items():
        counts = found["counts"]
        same, refused, other = (counts.get(k, 0) for k in ("same", "refused", "other"))
        lied = other if name in OURS else 0  # where nothing says what was written, nobody can tell
        kind = f"{name if name in OURS else name.split(',')[0]}: {way}"
        record_property(FAULTS, {kind: [sum(counts.values()), same + other - lied, refused, lied]})
        assert not counts.get("error"), found["others"]
        assert not lied, found["others"]
        assert found["grown"] < ROOM, (name, found["grown"])
        assert refused > 0


# -- damage ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("way", ["cut", "flipped"])
def test_what_we_wrote_is_refused_or_the_same(way: str, record_property: Record) -> None:
    damaged(OURS, way, 1, 7, record_property)


def test_what_others_wrote_ends_nothing(record_property: Record) -> None:
    damaged(FEW, "flipped", 1, 7, record_property)


@pytest.mark.soak
@pytest.mark.parametrize("way", ["cut", "flipped", "replaced"])
@pytest.mark.parametrize("name", WRITERS)
def test_every_bit(name: str, way: str, record_property: Record) -> None:
    damaged([name], way, 8, 1, record_property)


@pytest.mark.parametrize("name", OURS)
def test_only_two_broken_marks_make_it_one_of_others(name: str) -> None:
    """Which is all that may be changed and be read: every other byte is under a checksum."""
    kind, data = WRITERS[name]()
    begun = data.index(MARK)
    ended = data.index(MARK, begun + 1)

    def broken(*places: int) -> bytes:
        changed = bytearray(data)
        for at in places:
            changed[at] ^= 1
        return bytes(changed)

    assert read(kind, broken(begun, ended)) == read(kind, data)
    for at in (begun - 1, begun, ended - 1, ended):
        with pytest.raises(BadDataError):
            read(kind, broken(at))


# -- seals and others --------------------------------------------------------------------------------------------
def by_pyarrow(kind: str, data: bytes) -> pa.Table:
    if kind == "parquet":
        return pq.read_table(io.BytesIO(data))
    return (pa.ipc.open_file if kind == "arrow" else pa.ipc.open_stream)(data).read_all()


def by_polars(kind: str, data: bytes) -> pl.DataFrame:
    reading = {"parquet": pl.read_parquet, "arrow": pl.read_ipc, "arrows": pl.read_ipc_stream}
    return reading[kind](io.BytesIO(data))


@pytest.mark.parametrize("name", OURS)
def test_others_read_what_is_sealed(name: str) -> None:
    kind, data = WRITERS[name]()
    assert by_pyarrow(kind, data).equals(table())
    assert by_polars(kind, data).to_dict(as_series=False) == table().to_pydict()


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("column", [None, pa.array([0.5] * damage.ROWS)])
def test_what_others_write_again_carries_no_seal(name: str, column: pa.Array | None) -> None:
    """With the metadata and all, the values the same or changed: it is theirs, and read as theirs are."""
    kind, data = WRITERS[name]()
    again = by_pyarrow(kind, data)
    again = again if column is None else again.set_column(0, again.schema.field(0), column)
    sink = io.BytesIO()
    if kind == "parquet":
        pq.write_table(again, sink)
    elif kind == "arrow":
        reader = pa.ipc.open_file(data)
        with pa.ipc.new_file(sink, again.schema, metadata=reader.metadata) as writer:
            writer.write_table(again)
    else:
        with pa.ipc.new_stream(sink, again.schema) as writer:
            batch, metadata = pa.ipc.open_stream(data).read_next_batch_with_custom_metadata()
            assert metadata is None
            writer.write_batch(again.combine_chunks().to_batches()[0], custom_metadata=metadata)
            assert batch.num_rows == damage.PIECE
    assert b"normcli seal" not in sink.getvalue()
    assert read(kind, sink.getvalue())[4:] == [c.to_pylist() for c in again.columns]


@pytest.mark.parametrize("kind", MODULES)
def test_equal_runs_seal_equally(kind: str) -> None:
    assert ours(kind) == ours(kind)


@pytest.mark.parametrize("kind", MODULES)
def test_a_stale_seal_of_another_file_is_not_believed(kind: str) -> None:
    """The begin of one file and the end of another: each is sealed, not both together."""
    _, data = ours(kind)
    _, other = ours(kind, "zstd" if kind != "parquet" else "none")
    for at in range(8, min(len(data), len(other)), 97):
        both = data[:at] + other[at:]
        if both not in (data, other):
            with pytest.raises(BadDataError):
                read(kind, both)


# -- what is not what it says ------------------------------------------------------------------------------------
SUFFIXES = (".parquet", ".arrow", ".feather", ".arrows", ".csv", ".tsv", ".ndjson")


def test_files_by_another_name(tmp_path: Path, record_property: Record) -> None:
    """Text, nothing at all, an encrypted file and those of each binary format, by the name of every other that does not
    tell them by their first bytes."""
    plan = api.fit(written(tmp_path / "good.csv", b"x,i\n1,2\n3,5\n"), Center())
    encrypted = b"PARE" + ours("parquet")[1][4:-4] + b"PARE"
    contents = {kind: ours(kind)[1] for kind in MODULES} | {"none": b"", "enc": encrypted, "csv": b"x,i\n1,2\n3,4\n"}
    tried = 0
    for name, data in contents.items():
        for suffix in SUFFIXES:
            binary = name in MODULES and suffix not in (".csv", ".tsv", ".ndjson")
            if binary or (name, suffix) in (("csv", ".csv"), ("csv", ".tsv")):
                continue
            path = written(tmp_path / f"{name}{suffix}", data)
            for run in (lambda: api.fit(path, Center()), lambda: api.apply(plan, path, tmp_path / "made.csv")):  # noqa: B023
                with pytest.raises(BadDataError) as caught:
                    run()
                assert caught.value.message.startswith(f"{path}:")
                assert "\n" not in str(caught.value)
                assert not (tmp_path / "made.csv").exists()
                tried += 1
    record_property(FAULTS, {"files by another name, empty, or encrypted": [tried, 0, tried, 0]})


@pytest.mark.parametrize("footer", ["encrypted", "plain"])
def test_encrypted_columns(footer: str, tmp_path: Path) -> None:
    """They are refused, and so is the file where its footer is encrypted, too. Columns that are not can be read."""
    encryption = pytest.importorskip("pyarrow.parquet.encryption")

    class Keys(encryption.KmsClient):  # type: ignore[misc, name-defined]
        def wrap_key(self, key: bytes, name: str) -> bytes:
            return base64.b64encode(key)

        def unwrap_key(self, wrapped: bytes, name: str) -> bytes:
            return base64.b64decode(wrapped)

    factory = encryption.CryptoFactory(lambda _: Keys())
    asked = encryption.EncryptionConfiguration("f", column_keys={"c": ["i"]}, plaintext_footer=footer == "plain")
    properties = factory.file_encryption_properties(encryption.KmsConnectionConfig(), asked)
    path, plan = tmp_path / "x.parquet", api.fit(written(tmp_path / "good.csv", b"x,i\n1,2\n3,5\n"), Center())
    with pq.ParquetWriter(path, table().schema, encryption_properties=properties) as writer:
        writer.write_table(table())
    for run in (lambda: api.fit(path, Center(), columns=["i"]), lambda: api.apply(plan, path, tmp_path / "z")):
        with pytest.raises(BadDataError, match=r"x\.parquet: .*(decrypt|encrypt)"):
            run()
    assert not (tmp_path / "z").exists()
    if footer == "plain":
        assert api.fit(path, Center(), columns=["x"]).rows == damage.ROWS


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_bad_file_is_65_and_one_line(tmp_path: Path) -> None:
    """Whether it is text, or of ours and damaged."""
    _, data = ours("parquet")
    good = written(tmp_path / "good.parquet", data)
    assert normcli("fit", good, "-m", "center", "-c", "x", "-p", "p.json", cwd=tmp_path).returncode == 0
    written(tmp_path / "bad.parquet", data[:-60] + bytes([data[-60] ^ 1]) + data[-59:])
    written(tmp_path / "bad.arrow", b"x,i\n1,2\n")
    for name, what in (
        ("bad.parquet", "not a sound Parquet file: its footer is not what was written"),
        ("bad.arrow", "is text, and its name says arrow"),
    ):
        before = sorted(p.name for p in tmp_path.iterdir())
        done = normcli("apply", name, "-p", "p.json", "-o", "made.csv", cwd=tmp_path)
        assert done.returncode == 65
        (line,) = done.stderr.decode().splitlines()
        assert line.startswith(f"normcli: error: {name}: {what}")
        assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_a_footer_that_disagrees_with_its_row_groups() -> None:
    """Two files' row groups under one's footer: rows are counted on both ways."""
    for rows in (-5, 1 << 31):
        with pytest.raises(BadDataError, match=rf"t: not a sound Parquet file: {rows:,} rows by the footer, 0 in its"):
            open_(parquet_of([element(b"root", 1), element(b"x", kind=5)], rows))


def open_(data: bytes) -> Any:
    return MODULES["parquet"].Reader(in_memory(data, "t"), MODULES["parquet"].Options())


# -- Thrift, by hand ---------------------------------------------------------------------------------------------
def varint(number: int) -> bytes:
    made = b""
    while number > 127:
        made, number = made + bytes([number & 127 | 128]), number >> 7
    return made + bytes([number])


def zigzag(number: int) -> bytes:
    return varint(number << 1 ^ number >> 63)


def element(name: bytes, children: int | None = None, *, kind: int | None = None) -> bytes:
    """A column, or a group of them, in the schema of a Parquet file."""
    made = b"" if kind is None else b"\x15" + zigzag(kind)
    made += (b"\x35" if kind is None else b"\x25") + zigzag(0) + b"\x18" + varint(len(name)) + name
    return made + (b"" if children is None else b"\x15" + zigzag(children)) + b"\0"


def parquet_of(elements: Sequence[bytes], rows: int = 0, count: int | None = None) -> bytes:
    """A Parquet file without row groups, which may claim rows, or another number of elements."""
    head = b"\x15" + zigzag(2) + b"\x19\xfc" + varint(len(elements) if count is None else count)
    footer = head + b"".join(elements) + b"\x16" + zigzag(rows) + b"\x19\x0c\0"
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


BEYOND: dict[str, Callable[[], bytes]] = {
    "10,000 levels": lambda: parquet_of([element(b"root", 1), *[element(b"a", 1)] * 10_000, element(b"x", kind=5)]),
    "1,000,000 columns": lambda: parquet_of(
        [element(b"root", 1_000_000), *(element(b"c%d" % j, kind=5) for j in range(1_000_000))]
    ),
    "2^31 children": lambda: parquet_of([element(b"root", 2**31 - 1), element(b"x", kind=5)]),
    "negative children": lambda: parquet_of([element(b"root", -1), element(b"x", kind=5)]),
    "2e9 elements": lambda: parquet_of([element(b"root", 1)], count=2_000_000_000),
}


@pytest.mark.parametrize("what", BEYOND)
def test_schemas_that_are_beyond_measure(what: str) -> None:
    with pytest.raises(BadDataError, match="t: not a sound Parquet file"):
        open_(BEYOND[what]())


@pytest.mark.parametrize("levels", [1_000, 10_000])
def test_types_nested_beyond_measure(levels: int) -> None:
    kind: pa.DataType = pa.float64()
    for _ in range(levels):
        kind = pa.list_(kind)
    for name, make in (("arrow", pa.ipc.new_file), ("arrows", pa.ipc.new_stream)):
        sink = io.BytesIO()
        make(sink, pa.schema([("x", kind)])).close()
        with pytest.raises(BadDataError, match="not a sound Arrow"):
            MODULES[name].Reader(in_memory(sink.getvalue(), "t"), MODULES[name].Options())


def test_text_that_is_not_utf8_is_told() -> None:
    """pyarrow passes it on from Parquet, and polars takes it on trust."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"t": ["good", "bad word"]}), sink, compression="none", write_statistics=False)
    with pytest.raises(BadPlaceError, match=r"the rows from here are damaged"):
        read("parquet", sink.getvalue().replace(b"bad word", b"bad\xffword"))


def test_statistics_of_a_footer_are_not_believed() -> None:
    """A least and a greatest value that are NaN, or wrong, change nothing: values are counted as they are read."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"x": [1.0, 2.0, float("nan"), 4.0]}), sink, compression="none", use_dictionary=False)
    data = sink.getvalue()
    least, greatest = (pa.array([v]).buffers()[1].to_pybytes() for v in (1.0, 4.0))
    nan = pa.array([float("nan")]).buffers()[1].to_pybytes()
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    end = data[footer:]
    assert end.count(least) >= 1 <= end.count(greatest)
    changed = data[:footer] + end.replace(least, nan).replace(greatest, nan)
    assert repr(read("parquet", changed)) == repr(read("parquet", data))


# -- bombs -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["pages", *longer("page", "batch", "messages")])
def test_what_decodes_to_400_mb(name: str, record_property: Record) -> None:
    """A file of some kilobytes is read within the memory that its largest piece takes."""
    found = child("tests.robustness.decompression_bombs", name, "2000")
    assert found["rows"] == 50_000_000
    assert found["packed"] < 300_000
    assert found["grown"] < (150 if name == "pages" else 1000) << 20, found
    record_property(FAULTS, {"400 MB in some kB": [1, 1, 0, 0]})


@pytest.mark.parametrize(
    "name",
    [
        *("page of 200 MB", "dictionary, csv"),
        *longer("batch", "messages", "batch of old", "messages of old", "dictionary messages", "dictionary, ndjson.gz"),
        *longer("dictionary type, csv"),
        *longer("page", "prefixes", "lists"),
    ],
)
def test_what_takes_more_memory_than_there_is_to_use(name: str, record_property: Record) -> None:
    """Is refused before it takes it, and leads to the option."""
    made, _, to = name.partition(", ")
    found = child("tests.robustness.decompression_bombs", made, "100", to)
    assert found["told"].endswith("and there are 100.0 MB of memory to use (--max-memory says how much)")
    assert found["packed"] < 500_000
    assert found["grown"] < 300 << 20, found
    record_property(FAULTS, {"some kB that take more than there is": [1, 0, 1, 0]})


@pytest.mark.parametrize("to", ["", "parquet"])
@pytest.mark.parametrize("name", ["dictionary", "dictionary type"])
def test_a_dictionary_takes_what_it_is(name: str, to: str) -> None:
    """Of 65 GB of text, where each row had its own."""
    found = child("tests.robustness.decompression_bombs", name, "100", to)
    assert found["rows"] == 65_536, found
    assert found["grown"] < 60 << 20, found


@pytest.mark.parametrize("name", ["texts", "dictionary of many", "dictionary of many, type", "sorted", "embeddings"])
def test_what_is_common_fits(name: str) -> None:
    """Whatever might be in it."""
    found = child("tests.robustness.decompression_bombs", name, "100")
    assert found["rows"] == 200_000, found


def test_a_source_knows_its_bytes_at_any_place(tmp_path: Path) -> None:
    (tmp_path / "d").write_bytes(b"0123456789")
    source = Source("d", io.FileIO(tmp_path / "d"))
    source.in_place()
    assert source.read_at(3, 4) == b"3456"
    assert source.read_at(8, 4) == b"89"
    assert source.read_at(-8, 4) == source.read_at(10, 4) == source.read_at(2**70, 4) == source.read_at(3, -1) == b""
