"""Arrow file and stream through fit, apply and back: what passes through, shapes, dictionaries, damage, pipes."""

import io
import itertools
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from normcli import api, columns, formats
from normcli.columns.arrow_frame import ArrowFrame
from normcli.errors import BadDataError, BadPlaceError, UsageError
from normcli.formats import arrow, arrows, parquet
from normcli.io.sources import Source
from normcli.methods.center import Center
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.maxabs import MaxAbs
from normcli.methods.unit import Unit
from normcli.methods.zscore import ZScore
from normcli.parameters import file as params
from tests.conftest import longer
from tests.formats.conftest import feed, identity, in_memory, normcli, oracle, params_of, pipe_path, through_pipe
from tests.formats.test_parquet import everything
from tests.tables import table_of

MODULES: dict[str, Any] = {"arrow": arrow, "arrows": arrows}
every_kind = pytest.mark.parametrize("kind", MODULES)


def packed(kind: str, batches: Sequence[pa.RecordBatch], schema: pa.Schema, **options: Any) -> bytes:
    """As pyarrow writes them."""
    sink = io.BytesIO()
    make = pa.ipc.new_file if kind == "arrow" else pa.ipc.new_stream
    with make(sink, schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue()


def of_table(kind: str, table: pa.Table, size: int | None = None, **options: Any) -> bytes:
    return packed(kind, table.to_batches(max_chunksize=size), table.schema, **options)


def theirs(path: Path) -> pa.Table:
    """As pyarrow reads a file of either kind."""
    opened = pa.ipc.open_stream if path.suffix == ".arrows" else pa.ipc.open_file
    return opened(pa.BufferReader(path.read_bytes())).read_all()


def reader(kind: str, data: bytes | Source, block_size: int | None = None) -> Any:
    source = data if isinstance(data, Source) else in_memory(data, f"t.{kind}")
    return MODULES[kind].Reader(source, MODULES[kind].Options(), block_size=block_size)


def read(kind: str, data: bytes | Source, block_size: int | None = None) -> pa.Table:
    """All of it, as we read it. Raises BadDataError or BadPlaceError."""
    return table_of(reader(kind, data, block_size))


def numbers(rows: int = 1000) -> pa.Table:
    rng = np.random.default_rng(5)
    gap = pa.array([None if i % 3 else i for i in range(rows)], pa.int32())
    return pa.table({"x": rng.normal(5, 2, rows), "t": [f"t{i}" for i in range(rows)], "gap": gap})


# -- edges -------------------------------------------------------------------------------------------------------
@every_kind
@pytest.mark.parametrize("batches", [0, 1, 2])
def test_no_rows(kind: str, batches: int, folder: Path) -> None:
    table = numbers(3)
    given, none = folder / f"given.{kind}", folder / f"none.{kind}"
    given.write_bytes(of_table(kind, table))
    plan = api.fit(given, Center(), columns=["x"])
    none.write_bytes(packed(kind, [pa.RecordBatch.from_pylist([], table.schema)] * batches, table.schema))
    with pytest.raises(BadDataError, match="there are no rows"):
        api.fit(none, Center())
    assert api.fit(none, Unit()).steps[0].columns == ("x", "gap")
    for out in (f"made.{kind}", "made.parquet", "made.csv"):
        api.apply(plan, none, folder / out)
    assert theirs(folder / f"made.{kind}").equals(table.slice(0, 0))
    assert (folder / "made.csv").read_bytes() == b"x,t,gap\n"


@every_kind
def test_no_columns_at_all(kind: str) -> None:
    made = reader(kind, packed(kind, [], pa.schema([])))
    assert made.description.schema == ()
    with pytest.raises(BadDataError, match="no numeric column"):
        columns.select(made.description.schema, (), ())


@every_kind
def test_one_row_and_one_column(kind: str, folder: Path) -> None:
    given = folder / f"one.{kind}"
    given.write_bytes(of_table(kind, pa.table({"x": pa.array([5], pa.int8())})))
    plan = api.fit(given, ZScore())
    api.apply(plan, given, folder / f"made.{kind}")
    assert theirs(folder / f"made.{kind}").to_pydict() == {"x": [0.0]}
    api.apply(plan, folder / f"made.{kind}", folder / f"back.{kind}", inverse=True)
    assert theirs(folder / f"back.{kind}").equals(theirs(given))


@every_kind
def test_all_null(kind: str, folder: Path) -> None:
    given = folder / f"null.{kind}"
    table = pa.table({"x": pa.nulls(4, pa.float32()), "y": [1.0, 2.0, 3.0, None], "n": pa.nulls(4)})
    given.write_bytes(of_table(kind, table))
    plan = api.fit(given, ZScore())
    assert plan.steps[0].columns == ("x", "y")
    api.apply(plan, given, folder / f"made.{kind}")
    made = theirs(folder / f"made.{kind}")
    assert made.schema.types == table.schema.types
    assert [c.null_count for c in made.columns] == [4, 1, 4]


@every_kind
@pytest.mark.parametrize("name", ["*", "", "^.*$", "a.b", "é\n", "normcli"])
def test_any_name_may_be_selected(kind: str, name: str, folder: Path) -> None:
    given = folder / f"names.{kind}"
    given.write_bytes(of_table(kind, pa.table({"a": [{"b": 7.5}, {"b": 8.5}], name: [1.0, 3.0], "z": [5.0, 6.0]})))
    plan = api.fit(given, Center(), columns=[name])
    api.apply(plan, given, folder / f"made.{kind}")
    made = theirs(folder / f"made.{kind}")
    assert made.to_pydict() == {"a": [{"b": 7.5}, {"b": 8.5}], name: [-1.0, 1.0], "z": [5.0, 6.0]}


@every_kind
def test_a_name_twice_is_refused(kind: str) -> None:
    table = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], ["a\n", "a\n"])
    with pytest.raises(BadDataError, match=r"two columns are called 'a\\n'"):
        read(kind, of_table(kind, table))


