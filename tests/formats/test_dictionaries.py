"""Text whose values are in dictionaries: read, passed and written as that, and the same text."""

import base64
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli import api
from normcli.columns.arrow_frame import ArrowFrame
from normcli.formats import parquet
from normcli.formats._binary import row_groups
from normcli.io.sources import Source
from normcli.methods.zscore import ZScore
from tests.benchmarks import launch
from tests.conftest import examples
from tests.formats.conftest import identity, params_of
from tests.tables import write

PLAN = identity("x")
TEXTS = (pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view())
KINDS = (*TEXTS, pa.dictionary(pa.int8(), pa.string()), pa.list_(pa.string()), pa.struct([("b", pa.string())]))
ROWS = 3000


def columns(kind: pa.DataType) -> st.SearchStrategy[pa.Array]:
    """Few values, or many, or none at all, some of them null; in a list or a struct where that is the type."""

    def made(count: int, nulls: bool, seed: int) -> pa.Array:
        codes = np.random.default_rng(seed).integers(0, count, ROWS)
        texts = [None if nulls and c % 3 == 0 else f"{c:020}" if c % 2 else "" for c in codes.tolist()]
        if pa.types.is_list(kind):
            return pa.array([t and [t, None, t] for t in texts], kind)
        if pa.types.is_struct(kind):
            return pa.array([{"b": t} for t in texts], kind)
        return pa.array(texts, pa.string()).cast(kind)

    return st.builds(made, st.sampled_from((1, 5, 100, ROWS)), st.booleans(), st.integers(0, 99))


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))
    names = ["a", "a.b", "", "naïve", "a\0b"]
    made: dict[pa.Field, pa.Array] = {pa.field("x", pa.float64()): pa.array(np.arange(float(ROWS)))}
    for name, kind in zip(names, kinds, strict=False):
        field = pa.field(name, kind, metadata=draw(st.sampled_from((None, {"unit": "m"}))))
        if pa.types.is_dictionary(kind):
            made[field] = pa.array([None, "q", "r"] * 1000).dictionary_encode().cast(kind)
        else:
            made[field] = draw(columns(kind))
    return pa.table(list(made.values()), pa.schema(list(made), metadata=draw(st.sampled_from((None, {"k": "v"})))))


WAYS: dict[str, dict[str, Any]] = {
    "dictionaries": {},
    "small groups": {"row_group_size": 700},
    "that are given up": {"dictionary_pagesize_limit": 200, "write_batch_size": 50},
    "none": {"use_dictionary": False},
}


@settings(max_examples=examples(20))
@given(table=tables(), way=st.sampled_from(list(WAYS)), to=st.sampled_from(("parquet", "arrow", "arrows")))
def test_columns_pass_as_what_they_were(table: pa.Table, way: str, to: str, tmp_path_factory: Any) -> None:
    """Same names, types, metadata, values and nulls, by pyarrow; whatever the pages of the input are."""
    folder = tmp_path_factory.mktemp("pass")
    pq.write_table(table, folder / "t.parquet", **WAYS[way])
    before = pq.read_table(folder / "t.parquet")
    api.apply(PLAN, folder / "t.parquet", folder / f"u.{to}")
    after = read_back(folder / f"u.{to}")
    assert after.schema.remove_metadata() == before.schema.remove_metadata()
    assert [f.metadata for f in after.schema] == [f.metadata for f in before.schema] or to != "parquet"
    own = {k: v for k, v in (after.schema.metadata or {}).items() if k != b"normcli"}
    assert own == (before.schema.metadata or {})
    for name in before.schema.names:
        assert after[name].to_pylist() == before[name].to_pylist(), name


