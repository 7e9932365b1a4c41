"""A fitted plan to the text of its file."""

import dataclasses
from typing import Any

import numpy as np

from normcli import registry
from normcli.columns import Field, Schema
from normcli.errors import UsageError
from normcli.methods import Method
from normcli.params import _keys
from normcli.params._layout import VERSION, Lines, builtins, digest_of, laid, plain
from normcli.plan import Plan, Step


def write(plan: Plan) -> bytes:
    """The file of a fitted plan; equal plans give equal bytes."""
    body = _body(plan)
    return f'{body[:-2]},\n "digest": "{digest_of(body)}"\n}}\n'.encode()


def sealed(plan: Plan) -> Plan:
    """The plan with the digest that its file has."""
    return dataclasses.replace(plan, digest=digest_of(_body(plan)))


def _body(plan: Plan) -> str:
    """The file but for its digest."""
    document: dict[str, Any] = {"format": "normcli", "version": VERSION}
    if plan.note:
        document["note"] = plan.note
    document |= {
        "rows": plan.rows,
        "skipped": plan.skipped,
        "inputs": list(plan.inputs),
        **({"by": list(plan.by)} if plan.by else {}),
        **({} if plan.weights is None else {"weights": plan.weights}),
        "schema": [{"name": f.name, "type": f.type} for f in plan.schema],
        "steps": [_step(s, schema) for s, schema in zip(plan.steps, plan.schemas, strict=True)],
        **({"keys": Lines(_keys.entries(plan))} if plan.by else {}),
    }
    body = "".join(laid(document))
    try:
        body.encode()
    except UnicodeEncodeError:
        raise UsageError("a name, a prefix or a note is not text in UTF-8") from None
    return body


def _step(step: Step, schema: Schema) -> dict[str, Any]:
    return {
        "method": registry.name_of(step.method),
        "options": options(step.method),
        **({} if step.length is None else {"list": step.columns[0]}),
        "columns": described(step, schema),
        "learned": {registry.name_of(step.fitted): plain(step.fitted, step.features)},
        "statistics": {registry.name_of(s): plain(s, step.features) for s in step.states},
    }


def options(method: Method) -> dict[str, Any]:
    """A method's options as plain values."""
    return builtins(method)


def described(step: Step, schema: Schema, group: int = 0) -> dict[str, dict[str, Any]]:
    """What a person reads of each column as it comes to a step, of all rows or of a group of them."""
    said, types = step.summary(group), {f.name: f.type for f in schema}
    columns: dict[str, dict[str, Any]] = {}
    for j, name in enumerate(step.features):
        kind = types[name] if step.length is None else Field(name, types[step.columns[0]]).list_of
        entry: dict[str, Any] = {"type": kind}
        for key in ("count", "missing", "mean", "std", "min", "max"):
            if key in said:
                value = float(said[key][j]) + 0.0
                known = np.isfinite(value) and (
                    key in ("count", "missing") or "count" not in said or said["count"][j] > 0
                )
                whole = key in ("count", "missing") and value.is_integer()  # by weight it may be none
                entry[key] = (int(value) if whole else value) if known else None
        if "min" in entry:
            entry["constant"] = entry["min"] is not None and entry["min"] == entry["max"]
            if entry["constant"]:
                entry |= {"mean": entry["min"], "std": 0.0}
        columns[name] = entry
    return columns
