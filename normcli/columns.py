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
from normcli.errors import BadDataError, BadRowError, printable, short
from normcli.record import Array

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

Frame = Any  # pl.DataFrame | pa.RecordBatch; pyarrow publishes no types
Infinite = Literal["error", "missing"]
Dtype = Literal["float32", "float64"]
Numbers = NDArray[Any]  # of any type

_ARROW_NAMES = {"double": "float64", "float": "float32", "halffloat": "float16"}
NUMERIC_WORD = "\0"  # before a word that means missing though it reads as a number, so that nobody reads it as one
ORIGINAL = "\0original "  # before a column's name: a column of its text, character for character
REST = "\0rest"  # a column of a frame that is none of the data's: what the format needs to write the rows again
DECIMAL = re.compile(r"decimal(\d+)\((\d+), (-?\d+)\)")
EXACT = 1 << 53  # up to which a float64 holds every whole number
VECTOR = re.compile(r"(list|large_list|fixed_size_list)<(float16|float32|float64)>(?:\[(\d+)\])?")
NUMBER = re.compile(r"u?int(8|16|32|64)|float(16|32|64)|decimal(32|64|128|256)\(\d+, -?\d+\)")


@dataclass(frozen=True)
class Field:
    """A column: its name, and its type as Arrow calls it, with the floats by their width. A text file's column
    without a value in the sample is of type null."""

    name: str
    type: str

    @property
    def is_number(self) -> bool:
        return NUMBER.fullmatch(self.type) is not None

    @property
    def list_of(self) -> str | None:
        """The type of the floats in a column of lists of them, which may be a feature matrix by itself."""
        found = VECTOR.fullmatch(self.type)
        return found[2] if found else None

    @property
    def list_size(self) -> int | None:
        """How long all its lists are, where the type says so."""
        found = VECTOR.fullmatch(self.type)
        return int(found[3]) if found and found[3] else None


Schema = tuple[Field, ...]


# -- which -------------------------------------------------------------------------------------------------------
def select(schema: Schema, include: Sequence[str], exclude: Sequence[str], *, unseen: bool = False) -> tuple[str, ...]:
    """The chosen columns' names, in the input's order; with `unseen`, those of an input without any value, too.
    Raises BadDataError where a selector finds nothing. A column of lists is chosen by its name alone."""
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
            field = types[name]
            if numbers and not field.is_number and not field.list_of and field.type != "null":
                raise BadDataError(f"column '{printable(name)}' is not numeric but {types[name].type}")
        found |= hits
    return found


def excluded(schema: Schema, exclude: Sequence[str]) -> set[str]:
    """Names that -x selects."""
    return set().union(*(_matching(schema, s, numbers=False) for s in exclude))


def described(schema: Schema) -> str:
    """Names and types, for a message."""
    more = f" and {len(schema) - 20} more" if len(schema) > 20 else ""
    return ", ".join(f"{short(f.name)} ({f.type})" for f in schema[:20]) + more


# -- frames ------------------------------------------------------------------------------------------------------
def is_polars(frame: Frame) -> TypeGuard[pl.DataFrame]:
    return type(frame).__module__.startswith("polars")


def rows(frame: Frame) -> int:
    return int(frame.height if is_polars(frame) else frame.num_rows)


def cut(frame: Frame, rows: int) -> tuple[Frame, Frame]:
    """Its first rows and the others, without a copy."""
    return frame.slice(0, rows), frame.slice(rows)


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


def gathered(wanted: Mapping[str, tuple[Frame, str]]) -> Frame:
    """A frame of columns out of several frames of as many rows: each by its name, the frame that it is from, and what
    it is called there. What is said of the whole is what the first frame says."""
    frame, _ = next(iter(wanted.values()))
    if is_polars(frame):
        return text_frame({n: of[was] for n, (of, was) in wanted.items()})
    import pyarrow as pa

    fields = [of.schema.field(was).with_name(n) for n, (of, was) in wanted.items()]
    whole = pa.schema(fields, frame.schema.metadata)
    return pa.RecordBatch.from_arrays([of.column(was) for of, was in wanted.values()], schema=whole)


def with_originals(frame: Frame, texts: Frame, wanted: Sequence[str]) -> Frame:
    """The frame with the text of its wanted columns in columns of their own, from the same rows read as text."""
    kept = {n: (frame, n) for n in names(frame)}
    return gathered(kept | {ORIGINAL + n: (texts, n) for n in wanted})


def has_originals(frame: Frame) -> bool:
    """Whether what stood in a frame's columns can be had from it: of text, the numbers do not tell."""
    return not is_polars(frame) or any(n.startswith(ORIGINAL) for n in names(frame))


