"""What was seen and learned of each key: a line each, its arrays by the features in order."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from normcli import registry
from normcli.blocks.record import Array, Axes, Record, symmetric
from normcli.errors import printable
from normcli.parameters import Parameters, Step
from normcli.parameters.file._layout import PADDED, listed
from normcli.parameters.file._records import check_keys, count, fail, of_kind, read_array

SLAB = 1000  # keys that are written at once


# -- writing -----------------------------------------------------------------------------------------------------
def entries(plan: Parameters) -> Iterator[dict[str, Any]]:
    """One for each key: its texts, rows, and what each step has seen and learned of it."""
    for start in range(0, len(plan.keys), SLAB):
        groups = slice(1 + start, min(1 + start + SLAB, 1 + len(plan.keys)))
        steps = [_slab(step, groups) for step in plan.steps]
        for i, key in enumerate(plan.keys[start : start + SLAB]):
            each = [{part: _of(fields, i) for part, fields in step.items()} for step in steps]
            yield {"key": list(key), "rows": plan.key_rows[start + i], "steps": each}


def _slab(step: Step, groups: slice) -> dict[str, Any]:
    seen = {registry.name_of(s): _listed(s, groups) for s in step.states}
    return {"learned": {registry.name_of(step.fitted): _listed(step.fitted, groups)}, "statistics": seen}


def _listed(record: Record, groups: slice) -> dict[str, list[Any]]:
    """Each field as a list with an entry for each group."""
    made = {}
    for name, axes in record.axes().items():
        values = getattr(record, name)[groups]
        made[name] = [listed(v, axes) for v in values] if axes.symmetric else listed(values, axes)
    return made


def _of(fields: dict[str, Any], i: int) -> dict[str, Any]:
    """Those of one group."""
    return {name: {n: values[i] for n, values in record.items()} for name, record in fields.items()}


# -- reading -----------------------------------------------------------------------------------------------------
def read(raw: Any, plan: Parameters) -> Parameters:
    """The plan, whose steps know all rows, with what is known of each key. Raises BadParametersError."""
    rows = of_kind(list, raw, "$.keys")
    if not rows:
        fail("$.keys", "there is none")
    keys, counts = [], []
    for i, entry in enumerate(rows):
        at = f"$.keys[{i}]"
        check_keys(of_kind(dict, entry, at), ("key", "rows", "steps"), at)
        key = tuple(of_kind(list, entry["key"], f"{at}.key"))
        if len(key) != len(plan.by) or not all(text is None or type(text) is str for text in key):
            fail(f"{at}.key", f"must be a text or null for each of {', '.join(map(printable, plan.by))}")
        keys.append(key)
        counts.append(count(entry["rows"], f"{at}.rows"))
        if len(of_kind(list, entry["steps"], f"{at}.steps")) != len(plan.steps):
            fail(f"{at}.steps", f"must be {len(plan.steps)}")
    if len(set(keys)) < len(keys):
        fail("$.keys", "a key is there twice")
    steps = tuple(_step(rows, i, step) for i, step in enumerate(plan.steps))
    return replace(plan, steps=steps, keys=tuple(keys), key_rows=tuple(counts))


def _step(rows: list[Any], i: int, step: Step) -> Step:
    parts: list[dict[str, Any]] = []
    learned, seen = registry.name_of(step.fitted), [registry.name_of(s) for s in step.states]
    for n, entry in enumerate(rows):
        at = f"$.keys[{n}].steps[{i}]"
        check_keys(of_kind(dict, entry["steps"][i], at), ("learned", "statistics"), at)
        check_keys(of_kind(dict, entry["steps"][i]["learned"], f"{at}.learned"), (learned,), f"{at}.learned")
        check_keys(of_kind(dict, entry["steps"][i]["statistics"], f"{at}.statistics"), seen, f"{at}.statistics")
        parts.append(entry["steps"][i])
    transform = _with_groups(step.fitted, [p["learned"][learned] for p in parts], f"steps[{i}].learned.{learned}")
    states = tuple(
        _with_groups(s, [p["statistics"][name] for p in parts], f"steps[{i}].statistics.{name}")
        for name, s in zip(seen, step.states, strict=True)
    )
    made = replace(step, states=states, transform=transform)
    _check_learned(made, f"steps[{i}].learned.{learned}")
    return made


def _check_learned(step: Step, at: str) -> None:
    """A column with values must have learned."""
    with np.errstate(all="ignore"):  # of states that nobody has looked at together
        counts = next((said["count"] for s in step.states if "count" in (said := s.summary())), None)
    for field, axes in step.fitted.axes().items():
        if counts is not None and not np.isfinite(axes.empty):
            unknown = np.isnan(getattr(step.fitted, field)[1:])
            bad = unknown.reshape(*counts[1:].shape, -1).all(axis=2) & (counts[1:] > 0)
            for n, j in np.argwhere(bad).tolist():
                fail(f"$.keys[{n}].{at}.{field}[{j}]", "must be a number")


def _with_groups(record: Any, raw: list[Any], at: str) -> Any:
    """A record of one group, and those that are in the file."""
    axes = record.axes()
    for n, fields in enumerate(raw):
        check_keys(of_kind(dict, fields, f"$.keys[{n}].{at}"), tuple(axes), f"$.keys[{n}].{at}")
    made = {}
    for name, kind in axes.items():
        first = getattr(record, name)
        values, sizes = [fields[name] for fields in raw], first.shape[1:]
        if kind.ragged:
            values, sizes = _even(values, kind, sizes, f"{at}.{name}")
        more = _arrays(values, kind, sizes, f"{at}.{name}")
        made[name] = np.concatenate([kind.filled(first, sizes), more])
    longest: dict[str, int] = {}  # of each axis, for lists of several fields that go together
    for name, kind in axes.items():
        for dim, size in zip(kind.dims, made[name].shape[1:], strict=True):
            longest[dim] = max(size, longest.get(dim, 0))
    for name, kind in axes.items():
        if kind.ragged:
            made[name] = kind.filled(made[name], tuple(longest[dim] for dim in kind.dims))
    whole = replace(record, **made)
    if whole.fault():  # of which key, it does not say
        for n in range(len(raw)):
            fault = whole.taken([1 + n]).fault()
            if fault:
                fail(f"$.keys[{n}].{at}.{fault[0]}", fault[1])
    return whole


def _even(raw: list[Any], axes: Axes, sizes: tuple[int, ...], at: str) -> tuple[list[Any], tuple[int, ...]]:
    """Ragged lists of each key, all as long as the longest, and the sizes of their axes."""
    each = enumerate(raw)
    rows = [(n, row) for n, key in each for row in of_kind(list, key, f"$.keys[{n}].{at}")]
    size = max([sizes[-1], *(len(of_kind(list, row, f"$.keys[{n}].{at}")) for n, row in rows)])
    if 8 * size * len(rows) > PADDED:
        fail(f"$.keys[…].{at}", f"lists of up to {size:,} for {len(rows):,} columns of keys")
    nothing = [None] if not np.isfinite(axes.empty) else [axes.empty]
    return [[row + nothing * (size - len(row)) for row in key] for key in raw], (*sizes[:-1], size)


def _arrays(raw: list[Any], axes: Axes, shape: tuple[int, ...], at: str) -> Array:
    """(keys, *shape), every number checked: all at once, and where that finds a fault, again one by one."""
    made = _triangles(raw, axes, shape) if axes.symmetric else _numbers(raw, axes, shape)
    if made is None:
        each = []
        for n, value in enumerate(raw):
            sizes = dict(zip(axes.dims, shape, strict=True))
            each.append(read_array(value, axes, axes.dims, f"$.keys[{n}].{at}", sizes))
        made = np.array(each, np.float64).reshape(len(raw), *shape)
    return made


def _triangles(raw: list[Any], axes: Axes, shape: tuple[int, ...]) -> Array | None:
    """Symmetric matrices by their lower triangles; None where one is none."""
    sizes = list(range(1, shape[0] + 1))
    for rows in raw:
        if type(rows) is not list or [type(row) is list and len(row) for row in rows] != sizes:
            return None
    flat = [list(chain.from_iterable(rows)) for rows in raw]
    lower = _numbers(flat, replace(axes, symmetric=False), (sum(sizes),))
    if lower is None:
        return None
    made = np.zeros((len(raw), *shape))
    made[:, *np.tril_indices(shape[0])] = lower
    return np.array([symmetric(m) for m in made])


def _numbers(raw: list[Any], axes: Axes, shape: tuple[int, ...]) -> Array | None:
    """None where something is no number, or none that may be there, or not in its place."""
    flat = raw
    for _ in shape:
        if not all(type(v) is list for v in flat):
            return None
        flat = list(chain.from_iterable(flat))
    if not set(map(type, flat)) <= {int, float, *([] if np.isfinite(axes.empty) else [type(None)])}:
        return None
    try:
        made = np.array(raw, np.float64)
    except (ValueError, OverflowError):
        return None
    if made.shape != (len(raw), *shape):
        return None
    nothing = np.isnan(made)  # null
    good = np.isfinite(made) | nothing
    if axes.holds != "any":
        good &= nothing | (made > 0 if axes.holds == "positive" else made >= 0)
    if not good.all():
        return None
    made[nothing] = axes.empty
    return made
