"""The JSON Schema of parameter files, derived from the registries: nothing is listed here."""

import typing
from typing import Any

import msgspec
from msgspec import Struct, structs

from normcli import registry
from normcli.blocks.record import Axes, Record
from normcli.formats import _keeping
from normcli.parameters import Unseen
from normcli.parameters.categories import K
from normcli.parameters.file import CONTENT, STEP, TOP, VERSION


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of every file that `parameters.file.write` can produce."""
    steps = [_step(n, registry.only("methods", n)) for n in registry.names("methods")]
    count = {"type": "integer", "minimum": 0}
    key_step = {
        "learned": {"type": "object"},
        "statistics": {"type": "object"},
    }  # arrays of each record, features in order
    key = {
        "key": {"type": "array", "items": {"type": ["string", "null"]}},
        "rows": count,
        "steps": {"type": "array", "minItems": 1, "items": _object(key_step)},
    }
    sketch = {
        "column": {"type": "string"},
        "sizes": {"type": "array", "items": count},
        "sides": {"type": "array", "items": {"enum": [0, 1, 2]}},
        "items": {"oneOf": [{"type": "array", "items": {"type": "number"}}, {"type": "string"}]},  # or in base64
    }
    category = {
        "column": {"type": "string"},
        "rows": count,
        "missing": count,
        "lost": count,
        "values": {"type": "array", "maxItems": K, "items": {"type": "string"}},
        "counts": {"type": "array", "maxItems": K, "items": {"type": "integer", "minimum": 1}},
    }
    field = {"name": {"type": "string"}, "type": {"type": "string"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "normcli parameters",
        **_object(
            {
                "format": {"const": "normcli"},
                "version": {"const": VERSION},
                "note": {"type": "string"},
                "rows": count,
                "skipped": count,
                "inputs": {"type": "array", "items": {"type": "string", "pattern": f"^{CONTENT.pattern}$"}},
                "dialect": _object(_schemas(_keeping.fields()), required=()),
                "by": {"type": "array", "items": {"type": "string"}},
                "weights": {"type": "string"},
                "unseen": {"enum": list(typing.get_args(Unseen))},
                "min_count": count,
                "sketches": {"type": "array", "items": _object(sketch)},
                "categories": {"type": "array", "minItems": 1, "items": _object(category)},
                "keys": {"type": "array", "minItems": 1, "items": _object(key)},
                "schema": {"type": "array", "items": _object(field)},
                "steps": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"oneOf": steps},
                },
                "digest": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
            },
            required=TOP,
        ),
    }


def _object(properties: dict[str, Any], required: typing.Iterable[str] | None = None) -> dict[str, Any]:
    needed = list(properties if required is None else required)
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}


def _step(name: str, kind: Any) -> dict[str, Any]:
    required = [f.name for f in structs.fields(kind) if f.required]
    any_of_it = msgspec.convert(dict.fromkeys(required, 1), kind)
    statistics = {registry.name_of(s): _record(type(s)) for s in any_of_it.statistics}
    transforms = {n: _record(registry.only("transforms", n)) for n in registry.names("transforms")}
    about = {"type": "object", "required": ["type"], "properties": {"type": {"type": "string"}}}
    properties = {
        "method": {"const": name},
        "options": _object(_fields(kind), required=()),
        "list": {"type": "string"},
        "columns": {"type": "object", "minProperties": 1, "additionalProperties": about},
        "learned": {"type": "object", "properties": transforms, "minProperties": 1, "maxProperties": 1}
        | {"additionalProperties": False},
        "statistics": _object(statistics, required=()),  # some options do without
    }
    return _object(properties, required=STEP)


def _fields(kind: type[Struct], leaving: typing.Container[str] = ()) -> dict[str, Any]:
    """Schemas of a record's fields, by name, without those in `leaving`."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return _schemas({name: hints[name] for name in kind.__struct_fields__ if name not in leaving})


def _schemas(hints: dict[str, Any]) -> dict[str, Any]:
    """Schemas of annotated types, by name."""
    schemas, _ = msgspec.json.schema_components(list(hints.values()), ref_template="#/$defs/{name}")
    return dict(zip(hints, schemas, strict=True))


def _record(kind: type[Record]) -> dict[str, Any]:
    axes = kind.axes()
    settings = _fields(kind, leaving=axes)
    if axes and kind.is_column_wise():
        column = _object({n: _number(a) for n, a in axes.items()})
        return _object(settings | {"columns": {"type": "object", "additionalProperties": column}})
    return _object(settings | {n: _array(a, len(a.dims)) for n, a in axes.items()})


def _array(axes: Axes, depth: int) -> dict[str, Any]:
    return _number(axes) if depth == 0 else {"type": "array", "items": _array(axes, depth - 1)}


def _number(axes: Axes) -> dict[str, Any]:
    least = {"positive": {"exclusiveMinimum": 0}, "any": {}}.get(axes.holds, {"minimum": 0})
    kinds = ["number"] if axes.null is None else ["number", "null"]
    return {"type": kinds[0] if len(kinds) == 1 else kinds, **least}