def chosen_rows(frame: Frame, mask: NDArray[np.bool_]) -> Frame:
    """The rows where the mask is true."""
    if mask.all():
        return frame
    import polars as pl

    return to_polars(frame).filter(pl.Series(mask))


def numbered(frame: Frame, wanted: Sequence[str]) -> Frame:
    """The frame with nothing but numbers and null in its wanted columns, where words that mean missing were."""
    if not is_polars(frame):
        return frame
    import polars as pl

    texts = {n for n in wanted if frame.schema[n] == pl.String}
    return text_frame(
        {s.name: _stripped(s).cast(pl.Float64, strict=False).fill_nan(None) if s.name in texts else s for s in frame}
    )


def column_types(frame: Frame) -> dict[str, str]:
    """The library's type of each column, for comparing frames."""
    kinds = frame.dtypes if is_polars(frame) else frame.schema.types
    return {n: str(t) for n, t in zip(names(frame), kinds, strict=True) if n != REST}


def arrow_fields(schema: pa.Schema) -> Schema:
    """An Arrow schema as ours. A dictionary of numbers is numbers; an extension that nobody registered is no number,
    whatever it is stored as."""
    return tuple(Field(f.name, _arrow_name(f)) for f in schema)


def _arrow_name(field: pa.Field) -> str:
    import pyarrow as pa

    extension = (field.metadata or {}).get(b"ARROW:extension:name")
    if extension is not None and not isinstance(field.type, pa.BaseExtensionType):
        return f"extension<{extension.decode('utf-8', 'replace')}>"
    inner = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    named = _ARROW_NAMES.get(str(inner), str(inner))
    if isinstance(inner, pa.ListType | pa.LargeListType | pa.FixedSizeListType) and pa.types.is_floating(
        inner.value_type
    ):
        kind, size = named.partition("<")[0], named.rpartition(">")[2]
        return f"{kind}<{_ARROW_NAMES[str(inner.value_type)]}>{size}"
    return named if inner is field.type or Field("", named).is_number else str(field.type)


def types(frame: Frame, wanted: Sequence[str]) -> dict[str, str]:
    """What the values in a frame's selected columns are: a text file's type is known only when all of it was seen."""
    if not is_polars(frame):
        found = {f.name: f.type for f in arrow_fields(frame.schema)}
        return {n: found[n] for n in wanted}
    return {n: _polars_type(frame[n]) for n in wanted}


def _polars_type(series: pl.Series) -> str:
    if not series.dtype.is_nested():
        return "int64" if _integers(series) else "float64"
    import pyarrow as pa

    return _arrow_name(pa.field("", series.clear().to_arrow().type))


def inexact(frame: Frame, wanted: Sequence[str]) -> tuple[str, ...]:
    """The wanted columns with a whole number beyond ±2^53, where a float can't tell neighbours apart."""
    return tuple(n for n in wanted if any(abs(end) > EXACT for end in _whole_ends(frame, n)))


def _whole_ends(frame: Frame, name: str) -> tuple[int, ...]:
    """The least and the greatest whole number of a column of 64-bit integers; () of another, or of none."""
    if is_polars(frame):
        import polars as pl

        series = frame[name]
        series = _stripped(series).cast(pl.Int64, strict=False) if series.dtype == pl.String else series
        ends: tuple[Any, ...] = (series.min(), series.max()) if series.dtype in (pl.Int64, pl.UInt64) else ()
    else:
        import pyarrow as pa
        import pyarrow.compute as pc

        column = _decoded(frame.column(name))
        wide = pa.types.is_int64(column.type) or pa.types.is_uint64(column.type)
        ends = tuple(end.as_py() for end in pc.min_max(column).values()) if wide else ()
    return tuple(end for end in ends if end is not None)


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
    return _finite(Block(tuple(given), matrix), wanted, infinite)


def _finite(made: Block, names: Sequence[str], infinite: Infinite) -> Block:
    """The block without infinite values. Raises BadRowError at the first, unless they count as missing."""
    doubtful = np.flatnonzero(~np.isfinite(made.sums)).tolist()
    infinities = {j: where for j in doubtful if (where := np.isinf(made.columns[j])).any()}
    if not infinities:
        return made
    if infinite == "error":
        row, j = min((int(np.argmax(where)), j) for j, where in infinities.items())
        raise BadRowError(
            row, f"infinite value in column '{printable(names[j])}'", "--inf missing treats it as missing"
        )
    columns = (np.where(infinities[j], np.nan, x) if j in infinities else x for j, x in enumerate(made.columns))
    return Block(tuple(columns))


