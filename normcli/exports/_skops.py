"""Files of skops: a zip of a schema and arrays, written so that the same estimator gives the same bytes.

skops names nodes and arrays by memory addresses, and zips carry dates; here they are numbered in the order in which
they appear, and dated as all zips without dates.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

SCHEMA = "schema.json"
EPOCH = (1980, 1, 1, 0, 0, 0)
ARRAY = re.compile(r"(\d+)\.npy")


def canonical(content: bytes) -> bytes:
    """The same file with names that do not depend on memory addresses, and no dates."""
    numbers: dict[int, int] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        schema = _renumbered(json.loads(source.read(SCHEMA)), numbers)
        arrays = {_renamed(name, numbers): source.read(name) for name in source.namelist() if name != SCHEMA}
    files = {SCHEMA: (json.dumps(schema, indent=1) + "\n").encode(), **arrays}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as target:
        for name in sorted(files, key=lambda name: (name != SCHEMA, len(name), name)):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            target.writestr(entry, files[name])
    return out.getvalue()


def _renumbered(node: Any, numbers: dict[int, int]) -> Any:
    """A node of the schema, with its `numbers` of addresses, which are added to, in the place of these."""
    if isinstance(node, list):
        return [_renumbered(entry, numbers) for entry in node]
    if not isinstance(node, dict):
        return node
    out: dict[str, Any] = {}
    for key, value in node.items():
        if key == "__id__":
            out[key] = numbers.setdefault(value, len(numbers) + 1)
        elif key == "file":
            out[key] = _renamed(value, numbers)
        else:
            out[key] = _renumbered(value, numbers)
    return out


def _renamed(file: str, numbers: dict[int, int]) -> str:
    """The name of an array, by the number of its address."""
    match = ARRAY.fullmatch(file)
    assert match is not None, file
    return f"{numbers.setdefault(int(match[1]), len(numbers) + 1)}.npy"
