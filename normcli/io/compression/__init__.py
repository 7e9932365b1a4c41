"""Compression of text: gzip, zstd, bzip2 and xz, detected from the first bytes; decompressed while reading, compressed
while writing."""

from normcli.io.compression._bzip2 import BZIP2
from normcli.io.compression._codec import Codec
from normcli.io.compression._gzip import GZIP
from normcli.io.compression._xz import XZ
from normcli.io.compression._zstd import ZSTD

__all__ = ["CODECS", "Codec", "by_suffix"]

CODECS = (GZIP, ZSTD, BZIP2, XZ)


def by_suffix(name: str) -> Codec | None:
    """The codec of a file name's suffix; None if it has none."""
    return next((c for c in CODECS if name.lower().endswith(c.suffix)), None)