def list_block(frame: Frame, name: str, features: Sequence[str], infinite: Infinite = "error") -> Block:
    """The lists in a column as the rows of a matrix; a null list is a row that misses everything. Raises BadRowError
    at the first that has another length than there are features, or an infinite value in it."""
    column, length = _lists(frame, name), len(features)
    sizes = _list_sizes(column)
    wrong = np.flatnonzero((sizes != length) & (sizes >= 0))
    if len(wrong):
        row = int(wrong[0])
        raise BadRowError(row, f"a list of {sizes[row]} in column '{printable(name)}', the others have {length}")
    flat = np.asarray(column.flatten().to_numpy(zero_copy_only=False))  # without those of null lists
    matrix = np.empty((len(column), length), order="F")
    if column.null_count:
        matrix[sizes < 0] = np.nan
        matrix[sizes >= 0] = flat.reshape(-1, length)
    else:
        matrix[:] = flat.reshape(-1, length)
    return _finite(Block(tuple(matrix.T), matrix), features, infinite)


def first_size(column: pa.Array) -> int | None:
    """How long the first list in a column is; None where all are null."""
    sizes = _list_sizes(column)
    return int(sizes[np.argmax(sizes >= 0)]) if (sizes >= 0).any() else None


def _lists(frame: Frame, name: str) -> pa.Array:
    return frame[name].to_arrow() if is_polars(frame) else frame.column(name)


