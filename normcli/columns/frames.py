"""Frames: polars DataFrames of text formats, Arrow RecordBatches of binary ones, and from one to the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from normcli.columns import texts
from normcli.columns.buffers import as_arrow
from normcli.columns.schema import Field, Schema, arrow_fields

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

Frame = Any  # pl.DataFrame | pa.RecordBatch; pyarrow publishes no types
HIDDEN = "\0hidden"  # what a column is called that is none of the data's; longer where one of theirs is called so


def is_polars(frame: Frame) -> TypeGuard[pl.DataFrame]:
    return type(frame).__module__.startswith("polars")


def rows(frame: Frame) -> int:
    return int(frame.height if is_polars(frame) else frame.num_rows)


def contiguous(frame: Frame) -> Frame:
    """The same rows, each column in one piece of memory."""
    return frame.rechunk() if is_polars(frame) else frame


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


def series(frame: pl.DataFrame, name: str) -> pl.Series:
    """A column of a polars frame, called nothing: what polars does with a series is a query for its name, and some
    names are patterns there."""
    return frame[name].alias("")


def all_series(frame: pl.DataFrame) -> dict[str, pl.Series]:
    """The same for every column, by its name."""
    return {s.name: s.alias("") for s in frame}


def numbered_columns(frame: pl.DataFrame) -> pl.DataFrame:
    """The same columns called 0, 1, …: for what takes some names for its own, or for patterns."""
    plain = frame.clone()
    plain.columns = [str(j) for j in range(frame.width)]
    return plain


def only(frame: Frame, wanted: Sequence[str]) -> Frame:
    """The frame with these columns alone, in this order."""
    return text_frame({n: frame[n] for n in wanted}) if is_polars(frame) else frame.select(list(wanted))


def ordered_as(frame: Frame, first: Frame) -> Frame:
    """The frame with its columns in the order of another one that has the same, then its own hidden ones."""
    theirs = hidden(first)
    return only(frame, [*(n for n in names(first) if n not in theirs), *hidden(frame)])


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


def without_values(frame: Frame, gone: Sequence[str]) -> Frame:
    """The frame with nothing but null in columns of these names, which need not be there."""
    if not gone:
        return frame
    stay = [n for n in names(frame) if n not in gone]
    if is_polars(frame):
        import polars as pl

        null = pl.repeat(None, rows(frame), dtype=pl.String, eager=True)
        return text_frame({n: frame[n] for n in stay} | dict.fromkeys(gone, null))
    import pyarrow as pa

    arrays = [*(frame.column(n) for n in stay), *[pa.nulls(rows(frame), pa.string())] * len(gone)]
    return pa.RecordBatch.from_arrays(arrays, names=[*stay, *gone])


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


# -- hidden columns ----------------------------------------------------------------------------------------------
# A frame of text may have columns that are none of the data's. Any text may be the name of one that is, so that they
# are known by their types, which no column of text has: bytes, and structs.
def hidden(frame: Frame) -> tuple[str, ...]:
    """What hidden columns are called."""
    if not is_polars(frame):
        return ()
    import polars as pl

    return tuple(n for n, t in frame.schema.items() if t == pl.Binary or isinstance(t, pl.Struct))


def rest(frame: Frame) -> pl.Series | None:
    """The hidden column of what a format needs to write the rows again, if there is one: bytes, or null."""
    import polars as pl

    return next((frame[n] for n in hidden(frame) if frame[n].dtype == pl.Binary), None)


def originals(frame: Frame) -> pl.DataFrame | None:
    """The columns of `with_originals`, if there are some."""
    import polars as pl

    found = next((frame[n] for n in hidden(frame) if isinstance(frame[n].dtype, pl.Struct)), None)
    return None if found is None else found.struct.unnest()


def without_originals(frame: Frame) -> Frame:
    if not is_polars(frame):
        return frame
    import polars as pl

    gone = [n for n, t in frame.schema.items() if isinstance(t, pl.Struct)]
    return only(frame, [n for n in names(frame) if n not in gone]) if gone else frame


def with_hidden(frame: pl.DataFrame, column: pl.Series) -> pl.DataFrame:
    """The frame of text with a column more: of bytes what `rest` finds, of structs what `originals` does."""
    name, taken = HIDDEN, set(frame.columns)
    while name in taken:
        name += "\0"
    column = column.alias(name)
    return frame.clone().insert_column(frame.width, column) if frame.width else column.to_frame()


def with_originals(frame: pl.DataFrame, texts: pl.DataFrame, wanted: Sequence[str]) -> pl.DataFrame:
    """The frame with the text of its wanted columns in a hidden one, from the same rows read as text."""
    return with_hidden(frame, only(texts, wanted).to_struct())


def has_originals(frame: Frame) -> bool:
    """Whether what stood in a frame's columns can be had from it: of text, the numbers do not tell."""
    return not is_polars(frame) or originals(frame) is not None


def chosen_rows(frame: Frame, mask: NDArray[np.bool_]) -> Frame:
    """The rows where the mask is true."""
    if mask.all():
        return frame
    if is_polars(frame):
        import polars as pl

        return frame.filter(pl.Series(mask))
    return frame.filter(as_arrow(mask))


