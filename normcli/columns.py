"""Which columns, and frame to block and back.

A frame is decoded rows as the format's own library gives them: a polars DataFrame of text formats, an Arrow
RecordBatch of binary ones. Nobody but this file knows both. In a polars frame a selected column is numeric, or is
still text where it holds words that mean missing (NA): the format has made sure that nothing else is in it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

import numpy as np
from numpy.typing import NDArray

from normcli.block import Block
from normcli.errors import BadDataError, BadRowError, printable
from normcli.record import Array

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

Frame = Any  # pl.DataFrame | pa.RecordBatch; pyarrow publishes no types
Infinite = Literal["error", "missing"]
Numbers = NDArray[Any]  # of any type

_ARROW_NAMES = {"double": "float64", "float": "float32", "halffloat": "float16"}
NUMERIC_WORD = "\0"  # before a word that means missing though it reads as a number, so that nobody reads it as one
REST = "\0rest"  # a column of a frame that is none of the data's: what the format needs to write the rows again
DECIMAL = re.compile(r"decimal(\d+)\((\d+), (-?\d+)\)")
_NUMBERS = ("int", "uint", "float", "decimal")


@dataclass(frozen=True)
class Field:
    """A column: its name, and its type as Arrow calls it, with the floats by their width. A text file's column
    without a value in the sample is of type null."""

    name: str
    type: str

    @property
    def is_number(self) -> bool:
        return self.type.startswith(_NUMBERS)


Schema = tuple[Field, ...]


# -- which -------------------------------------------------------------------------------------------------------
def select(schema: Schema, include: Sequence[str], exclude: Sequence[str], *, unseen: bool = False) -> tuple[str, ...]:
    """The chosen columns' names, in the input's order; with `unseen`, those of an input without any value, too.
    Raises BadDataError where a selector finds nothing."""
    chosen = {f.name for f in schema if f.is_number}
    if unseen and all(f.type == "null" for f in schema):
        chosen = {f.name for f in schema}
    if include:
        chosen = set().union(*(_matching(schema, s, numbers=True) for s in include))
    chosen -= excluded(schema, exclude)
    names = tuple(f.name for f in schema if f.name in chosen)
    if not names and schema and all(f.type == "null" for f in schema):
        raise BadDataError(f"there is no value in the first rows, or no row at all: {described(schema)}")
    if not names:
        raise BadDataError(
            f"no numeric column is selected; the columns are {described(schema)}", "is the delimiter right?"
        )
    return names


def _matching(schema: Schema, selector: str, *, numbers: bool) -> set[str]:
    """Names that one -c or -x selects; with `numbers`, a glob takes only numeric columns and a name must be one."""
    types = {f.name: f for f in schema}
    found: set[str] = set()
    for part in [selector] if selector in types else selector.split(","):
        if part in types:
            hits = {part}
        else:
            hits = {n for n, f in types.items() if fnmatchcase(n, part) and (f.is_number or not numbers)}
        if not hits:
            raise BadDataError(f"no {'numeric ' if numbers else ''}column is called '{printable(part)}'")
        for name in hits:
            if numbers and not types[name].is_number and types[name].type != "null":
                raise BadDataError(f"column '{printable(name)}' is not numeric but {types[name].type}")
        found |= hits
    return found


def excluded(schema: Schema, exclude: Sequence[str]) -> set[str]:
    """Names that -x selects."""
    return set().union(*(_matching(schema, s, numbers=False) for s in exclude))


def described(schema: Schema) -> str:
    """Names and types, for a message."""
    more = f" and {len(schema) - 20} more" if len(schema) > 20 else ""
    return ", ".join(f"{printable(f.name)} ({f.type})" for f in schema[:20]) + more


# -- frames ------------------------------------------------------------------------------------------------------
def is_polars(frame: Frame) -> TypeGuard[pl.DataFrame]:
    return type(frame).__module__.startswith("polars")


def rows(frame: Frame) -> int:
    return int(frame.height if is_polars(frame) else frame.num_rows)


def names(frame: Frame) -> tuple[str, ...]:
    return tuple(frame.columns if is_polars(frame) else frame.schema.names)


def text_frame(columns: Mapping[str, pl.Series]) -> pl.DataFrame:
    """A polars frame. It takes names like * for patterns and an empty one for column_1, so it gets them last."""
    import polars as pl

    made = pl.DataFrame({str(j): s for j, s in enumerate(columns.values())})
    made.columns = list(columns)
    return made


def only(frame: Frame, wanted: Sequence[str]) -> Frame:
    """The frame with these columns alone, in this order."""
    return text_frame({n: frame[n] for n in wanted}) if is_polars(frame) else frame.select(list(wanted))


def with_texts(frame: Frame, texts: Sequence[tuple[str, str | None]]) -> Frame:
    """The frame with more columns, of one text each (None: null), where there is none of that name."""
    for name, text in (t for t in texts if t[0] not in names(frame)):
        if is_polars(frame):
            import polars as pl

            made = pl.repeat(text, rows(frame), dtype=pl.String, eager=True)
            frame = text_frame({n: frame[n] for n in names(frame)} | {name: made})
        else:
            import pyarrow as pa

            frame = frame.append_column(name, pa.repeat(pa.scalar(text, pa.string()), rows(frame)))
    return frame


def column_types(frame: Frame) -> dict[str, str]:
    """The library's type of each column, for comparing frames."""
    return {
        n: str(t) for n, t in zip(names(frame), frame.dtypes if is_polars(frame) else frame.schema.types, strict=True)
    }


