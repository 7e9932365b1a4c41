"""Bytes that are counted."""

import random

import pytest

from normcli.formats._text.octets import both_occurrences


@pytest.mark.parametrize("size", [0, 1, 15, 16, 33, 64, 255 * 32 - 1, 255 * 32 + 17, 100_003])
@pytest.mark.parametrize("before", [0, 1, 7])
def test_bytes_are_counted_as_python_counts_them(size: int, before: int) -> None:
    text = bytes(random.Random(size).choices(b'\n"a,\xff', k=before + size))
    for data in (text, b'"' * len(text)):
        part = memoryview(data)[before:]
        assert both_occurrences(part, ord("\n"), ord('"')) == (bytes(part).count(b"\n"), bytes(part).count(b'"'))