# -- what passes through -----------------------------------------------------------------------------------------
@every_kind
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_what_is_not_selected_passes_through_with_its_metadata(
    kind: str, compression: str | None, folder: Path
) -> None:
    table = everything()
    fields = [f if f.name != "last" else f.with_nullable(False) for f in table.schema]
    table = table.set_column(table.num_columns - 1, fields[-1], pa.array([1, 2, 3], pa.int8()))
    table = table.replace_schema_metadata({"origin": "a test", "": "no key"})
    given, made, back = (folder / f"{name}.{kind}" for name in ("given", "made", "back"))
    given.write_bytes(of_table(kind, table, compression=compression))
    plan = api.fit(given, ZScore(), columns=["x"])
    api.apply(plan, given, made)
    api.apply(plan, made, back, inverse=True)
    for path in (made, back):
        out = theirs(path)
        assert out.schema.names == table.schema.names
        for name in table.schema.names[1:]:
            assert out[name].equals(table[name])
            assert out.schema.field(name).equals(table.schema.field(name), check_metadata=True)
        assert {k: v for k, v in out.schema.metadata.items() if k != b"normcli"} == table.schema.metadata
    assert b"normcli" not in theirs(back).schema.metadata
    assert theirs(back)["x"].equals(table["x"])


@pytest.mark.parametrize("ways", [*itertools.product(["arrow", "arrows", "parquet"], repeat=2)], ids="-".join)
def test_from_each_binary_format_to_each(ways: tuple[str, str], folder: Path) -> None:
    table = numbers()
    table = table.append_column("words", pa.array([f"k{i % 7}" for i in range(1000)]).dictionary_encode())
    for name in MODULES:
        (folder / f"way.{name}").write_bytes(of_table(name, table, 300))
    pq.write_table(table, folder / "way.parquet", row_group_size=300)
    given, made = folder / f"way.{ways[0]}", folder / f"made.{ways[1]}"
    api.apply(identity("x"), given, made)
    out = pq.read_table(made) if ways[1] == "parquet" else theirs(made)
    assert out.schema.types == table.schema.types
    assert out.to_pydict() == table.to_pydict()


