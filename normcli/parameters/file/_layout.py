"""How the file lies: records as JSON, and JSON in lines that people can read and compare."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from normcli.blocks.record import Axes, Record

VERSION = 1
LARGEST = 1 << 32  # bytes; 8,000 whitened columns stay below, at 65 for each pair of them
PADDED = 1 << 30  # bytes of lists once all are as long as the longest
TOP = ("format", "version", "rows", "skipped", "inputs", "schema", "steps", "digest")
STEP = ("method", "options", "columns", "learned", "statistics")
ENCODER = json.JSONEncoder(allow_nan=False, ensure_ascii=False)
CONTENT = re.compile("xxh3-128:[0-9a-f]{32}")


@dataclasses.dataclass(frozen=True)
class Lines:
    """A list in which each entry stands on a line of its own, whatever it holds: there may be very many."""

    entries: Iterable[dict[str, Any]]


def plain(record: Record, names: Sequence[str]) -> dict[str, Any]:
    """A record of one group as JSON: its settings, and its arrays."""
    out = builtins(record.settings())
    arrays = {n: (a, getattr(record, n)[0]) for n, a in record.axes().items()}
    if arrays and record.is_column_wise():
        each = {n: listed(values, a) for n, (a, values) in arrays.items()}
        return out | {"columns": {name: {n: v[j] for n, v in each.items()} for j, name in enumerate(names)}}
    return out | {n: listed(values, a) for n, (a, values) in arrays.items()}


def listed(values: Any, axes: Axes) -> Any:
    """An array as nested lists: counts whole, zero without a sign, null where nothing is known."""
    if axes.symmetric:
        return [listed(row[: i + 1], dataclasses.replace(axes, symmetric=False)) for i, row in enumerate(values)]
    if axes.ragged and values.ndim > 1:
        return [listed(row, axes) for row in values]
    if axes.ragged:
        values = values[: len(values) - int(np.argmax(np.append(values[::-1] != axes.empty, True)))]
    known = np.isfinite(values)
    if axes.holds == "count" and known.all() and (values == np.rint(values)).all() and (values < 2.0**63).all():
        return values.astype(int).tolist()
    unsigned: Any = values + 0.0 if known.all() else np.where(known, values + 0.0, None)
    return unsigned.tolist()


def builtins(value: Any) -> dict[str, Any]:
    """Options or settings as JSON has them: without tuples."""
    plain: dict[str, Any] = msgspec.to_builtins(value)
    return {k: list(v) if isinstance(v, tuple) else v for k, v in plain.items()}


def _short(value: Any) -> bool:
    return not isinstance(value, dict | list) or (
        isinstance(value, list) and len(value) <= 4 and not any(isinstance(v, dict | list) for v in value)
    )


def _line(value: Any) -> str:
    """JSON on one line; long lists of numbers go through msgspec, which writes them ten times as fast."""
    if isinstance(value, list) and len(value) > 4 and all(type(v) is float for v in value):
        return msgspec.json.encode(value).decode().replace(",", ", ")
    return ENCODER.encode(value)


def laid(value: Any, depth: int = 0) -> Iterator[str]:
    """JSON text: what holds no other container (an object: none but short lists) on one line, the rest broken."""
    if isinstance(value, Lines):
        yield "["
        for i, entry in enumerate(value.entries):
            yield f"{',' if i else ''}\n{' ' * (depth + 1)}{msgspec.json.encode(entry).decode()}"
        yield f"\n{' ' * depth}]"
        return
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    lines = isinstance(value, list) and any(isinstance(v, str) for v in value)  # texts stand below one another
    if not (lines or any(isinstance(v, dict | list) for v in inner)) or (
        isinstance(value, dict) and all(map(_short, inner))
    ):
        yield _line(value)
        return
    pad, (left, right) = " " * (depth + 1), "{}" if isinstance(value, dict) else "[]"
    yield left
    entries = value.items() if isinstance(value, dict) else ((None, v) for v in value)
    for i, (k, v) in enumerate(entries):
        yield f"{',' if i else ''}\n{pad}" + (f"{ENCODER.encode(k)}: " if k is not None else "")
        yield from laid(v, depth + 1)
    yield f"\n{' ' * depth}{right}"


def digest_of(body: Iterable[str]) -> str:
    """Of a document without its digest, in pieces, laid out as we do: other spaces in a file make no other digest."""
    made = hashlib.sha256()
    for piece in body:
        made.update(piece.encode())
    return f"sha256:{made.hexdigest()}"