def some_rows(frame: Frame, wanted: Sequence[str], rows: NDArray[np.intp]) -> Frame:
    """Few rows of a frame's wanted columns."""
    if not is_polars(frame):
        return frame.select(list(wanted)).take(rows)
    return text_frame({n: series(frame, n).gather(rows) for n in wanted})


def numbered(frame: Frame, wanted: Sequence[str]) -> Frame:
    """The frame with nothing but numbers and null in its wanted columns, where words that mean missing were."""
    if not is_polars(frame):
        return frame
    import polars as pl

    schema = frame.schema
    texts = {n for n in wanted if schema[n] == pl.String}
    return text_frame(
        {
            n: stripped(s).cast(pl.Float64, strict=False).fill_nan(None) if n in texts else s
            for n, s in all_series(frame).items()
        }
    )


def _without_words(series: pl.Series) -> pl.Series:
    """Text, null where it is no number."""
    import polars as pl

    return series.set(stripped(series).cast(pl.Float64, strict=False).fill_nan(None).is_null(), None)


def stripped(series: pl.Series) -> pl.Series:
    return series.str.strip_chars(" \t")


def is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def to_arrow(frame: Frame, schema: pa.Schema | None = None) -> pa.RecordBatch:
    """As one RecordBatch; with a schema, of exactly its types (a word that means missing becomes null)."""
    if not is_polars(frame):
        return frame
    import polars as pl
    import pyarrow as pa

    if schema is None:
        text = [pa.field(n, pa.string()) if t == pl.String else None for n, t in frame.schema.items()]
        plain = _arrow_table(frame.head(0)).schema
        schema = pa.schema([t or f for t, f in zip(text, plain, strict=True)])
    floats = {
        f.name: pl.Float32 if pa.types.is_float32(f.type) else pl.Float64
        for f in schema
        if pa.types.is_floating(f.type)
    }
    given = all_series(frame)
    made = {n: given[n].cast(kind, strict=False) for n, kind in floats.items() if not given[n].dtype.is_float()}
    exact = (f.name for f in schema if pa.types.is_integer(f.type) or pa.types.is_decimal(f.type))
    made |= {n: _without_words(given[n]) for n in exact if given[n].dtype == pl.String}
    frame = text_frame(given | made)
    table = _arrow_table(frame).cast(schema).combine_chunks()
    return table.to_batches()[0] if table.num_rows else pa.RecordBatch.from_pylist([], schema=schema)


def _arrow_table(frame: pl.DataFrame) -> pa.Table:
    """A name with a NUL in it would end there on its way, or end us: numbers go, and names wait."""
    import polars as pl

    return numbered_columns(frame).to_arrow(compat_level=pl.CompatLevel.oldest()).rename_columns(frame.columns)


def textless(frame: Frame, *, nested: bool) -> Schema:
    """The columns of a frame that no text can be made of; `nested`: of lists, structs and maps it can, as in JSON."""
    if is_polars(frame):
        own = set(hidden(frame))
        lists = ((n, t) for n, t in frame.schema.items() if t.is_nested() and n not in own)
        return () if nested else tuple(Field(n, str(t)) for n, t in lists)
    kinds = frame.schema.types
    return tuple(
        f for f, t in zip(arrow_fields(frame.schema), kinds, strict=True) if not texts.has_text(t, nested=nested)
    )


def long_decimals(frame: pa.RecordBatch) -> frozenset[str]:
    """The columns of numbers that polars does not have, and that are text there."""
    return frozenset(f.name for f in frame.schema if texts.is_long(f.type))


def to_polars(frame: Frame, moment: str = texts.MOMENT) -> pl.DataFrame:
    """A frame whose types all have a text. Moments in a zone that polars does not have become text, in the form given.
    Raises BadRowError."""
    if is_polars(frame):
        return frame
    import polars as pl
    import pyarrow as pa

    arrays = [texts.plain(n, column, moment) for n, column in zip(names(frame), frame.columns, strict=True)]
    coded = {j: column for j, column in enumerate(arrays) if pa.types.is_dictionary(column.type)}
    plain = [coded[j].indices if j in coded else column for j, column in enumerate(arrays)]
    made = pl.from_arrow(pa.RecordBatch.from_arrays(plain, list(map(str, range(len(plain))))))  # names end at a NUL
    assert isinstance(made, pl.DataFrame)
    for j, column in coded.items():
        made.replace_column(j, _texts_of(column).gather(made[:, j]).alias(str(j)))
    made.columns = list(names(frame))
    return made


def text_codes(frame: Frame) -> dict[str, tuple[pl.Series, pl.Series]]:
    """Of each column that is a dictionary of texts: these, and which of them each row has, null for none."""
    import polars as pl

    if is_polars(frame):
        return {}
    import pyarrow as pa

    coded = {f.name: frame.column(f.name) for f in frame.schema if pa.types.is_dictionary(f.type) and is_text(f.type)}
    return {n: (_texts_of(c), pl.Series(pl.from_arrow(c.indices))) for n, c in coded.items()}


def _texts_of(column: pa.DictionaryArray) -> pl.Series:
    import polars as pl

    return pl.Series(pl.from_arrow(column.dictionary))
