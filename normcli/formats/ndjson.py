"""NDJSON: an object on each line. Numbers of selected keys are normalized, all else stays what it was."""

from __future__ import annotations

from msgspec import Struct

from normcli.formats import Format
from normcli.formats._json.reader import JsonReader
from normcli.formats._json.writer import JsonWriter
from normcli.formats._text import inferring


class Options(Struct, frozen=True, kw_only=True):
    """How the text is to be read."""

    infer_types: inferring.InferTypes = False

    def check(self) -> None:
        """Nothing to contradict."""


class Reader(JsonReader):
    """An NDJSON input."""


class Writer(JsonWriter, frozen=True):
    """An object a row."""


FORMAT = Format(
    suffixes=(".ndjson", ".jsonl"),
    opening=b'{"',  # a quote is in no field of CSV that does not begin with one
    options=Options,
    reader=Reader,
    writer=Writer,
)
