"""Steps from JSON: methods, options, columns and records, and the summaries of columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from normcli import registry
from normcli.columns import Field, Schema
from normcli.errors import UsageError
from normcli.methods import Method
from normcli.parameters import Step
from normcli.parameters.file._layout import STEP
from normcli.parameters.file._records import decode_record
from normcli.parameters.file._values import check_keys, fail, named, of_kind, typed
from normcli.parameters.file._writing import described


def read_steps(raw: list[Any], schema: Schema) -> tuple[Step, ...]:
    """The steps, each given the schema after those before it. Raises BadParametersError."""
    steps: list[Step] = []
    for i, entry in enumerate(raw):
        steps.append(_read_step(entry, f"$.steps[{i}]", schema))
        schema = steps[-1].after(schema)
    return tuple(steps)


def _read_step(raw: Any, at: str, schema: Schema) -> Step:
    types = {f.name: f.type for f in schema}
    check_keys(of_kind(dict, raw, at), STEP, at, optional=("list",))
    method: Method = typed(named("methods", raw["method"], f"{at}.method"), raw["options"], f"{at}.options")
    try:
        method.check_options()
    except UsageError as e:
        fail(f"{at}.options", e.message)
    names = tuple(of_kind(dict, raw["columns"], f"{at}.columns"))
    if not names:
        fail(f"{at}.columns", "there is none")
    try:
        method.check_features(len(names))
    except UsageError as e:
        fail(f"{at}.options", e.message)
    columns = names
    if "list" in raw:
        columns = (of_kind(str, raw["list"], f"{at}.list"),)
        _check_list(columns[0], names, at, types)
    for name in columns:
        if name not in types:
            fail(f"{at}.columns.{name}", "not in $.schema, nor given by a step before")
    blanks = {registry.name_of(s): s for s in method.statistics}
    statistics = of_kind(dict, raw["statistics"], f"{at}.statistics")
    external = bool(blanks) and not statistics
    optional = tuple(n for n, s in blanks.items() if external or type(s) in method.learns_without)
    check_keys(statistics, tuple(n for n in blanks if n not in optional), f"{at}.statistics", optional=optional)
    states = tuple(
        decode_record(type(s), statistics[n], f"{at}.statistics.{n}", names)
        if n in statistics
        else s.unknown(len(names))
        for n, s in (() if external else blanks.items())
    )
    for n, state in zip(blanks, states, strict=not external):
        if state.settings() != blanks[n].settings():
            fail(f"{at}.statistics.{n}", "is not what the options ask for")
    learned = of_kind(dict, raw["learned"], f"{at}.learned")
    if len(learned) != 1:
        fail(f"{at}.learned", "must hold one transform")
    ((kind, fields),) = learned.items()
    transform = decode_record(named("transforms", kind, f"{at}.learned"), fields, f"{at}.learned.{kind}", names)
    step = Step(method, columns, states, transform, len(names) if "list" in raw else None, external=external)
    _checkdescribed(step, raw["columns"], at, schema)
    return step


def _check_list(column: str, names: Sequence[str], at: str, types: dict[str, str]) -> None:
    """Checks that the features of a column of lists are column[0], column[1] …, as many as its type says."""
    field = Field(column, types.get(column, ""))
    if field.list_of is None:
        fail(f"{at}.list", "not a column of lists in $.schema")
    if field.list_size not in (None, len(names)):
        fail(f"{at}.columns", f"{len(names)} entries, not {field.list_size}")
    if list(names) != [f"{column}[{j}]" for j in range(len(names))]:
        fail(f"{at}.columns", f"not {column}[0], {column}[1] …, in order")


def _checkdescribed(step: Step, raw: dict[str, Any], at: str, schema: Schema) -> None:
    """Checks that summaries of columns agree with the statistics, and that columns with values have learned."""
    for name, entry in described(step, schema).items():
        here = f"{at}.columns.{name}"
        check_keys(of_kind(dict, raw[name], here), tuple(entry), here)
        for key, value in entry.items():
            if key in ("std", "count", "missing") and type(raw[name][key]) in (int, float) and raw[name][key] < 0:
                fail(f"{here}.{key}", "must not be negative" if value == 0 else "must be positive")
            if type(raw[name][key]) is not type(value) or not _equal(raw[name][key], value):
                fail(f"{here}.{key}", f"is not what statistics say ({value}); apply uses learned, not this")
    counts = step.summary().get("count")
    for field, axes in step.fitted.axes().items():
        if not np.isfinite(axes.empty) and counts is not None:
            unknown = np.isnan(getattr(step.fitted, field)[0]).reshape(len(counts), -1).any(axis=1)
            for j in np.flatnonzero(unknown & (counts > 0)):
                place = f"columns.{step.features[j]}.{field}" if step.fitted.is_column_wise() else f"{field}[{j}]"
                fail(f"{at}.learned.{registry.name_of(step.fitted)}.{place}", "must be a number")


def _equal(a: Any, b: Any) -> bool:
    return bool(a == b or (isinstance(a, float) and abs(a - b) <= 1e-9 * max(abs(a), abs(b))))
