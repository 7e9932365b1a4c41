"""Sketches of columns as JSON: one line per column, with items as numbers where that is shorter, else in base64."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from normcli.blocks.record import Array
from normcli.parameters.file._arrays import encode
from normcli.parameters.file._values import check_keys, count, fail, of_kind
from normcli.parameters.sketches import BLANK, ColumnSketches, K
from normcli.stats.quantiles import LEVELS

ENTRY = ("column", "sizes", "sides", "items")
INTEGERS = 2.0**53  # below, floats without a fraction are written as integers


# -- writing -----------------------------------------------------------------------------------------------------
def entries(sketches: ColumnSketches) -> Iterator[dict[str, Any]]:
    """An entry for each column: the sizes of the levels, the sides that they take next, and the items of all levels."""
    state, axes = sketches.statistic, BLANK.axes()
    for j, name in enumerate(sketches.names):
        sizes, items = state.sizes[0, j], state.items[0, j]
        used = int(np.max(np.flatnonzero(sizes), initial=-1)) + 1
        levels = {n: encode(getattr(state, n)[0, j, :used], axes[n]) for n in ("sizes", "sides")}
        levels = {n: values + [0] * (used - len(values)) for n, values in levels.items()}
        yield {"column": name, **levels, "items": _shorter(items[: int(sizes.sum())])}


def _shorter(items: Array) -> list[float] | str:
    """(n,) items as numbers, or as the base64 of little-endian doubles where that is shorter."""
    numbers = [int(x) if x.is_integer() and abs(x) < INTEGERS else x for x in (items + 0.0).tolist()]
    doubles = items.astype("<f8").tobytes()
    as_numbers, as_base64 = map(msgspec.json.encode, (numbers, doubles))
    return numbers if len(as_numbers) <= len(as_base64) else as_base64[1:-1].decode()


# -- reading -----------------------------------------------------------------------------------------------------
def read(raw: Any, names: tuple[str, ...], at: str) -> ColumnSketches:
    """Sketches of the columns of these names. Raises BadParametersError."""
    columns = of_kind(list, raw, at)
    for i, entry in enumerate(columns):
        check_keys(of_kind(dict, entry, f"{at}[{i}]"), ENTRY, f"{at}[{i}]")
    if [entry["column"] for entry in columns] != list(names):
        fail(at, "not the columns that the steps learn from, in order")
    parts = [_levels(entry, f"{at}[{i}]") for i, entry in enumerate(columns)]
    levels = max((len(sizes) for sizes, _, _ in parts), default=0)
    width = max((len(items) for _, _, items in parts), default=0)
    shape = (1, len(names))
    sizes, sides, items = np.zeros((*shape, levels)), np.zeros((*shape, levels)), np.full((*shape, width), np.inf)
    for j, (of_level, next_sides, values) in enumerate(parts):
        sizes[0, j, : len(of_level)], sides[0, j, : len(of_level)] = of_level, next_sides
        items[0, j, : len(values)] = values
    state = msgspec.structs.replace(BLANK, items=items, sizes=sizes, sides=sides, exact=np.empty((1, 0, len(names))))
    fault = state.fault()
    if fault:
        wrong = (j for j in range(len(names)) if state.reorder([j]).fault())
        fail(f"{at}[{next(wrong)}].{fault[0]}", fault[1])
    return ColumnSketches(names, state)


def _levels(entry: dict[str, Any], at: str) -> tuple[list[int], list[int], Array]:
    """The sizes of levels, the sides, and the items of one column."""
    sizes, sides = (_counts(entry[key], f"{at}.{key}") for key in ("sizes", "sides"))
    if len(sides) != len(sizes) or len(sizes) > LEVELS:
        fail(f"{at}.sides", f"must be as many as sizes, and at most {LEVELS}")
    items = _items(entry["items"], f"{at}.items")
    if len(items) != sum(sizes) or len(items) > K:
        fail(f"{at}.items", f"must be as many as sizes say, and at most {K}")
    return sizes, sides, items


def _counts(raw: Any, at: str) -> list[int]:
    return [count(n, f"{at}[{h}]") for h, n in enumerate(of_kind(list, raw, at))]


def _items(raw: Any, at: str) -> Array:
    if type(raw) is str:
        try:
            content = msgspec.convert(raw, bytes)
        except msgspec.ValidationError:
            fail(at, "is no base64")
        if len(content) % 8:
            fail(at, "is not of whole doubles")
        items = np.frombuffer(content, "<f8").astype(np.float64)
    else:
        if not {int, float}.issuperset(map(type, of_kind(list, raw, at))):
            fail(at, "must be numbers")
        try:
            items = np.array(raw, np.float64)
        except OverflowError:
            fail(at, "must be finite")
    if not np.isfinite(items).all():
        fail(at, "must be finite")
    return items
