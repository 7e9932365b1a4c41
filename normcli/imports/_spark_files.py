"""Directories that Spark ML saves models in: metadata as JSON, and vectors as one row of Parquet, both bounded."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from normcli.blocks.record import Array
from normcli.errors import BadDataError, NoInputError, absent, printable, short
from normcli.imports import MOST_FEATURES, _parquet_bounds, check_features
from normcli.imports._files import opened, parsed
from normcli.methods import listed

LONGEST_METADATA = 1 << 20  # bytes
LONGEST_DATA = 4 << 20  # bytes: three times two vectors of the most features
LONGEST_FOOTER = 256 << 10  # bytes of what describes the data, at their end
TAIL = struct.Struct("<I4s")  # the end of a Parquet file: bytes of its footer, and PAR1
HINT = "model.save(path) writes such a directory"
COPIED = "was it copied whole?"


class Stage(Struct, frozen=True):
    """A directory with what was saved in it: a class, and its parameters by name."""

    path: str
    name: str  # of the class, with its package
    params: Mapping[str, Any]
    version: str = ""  # of Spark

    @property
    def kind(self) -> str:
        """The name of the class alone."""
        return short(self.name.rpartition(".")[2])

    def flag(self, name: str) -> bool:
        """Raises BadDataError."""
        value = self.params.get(name)
        if not isinstance(value, bool):
            raise BadDataError(f"{self.kind}: {name} is neither true nor false")
        return value

    def number(self, name: str) -> float:
        """Raises BadDataError."""
        value = self.params.get(name)
        if type(value) not in (int, float):
            raise BadDataError(f"{self.kind}: {name} is no number")
        return float(value)  # type: ignore[arg-type]

    def texts(self, name: str) -> tuple[str, ...]:
        """Raises BadDataError."""
        value = self.params.get(name)
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise BadDataError(f"{self.kind}: {name} is no list of texts")
        return tuple(value)

    def vectors(self, *names: str) -> tuple[Array, ...]:
        """(features,) each. Raises NoInputError, BadDataError where one is not there, or as long as the first."""
        vectors = _vectors(self.path, names)
        lengths = [len(v) for v in vectors]
        if len(set(lengths)) > 1:
            raise BadDataError(f"{self.kind}: its vectors have {listed([f'{n:,}' for n in lengths])} numbers")
        check_features(lengths[0])
        return vectors


def stage(path: str) -> Stage:
    """What a directory holds. Raises NoInputError, BadDataError."""
    with opened(_part(path, "metadata", "")) as source:
        text = source.read(LONGEST_METADATA + 1)
    try:
        about = parsed(text) if len(text) <= LONGEST_METADATA else None
    except ValueError:
        about = None
    if not isinstance(about, dict) or not isinstance(about.get("class"), str):
        raise BadDataError("its metadata are no JSON object with a class", HINT)
    params: dict[str, Any] = {}
    for name in ("defaultParamMap", "paramMap"):
        values = about.get(name, {})
        if not isinstance(values, dict):
            raise BadDataError(f"metadata: {name} is no object")
        params |= values
    version = about.get("sparkVersion")
    return Stage(path, about["class"], params, short(version) if isinstance(version, str) else "")


def stage_paths(path: str, uids: tuple[str, ...]) -> list[str]:
    """The directories of the stages of a pipeline, in order. Raises BadDataError where one is not there."""
    try:
        names = os.listdir(os.path.join(path, "stages"))
    except OSError:
        raise BadDataError("has no directory stages/", COPIED) from None
    places = {tuple(name.split("_", 1)): name for name in names if name.split("_", 1)[0].isdecimal()}
    by_number = {(int(number), uid): name for (number, *rest), name in places.items() for uid in rest}
    missing = [uid for i, uid in enumerate(uids) if (i, uid) not in by_number]
    if missing:
        raise BadDataError(f"has no stage {listed(missing)}", COPIED)
    return [os.path.join(path, "stages", by_number[i, uid]) for i, uid in enumerate(uids)]


def _part(path: str, folder: str, suffix: str) -> str:
    """The one part of a dataset of Spark. Raises NoInputError, BadDataError."""
    try:
        names = os.listdir(os.path.join(path, folder))
    except OSError as e:
        if isinstance(e, FileNotFoundError) and not os.path.exists(path):
            what, hint = absent(path)
            raise NoInputError(f"{printable(path)}: {what}", hint) from None
        raise BadDataError(f"has no directory {folder}/", HINT) from None
    parts = [name for name in names if name.startswith("part-") and name.endswith(suffix)]
    if len(parts) != 1:
        raise BadDataError(f"{folder}/ has {len(parts):,} parts, not one", COPIED)
    return os.path.join(path, folder, parts[0])


def _vectors(path: str, names: tuple[str, ...]) -> tuple[Array, ...]:
    """Vectors of the one row of the data, by name. Only these are read. Raises NoInputError, BadDataError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with opened(_part(path, "data", ".parquet")) as source:
        data = source.read(LONGEST_DATA + 1)
    try:
        _check_data(data)
        parquet = pq.ParquetFile(pa.BufferReader(data))
        present = list(parquet.schema_arrow.names)
        for name in names:
            if present.count(name) != 1:
                raise BadDataError(f"its data have {present.count(name)} columns {name}, not one")
        row = parquet.read(columns=list(names), use_threads=False)
        return tuple(_vector(name, row.column(name).chunk(0)) for name in names)
    except (pa.ArrowException, OSError, ValueError, KeyError):
        raise BadDataError("its data are damaged", COPIED) from None