def arrow_fields(schema: pa.Schema) -> Schema:
    """An Arrow schema as ours."""
    return tuple(Field(f.name, _ARROW_NAMES.get(str(f.type), str(f.type))) for f in schema)


def types(frame: Frame, wanted: Sequence[str]) -> dict[str, str]:
    """What the values in a frame's selected columns are: a text file's type is known only when all of it was seen."""
    if not is_polars(frame):
        return {f.name: f.type for f in arrow_fields(frame.schema) if f.name in wanted}
    return {n: "int64" if _integers(frame[n]) else "float64" for n in wanted}


def _integers(series: pl.Series) -> bool:
    import polars as pl

    if series.dtype != pl.String:
        return series.dtype.is_integer() or series.null_count() == len(series)
    numbers = _stripped(series).cast(pl.Float64, strict=False).fill_nan(None)
    return numbers.null_count() == _stripped(series).cast(pl.Int64, strict=False).null_count()


def _stripped(series: pl.Series) -> pl.Series:
    return series.str.strip_chars(" \t")


# -- to numbers --------------------------------------------------------------------------------------------------
def block(frame: Frame, wanted: Sequence[str], infinite: Infinite = "error") -> Block:
    """The wanted columns as numbers. Raises BadRowError at the first infinite value, unless that is missing."""
    given = [_numbers(frame, name) for name in wanted]
    matrix = None
    if any(x.dtype != np.float64 for x in given):
        matrix = np.empty((rows(frame), len(wanted)), order="F")
        for x, to in zip(given, matrix.T, strict=True):
            to[:] = x
        given = list(matrix.T)
    made = Block(tuple(given), matrix)
    doubtful = np.flatnonzero(~np.isfinite(made.sums)).tolist()
    infinities = {j: where for j in doubtful if (where := np.isinf(given[j])).any()}
    if not infinities:
        return made
    if infinite == "error":
        row, j = min((int(np.argmax(where)), j) for j, where in infinities.items())
        raise BadRowError(
            row, f"infinite value in column '{printable(wanted[j])}'", "--inf missing treats it as missing"
        )
    return Block(tuple(np.where(infinities[j], np.nan, x) if j in infinities else x for j, x in enumerate(given)))


def _numbers(frame: Frame, name: str) -> Numbers:
    """(rows,) of a type that float64 can hold, NaN where missing."""
    if is_polars(frame):
        import polars as pl

        series = frame[name]
        if series.dtype == pl.String:
            series = _stripped(series).cast(pl.Float64, strict=False)
        return np.asarray(series.to_numpy())
    import pyarrow as pa

    column = frame.column(name)
    if not pa.types.is_floating(column.type) and (column.null_count or not pa.types.is_integer(column.type)):
        column = column.cast(pa.float64(), safe=False)
    return np.asarray(column.to_numpy(zero_copy_only=False))


# -- and back ----------------------------------------------------------------------------------------------------
def put(
    frame: Frame, wanted: Sequence[str], outputs: Sequence[str], values: Array, restored: Mapping[str, str] | None
) -> Frame:
    """The frame with columns `wanted` replaced by `outputs` and their `values` (rows, outputs).

    An output of the same name stands where its column stood, others where the first of `wanted` did. What was
    missing stays what it was (null, NaN, a word); a NaN where a value was becomes null. Without `restored`, an output
    is float32 where its column was, else float64; with it, each is of the type given there by name.
    Raises BadRowError where a result does not fit the type.
    """
    kinds = {o: _restorable(restored[o]) if restored else _output_type(frame, o) for o in outputs}
    narrowed = {o: _narrowed(values[:, j], kinds[o], o) for j, o in enumerate(outputs)}
    make = _polars_column if is_polars(frame) else _arrow_column
    new = {o: make(frame, o, y, missing, kinds[o]) for o, (y, missing) in narrowed.items()}
    columns: dict[str, Any] = {}
    for n in names(frame):
        if n == wanted[0]:
            columns |= {o: c for o, c in new.items() if o not in wanted or o == n}
        elif n in new:
            columns[n] = new[n]
        elif n not in wanted:
            columns[n] = frame[n] if is_polars(frame) else frame.column(n)
    if is_polars(frame):
        return text_frame(columns)
    import pyarrow as pa

    fields = [pa.field(n, c.type) if n in new else frame.schema.field(n) for n, c in columns.items()]
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=pa.schema(fields, frame.schema.metadata))


def _restorable(kind: str) -> str:
    """A recorded type, or float64 for that of a column without values."""
    return kind if Field("", kind).is_number else "float64"