def _list_sizes(column: pa.Array) -> NDArray[np.int64]:
    """(rows,) the length of each list, -1 where it is null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    sizes = pc.list_value_length(column).cast(pa.int64()).fill_null(-1)
    return np.asarray(sizes.to_numpy())


def _numbers(frame: Frame, name: str) -> Numbers:
    """(rows,) of a type that float64 can hold, NaN where missing."""
    if is_polars(frame):
        import polars as pl

        series = frame[name]
        if series.dtype == pl.String:
            series = _stripped(series).cast(pl.Float64, strict=False)
        return np.asarray(series.to_numpy())
    import pyarrow as pa

    column = _decoded(frame.column(name))
    if pa.types.is_decimal(column.type):
        return _of_decimals(column)
    if not pa.types.is_floating(column.type) and (column.null_count or not pa.types.is_integer(column.type)):
        column = column.cast(pa.float64(), safe=False)
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _decoded(column: pa.Array) -> pa.Array:
    """A column's values, where it is a dictionary's."""
    import pyarrow as pa

    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _of_decimals(column: pa.Array) -> Array:
    """The nearest doubles; what pyarrow casts to is a bit off for one long number in thirteen. Of up to 15 digits the
    unscaled number and the power of ten are exact, and one division rounds once; longer ones are read as text."""
    import pyarrow as pa

    kind, power = column.type, 10.0 ** abs(column.type.scale)
    if kind.precision > 15 or abs(kind.scale) > 22 or column.null_count == len(column):
        return np.asarray(column.cast(pa.string()).cast(pa.float64()).to_numpy(zero_copy_only=False))
    step = max(kind.bit_width // 64, 1)  # of little-endian words; the first holds it all, with its sign
    words = np.frombuffer(column.buffers()[1], f"<i{min(kind.bit_width // 8, 8)}")[::step]
    unscaled = words[column.offset : column.offset + len(column)].astype(np.float64)
    values = unscaled / power if kind.scale > 0 else unscaled * power
    if column.null_count:
        values[column.is_null().to_numpy(zero_copy_only=False)] = np.nan
    return np.asarray(values)


# -- and back ----------------------------------------------------------------------------------------------------
def put(
    frame: Frame,
    wanted: Sequence[str],
    outputs: Sequence[str],
    values: Array,
    *,
    restored: Mapping[str, str] | None = None,
    dtype: Dtype | None = None,
) -> Frame:
    """The frame with columns `wanted` replaced by `outputs` and their `values` (rows, outputs).

    An output of the same name stands where its column stood, others where the first of `wanted` did. What was
    missing stays what it was (null, NaN, a word); a NaN where a value was becomes null. With `restored`, each output is
    of the type given there by name; else of `dtype`; without either, float32 where its column was, else float64.
    Raises BadRowError where a result does not fit the type.
    """
    kinds = {o: _restorable(restored[o]) if restored else dtype or _output_type(frame, o) for o in outputs}
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

    old = {f.name: f for f in frame.schema}
    fields = [old[n] if n not in new else _replaced(old.get(n), n, c.type) for n, c in columns.items()]
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=pa.schema(fields, frame.schema.metadata))


def put_list(
    frame: Frame, name: str, values: Array, restored: str | None = None, *, dtype: Dtype | None = None
) -> Frame:
    """The frame with the lists in a column replaced by the rows of `values` (rows, outputs).

    Null lists stay null, and within lists it is as in `put`. Lists stay what they were, of a fixed size or not; with
    `restored` they become what that type says, with `dtype` their elements do. Raises BadRowError where a result does
    not fit the type.
    """
    import pyarrow as pa

    old = _lists(frame, name)
    kind, number = _vector(restored or _arrow_name(pa.field(name, old.type)))
    if restored is None:
        number = dtype or ("float32" if number == "float32" else "float64")
    there = _list_sizes(old) >= 0
    rows = np.ascontiguousarray(values[there]) if old.null_count else values
    flat = np.empty(rows.shape, number)
    for j in range(rows.shape[1]):
        try:
            flat[:, j], _ = _narrowed(rows[:, j], number, f"{name}[{j}]")
        except BadRowError as e:
            raise BadRowError(int(np.flatnonzero(there)[e.row]), e.what, e.hint) from None
    missing = np.isnan(flat).ravel()
    before = old.flatten()
    if missing.any() and len(before) == len(missing):  # NaN stays NaN, null stays null
        missing &= ~np.isnan(before.fill_null(0.0).to_numpy(zero_copy_only=False))
    child = pa.array(flat.ravel(), pa.type_for_alias(number), mask=missing)
    new = _as_lists(child, there, rows.shape[1], kind, old.type.value_field)
    if is_polars(frame):
        import polars as pl

        return text_frame({n: pl.Series(n, pl.from_arrow(new)) if n == name else frame[n] for n in names(frame)})
    at = frame.schema.get_field_index(name)
    return frame.set_column(at, _replaced(frame.schema.field(at), name, new.type), new)


def _vector(kind: str) -> tuple[str, str]:
    """Which lists, and of which floats."""
    found = VECTOR.fullmatch(kind)
    assert found is not None, "only lists of floats are taken for lists"
    return found[1], found[2]


def _as_lists(child: pa.Array, there: NDArray[np.bool_], size: int, kind: str, field: pa.Field) -> pa.Array:
    """Lists of `size` from their elements, where there are some, and null elsewhere."""
    import pyarrow as pa

    element = pa.field(field.name, child.type, metadata=field.metadata)
    gone = pa.array(~there)
    if kind == "fixed_size_list":
        if not there.all():  # which takes up room all the same
            at = np.repeat(np.cumsum(there) - 1, size) * size + np.tile(np.arange(size), len(there))
            child = child.take(pa.array(at, mask=np.repeat(~there, size)))
        return pa.FixedSizeListArray.from_arrays(child, type=pa.list_(element, size), mask=gone)
    made = pa.ListArray if kind == "list" else pa.LargeListArray
    offsets = np.concatenate([[0], np.cumsum(there * size)]).astype(np.int32 if kind == "list" else np.int64)
    whole = pa.list_(element) if kind == "list" else pa.large_list(element)
    return made.from_arrays(pa.array(offsets), child, type=whole, mask=gone)


def _replaced(old: pa.Field | None, name: str, kind: pa.DataType) -> pa.Field:
    """The field of a column that was replaced: what was said of the old one still is."""
    import pyarrow as pa

    return pa.field(name, kind, metadata=old.metadata if old is not None else None)


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
            y = y if kind == "float64" else y.astype(kind) + 0.0  # where a small one below zero becomes zero
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
        old = _decoded(frame.column(name))
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
    floats = {
        f.name: pl.Float32 if pa.types.is_float32(f.type) else pl.Float64
        for f in schema
        if pa.types.is_floating(f.type)
    }
    given = {s.name: s for s in frame}
    made = {n: given[n].cast(kind, strict=False) for n, kind in floats.items() if not given[n].dtype.is_float()}
    frame = text_frame(given | made)
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema).combine_chunks()
    return table.to_batches()[0] if table.num_rows else pa.RecordBatch.from_pylist([], schema=schema)


def pack(frame: Frame, buffer: io.BytesIO) -> None:
    """Puts a frame into an empty buffer as the bytes of uncompressed Arrow."""
    if is_polars(frame):
        frame.write_ipc(buffer, compression="uncompressed")
    else:
        import pyarrow as pa

        with pa.ipc.new_stream(buffer, frame.schema) as writer:
            writer.write_batch(frame)


def unpacked(data: bytes, *, polars: bool) -> Frame:
    """The frame of bytes that `pack` made."""
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
