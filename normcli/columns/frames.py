"""Frames: polars DataFrames of text formats, Arrow RecordBatches of binary ones, and from one to the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from normcli.errors import BadDataError, short

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

Frame = Any  # pl.DataFrame | pa.RecordBatch; pyarrow publishes no types
ORIGINAL = "\0original "  # before a column's name: a column of its text, character for character
REST = "\0rest"  # a column of a frame that is none of the data's: what the format needs to write the rows again


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

    schema = frame.schema
    texts = {n for n in wanted if schema[n] == pl.String}
    return text_frame(
        {s.name: stripped(s).cast(pl.Float64, strict=False).fill_nan(None) if s.name in texts else s for s in frame}
    )


def stripped(series: pl.Series) -> pl.Series:
    return series.str.strip_chars(" \t")


def column_types(frame: Frame) -> dict[str, str]:
    """The library's type of each column, for comparing frames."""
    kinds = frame.dtypes if is_polars(frame) else frame.schema.types
    return {n: str(t) for n, t in zip(names(frame), kinds, strict=True) if n != REST}


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
    given = {s.name: s for s in frame}
    made = {n: given[n].cast(kind, strict=False) for n, kind in floats.items() if not given[n].dtype.is_float()}
    frame = text_frame(given | made)
    table = _arrow_table(frame).cast(schema).combine_chunks()
    return table.to_batches()[0] if table.num_rows else pa.RecordBatch.from_pylist([], schema=schema)


def _arrow_table(frame: pl.DataFrame) -> pa.Table:
    """A name with a NUL in it would end there on its way, or end us: numbers go, and names wait."""
    import polars as pl

    plain = frame.clone()
    plain.columns = [str(j) for j in range(frame.width)]
    return plain.to_arrow(compat_level=pl.CompatLevel.oldest()).rename_columns(frame.columns)


def to_polars(frame: Frame) -> pl.DataFrame:
    if is_polars(frame):
        return frame
    import polars as pl

    try:
        made = pl.from_arrow(frame.rename_columns(list(map(str, range(frame.num_columns)))))  # names end at a NUL
    except pl.exceptions.PolarsError as e:
        raise BadDataError(f"a column is of a type that has no text: {short(str(e))}") from None
    assert isinstance(made, pl.DataFrame)
    made.columns = list(names(frame))
    return made
