"""Files to import that were made to harm: refused, bounded, and nothing in them runs."""

import io
import json
import os
import random
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import normcli
from normcli.errors import BadDataError, NoInputError, UsageError
from normcli.imports import _skops
from tests.conftest import examples
from tests.exports.test_sklearn import plan
from tests.imports.spark_models import spark
from tests.imports.test_imports import SAID, STATE, X, preprocessing, saved, skops, tensors

REFUSED = (BadDataError, NoInputError, UsageError)


def zipped(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> str:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return str(path)


def unzipped(path: str) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def refused(path: str, program: str = "sklearn", **options: Any) -> str:
    with pytest.raises(BadDataError) as e:
        normcli.import_parameters(path, program, columns=["a", "b", "c"], **options)
    return str(e.value)


def npy(header: str, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header.encode() + data


def test_a_pickle_is_not_loaded(tmp_path: Path) -> None:
    entries = unzipped(saved(preprocessing.StandardScaler(), tmp_path / "s.skops"))
    out = io.BytesIO()
    np.save(out, np.array([print] * 3, object), allow_pickle=True)
    for name in (name for name in entries if name.endswith(".npy")):
        assert "no array of numbers" in refused(zipped(tmp_path / "x.skops", {**entries, name: out.getvalue()}))


@pytest.mark.parametrize(
    "content",
    [
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}"),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}", bytes(24)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}", bytes(23)),
        npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,)}", bytes(24)),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (3,)}", bytes(24)),
        npy("(" * 9000),
        npy("__import__('os').system('touch harmed')"),
        b"\x93NUMPY\x09\0",
        b"",
    ],
)
def test_arrays_that_are_none_are_refused(content: bytes, tmp_path: Path) -> None:
    entries = unzipped(saved(preprocessing.StandardScaler(), tmp_path / "s.skops"))
    bad = {n: content if n.endswith(".npy") else c for n, c in entries.items()}
    assert bad != entries
    refused(zipped(tmp_path / "x.skops", bad))
    assert not Path("harmed").exists()


def lists_in_a_schema(path: Path) -> str:
    return zipped(path, {"schema.json": b"[" + b"[]," * (10 << 20) + b"[]]"}, zipfile.ZIP_DEFLATED)


def spaces_in_a_schema(path: Path) -> str:
    return zipped(path, {"schema.json": b" " * _skops.LONGEST}, zipfile.ZIP_DEFLATED)


def a_large_entry(path: Path) -> str:
    return zipped(path, {"schema.json": bytes(_skops.LONGEST + 1)}, zipfile.ZIP_DEFLATED)


def an_entry_that_lies_about_its_size(path: Path) -> str:
    content = Path(a_large_entry(path)).read_bytes()
    path.write_bytes(content.replace(struct.pack("<I", _skops.LONGEST + 1), struct.pack("<I", 100)))
    return str(path)


def a_long_directory(path: Path) -> str:
    entry = struct.pack("<4s24x3H12x", b"PK\1\2", 1, 0, 0) + b"a"
    count = (16 << 20) // len(entry)
    path.write_bytes(entry * count + struct.pack("<4s8xIIH", b"PK\5\6", count * len(entry), 0, 0))
    return str(path)


def equal_numbers_of_spark(path: Path) -> str:
    return spark(path, "MaxAbsScalerModel", {}, {"maxAbs": np.zeros(2 << 20)})


def many_columns_of_spark(path: Path) -> str:
    saved = Path(spark(path, "MaxAbsScalerModel", {}, {"maxAbs": [1.0]}))
    (file,) = (saved / "data").glob("part-*")
    pq.write_table(pa.table({f"c{i}": [1.0] for i in range(5_000)}), file)
    return str(saved)


