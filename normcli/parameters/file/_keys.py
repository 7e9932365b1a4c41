"""Statistics and learned parameters of each key: one line per key, with arrays in the order of features."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from msgspec.structs import replace

from normcli import registry
from normcli.blocks.record import Record
from normcli.errors import printable
from normcli.parameters import Parameters, Step
from normcli.parameters.file._arrays import Place, decode, encode
from normcli.parameters.file._records import spell_place
from normcli.parameters.file._values import check_keys, count, fail, of_kind

SLAB = 1000  # keys that are written at once


# -- writing -----------------------------------------------------------------------------------------------------
def entries(parameters: Parameters) -> Iterator[dict[str, Any]]:
    """An entry for each key: its values, its number of rows, and each step's statistics and learned parameters."""
    for start in range(0, len(parameters.keys), SLAB):
        groups = slice(1 + start, min(1 + start + SLAB, 1 + len(parameters.keys)))
        steps = [_slab(step, groups) for step in parameters.steps]
        for i, key in enumerate(parameters.keys[start : start + SLAB]):
            records = [{part: _of(fields, i) for part, fields in step.items()} for step in steps]
            yield {"key": list(key), "rows": parameters.key_rows[start + i], "steps": records}


def _slab(step: Step, groups: slice) -> dict[str, Any]:
    statistics = {registry.name_of(s): _listed(s, groups) for s in step.states}
    return {"learned": {registry.name_of(step.fitted): _listed(step.fitted, groups)}, "statistics": statistics}


def _listed(record: Record, groups: slice) -> dict[str, list[Any]]:
    """Each array field as a list with an entry for each group."""
    lists = {}
    for name, axes in record.axes().items():
        values = getattr(record, name)[groups]
        lists[name] = [encode(v, axes) for v in values] if axes.symmetric else encode(values, axes)
    return lists


def _of(fields: dict[str, Any], i: int) -> dict[str, Any]:
    """The fields of one group."""
    return {name: {n: values[i] for n, values in record.items()} for name, record in fields.items()}


# -- reading -----------------------------------------------------------------------------------------------------
def read(raw: Any, parameters: Parameters) -> Parameters:
    """Parameters that are read for all rows already, with the groups of all keys. Raises BadParametersError."""
    rows = of_kind(list, raw, "$.keys")
    if not rows:
        fail("$.keys", "there is none")
    keys, counts = [], []
    for i, entry in enumerate(rows):
        at = f"$.keys[{i}]"
        check_keys(of_kind(dict, entry, at), ("key", "rows", "steps"), at)
        key = tuple(of_kind(list, entry["key"], f"{at}.key"))
        if len(key) != len(parameters.by) or not all(text is None or type(text) is str for text in key):
            fail(f"{at}.key", f"must be a text or null for each of {', '.join(map(printable, parameters.by))}")
        keys.append(key)
        counts.append(count(entry["rows"], f"{at}.rows"))
        if len(of_kind(list, entry["steps"], f"{at}.steps")) != len(parameters.steps):
            fail(f"{at}.steps", f"must be {len(parameters.steps)}")
    if len(set(keys)) < len(keys):
        fail("$.keys", "a key is there twice")
    steps = tuple(_step(rows, i, step) for i, step in enumerate(parameters.steps))
    return replace(parameters, steps=steps, keys=tuple(keys), key_rows=tuple(counts))


def _step(rows: list[Any], i: int, step: Step) -> Step:
    parts: list[dict[str, Any]] = []
    learned, statistics = registry.name_of(step.fitted), [registry.name_of(s) for s in step.states]
    for n, entry in enumerate(rows):
        at = f"$.keys[{n}].steps[{i}]"
        check_keys(of_kind(dict, entry["steps"][i], at), ("learned", "statistics"), at)
        check_keys(of_kind(dict, entry["steps"][i]["learned"], f"{at}.learned"), (learned,), f"{at}.learned")
        check_keys(of_kind(dict, entry["steps"][i]["statistics"], f"{at}.statistics"), statistics, f"{at}.statistics")
        parts.append(entry["steps"][i])
    transform = _with_groups(step.fitted, [p["learned"][learned] for p in parts], f"steps[{i}].learned.{learned}")
    states = tuple(
        _with_groups(s, [p["statistics"][name] for p in parts], f"steps[{i}].statistics.{name}")
        for name, s in zip(statistics, step.states, strict=True)
    )
    result = replace(step, states=states, transform=transform)
    _check_learned(result, f"steps[{i}].learned.{learned}")
    return result


def _check_learned(step: Step, at: str) -> None:
    """A column with values must have learned."""
    with np.errstate(all="ignore"):  # of states that are not yet validated together
        counts = next((summary["count"] for s in step.states if "count" in (summary := s.summary())), None)
    for field, axes in step.fitted.axes().items():
        if counts is not None and not np.isfinite(axes.empty):
            unknown = np.isnan(getattr(step.fitted, field)[1:])
            bad = unknown.reshape(*counts[1:].shape, -1).all(axis=2) & (counts[1:] > 0)
            for n, j in np.argwhere(bad).tolist():
                fail(f"$.keys[{n}].{at}.{field}[{j}]", "must be a number")


def _with_groups(record: Any, raw: list[Any], at: str) -> Any:
    """A record with the group of all rows and those in the file."""
    axes = record.axes()
    for n, fields in enumerate(raw):
        check_keys(of_kind(dict, fields, f"$.keys[{n}].{at}"), tuple(axes), f"$.keys[{n}].{at}")
    arrays = {}
    for name, kind in axes.items():
        first = getattr(record, name)
        sizes = dict(zip(kind.dims, first.shape[1:], strict=True))
        more = decode([fields[name] for fields in raw], kind, sizes, partial(_spell_place, f"{at}.{name}"))
        arrays[name] = np.concatenate([kind.filled(first, more.shape[1:]), more])
    longest: dict[str, int] = {}  # of each axis, for lists of several fields that go together
    for name, kind in axes.items():
        for dim, size in zip(kind.dims, arrays[name].shape[1:], strict=True):
            longest[dim] = max(size, longest.get(dim, 0))
    for name, kind in axes.items():
        if kind.ragged:
            arrays[name] = kind.filled(arrays[name], tuple(longest[dim] for dim in kind.dims))
    full = replace(record, **arrays)
    if full.fault():  # of which key, it does not say
        for n in range(len(raw)):
            fault = full.taken([1 + n]).fault()
            if fault:
                fail(f"$.keys[{n}].{at}.{fault[0]}", fault[1])
    return full


def _spell_place(at: str, place: Place) -> str:
    """A path in the array of a key, for messages; without an index, of any key."""
    return spell_place(f"$.keys[{place[0] if place else '…'}].{at}", place)