def _output_type(frame: Frame, name: str) -> str:
    old = {} if is_polars(frame) or name not in frame.schema.names else types(frame, [name])
    return "float32" if old.get(name) == "float32" else "float64"


def _narrowed(y: Array, kind: str, name: str) -> tuple[Numbers, NDArray[np.bool_] | None]:
    """(rows,) in the type's range, integers rounded to nearest, NaN where missing; and where that is, if anywhere."""
    with np.errstate(over="ignore"):
        total = y.sum()
        missing = np.isnan(y) if np.isnan(total) else None
        if kind.startswith(("int", "uint")):
            y = np.rint(y)
            limits = np.iinfo(kind)
            beyond = (y < float(limits.min)) | (y >= float(limits.max) + 1.0)
        elif decimal := DECIMAL.fullmatch(kind):
            _, precision, scale = map(int, decimal.groups())
            beyond = np.abs(y.round(scale)) >= 10.0 ** (precision - scale)
        else:
            y = y.astype(kind, copy=False)
            finite = np.isfinite(total) and (kind == "float64" or np.isfinite(y.sum(dtype=np.float64)))
            beyond = np.zeros(0, np.bool_) if finite else np.isinf(y)
    if beyond.any():
        raise BadRowError(int(np.argmax(beyond)), f"the result in column '{printable(name)}' is beyond {kind}")
    return y, missing


def _polars_column(
    frame: pl.DataFrame, name: str, y: Numbers, missing: NDArray[np.bool_] | None, kind: str
) -> pl.Series:
    import polars as pl

    new = pl.Series(name, y)
    old = frame[name] if name in frame.columns else None
    if missing is not None:
        new = new.fill_nan(None)
    if kind.startswith(("int", "uint")):
        new = new.cast(getattr(pl, kind.replace("i", "I").replace("u", "U")))
    if old is None or not new.null_count():
        return new
    if old.dtype == pl.String:
        number = _stripped(old).cast(pl.Float64, strict=False).fill_nan(None)
        words = old.str.strip_prefix(NUMERIC_WORD)
        return new.cast(pl.String).zip_with(new.is_not_null() | number.is_not_null(), words)
    if new.dtype.is_float() and old.dtype.is_float():
        return new.zip_with(~old.is_nan().fill_null(value=False), old.cast(new.dtype))
    return new


def _arrow_column(
    frame: pa.RecordBatch, name: str, y: Numbers, missing: NDArray[np.bool_] | None, kind: str
) -> pa.Array:
    import pyarrow as pa

    decimal = DECIMAL.fullmatch(kind)
    if decimal:
        width, precision, scale = map(int, decimal.groups())
        exact: pa.DataType = getattr(pa, f"decimal{width}")(precision, scale)
        return pa.array(y.round(scale), mask=missing).cast(exact, safe=False)
    target = pa.type_for_alias(kind)
    if missing is not None and pa.types.is_floating(target) and name in frame.schema.names:
        old = frame.column(name)
        if pa.types.is_floating(old.type):  # NaN stays NaN, null stays null
            missing = missing & ~np.isnan(old.fill_null(0.0).to_numpy(zero_copy_only=False))
    if pa.types.is_integer(target):
        y = (y if missing is None else np.where(missing, 0, y)).astype(kind)
    return pa.array(y, type=target, mask=missing)


# -- from one library to the other -------------------------------------------------------------------------------
def to_arrow(frame: Frame, schema: pa.Schema | None = None) -> pa.RecordBatch:
    """As one RecordBatch; with a schema, of exactly its types (a word that means missing becomes null)."""
    if not is_polars(frame):
        return frame
    import polars as pl
    import pyarrow as pa

    if schema is None:
        text = [pa.field(n, pa.string()) if t == pl.String else None for n, t in frame.schema.items()]
        plain = frame.head(0).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        schema = pa.schema([t or f for t, f in zip(text, plain, strict=True)])
    numbers = {f.name for f in schema if pa.types.is_floating(f.type) and frame.schema[f.name] == pl.String}
    frame = text_frame({s.name: s.cast(pl.Float64, strict=False) if s.name in numbers else s for s in frame})
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema).combine_chunks()
    return table.to_batches()[0] if table.num_rows else pa.RecordBatch.from_pylist([], schema=schema)


def packed(frame: Frame) -> memoryview:
    """A frame as the bytes of uncompressed Arrow."""
    buffer = io.BytesIO()
    if is_polars(frame):
        frame.write_ipc(buffer, compression="uncompressed")
    else:
        import pyarrow as pa

        with pa.ipc.new_stream(buffer, frame.schema) as writer:
            writer.write_batch(frame)
    return buffer.getbuffer()


def unpacked(data: bytes, *, polars: bool) -> Frame:
    """The frame that was `packed`."""
    if polars:
        import polars as pl

        return pl.read_ipc(data)
    import pyarrow as pa

    return next(iter(pa.ipc.open_stream(data)))


def to_polars(frame: Frame) -> pl.DataFrame:
    if is_polars(frame):
        return frame
    import polars as pl

    made = pl.from_arrow(frame)
    assert isinstance(made, pl.DataFrame)
    made.columns = list(names(frame))
    return made
