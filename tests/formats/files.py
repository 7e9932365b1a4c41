"""Files of any format, made and read through its record alone."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from normcli import columns, formats, registry
from normcli.columns import Frame
from normcli.columns.arrow_frame import ArrowFrame
from normcli.formats import Description, Writer
from normcli.io.sources import Source
from tests import tables

NAMES = registry.names("formats")
NAMELESS = {"npy"}  # formats with no place for names of columns
BARE = {"npy", "safetensors"}  # and those in which any bits are a number, with no place for a checksum


def suffix(name: str) -> str:
    """How files of a format are usually called."""
    return formats.signature(name).suffixes[0]


def blank_of(table: pa.Table) -> Frame:
    """A frame of no rows, of the columns of a table."""
    return ArrowFrame(pa.RecordBatch.from_arrays([pa.nulls(0, f.type) for f in table.schema], schema=table.schema))


def described(table: pa.Table) -> Description:
    """A table as an input of no format."""
    return Description(format="", name="table", schema=columns.arrow_fields(table.schema), typed=True, unit="rows")


def takes(name: str, table: pa.Table) -> bool:
    """Whether a format has a place for all columns of a table."""
    return not formats.refused(name, described(table), blank_of(table))


def writer_of(name: str, table: pa.Table) -> Writer:
    """The writer of a table in csv, csv.gz or the like."""
    return formats.writer(name, described(table), blank_of(table), None, ())


def encoded(name: str, table: pa.Table) -> bytes:
    """A table in csv, csv.gz or the like."""
    file = io.BytesIO()
    tables.write(writer_of(name, table), map(ArrowFrame, table.to_batches()), file)
    return file.getvalue()


def write(table: pa.Table, path: Path) -> Path:
    """A table in the format that the name of a file says."""
    name = formats.of_output(None, path, "")
    path.write_bytes(encoded(name, table))
    return path


def opened(name: str, source: Source, **more: Any) -> formats.Reader:
    """The reader of an input in a format."""
    return formats.record(name).open(source, **more)


def values(reader: formats.Reader, numbers: Sequence[str]) -> dict[str, list[Any]]:
    """All rows of an input: numbers, None where missing, and texts of the other columns. Raises BadDataError or
    BadPlaceError."""
    to_plain, wanted = reader.description.to_plain, frozenset(numbers)
    rows: dict[str, list[Any]] = {f.name: [] for f in reader.description.schema}
    for chunk in reader.chunks():
        frame = chunk.decode(wanted, "error").frame
        plain = to_plain(frame) if to_plain else frame
        for name in rows:
            if name in wanted:
                x = columns.block(frame, [name], "error").columns[0]
                rows[name] += [None if np.isnan(v) else v for v in x.tolist()]
            else:
                codes, texts = plain.texts(name)
                rows[name] += [texts[code] for code in codes]
    return rows
