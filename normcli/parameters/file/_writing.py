"""Writing of parameter files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import structs

from normcli import registry
from normcli.columns import Field, Schema
from normcli.errors import UsageError
from normcli.io import outputs, stores
from normcli.methods import Method
from normcli.parameters import Parameters, Step
from normcli.parameters.file import _keys
from normcli.parameters.file._layout import VERSION, Lines, digest_of, laid
from normcli.parameters.file._records import builtins, encode_record

if TYPE_CHECKING:
    from normcli.parameters.categories import Category
    from normcli.parameters.sketches import ColumnSketches

PIECE = 1 << 20  # characters


def write(parameters: Parameters) -> bytes:
    """The file of fitted parameters; equal parameters give equal bytes. Raises UsageError."""
    if not isinstance(parameters, Parameters):
        raise UsageError(f"{parameters!r} is no Parameters", "load reads them from a file")
    return b"".join(pieces(parameters))


def pieces(parameters: Parameters) -> Iterator[bytes]:
    """The same, in pieces."""
    body, last, digest = _body(parameters), "", hashlib.sha256()
    for piece in body:
        if last:
            digest.update(last.encode())
            yield last.encode()
        last = piece
    digest.update(last.encode())
    yield f'{last[:-2]},\n "digest": "sha256:{digest.hexdigest()}"\n}}\n'.encode()


def save(parameters: Parameters, path: str | os.PathLike[str]) -> None:
    """Writes a parameter file atomically; "-" is standard output. Raises CannotCreateError, OutputError."""
    with outputs.open_target(stores.plain(stores.text_of(path))) as target:
        for piece in pieces(parameters):
            target.write(piece)
        target.commit()


def sealed(parameters: Parameters) -> Parameters:
    """The parameters with the digest of their file."""
    return structs.replace(parameters, digest=digest_of(_body(parameters)))


def _body(parameters: Parameters) -> Iterator[str]:
    """The text without the digest, in pieces, the last of which ends the document."""
    document: dict[str, Any] = {"format": "normcli", "version": VERSION}
    if parameters.note:
        document["note"] = parameters.note
    document |= {
        "rows": parameters.rows,
        "skipped": parameters.skipped,
        "inputs": list(parameters.inputs),
        **({"dialect": dict(parameters.dialect)} if parameters.dialect else {}),
        **({"by": list(parameters.by)} if parameters.by else {}),
        **({} if parameters.weights is None else {"weights": parameters.weights}),
        **({} if parameters.rules.unseen == "error" else {"unseen": parameters.rules.unseen}),
        **({} if not parameters.rules.min_count else {"min_count": parameters.rules.min_count}),
        "schema": [{"name": f.name, "type": f.type} for f in parameters.schema],
        "steps": [_step(s, schema) for s, schema in zip(parameters.steps, parameters.schemas, strict=True)],
        **({"sketches": Lines(_sketches(parameters.sketches))} if parameters.sketches else {}),
        **({"categories": Lines(_categories(parameters.categories))} if parameters.categories else {}),
        **({"keys": Lines(_keys.entries(parameters))} if parameters.by else {}),
    }
    held, length = list[str](), 0
    for text in laid(document):
        held.append(text)
        length += len(text)
        if length > PIECE:
            yield _checked("".join(held[:-1]))
            held, length = [text], len(text)
    yield _checked("".join(held))


def _sketches(sketches: ColumnSketches) -> Iterator[dict[str, Any]]:
    from normcli.parameters.file._sketches import entries  # here, for most commands do without

    return entries(sketches)


def _categories(categories: tuple[Category, ...]) -> Iterator[dict[str, Any]]:
    from normcli.parameters.file._categories import entries  # here, for few files have any

    return entries(categories)


def _checked(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UsageError("a name, a prefix or a note is not text in UTF-8") from None
    return text


def _step(step: Step, schema: Schema) -> dict[str, Any]:
    return {
        "method": registry.name_of(step.method),
        "options": options(step.method),
        **({} if step.length is None else {"list": step.columns[0]}),
        "columns": described(step, schema),
        "learned": {registry.name_of(step.fitted): encode_record(step.fitted, step.features)},
        "statistics": {registry.name_of(s): encode_record(s, step.features) for s in step.states if not s.is_unknown},
    }


def options(method: Method) -> dict[str, Any]:
    """A method's options as JSON values."""
    return builtins(method)


def described(step: Step, schema: Schema, group: int = 0) -> dict[str, dict[str, Any]]:
    """Summary of each input column of a step, of a group (0: all rows)."""
    summary, types = step.summary(group), {f.name: f.type for f in schema}
    columns: dict[str, dict[str, Any]] = {}
    for j, name in enumerate(step.features):
        kind = types[name] if step.length is None else Field(name, types[step.columns[0]]).list_of
        entry: dict[str, Any] = {"type": kind}
        for key in ("count", "missing", "mean", "std", "min", "max"):
            if key in summary:
                value = float(summary[key][j]) + 0.0
                known = np.isfinite(value) and (
                    key in ("count", "missing") or "count" not in summary or summary["count"][j] > 0
                )
                integral = key in ("count", "missing") and value.is_integer()  # sums of weights may be fractions
                entry[key] = (int(value) if integral else value) if known else None
        if "min" in entry:
            entry["constant"] = entry["min"] is not None and entry["min"] == entry["max"]
            if entry["constant"]:
                entry |= {"mean": entry["min"], "std": 0.0}
        columns[name] = entry
    return columns
