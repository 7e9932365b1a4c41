"""What a parameter file holds, in plain values: for people, and for programs that need not know how the file lies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from normcli import registry
from normcli.errors import UsageError, printable
from normcli.parameters import file as params
from normcli.parameters.keys import described as described

if TYPE_CHECKING:
    from normcli.columns import Schema
    from normcli.parameters import Parameters, Step
    from normcli.parameters.categories import Category
    from normcli.parameters.keys import Key

FEW = 5  # keys that an error names


def json_schema() -> dict[str, Any]:
    """The JSON Schema of parameter files."""
    from normcli.parameters.json_schema import schema

    return schema()


def document(parameters: Parameters, key: str | None = None) -> dict[str, Any]:
    """All of it but the states: of all rows, or of those of a key, spelled as a row of CSV. Raises UsageError where
    there is no such key."""
    group = 0 if key is None else group_of(parameters, key)
    rules = {"unseen": parameters.rules.unseen, "min_count": parameters.rules.min_count} if parameters.by else {}
    return {
        "digest": parameters.digest,
        "note": parameters.note or None,
        "rows": parameters.rows,
        "skipped": parameters.skipped,
        "inputs": list(parameters.inputs),
        "dialect": dict(parameters.dialect),
        "weights": parameters.weights,
        "by": list(parameters.by),
        "keys": len(parameters.keys),
        **rules,
        "key": None if not group else key_row(parameters, group),
        "steps": [
            _step(step, schema, group) for step, schema in zip(parameters.steps, parameters.schemas, strict=True)
        ],
        "categories": [_category(category) for category in parameters.categories],
    }


def distributions(parameters: Parameters) -> list[dict[str, tuple[float, ...]]]:
    """A histogram of each input column of each step, as `histograms` has them; of outputs of other steps there is
    none."""
    from normcli.parameters.histograms import histograms  # here, for only a terminal shows them

    outputs, steps = set[str](), list[dict[str, tuple[float, ...]]]()
    for step in parameters.steps:
        names = [name for name in step.features if name not in outputs]
        steps.append({} if parameters.sketches is None else histograms(parameters.sketches, names))
        outputs.update(step.outputs)
    return steps


def key_row(parameters: Parameters, group: int) -> dict[str, Any]:
    """A key, how --key spells it, how many rows it has, and whether they are fewer than it takes for statistics of its
    own."""
    key, rows = parameters.keys[group - 1], parameters.key_rows[group - 1]
    values = dict(zip(parameters.by, key, strict=True))
    return {"key": values, "spelled": spelled(key), "rows": rows, "too_few": rows < parameters.rules.min_count}


def key_table(parameters: Parameters) -> list[dict[str, Any]]:
    """Each key, those of most rows first. Raises UsageError where there are no keys."""
    _check_keys(parameters, "--keys")
    return sorted(
        (key_row(parameters, g) for g in range(1, len(parameters.keys) + 1)),
        key=lambda row: (-row["rows"], row["spelled"]),
    )


def _check_keys(parameters: Parameters, flag: str) -> None:
    if not parameters.by:
        raise UsageError(f"{flag} is for parameters by key, and these are not (fit --by)")


def group_of(parameters: Parameters, text: str) -> int:
    """The group of a key. Raises UsageError where there is none."""
    _check_keys(parameters, "--key")
    exact = [g for g, key in enumerate(parameters.keys, 1) if spelled(key) == text]
    matches = exact or [g for g, key in enumerate(parameters.keys, 1) if ",".join(t or "" for t in key) == text]
    if len(matches) == 1:
        return matches[0]
    some = " or ".join(
        printable(spelled(parameters.keys[g - 1])) or "'' (null)"
        for g in matches or range(1, min(len(parameters.keys), FEW) + 1)
    )
    what = "may be" if matches else "no such key; there are"
    raise UsageError(f"--key {text}: {what} {some}" + (" …" if not matches and len(parameters.keys) > FEW else ""))


def spelled(key: Key) -> str:
    """A key as a row of CSV: null is nothing, a text that is empty or has a comma or a quote in it is quoted."""

    def field(text: str | None) -> str:
        if text is None:
            return ""
        return '"' + text.replace('"', '""') + '"' if not text or set(text) & set(',"\r\n') else text

    return ",".join(map(field, key))


def _step(step: Step, schema: Schema, group: int) -> dict[str, Any]:
    terms = step.terms(group)
    return {
        "method": registry.name_of(step.method),
        "options": params.options(step.method),
        "learns": step.learns,
        **({"external": True} if step.external else {}),
        "accuracy": [line for state in step.states if (line := state.accuracy())],
        "list": None if step.length is None else step.columns[0],
        "takes": len(step.features),
        "gives": len(step.results),
        "outputs": None if step.outputs == step.columns else list(step.outputs),
        "learned": {name: _known(value) for name, value in terms.values.items()},
        "terms": list(terms.columns),
        "columns": _columns(step, schema, group, terms.columns),
        "components": _components(step, terms.components),
    }


def _category(category: Category) -> dict[str, Any]:
    """Of all rows, in the words of describe: counts are low by at most `count_error`."""
    return {
        "column": category.name,
        "count": category.rows,
        "missing": category.missing,
        "distinct": category.distinct,
        "count_error": category.lost,
        "most_common": [{"value": value, "count": count} for value, count in category.most_common],
    }


def _columns(step: Step, schema: Schema, group: int, terms: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row of the table for people per column: its counts, its learned parameters, then other figures."""
    rows = []
    for j, (name, learned) in enumerate(params.described(step, schema, group).items()):
        known = {term: _known(float(values[j])) for term, values in terms.items()}
        first = {n: v for n, v in learned.items() if n in ("type", "count", "missing")}
        rest = {n: v for n, v in learned.items() if n not in first}
        more = {n: v for n, v in known.items() if n not in rest}
        rows.append({"column": name, **first, **more, **rest, **{n: v for n, v in known.items() if n in rest}})
    return rows


def _components(step: Step, terms: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"component": name, **{term: _known(float(values[k])) for term, values in terms.items()}}
        for k, name in enumerate(step.results if terms else ())
    ]


def _known(value: Any) -> Any:
    """None for a number that is none; zero without a sign."""
    if isinstance(value, float):
        return value + 0.0 if math.isfinite(value) else None
    return list(map(_known, value)) if isinstance(value, list) else dict(value) if isinstance(value, Mapping) else value
