"""Which format an input or an output is in."""

import os
import re

from normcli import registry
from normcli.errors import BadDataError, UsageError
from normcli.formats import _foreign
from normcli.formats._format import bare, record, signature
from normcli.io import compression
from normcli.io.sources import Source

TEXT = "csv"  # what bytes are that no format claims


def by_suffix(path: str | os.PathLike[str] | None) -> str | None:
    """The format whose suffix `path` has, before that of a compression."""
    name = bare(os.fsdecode(path).lower()) if path is not None else ""
    for format in registry.names("formats"):
        if name.endswith(signature(format).suffixes):
            return format
    return None


def of_source(source: Source, wanted: str | None = None) -> str:
    """The format of an input: the one `wanted`, else that of its suffix, else detected from its first bytes, from which
    a binary format is always detected. Raises UsageError for a compressed binary input, BadDataError for data of no
    format."""
    claim, detected = bare(wanted) if wanted else by_suffix(source.name), _by_magic(source)
    binary = detected is not None and signature(detected).binary
    if detected and binary and claim and not signature(claim).binary:
        raise _other(source, wanted, detected, claim, detected)
    format = (detected if binary else claim or detected) or TEXT
    if not binary and not _begins_anyhow(format):
        _foreign.check_input(source)
        magic, head = signature(format).magic, source.peek(_foreign.HEAD)
        if magic and head and not head.startswith(magic) and _foreign.is_text(head):
            raise _other(source, wanted, "text", format, detected or TEXT)
    if source.compression:
        _check_compressible(format, source.compression, source.name)
    return format


def _begins_anyhow(format: str) -> bool:
    """Whether it is a binary format that no first bytes tell."""
    return signature(format).binary and not signature(format).magic


def _other(source: Source, wanted: str | None, what: str, claim: str, reading: str) -> BadDataError:
    where = "--from" if wanted else "its name"
    return BadDataError(f"{source.name}: is {what}, and {where} says {claim}", f"--from {reading} reads it")


def _by_magic(source: Source) -> str | None:
    head = source.peek(_foreign.HEAD)
    for format in registry.names("formats"):
        begins = signature(format)
        magic, pattern, opening = begins.magic, begins.pattern, begins.opening
        if magic and head.startswith(magic) and (head == magic or _foreign.CONTROL.search(head)):
            return format  # and not text whose first column is called PAR1
        if pattern and re.match(pattern, head):
            return format
        if opening and head.startswith(opening):
            return format
    return None


def check_output(wanted: str | None, path: str | os.PathLike[str] | None) -> None:
    """Raises UsageError where the format of an output follows from its suffix alone, and is one that is not written."""
    if wanted is None and path is not None:
        written = [s for n in registry.names("formats") for s in signature(n).suffixes]
        _foreign.check_output(path, bare(os.fsdecode(path).lower()), written)


def contradicted(wanted: str | None, path: str | os.PathLike[str] | None) -> str | None:
    """The format, like csv or csv.gz, that the suffix of an output says, where it will be another one; else None."""
    claim, name = by_suffix(path), os.fsdecode(path or "")
    if wanted is None or claim is None:
        return None
    codec = compression.by_suffix(name)
    claim += codec.suffix if codec else ""
    return claim if claim != of_output(wanted, path, claim) else None


def of_output(wanted: str | None, path: str | os.PathLike[str] | None, default: str) -> str:
    """The name, like csv or csv.gz, of the format of an output: the one `wanted`, else that of its suffix, else the
    `default`; compressed where one of the first two is. Raises UsageError for a compressed binary format."""
    name = os.fsdecode(path) if path is not None else ""
    format = bare(wanted) if wanted else by_suffix(path) or default
    codec = compression.by_suffix(wanted or "") or compression.by_suffix(name)
    if codec:
        _check_compressible(format, codec.name, name or "--to")
    return format + (codec.suffix if codec else "")


def is_text(name: str) -> bool:
    """Whether csv, csv.gz or the like is text, which has no place for types."""
    return not signature(bare(name)).binary


def keeps_marks(name: str) -> bool:
    """Whether csv, csv.gz or the like has a place for the digests of what data were normalized by."""
    return signature(bare(name)).keeps_marks


def is_binary(name: str) -> bool:
    """Whether csv, csv.gz or the like is nothing for a terminal."""
    return signature(bare(name)).binary or compression.by_suffix(name) is not None


def suffix_of(name: str) -> str:
    """How files of csv, csv.gz or the like are called."""
    codec = compression.by_suffix(name)
    return signature(bare(name)).suffixes[0] + (codec.suffix if codec else "")


def suffixes() -> list[str]:
    """All that files may have, those of compressed ones, too."""
    plain = [s for n in registry.names("formats") for s in signature(n).suffixes]
    return plain + [
        s + c.suffix
        for n in registry.names("formats")
        if not signature(n).binary
        for s in signature(n).suffixes
        for c in compression.CODECS
    ]


def _check_compressible(format: str, by: str, where: str) -> None:
    if signature(format).binary:
        what = f"{where}: {format} in {by}: only text is compressed as a whole"
        raise UsageError(what, f"--compression compresses within; {by} -dc makes an INPUT plain")


def spell_alike(name: str, other: str) -> bool:
    """Whether two formats are text of the same kind, delimited or not, so that each writes text as it stands in the
    other."""
    one, two = record(bare(name)).reader, record(bare(other)).reader
    return is_text(name) and (issubclass(one, two) or issubclass(two, one))