@pytest.mark.parametrize(
    "bomb",
    [lists_in_a_schema, spaces_in_a_schema, a_large_entry, an_entry_that_lies_about_its_size, a_long_directory,
     equal_numbers_of_spark, many_columns_of_spark],
)  # fmt: skip
def test_a_bomb_is_refused_in_little_memory(bomb: Callable[[Path], str], tmp_path: Path) -> None:
    path = bomb(tmp_path / "x")
    program = "spark" if bomb.__name__.endswith("spark") else "sklearn"
    before = pa.default_memory_pool().max_memory()
    tracemalloc.start()
    try:
        refused(path, program)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2.5 * _skops.LONGEST_SCHEMA
    assert pa.default_memory_pool().max_memory() - before < 1 << 20


@pytest.mark.parametrize("program", ["sklearn", "spark", "torch"])
def test_pipes_and_devices_are_not_opened(program: str, tmp_path: Path) -> None:
    """They may have no end, or no beginning."""
    options: dict[str, Any] = {"eps": 1e-5, "momentum": 0.1} if program == "torch" else {}
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "model" / "metadata").mkdir(parents=True)
    for target in (str(tmp_path / "pipe"), "/dev/zero"):
        if program == "spark":
            part = tmp_path / "model" / "metadata" / "part-0"
            part.unlink(missing_ok=True)
            part.symlink_to(target)
            target = str(tmp_path / "model")
        with pytest.raises(NoInputError, match="is no regular file"):
            normcli.import_parameters(target, program, columns=["a"], **options)
    if program != "spark":
        with pytest.raises(NoInputError, match=r"is a directory \((skops.io.dump|safetensors.torch.save_file)"):
            normcli.import_parameters(tmp_path, program, columns=["a"], **options)


def test_what_is_there_twice_is_refused(tmp_path: Path) -> None:
    entries = unzipped(saved(preprocessing.StandardScaler(), tmp_path / "s.skops"))
    zipped(tmp_path / "x.skops", entries)
    with zipfile.ZipFile(tmp_path / "x.skops", "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("schema.json", "{}")
    assert "the same name" in refused(str(tmp_path / "x.skops"))
    twice = entries["schema.json"].replace(b'"with_mean":', b'"with_mean": 3, "with_mean":', 1)
    assert twice != entries["schema.json"]
    assert "can't be parsed" in refused(zipped(tmp_path / "y.skops", {**entries, "schema.json": twice}))


def test_a_name_of_a_column_is_bounded(tmp_path: Path) -> None:
    entries = unzipped(saved(preprocessing.StandardScaler(), tmp_path / "s.skops", named=True))
    long = entries["schema.json"].replace(b'\\"a\\"', b'\\"' + b"a" * 10_001 + b'\\"')
    path = zipped(tmp_path / "y.skops", {**entries, "schema.json": long})
    with pytest.raises(BadDataError, match="its name has 10,001 characters"):
        normcli.import_parameters(path, "sklearn")
    assert normcli.import_parameters(path, "sklearn", columns=["a", "b", "c"]).needs() == ("a", "b", "c")


@pytest.mark.parametrize(
    "schema",
    [
        "[" * 100_000,
        '{"__loader__":"TupleNode","content":[' * 200 + "]}" * 200,
        '{"__loader__":"MethodNode","content":{}}',
        '{"__loader__":"ObjectNode","__class__":"system","__module__":"os","content":{"content":{}}}',
        '{"__loader__":"ObjectNode","__class__":"StandardScaler","__module__":"sklearn.preprocessing._data",'
        '"content":{"content":{"n_features_in_":{"__loader__":"JsonNode","content":"1e99"}}}}',
        "null",
        "\xff",
    ],
)  # fmt: skip
def test_schemas_that_are_none_are_refused(schema: str, tmp_path: Path) -> None:
    refused(zipped(tmp_path / "x.skops", {"schema.json": schema.encode("latin-1")}))


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [("StandardScaler", "scale_", [0.0, 1.0, 1.0]), ("StandardScaler", "mean_", [np.inf, 1.0, 1.0]),
     ("StandardScaler", "var_", [-1.0, 1.0, 1.0]), ("StandardScaler", "mean_", [1.0]),
     ("StandardScaler", "n_samples_seen_", -5), ("StandardScaler", "n_features_in_", 0),
     ("StandardScaler", "n_features_in_", 1 << 40), ("StandardScaler", "with_mean", "yes"),
     ("MinMaxScaler", "feature_range", (1, 0)), ("MinMaxScaler", "scale_", [np.nan, 0.0, -1.0]),
     ("RobustScaler", "quantile_range", (80, 20)), ("MaxAbsScaler", "scale_", "text")],
)  # fmt: skip
def test_numbers_that_can_not_be_are_refused(kind: str, field: str, value: Any, tmp_path: Path) -> None:
    scaler = getattr(preprocessing, kind)().fit(X)
    setattr(scaler, field, np.array(value) if isinstance(value, list) else value)
    skops.dump(scaler, tmp_path / "s.skops")
    refused(str(tmp_path / "s.skops"))


