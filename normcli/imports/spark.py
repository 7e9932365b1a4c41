"""spark: scalers of Spark ML, from the directory that a model was saved in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from normcli.blocks.record import Array
from normcli.errors import BadDataError, NoInputError, UsageError, absent, open_error, printable, short
from normcli.imports import MOST, Model, Origin, Part, affine, check_features
from normcli.methods import listed
from normcli.methods.maxabs import MaxAbs
from normcli.methods.minmax import MinMax
from normcli.methods.robust import Robust
from normcli.methods.zscore import ZScore

LONGEST = 1 << 20  # bytes of the metadata
LARGEST = 64 << 20  # bytes of the data, packed and unpacked
PACKAGE = "org.apache.spark.ml.feature."


class Spark(Origin, frozen=True, kw_only=True):
    """StandardScalerModel, MinMaxScalerModel, MaxAbsScalerModel or RobustScalerModel, in a directory with metadata/ and
    data/. Spark makes constant columns 0; here they are divided by 1."""

    def read(self, path: str) -> Model:
        metadata = _metadata(path)
        name = str(metadata.get("class", "")).removeprefix(PACKAGE)
        read = KINDS.get(name)
        if read is None:
            raise BadDataError(f"{printable(short(name))} is not read", f"known are {', '.join(KINDS)}")
        saved = _Saved(name, _params(metadata), _vectors(path))
        try:
            part = read(saved)
        except UsageError as e:
            raise BadDataError(f"{name}: {e.message}") from None
        constant = np.flatnonzero(saved.constant).tolist()
        doubt = f"constant: feature {', '.join(map(str, constant))}; Spark makes other values the same, and here not"
        version = metadata.get("sparkVersion")
        what = f"{name} of Spark{f' {short(version)}' if isinstance(version, str) else ''}"
        return Model(what, (part,), len(saved.constant), doubts=(doubt,) if constant else ())


class _Saved(Struct):
    """What was saved: parameters by name, and vectors by name."""

    name: str
    params: Mapping[str, Any]
    vectors: Mapping[str, Array]
    constant: Array = np.zeros(0, np.bool_)  # (features,)

    def vector(self, name: str) -> Array:
        """Raises BadDataError where there is none, or it has another length than the first."""
        if name not in self.vectors:
            raise BadDataError(f"{self.name} has no {name}")
        lengths = {len(v) for v in self.vectors.values()}
        if len(lengths) > 1:
            raise BadDataError(f"its vectors have {listed(sorted(map(str, lengths)))} numbers")
        check_features(lengths.pop())
        return self.vectors[name]

    def scale(self, width: Array) -> Array:
        """The divisors: of a constant 1."""
        self.constant = width == 0.0
        return np.where(self.constant, 1.0, width)

    def flag(self, name: str) -> bool:
        """Raises BadDataError."""
        value = self.params.get(name)
        if not isinstance(value, bool):
            raise BadDataError(f"{self.name}: {name} is neither true nor false")
        return value

    def number(self, name: str) -> float:
        """Raises BadDataError."""
        value = self.params.get(name)
        if type(value) not in (int, float):
            raise BadDataError(f"{self.name}: {name} is no number")
        return float(value)  # type: ignore[arg-type]


def _standard(saved: _Saved) -> Part:
    center, scale, mean = saved.flag("withMean"), saved.flag("withStd"), saved.vector("mean")
    by = saved.scale(saved.vector("std")) if scale else saved.scale(np.ones_like(mean))
    method = ZScore(ddof=1 if scale else 0, center=center, scale=scale)
    return Part(method, affine(mean if center else np.zeros_like(mean), by))


def _min_max(saved: _Saved) -> Part:
    method = MinMax(range=(saved.number("min"), saved.number("max")))
    method.check_options()
    least = saved.vector("originalMin")
    low, high = method.range
    return Part(method, affine(least, saved.scale(saved.vector("originalMax") - least), ends=(low + 0.0, high + 0.0)))


def _max_abs(saved: _Saved) -> Part:
    largest = saved.vector("maxAbs")
    saved.constant = np.zeros(len(largest), np.bool_)
    return Part(MaxAbs(), affine(np.zeros_like(largest), np.where(largest == 0.0, 1.0, largest)))


def _robust(saved: _Saved) -> Part:
    method = Robust(quantiles=(saved.number("lower"), saved.number("upper")))
    method.check_options()
    median, width = saved.vector("median"), saved.vector("range")
    scale = saved.scale(width if saved.flag("withScaling") else np.ones_like(width))
    return Part(method, affine(median if saved.flag("withCentering") else np.zeros_like(median), scale))


KINDS: Mapping[str, Callable[[_Saved], Part]] = {
    "StandardScalerModel": _standard,
    "MinMaxScalerModel": _min_max,
    "MaxAbsScalerModel": _max_abs,
    "RobustScalerModel": _robust,
}


def _params(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters, those by default first."""
    params: dict[str, Any] = {}
    for name in ("defaultParamMap", "paramMap"):
        values = metadata.get(name, {})
        if not isinstance(values, dict):
            raise BadDataError(f"metadata: {name} is no object")
        params |= values
    return params