@every_kind
def test_text_to_arrow_and_back(kind: str, folder: Path) -> None:
    (folder / "d.csv").write_bytes(b'id,x,code\n1,1.5,007\n2,NA,""\n3,,\n4,2.5,"a,b"\n')
    plan = api.fit(folder / "d.csv", Center())
    api.apply(plan, folder / "d.csv", folder / f"d.{kind}")
    made = theirs(folder / f"d.{kind}")
    assert made.schema.types == [pa.float64(), pa.float64(), pa.string()]
    assert made["x"].to_pylist() == [-0.5, None, None, 0.5]
    assert made["code"].to_pylist() == ["007", "", None, "a,b"]
    api.apply(plan, folder / f"d.{kind}", folder / "back.csv", inverse=True)
    rows = oracle((folder / "back.csv").read_bytes())
    assert rows.rows == [["1", "1.5", "007"], ["2", "", ""], ["3", "", ""], ["4", "2.5", "a,b"]]


# -- dictionaries ------------------------------------------------------------------------------------------------
def words(dictionary: list[str], at: list[int | None]) -> pa.RecordBatch:
    values = pa.DictionaryArray.from_arrays(pa.array(at, pa.int8()), pa.array(dictionary, pa.string()))
    return pa.RecordBatch.from_arrays([values, pa.array([1.0] * len(at))], ["words", "x"])