@pytest.mark.parametrize(
    ("arrays", "why"),
    [({"weight": np.float32([1, 1])}, "no running_mean"), ({**STATE, "running_var": np.float32([-1, 1])}, "negative"),
     ({**STATE, "bias": np.float32([1])}, "not 2 finite"),
     ({**STATE, "weight": np.float32([np.nan, 1])}, "not 2 finite"),
     ({**STATE, "running_mean": np.array([1, 2])}, "none of F16, BF16, F32, F64")],
)  # fmt: skip
def test_states_of_torch_that_can_not_be_are_refused(arrays: Any, why: str, tmp_path: Path) -> None:
    assert why in refused(tensors(tmp_path / "x.safetensors", arrays), "torch", eps=1e-5, momentum=0.1)


def test_files_of_other_programs_are_called_so(tmp_path: Path) -> None:
    """A small zip of the large form, as torch.save writes it, has no large directory, and an array of numpy no header
    of as many bytes as its first eight say."""
    saved(preprocessing.StandardScaler(), tmp_path / "s.skops")
    content = (tmp_path / "s.skops").read_bytes()
    end = content.rindex(b"PK\5\6")
    locator = b"PK\6\7" + struct.pack("<IQI", 0, end, 1)
    (tmp_path / "x.pt").write_bytes(content[:end] + locator + content[end:])
    assert "it is no .skops file" in refused(str(tmp_path / "x.pt"))
    np.save(tmp_path / "x.npy", X)
    assert "it is no safetensors file" in refused(str(tmp_path / "x.npy"), "torch", eps=1e-5, momentum=0.1)


def test_names_in_messages_are_cut(tmp_path: Path) -> None:
    """Those of classes, of layers and of tensors: a message has no more than some hundred characters."""
    long = "A" * 100_000
    schema = {"__loader__": "ObjectNode", "__class__": long, "__module__": "sklearn", "content": {"content": {}}}
    schema["content"] = {"content": {"n_features_in_": {"__loader__": "JsonNode", "content": "3"}}}
    several = {f"{long}{i}.{name}": values for i in range(2) for name, values in STATE.items()}
    unknown = json.dumps({long: {"dtype": "X", "shape": [1], "data_offsets": [0, 8]}}).encode()
    (tmp_path / "z.safetensors").write_bytes(struct.pack("<Q", len(unknown)) + unknown + bytes(8))
    for path, program in (
        (zipped(tmp_path / "x.skops", {"schema.json": json.dumps(schema).encode()}), "sklearn"),
        (tensors(tmp_path / "y.safetensors", several), "torch"),
        (str(tmp_path / "z.safetensors"), "torch"),
    ):
        with pytest.raises(REFUSED) as e:
            normcli.import_parameters(path, program, **({} if program == "sklearn" else SAID))
        assert "AAA" in f"{e.value} {e.value.hint}"
        assert len(f"{e.value} {e.value.hint}") < 2_000