def _check_data(data: bytes) -> None:
    """Raises BadDataError where the file is larger than any of vectors is, or says that something in it is; ValueError
    where it is damaged."""
    if len(data) > LONGEST_DATA:
        raise BadDataError(f"its data have more than {LONGEST_DATA:,} bytes")
    footer, magic = TAIL.unpack(data[-TAIL.size :]) if len(data) > TAIL.size else (0, b"")
    if magic != b"PAR1":
        raise BadDataError("its data are no Parquet file", COPIED)
    if footer > min(LONGEST_FOOTER, len(data) - TAIL.size):
        raise BadDataError(f"its data are described by {footer:,} bytes, and {LONGEST_FOOTER:,} are read")
    _parquet_bounds.check(data, footer, values=MOST_FEATURES, size=LONGEST_DATA)


def _vector(name: str, column: Any) -> Array:
    """A vector of Spark: type 1 is dense, type 0 has values at rising indices. Raises BadDataError."""
    try:
        kind, size = column.field("type")[0].as_py(), column.field("size")[0].as_py()
        values: Array = _numbers(column.field("values"), "f")
        if kind == 0:
            indices = _numbers(column.field("indices"), "i")
            if not 1 <= size <= MOST_FEATURES or len(indices) != len(values):
                raise ValueError
            if len(indices) and (indices[0] < 0 or indices[-1] >= size or (np.diff(indices) <= 0).any()):
                raise ValueError
            sparse, values = values, np.zeros(size, np.float64)
            values[indices] = sparse
        elif kind != 1:
            raise ValueError
    except (TypeError, KeyError, ValueError, AttributeError):
        raise BadDataError(f"{name} is no vector of Spark") from None
    if not np.isfinite(values).all():
        raise BadDataError(f"{name} is not finite numbers")
    return values


def _numbers(lists: Any, kind: str) -> Any:
    """The numbers of the one list, floats or integers. Raises ValueError where there are others."""
    numbers = lists[0].values
    if numbers is None or numbers.null_count:
        raise ValueError
    values = numbers.to_numpy(zero_copy_only=False)
    if values.dtype.kind != kind:
        raise ValueError
    return values.astype(np.float64 if kind == "f" else np.intp)