def _metadata(path: str) -> Mapping[str, Any]:
    file = _part(path, "metadata", "")
    try:
        with open(file, "rb") as source:
            text = source.read(LONGEST + 1)
    except OSError as e:
        raise open_error(NoInputError, printable(file), e) from None
    try:
        metadata = json.loads(text.decode()) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict):
        raise BadDataError("its metadata are no JSON object", "model.save(path) writes such a directory")
    return metadata


def _part(path: str, folder: str, suffix: str) -> str:
    """The one part of a dataset of Spark. Raises NoInputError, BadDataError."""
    try:
        names = os.listdir(os.path.join(path, folder))
    except OSError as e:
        if isinstance(e, FileNotFoundError) and not os.path.exists(path):
            what, hint = absent(path)
            raise NoInputError(f"{printable(path)}: {what}", hint) from None
        raise BadDataError(f"has no directory {folder}/", "model.save(path) writes such a directory") from None
    parts = [name for name in names if name.startswith("part-") and name.endswith(suffix)]
    if len(parts) != 1:
        raise BadDataError(f"{folder}/ has {len(parts):,} parts, not one", "was it copied whole?")
    return os.path.join(path, folder, parts[0])


def _vectors(path: str) -> dict[str, Array]:
    """The vectors of the one row of the data. Raises NoInputError, BadDataError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = _part(path, "data", ".parquet")
    try:
        with open(file, "rb") as source:
            if os.fstat(source.fileno()).st_size > LARGEST:
                raise BadDataError(f"its data have more than {LARGEST:,} bytes")
            parquet = pq.ParquetFile(source)
            about = parquet.metadata
            unpacked = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
            if about.num_rows != 1 or unpacked > LARGEST:
                raise BadDataError(f"its data are {about.num_rows:,} rows of {unpacked:,} bytes, not one row")
            row = parquet.read().to_pylist()[0]
    except OSError as e:
        if e.errno is None:  # of pyarrow
            raise BadDataError("its data are damaged", "was it copied whole?") from None
        raise open_error(NoInputError, printable(file), e) from None
    except (pa.ArrowException, ValueError, KeyError):
        raise BadDataError("its data are damaged", "was it copied whole?") from None
    return {name: _vector(name, value) for name, value in row.items()}


def _vector(name: str, value: Any) -> Array:
    """A vector of Spark: type 1 is dense, type 0 has values at some indices. Raises BadDataError."""
    try:
        values = np.array(value["values"], np.float64)
        if value["type"] == 1:
            dense = values
        else:
            if not 1 <= value["size"] <= MOST:
                raise ValueError
            dense = np.zeros(value["size"])
            dense[np.array(value["indices"], np.intp)] = values
    except (TypeError, KeyError, ValueError, IndexError, OverflowError):
        raise BadDataError(f"{printable(short(name))} is no vector of Spark") from None
    if dense.ndim != 1 or not np.isfinite(dense).all():
        raise BadDataError(f"{printable(short(name))} is not finite numbers")
    return dense
