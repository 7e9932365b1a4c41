"""Concatenation of text frames into one frame of numbers and keys: 1 to 8 bytes per number."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from normcli.columns import polars_columns
from normcli.columns.frame import Frame
from normcli.columns.numbers import EXACT

if TYPE_CHECKING:
    import polars as pl


def numeric(frame: Frame, wanted: Collection[str], beside: Collection[str]) -> Frame | None:
    """The wanted columns of a text frame as numbers, and those `beside` unchanged. None if a wanted column has lists,
    is also `beside`, or has integers beyond ±2^53."""
    columns = polars_columns.all_series(frame.to_polars())
    numbers: dict[str, pl.Series] = {}
    for name in wanted:
        column = _number(columns[name])
        if column is None or name in beside:
            return None
        numbers[name] = column
    return frame.of(numbers | {n: columns[n] for n in beside if n in columns})


def joined(frames: Sequence[Frame]) -> Frame:
    """All rows of text frames with the same columns, or a single frame of any kind."""
    if len(frames) == 1:
        return frames[0]
    columns = [polars_columns.all_series(frame.to_polars()) for frame in frames]
    return frames[0].of({n: _joined([c.pop(n) for c in columns]) for n in list(columns[0])})


def _joined(pieces: Sequence[pl.Series]) -> pl.Series:
    """Concatenated columns, in a type that holds the values of all."""
    import polars as pl

    return pl.concat([piece.to_frame() for piece in pieces], how="vertical_relaxed", rechunk=True)[:, 0]


def stacked(frames: Sequence[Frame], wanted: Collection[str]) -> Frame | None:
    """All rows of frames of `numeric`, in the types of a single frame of them; None if the type is ambiguous."""
    import polars as pl

    frame_columns = [polars_columns.all_series(frame.to_polars()) for frame in frames]
    columns: dict[str, pl.Series] = {}
    for name in list(frame_columns[0]):
        pieces = [parts.pop(name) for parts in frame_columns]
        if name in wanted and len({piece.dtype.is_integer() for piece in pieces}) > 1:
            floats = [piece for piece in pieces if piece.dtype.is_float()]
            present = [piece for piece in floats if piece.null_count() < len(piece)]
            if present and not any((piece != piece.floor()).any() for piece in present):
                return None  # 1.0 or 1: the text is gone
            pieces = [piece.cast(pl.Float64 if present else pl.Int64) for piece in pieces]
        columns[name] = _joined(pieces)
    return frames[0].of(columns)


def _number(column: pl.Series) -> pl.Series | None:
    """A column as numbers, integers in the smallest type; None for lists and integers beyond ±2^53."""
    import polars as pl

    if column.dtype.is_nested():
        return None
    if column.dtype == pl.String:
        is_integral, column = polars_columns.are_integers(column), polars_columns.parsed(column)
        if (column.abs() >= EXACT).any():
            return None
        column = column.cast(pl.Int64) if is_integral else column
    return column.shrink_dtype() if column.dtype.is_integer() else column