def test_directories_that_are_none_of_spark_are_refused(tmp_path: Path) -> None:
    assert "no directory metadata/" in refused(str(tmp_path), "spark")
    path = Path(spark(tmp_path / "m", "MaxAbsScalerModel", {}, {"maxAbs": [1, 2, 3]}))
    for file, content in (("metadata/part-00000", b"{"), ("metadata/part-00000", b'{"class": "os.system"}')):
        (path / file).write_bytes(content)
        refused(str(path), "spark")
    for vector in ({"type": 0, "size": 1 << 30, "indices": [0], "values": [1.0]},
                   {"type": 0, "size": 3, "indices": [9], "values": [1.0]}, [float("nan")]):  # fmt: skip
        refused(spark(tmp_path / "v", "MaxAbsScalerModel", {}, {"maxAbs": vector}), "spark")
    (path / "data" / "part-00000-2c.parquet").touch()
    refused(str(path), "spark")
    with pytest.raises(NoInputError):
        normcli.import_parameters(tmp_path / "none", "spark")


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, a run of them left out or repeated, or the end cut off."""
    out = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out))
        match rng.randrange(4):
            case 0:
                out[at] = rng.randrange(256)
            case 1:
                del out[at : at + rng.randint(1, 64)]
            case 2:
                out[at:at] = out[at : at + rng.randint(1, 64)]
            case _:
                out[at : at + 1] = rng.choice([b"9" * 30, b"-", b"[", b'"', b"\0" * 8, b"\xff" * 8])
        if not out:
            break
    return bytes(out)


def as_zip(content: dict[str, bytes], rng: random.Random) -> bytes:
    name = rng.choice(sorted(content))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for n, c in content.items():
            file.writestr(n, mutated(c, rng) if n == name else c)
    return out.getvalue()


@pytest.mark.parametrize("form", ["schema or array", "pipeline", "zip", "safetensors", "parquet", "metadata"])
def test_damaged_files_are_refused_or_read(form: str, tmp_path: Path) -> None:
    """Whatever is read is valid: it can be written, and read again."""
    rng = random.Random(zlib.crc32(form.encode()))
    scaler, path, program = saved(preprocessing.RobustScaler(), tmp_path / "s.skops"), tmp_path / "x", "sklearn"
    options: dict[str, Any] = {"columns": ["a", "b", "c"]}
    make: Callable[[], bytes]
    entries, whole = unzipped(scaler), Path(scaler).read_bytes()
    if form == "pipeline":
        steps = plan(("quantile", {}, ("c",)), ("decorrelate", {}, ("a", "b")), ("robust", {}, ("c",)))
        (tmp_path / "p.skops").write_bytes(normcli.export(steps, "sklearn"))
        entries = unzipped(str(tmp_path / "p.skops"))
    if form in ("schema or array", "pipeline"):
        make = lambda: as_zip(entries, rng)  # noqa: E731
    elif form == "zip":
        make = lambda: mutated(whole, rng)  # noqa: E731
    elif form == "safetensors":
        state = Path(tensors(tmp_path / "bn", STATE)).read_bytes()
        make, program, options = lambda: mutated(state, rng), "torch", SAID
    else:
        model = Path(spark(tmp_path / "m", "MaxAbsScalerModel", {}, {"maxAbs": [1, 2, 3]}))
        path = next((model / ("data" if form == "parquet" else "metadata")).glob("part-*"))
        good = path.read_bytes()
        make, program = lambda: mutated(good, rng), "spark"
    target = model if program == "spark" else path
    for _ in range(examples(400, part=10)):
        path.write_bytes(make())
        try:
            parameters = normcli.import_parameters(target, program, **options)
        except REFUSED:
            continue
        assert normcli.write(normcli.read(normcli.write(parameters))) == normcli.write(parameters)
        json.loads(normcli.write(parameters))
