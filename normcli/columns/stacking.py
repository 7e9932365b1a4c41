"""Frames of text that follow each other as one frame, of numbers and keys alone: 1 to 8 bytes a number."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from normcli.columns import polars_columns
from normcli.columns.frame import Frame
from normcli.columns.numbers import EXACT

if TYPE_CHECKING:
    import polars as pl


def numeric(frame: Frame, wanted: Collection[str], beside: Collection[str]) -> Frame | None:
    """The wanted columns of a frame of text as numbers, and those `beside` as they are. None where a wanted one is of
    lists, is wanted as it is, too, or has whole numbers that a float can't tell apart."""
    given = polars_columns.all_series(frame.to_polars())
    made: dict[str, pl.Series] = {}
    for name in wanted:
        column = _number(given[name])
        if column is None or name in beside:
            return None
        made[name] = column
    return frame.of(made | {n: given[n] for n in beside if n in given})


def joined(frames: Sequence[Frame]) -> Frame:
    """All rows of frames of the same columns: of text unless it is one."""
    if len(frames) == 1:
        return frames[0]
    given = [polars_columns.all_series(frame.to_polars()) for frame in frames]
    return frames[0].of({n: _joined([c.pop(n) for c in given]) for n in list(given[0])})


def _joined(pieces: Sequence[pl.Series]) -> pl.Series:
    """Columns that follow each other, of a type that has the values of all."""
    import polars as pl

    return pl.concat([piece.to_frame() for piece in pieces], how="vertical_relaxed", rechunk=True)[:, 0]


def stacked(frames: Sequence[Frame], wanted: Collection[str]) -> Frame | None:
    """All rows of such frames, of the types that they would have had together; None where that does not show."""
    import polars as pl

    given = [polars_columns.all_series(frame.to_polars()) for frame in frames]
    made: dict[str, pl.Series] = {}
    for name in list(given[0]):
        pieces = [columns.pop(name) for columns in given]
        if name in wanted and len({piece.dtype.is_integer() for piece in pieces}) > 1:
            floats = [piece for piece in pieces if piece.dtype.is_float()]
            present = [piece for piece in floats if piece.null_count() < len(piece)]
            if present and not any((piece != piece.floor()).any() for piece in present):
                return None  # 1.0 or 1: the text is gone
            pieces = [piece.cast(pl.Float64 if present else pl.Int64) for piece in pieces]
        made[name] = _joined(pieces)
    return frames[0].of(made)


def _number(column: pl.Series) -> pl.Series | None:
    """A column as numbers, whole ones of as few bytes as they need."""
    import polars as pl

    if column.dtype.is_nested():
        return None
    if column.dtype == pl.String:
        whole, column = polars_columns.are_integers(column), polars_columns.parsed(column)
        if (column.abs() >= EXACT).any():
            return None
        column = column.cast(pl.Int64) if whole else column
    return column.shrink_dtype() if column.dtype.is_integer() else column
