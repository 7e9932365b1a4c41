"""Text without its bad rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from normcli import columns
from normcli.formats import Decoded, Reject

if TYPE_CHECKING:
    import polars as pl


class Judged(NamedTuple):
    """A row of a chunk."""

    place: int
    text: bytes
    blank: bool
    fault: str | None  # what is wrong with it
    original: bytes | None = None  # its text in the input where that differs


def split(rows: Iterable[Judged]) -> tuple[bytes, tuple[Reject, ...]]:
    """The good ones together, and the bad ones."""
    good, rejects, number = [], [], 0
    for row in rows:
        if row.fault is None:
            good.append(row.text)
        else:
            rejects.append(
                Reject(number, row.place, row.fault, shown(row.text if row.original is None else row.original))
            )
        number += not row.blank
    return b"".join(good), tuple(rejects)


def shown(row: bytes) -> str:
    """A row's text, which may be any bytes, for people."""
    return row.rstrip(b"\r\n").decode("utf-8", "backslashreplace")


def places(data: bytes) -> int:
    """How many lines there are; the last may do without a line end."""
    return data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


def has_infinite(frame: pl.DataFrame, wanted: Iterable[str]) -> bool:
    """Whether a selected column of a decoded frame holds an infinite number."""
    import polars as pl

    for name in wanted:
        series = columns.series(frame, name)
        if series.dtype == pl.String:
            series = series.str.strip_chars(" \t").cast(pl.Float64, strict=False)
        if isinstance(series.dtype, pl.List):
            series = series.explode(empty_as_null=False, keep_nulls=False)
        if series.dtype.is_float() and series.is_infinite().any():
            return True
    return False


def with_rejects(good: Decoded, rejects: tuple[Reject, ...], places: int) -> Decoded:
    """What was decoded of the good rows, as of all of them, which span so many places."""
    return replace(good, places=places, rejects=rejects)
