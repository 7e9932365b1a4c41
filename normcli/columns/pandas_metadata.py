"""What pandas writes into the metadata of schemas: which columns are an index, and the types and labels of all.

pandas reads a column as the type that its entry gives, whatever type the column has by then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from normcli.columns.schema import arrow_name

if TYPE_CHECKING:
    import pyarrow as pa

KEY = b"pandas"
_TEXTS = ("object", "str", "string")  # as numpy_type of labels: any text can be one of them


def pandas_indexes(metadata: Mapping[bytes, bytes]) -> frozenset[str]:
    """The columns that are an index of pandas; one that only counts rows is none."""
    listed = _content(metadata).get("index_columns")
    return frozenset(name for name in listed if isinstance(name, str)) if isinstance(listed, list) else frozenset()


def with_pandas_types(schema: pa.Schema) -> pa.Schema:
    """A schema whose metadata of pandas give the types of its columns. Entries of columns that it lacks stay: pandas
    passes them over, and a table in memory may have the columns elsewhere. The labels become text if there is a column
    that pandas did not write: they might be numbers, moments or tuples."""
    content = _content(schema.metadata or {})
    entries, labels = content.get("columns"), content.get("column_indexes")
    if not entries or not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        return schema
    types = dict(zip(schema.names, schema.types, strict=True))
    changed = content | {"columns": [_with_type(e, types[_name(e)]) if _name(e) in types else e for e in entries]}
    if labels and not _are_texts(labels) and not types.keys() <= {_name(e) for e in entries}:
        changed["column_indexes"] = []
    if changed == content:
        return schema
    return schema.with_metadata({**schema.metadata, KEY: json.dumps(changed).encode()})


def _content(metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    """What they say; nothing where they are damaged."""
    try:
        content = json.loads(metadata.get(KEY, b"{}"))
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _name(entry: Mapping[str, Any]) -> str:
    """The column of an entry; old versions of pandas gave its label alone."""
    return str(entry.get("field_name", entry.get("name")))


def _are_texts(labels: Any) -> bool:
    """Whether the labels of columns are of one level, of text."""
    level = labels[0] if isinstance(labels, list) and len(labels) == 1 else None
    return isinstance(level, dict) and level.get("numpy_type") in _TEXTS


def _with_type(entry: dict[str, Any], kind: pa.DataType) -> dict[str, Any]:
    """The entry of a column of a type: the same where it gives that type, in numpy or as an extension of pandas."""
    import pyarrow.types as t

    old, new = str(entry.get("pandas_type")), _pandas_type(kind)
    decimal = {"precision": kind.precision, "scale": kind.scale} if t.is_decimal(kind) else None
    if new == old and (decimal is None or decimal == entry.get("metadata")):
        return entry
    if new is None:
        if not _is_number(old):
            return entry
        new = "unicode" if t.is_string(kind) else "object"
    numpy_type = new if _is_number(new) and decimal is None else "object"
    return entry | {"pandas_type": new, "numpy_type": numpy_type, "metadata": decimal}


def _pandas_type(kind: pa.DataType) -> str | None:
    """The name that pandas has for a type of numbers or of lists of them; None for others."""
    import pyarrow as pa

    if pa.types.is_list(kind):
        inner = _pandas_type(kind.value_type)
        return inner and f"list[{inner}]"
    if pa.types.is_decimal(kind):
        return "decimal"
    name = arrow_name(pa.field("", kind))
    return name if _is_number(name) and not pa.types.is_dictionary(kind) else None


def _is_number(pandas_type: str) -> bool:
    return pandas_type in ("bool", "decimal") or pandas_type.lstrip("u").startswith(("int", "float"))