def read_back(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return pq.read_table(path)
    return pa.ipc.open_stream(path).read_all() if path.suffix == ".arrows" else feather.read_table(path)


def test_text_is_written_alike_from_either_encoding(tmp_path: Path) -> None:
    texts = pa.array(['quo"te', "com,ma", None, "", "é\\n\n", "NA"] * 500)
    table = pa.table({"x": np.arange(3000.0), "s": texts, "b": pa.array(["a", None] * 1500)})
    for to in ("csv", "tsv", "ndjson", "csv.gz"):
        made = set()
        for way in ("dictionaries", "none"):
            pq.write_table(table, tmp_path / f"{way}.parquet", **WAYS[way])
            api.apply(PLAN, tmp_path / f"{way}.parquet", tmp_path / f"made.{to}")
            made.add((tmp_path / f"made.{to}").read_bytes())
        assert len(made) == 1, to


def test_only_small_dictionaries_are_read_as_such(tmp_path: Path) -> None:
    """And with pages of values beside it none, which the footer says."""
    few, many = [f"{i % 7:050}" for i in range(ROWS)], [f"{i:050}" for i in range(ROWS)]
    pq.write_table(pa.table({"few": few, "many": many}), tmp_path / "t.parquet", compression="none")
    settings = {"dictionary_pagesize_limit": 60, "write_batch_size": 3}
    pq.write_table(pa.table({"few": few, "many": many}), tmp_path / "mixed.parquet", **settings)
    for name, expected in (("t", ["few"]), ("mixed", [])):
        source = Source("t", io.FileIO(tmp_path / f"{name}.parquet"))
        (chunk,) = parquet.Reader(source, parquet.Options()).chunks()
        assert [f.name for f in chunk.batch.schema if pa.types.is_dictionary(f.type)] == expected


def test_blocks_of_a_row_group_share_a_dictionary(tmp_path: Path) -> None:
    pq.write_table(pa.table({"s": ["a" * 99, "b"] * 500}), tmp_path / "t.parquet")
    reader = parquet.Reader(Source("t", io.FileIO(tmp_path / "t.parquet")), parquet.Options(), block_size=100)
    places = {chunk.batch.column(0).dictionary.buffers()[2].address for chunk in reader.chunks()}
    assert len(places) == 1


@pytest.mark.parametrize("kind", [pa.large_string(), pa.binary(), pa.dictionary(pa.int8(), pa.string())], ids=str)
def test_groups_of_other_dictionaries_go_into_one(kind: pa.DataType) -> None:
    """Dictionaries, then plain values, then dictionaries again: all in a dictionary in the file, of the values in use
    alone; its schema says what they are."""
    schema = pa.schema([pa.field("s", kind)], metadata={"k": "v"})
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    parts = [
        pa.array(["b", "a", None], pa.string()).cast(plain).dictionary_encode(),
        pa.array(["c", "a"], pa.string()).cast(plain),
        pa.array(["unused", "d"], pa.string()).cast(plain).dictionary_encode().slice(1),
    ]
    arrays = parts if plain == kind else [p.dictionary_encode().cast(kind) for p in parts[1:2]] * 3
    frames = [ArrowFrame(pa.RecordBatch.from_arrays([array], names=["s"])) for array in arrays]
    write(parquet.Writer(schema), frames, out := io.BytesIO())
    file = pq.ParquetFile(io.BytesIO(out.getvalue()))
    column = file.metadata.row_group(0).column(0)
    assert column.has_dictionary_page
    assert base64.b64decode(file.metadata.metadata[b"ARROW:schema"]) == schema.serialize().to_pybytes()
    expected = [v for p in parts for v in p.to_pylist()] if plain == kind else ["c", "a"] * 3
    as_text = [v.decode() if isinstance(v, bytes) else v for v in file.read()["s"].to_pylist()]
    assert as_text == [v.decode() if isinstance(v, bytes) else v for v in expected]
    whole = pq.ParquetFile(io.BytesIO(out.getvalue()), read_dictionary=["s"]).read()["s"].chunk(0)
    assert len(whole.dictionary) == len(set(as_text) - {None})


def test_large_dictionaries_are_left_to_the_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not go into a page would be written for nothing, beside all values."""
    monkeypatch.setattr(row_groups, "PAGE", 100)
    schema = pa.schema([("s", pa.string())])
    piece = pa.RecordBatch.from_arrays([pa.array([f"{i:09}" for i in range(50)]).dictionary_encode()], names=["s"])
    write(parquet.Writer(schema), [ArrowFrame(piece)], out := io.BytesIO())
    assert pq.read_table(io.BytesIO(out.getvalue()))["s"].to_pylist() == piece.to_pydict()["s"]
    assert parquet.Writer(schema).grouping.coded([piece]) == frozenset()


def test_what_is_expanded_to_much_is_written_in_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("normcli.formats._binary.dictionaries.LARGEST", 3000)
    table = pa.table({"x": np.arange(100.0), "s": ["y" * 99] * 100})
    pq.write_table(table, tmp_path / "t.parquet")
    for to in ("arrow", "arrows"):
        api.apply(PLAN, tmp_path / "t.parquet", tmp_path / f"u.{to}")
        made = read_back(tmp_path / f"u.{to}")
        assert made["s"].to_pylist() == table["s"].to_pylist()
        assert made["s"].num_chunks == 4


@pytest.mark.soak
@pytest.mark.parametrize("to", ["parquet", "arrow"])
def test_memory_is_as_the_file_and_not_as_its_text(to: str, tmp_path: Path) -> None:
    """A million rows of half a kilobyte of text each, in a file of a megabyte: 90 MB are the libraries, 33 MB a block
    of an Arrow file."""
    codes = pa.array(np.repeat(np.arange(1000) % 20, 1000).astype(np.int32))
    texts = pa.DictionaryArray.from_arrays(codes, pa.array([f"{i:060}" for i in range(20)])).dictionary_decode()
    table = pa.table({"x": np.arange(1e6) % 100, **{f"t{j}": texts for j in range(8)}})
    pq.write_table(table, tmp_path / "t.parquet", compression="zstd")
    assert (tmp_path / "t.parquet").stat().st_size < 2 << 20
    (tmp_path / "p.json").write_bytes(params_of(api.fit(tmp_path / "t.parquet", ZScore())))
    words = ["apply", tmp_path / "t.parquet", "-p", tmp_path / "p.json", "-o", tmp_path / f"u.{to}", "-q"]
    command = [sys.executable, "-m", "normcli", *words]
    subprocess.run([sys.executable, launch.__file__, tmp_path / "report", *command], check=True)
    _, _, peak, code = map(float, (tmp_path / "report").read_text().split())
    assert code == 0
    assert peak < (150 if to == "parquet" else 190) << 20