@every_kind
@pytest.mark.parametrize("given", ["arrows", "parquet"])
def test_dictionaries_that_change_from_batch_to_batch(kind: str, given: str, folder: Path) -> None:
    """A stream may replace one; a file may only continue it."""
    batches = [
        words(["b", "a"], [0, 1, None]),
        words([], [None]),
        words(["a", "c"], [1, 0]),
        words(["b", "a"], [1]),
        words(["a", "b", "c", "d"], [3, 0, 2]),
    ]
    expected = pa.Table.from_batches(batches)["words"].to_pylist()
    path = folder / f"words.{given}"
    if given == "parquet":
        with pq.ParquetWriter(path, batches[0].schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
    else:
        path.write_bytes(packed(given, batches, batches[0].schema))
    api.apply(identity("x"), path, folder / f"made.{kind}")
    made = theirs(folder / f"made.{kind}")
    assert made.schema.field("words").type == batches[0].schema.field("words").type or given == "parquet"
    assert pa.types.is_dictionary(made.schema.field("words").type)
    assert made["words"].to_pylist() == expected
    assert read(kind, (folder / f"made.{kind}").read_bytes())["words"].to_pylist() == expected


def test_a_dictionary_that_outgrows_its_index_is_refused(folder: Path) -> None:
    batches = [words([f"{j}-{i}" for i in range(100)], [0, 99]) for j in range(3)]
    (folder / "words.arrows").write_bytes(packed("arrows", batches, batches[0].schema))
    with pytest.raises(BadDataError, match="can't be written as Arrow file"):
        api.apply(identity("x"), folder / "words.arrows", folder / "outgrown.arrow")
    assert not (folder / "outgrown.arrow").exists()
    api.apply(identity("x"), folder / "words.arrows", folder / "made.arrows")
    assert theirs(folder / "made.arrows")["words"].to_pylist() == ["0-0", "0-99", "1-0", "1-99", "2-0", "2-99"]


# -- shapes ------------------------------------------------------------------------------------------------------
@every_kind
@pytest.mark.parametrize("size", [None, 3])
@pytest.mark.parametrize("batch", [1, 7, 999, None])
def test_batches_of_any_size(kind: str, batch: int | None, size: int | None, folder: Path) -> None:
    table = numbers(100)
    given = folder / f"shape.{kind}"
    given.write_bytes(of_table(kind, table, batch))
    plan = api.fit(given, ZScore(), columns=["x"], block_size=size)
    x = table["x"].to_numpy()
    assert plan.steps[0].summary()["mean"][0] == pytest.approx(x.mean(), rel=1e-14)
    api.apply(plan, given, folder / f"made.{kind}", block_size=size)
    made = theirs(folder / f"made.{kind}")
    assert made.drop_columns("x").equals(table.drop_columns("x"))
    assert made["x"].to_pylist() == pytest.approx(((x - x.mean()) / x.std()).tolist(), rel=1e-13, abs=1e-14)


@every_kind
def test_blocks_are_cut_as_those_of_parquet(kind: str, folder: Path) -> None:
    """The same rows in groups and in batches are the same blocks, and so the same bits."""
    table = pa.table({f"x{j}": np.random.default_rng(j).normal(size=150_000) for j in range(20)})
    pq.write_table(table, folder / "cut.parquet", row_group_size=100_000)
    with (folder / "cut.parquet").open("rb", 0) as file:
        expected = [c.weight for c in parquet.Reader(Source("t", file), parquet.Options()).chunks()]
    assert expected == [32_768, 32_768, 32_768, 1_696, 32_768, 17_232]
    given = folder / f"cut.{kind}"
    given.write_bytes(of_table(kind, table, 100_000))
    assert [c.weight for c in reader(kind, given.read_bytes()).chunks()] == expected
    assert [c.weight for c in reader(kind, given.read_bytes()).chunks(["x1"])] == expected
    for method in (ZScore(), Decorrelate()):
        assert params_of(api.fit(given, method)) == params_of(api.fit(folder / "cut.parquet", method))


def test_of_a_file_only_what_is_needed_is_read() -> None:
    made = reader("arrow", of_table("arrow", numbers()))
    for needed in (["gap"], ["x", "gap"]):
        assert next(made.chunks(needed)).batch.schema.names == needed


@every_kind
@pytest.mark.parametrize("way", ["arrow", "arrows"])
def test_threads_runs_and_the_way_in_change_no_byte(kind: str, way: str, folder: Path) -> None:
    table = numbers(5000)
    given = folder / f"threads.{way}"
    given.write_bytes(of_table(way, table, 999))
    first = params_of(api.fit(given, ZScore(), threads=1))
    outputs = set()
    for threads in (1, 2, 3):
        plan = api.fit(given, ZScore(), threads=threads)
        assert params_of(plan) == first
        api.apply(plan, given, folder / f"made.{kind}", threads=threads)
        outputs.add((folder / f"made.{kind}").read_bytes())
        with pipe_path(given.read_bytes(), [4097]) as pipe:
            assert params_of(api.fit(pipe, ZScore(), threads=threads)) == first
    assert len(outputs) == 1


# -- pipes -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("blocking", [True, False])
def test_a_stream_is_read_however_it_arrives(blocking: bool) -> None:
    table = numbers()
    for kind in MODULES:
        source = through_pipe(of_table(kind, table, 300), [1, 4096, 77], blocking=blocking)
        source.name = "-"
        assert formats.of_source(source) == kind
        assert read(kind, source).equals(table)


def test_a_stream_is_not_waited_for() -> None:
    """Its first rows come out before its last are there."""
    table = numbers()
    data, head = of_table("arrows", table, 300), of_table("arrows", table.slice(0, 300))
    end, start = os.pipe()
    with os.fdopen(start, "wb", 0) as writing:
        writing.write(head[:-8])
        chunks = reader("arrows", Source("t", io.FileIO(end, "rb"))).chunks()
        assert next(chunks).batch.num_rows == 300
        rest = threading.Thread(target=writing.write, args=(data[len(head) - 8 :],))
        rest.start()
        assert [c.weight for c in itertools.islice(chunks, 3)] == [300, 300, 100]
        rest.join()
    assert list(chunks) == []


def test_a_message_larger_than_what_is_asked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrows, "PIECE", 100)
    table = numbers()
    assert read("arrows", of_table("arrows", table)).equals(table)
    data = of_table("arrows", table)
    with pytest.raises(BadDataError):
        read("arrows", data[: len(data) // 2])


def test_through_pipes_alone_and_back(tmp_path: Path) -> None:
    table = numbers()
    (tmp_path / "d.arrows").write_bytes(of_table("arrows", table, 100))
    (tmp_path / "p.json").write_bytes(params_of(api.fit(tmp_path / "d.arrows", MaxAbs())))
    given = (tmp_path / "d.arrows").read_bytes()
    forth = normcli("apply", "-p", "p.json", stdin=given, cwd=tmp_path)
    assert forth.returncode == 0, forth.stderr
    back = normcli("apply", "-p", "p.json", "--inverse", stdin=forth.stdout, cwd=tmp_path)
    assert back.returncode == 0, back.stderr
    restored = pa.ipc.open_stream(back.stdout).read_all()
    assert restored.schema == table.schema
    assert restored.drop_columns("x").equals(table.drop_columns("x"))
    assert restored["x"].to_pylist() == pytest.approx(table["x"].to_pylist(), rel=1e-14)


# -- damage ------------------------------------------------------------------------------------------------------
@every_kind
@pytest.mark.parametrize("compression", [None, *longer("zstd")])
def test_cut_off_anywhere_it_is_refused(kind: str, compression: str | None) -> None:
    """A stream also where one of its messages ends, where nothing is missing but the end mark."""
    table = pa.table({"x": [1.0, None, 3.0], "t": ["a", None, ""], "d": pa.array(["a", "b", "a"]).dictionary_encode()})
    data = of_table(kind, table, 2, compression=compression)
    assert read(kind, data).equals(table)
    for end in range(len(data)):
        with pytest.raises(BadDataError, match=rf"t\.{kind}: (not a sound|truncated|is empty)"):
            read(kind, data[:end])


def test_a_stream_cut_between_messages_is_65_and_leaves_the_target_alone(tmp_path: Path) -> None:
    data = of_table("arrows", numbers(100), 10)
    (tmp_path / "cut.arrows").write_bytes(data[:-8])
    (tmp_path / "d.arrows").write_bytes(data)
    (tmp_path / "p.json").write_bytes(params_of(api.fit(tmp_path / "d.arrows", Center())))
    before = (tmp_path / "p.json").read_bytes()
    for stdin, name in ((b"", "cut.arrows"), (data[:-8], "-")):
        for line in (
            ["fit", name, "-m", "center", "-p", "p.json"],
            ["apply", name, "-p", "p.json", "-o", "new.arrows"],
        ):
            done = normcli(*line, stdin=stdin, cwd=tmp_path)
            assert done.returncode == 65, done.stderr
            assert b"truncated: the stream has no end mark" in done.stderr
    assert not (tmp_path / "new.arrows").exists()
    assert (tmp_path / "p.json").read_bytes() == before


def test_more_after_the_end_of_a_stream_is_refused() -> None:
    data = of_table("arrows", numbers(10))
    for more in (b"\0", data):
        with pytest.raises(BadDataError, match="there is more after the end mark"):
            read("arrows", data + more)


@every_kind
@pytest.mark.parametrize("compression", ["lz4", *longer(None)])
def test_no_flipped_bit_is_more_than_a_refusal_or_another_value(kind: str, compression: str | None) -> None:
    """Arrow has no checksums. But nothing may point outside the data, for that would end the process."""
    table = pa.table({"x": [1.0, None], "t": ["a", "é"], "d": pa.array(["a", "b"]).dictionary_encode(), "l": [[1], []]})
    data = of_table(kind, table, compression=compression)
    for at in range(len(data)):
        damaged = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
        try:
            read(kind, damaged).to_pydict()
        except (BadDataError, BadPlaceError):
            continue


@every_kind
def test_a_failed_run_ends_its_stream_without_a_mark(kind: str, tmp_path: Path) -> None:
    """What went to a pipe must be told from what is complete."""
    x = np.ones(300_000)
    x[-1] = np.inf
    (tmp_path / "d.arrows").write_bytes(of_table("arrows", pa.table({"x": x}), 65_536))
    (tmp_path / "p.json").write_bytes(params.write(identity("x")))
    done = normcli("apply", "d.arrows", "-p", "p.json", "--to", kind, cwd=tmp_path)
    assert done.returncode == 65
    assert b"d.arrows: row 300000: infinite value in column 'x'" in done.stderr
    assert len(done.stdout) > 4 * 65_536 * 8
    with pytest.raises(BadDataError, match=r"truncated|not a sound"):
        read(kind, done.stdout)


# -- digests and options -----------------------------------------------------------------------------------------
@every_kind
def test_applying_twice_is_refused(kind: str, folder: Path) -> None:
    given, made = folder / f"d.{kind}", folder / f"z.{kind}"
    given.write_bytes(of_table(kind, numbers(9)))
    plan = params.read(params.write(api.fit(given, Center(), columns=["x"])))
    api.apply(plan, given, made)
    assert theirs(made).schema.metadata == {b"normcli": plan.digest.encode()}
    with pytest.raises(BadDataError, match="normalized by these parameters already"):
        api.apply(plan, made, folder / "twice.parquet")
    api.apply(plan, made, folder / "back.parquet", inverse=True)
    assert not pq.read_schema(folder / "back.parquet").metadata


@every_kind
def test_compression_is_what_is_asked_for(kind: str) -> None:
    table, sizes = pa.table({"x": np.zeros(10_000)}), {}
    (batch,) = table.to_batches()
    for name in (None, "none", "zstd", "lz4"):
        writer = MODULES[kind].Writer.for_input(None, ArrowFrame(batch), arrow.Options(compression=name), ())
        sink = io.BytesIO()
        out = writer.open(sink)
        out.write(writer.encode(ArrowFrame(batch)))
        out.close()
        assert read(kind, sink.getvalue()).equals(table)
        sizes[name] = len(sink.getvalue())
    assert sizes[None] == sizes["none"] > 80_000 > 2_000 > max(sizes["zstd"], sizes["lz4"])
    with pytest.raises(UsageError, match=r"--compression brotli: Arrow .* has none, zstd, lz4"):
        MODULES[kind].Writer.for_input(None, ArrowFrame(batch), arrow.Options(compression="brotli"), ())


def feather(path: Path) -> None:
    import pyarrow.feather

    pyarrow.feather.write_feather(numbers(), path)  # lz4


def test_feather_files_are_arrow_files(folder: Path) -> None:
    feather(folder / "d.feather")
    plan = api.fit(folder / "d.feather", Center())
    api.apply(plan, folder / "d.feather", folder / "made.feather")
    assert theirs(folder / "made.feather")["t"].equals(numbers()["t"])


def test_a_pipe_gets_the_stream_of_what_needs_a_footer() -> None:
    assert arrow.FORMAT.on_pipe == parquet.FORMAT.on_pipe == "arrows"
    assert not arrows.FORMAT.on_pipe


def test_a_stream_whose_writer_went_away_is_not_waited_for() -> None:
    data = of_table("arrows", numbers())
    end, start = os.pipe()
    feed(start, data[: len(data) // 2]).join()
    with pytest.raises(BadDataError):
        read("arrows", Source("t", io.FileIO(end, "rb")))


def test_a_union_passes_through_where_the_format_has_it(tmp_path: Path) -> None:
    parts = [pa.array([5, 6], pa.int32()), pa.array(["q"])]
    union = pa.UnionArray.from_dense(pa.array([0, 1, 0], pa.int8()), pa.array([0, 0, 1], pa.int32()), parts, ["a", "b"])
    table = pa.table({"x": [1.0, 2.0, 6.0], "u": union})
    with pa.ipc.new_file(tmp_path / "d.arrow", table.schema) as writer:
        writer.write_table(table)
    plan = api.fit(tmp_path / "d.arrow", Center())
    api.apply(plan, tmp_path / "d.arrow", tmp_path / "z.arrow")
    with pa.OSFile(str(tmp_path / "z.arrow")) as file:
        made = pa.ipc.open_file(file).read_all()
    assert made.to_pydict() == {"x": [-2.0, -1.0, 3.0], "u": [5, "q", 6]}
    for name, why in (("z.parquet", "parquet has no place for column u"), ("z.csv", "csv has no place for column u")):
        with pytest.raises(BadDataError, match=why):
            api.apply(plan, tmp_path / "d.arrow", tmp_path / name)
        assert not (tmp_path / name).exists()
