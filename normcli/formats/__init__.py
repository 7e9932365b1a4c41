"""Formats: one file each, with a record of what it is; what their readers, chunks and writers have in common; and which
format an input or an output is in."""

from normcli.formats._address import Address
from normcli.formats._chunk import PART, Chunk, Decoded, LateColumn, Reject, load, row_among
from normcli.formats._description import Description
from normcli.formats._detection import (
    by_suffix,
    check_output,
    contradicted,
    is_binary,
    is_text,
    keeps_marks,
    of_output,
    of_source,
    spell_alike,
    suffix_of,
    suffixes,
)
from normcli.formats._format import Format, Options, Signature, bare, open_at, record, signature
from normcli.formats._keeping import Dialect, dialect, options
from normcli.formats._reader import Reader
from normcli.formats._writer import Grouping, Outlet, Sink, Writer, WriterClass, refused, writer

__all__ = [
    "PART",
    "Address",
    "Chunk",
    "Decoded",
    "Description",
    "Dialect",
    "Format",
    "Grouping",
    "LateColumn",
    "Options",
    "Outlet",
    "Reader",
    "Reject",
    "Signature",
    "Sink",
    "Writer",
    "WriterClass",
    "bare",
    "by_suffix",
    "check_output",
    "contradicted",
    "dialect",
    "is_binary",
    "is_text",
    "keeps_marks",
    "load",
    "of_output",
    "of_source",
    "open_at",
    "options",
    "record",
    "refused",
    "row_among",
    "signature",
    "spell_alike",
    "suffix_of",
    "suffixes",
    "writer",
]
