"""Arrays as JSON, and back: nested lists, a symmetric matrix as its lower triangle, lists that may end early."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, NoReturn

import numpy as np
from msgspec import structs

from normcli.blocks.record import Array, Axes
from normcli.parameters.file._values import fail, of_kind

PADDED = 1 << 30  # bytes of lists once all are as long as the longest

Place = tuple[int, ...]  # of a group, then inside its array


# -- writing -----------------------------------------------------------------------------------------------------
def encode(values: Any, axes: Axes) -> Any:
    """An array as nested lists: counts whole, zero without a sign, null where nothing is known."""
    if axes.symmetric:
        return [encode(row[: i + 1], structs.replace(axes, symmetric=False)) for i, row in enumerate(values)]
    if axes.ragged and values.ndim > 1:
        return [encode(row, axes) for row in values]
    if axes.ragged:
        values = values[: len(values) - int(np.argmax(np.append(values[::-1] != axes.empty, True)))]
    known = np.isfinite(values)
    if axes.holds == "count" and known.all() and (values == np.rint(values)).all() and (values < 2.0**63).all():
        return values.astype(int).tolist()
    unsigned: Any = values + 0.0 if known.all() else np.where(known, values + 0.0, None)
    return unsigned.tolist()


# -- reading -----------------------------------------------------------------------------------------------------
def decode(raw: Sequence[Any], axes: Axes, sizes: dict[str, int], at: Callable[[Place], str]) -> Array:
    """(groups, *dims) arrays, of which `raw` has the lists of each group. `sizes` are those of the axes that are known,
    and of all of them afterwards: an axis is as long as its first list, or as the longest where lists are ragged. `at`
    spells a place. Raises BadParametersError at the first number that is none, or none that may be there, and at the
    first list of another length."""
    for n, group in enumerate(raw[:1]):
        _add_sizes(group, axes, sizes, at, n)
    if axes.ragged:
        raw = _padded(raw, axes, sizes, at)
    shape = tuple(sizes.get(dim, 0) for dim in axes.dims)
    values = (_triangles if axes.symmetric else _numbers)(raw, axes, shape)
    if values is None:
        _raise_first(raw, axes, shape, at)
    return values


def _add_sizes(group: Any, axes: Axes, sizes: dict[str, int], at: Callable[[Place], str], n: int) -> None:
    place: Place = (n,)
    for dim in axes.dims[: 1 if axes.symmetric else None]:
        sizes.setdefault(dim, len(of_kind(list, group, at(place))))
        if not group:
            return
        group, place = group[0], (*place, 0)


def _padded(raw: Sequence[Any], axes: Axes, sizes: dict[str, int], at: Callable[[Place], str]) -> list[Any]:
    """Lists of each group, all as long as the longest."""
    rows = [
        of_kind(list, row, at((n, j)))
        for n, group in enumerate(raw)
        for j, row in enumerate(of_kind(list, group, at((n,))))
    ]
    last = axes.dims[-1]
    size = sizes[last] = max([sizes.get(last, 0), *map(len, rows)])
    if 8 * size * len(rows) > PADDED:
        fail(at(()), f"lists of up to {size:,} for {len(rows):,} columns")
    nothing = [axes.empty if np.isfinite(axes.empty) else None]
    return [[row + nothing * (size - len(row)) for row in group] for group in raw]


def _triangles(raw: Sequence[Any], axes: Axes, shape: tuple[int, ...]) -> Array | None:
    """(groups, size, size) symmetric matrices by their lower triangles; None where something is wrong."""
    size = shape[0]
    lengths = list(range(1, size + 1))
    if not all(type(m) is list and [type(row) is list and len(row) for row in m] == lengths for m in raw):
        return None
    lower = _flat([row for matrix in raw for row in matrix], axes, len(raw) * sum(lengths))
    if lower is None:
        return None
    values, lower = np.empty((len(raw), size, size)), lower.reshape(len(raw), sum(lengths))
    for i, end in enumerate(np.cumsum(lengths).tolist()):
        values[:, i, : i + 1] = values[:, : i + 1, i] = lower[:, end - i - 1 : end]
    return values


def _numbers(raw: Sequence[Any], axes: Axes, shape: tuple[int, ...]) -> Array | None:
    """(groups, *shape) arrays; None where something is wrong."""
    if not shape:
        return _flat([raw], axes, len(raw))
    lists = raw
    for depth, size in enumerate(shape):
        lists = list(chain.from_iterable(lists)) if depth else lists
        if not all(type(values) is list and len(values) == size for values in lists):
            return None
    values = _flat(lists, axes, len(lists) * shape[-1])
    return None if values is None else values.reshape(len(raw), *shape)


def _flat(lists: Sequence[Sequence[Any]], axes: Axes, count: int) -> Array | None:
    """(count,) numbers of all lists; None where one is none, or none that may be there."""
    kinds = {int, float} if axes.null is None else {int, float, type(None)}
    if not kinds.issuperset(map(type, chain.from_iterable(lists))):
        return None
    try:
        values = np.fromiter(chain.from_iterable(lists), np.float64, count)
    except OverflowError:
        return None
    nothing = np.isnan(values)  # null
    good = np.isfinite(values) | nothing
    if axes.holds != "any":
        good &= nothing | (values > 0 if axes.holds == "positive" else values >= 0)
    if not good.all():
        return None
    if axes.null is not None:
        values[nothing] = axes.null
    return values


def _raise_first(raw: Sequence[Any], axes: Axes, shape: tuple[int, ...], at: Callable[[Place], str]) -> NoReturn:
    """Looks for what is wrong one by one. Raises BadParametersError, saying where it is."""

    def check(value: Any, depth: int, place: Place) -> None:
        if depth == len(shape):
            _check_number(value, axes, at(place))
            return
        size = 1 + place[-1] if axes.symmetric and depth else shape[depth]
        if len(of_kind(list, value, at(place))) != size:
            fail(at(place), f"{len(value)} entries, not {size}")
        for i, entry in enumerate(value):
            check(entry, depth + 1, (*place, i))

    for n, value in enumerate(raw):
        check(value, 0, (n,))
    raise AssertionError("an array is refused, and nothing is wrong in it")


def _check_number(raw: Any, axes: Axes, at: str) -> None:
    if raw is None and axes.null is not None:
        return
    if type(raw) not in (int, float):
        fail(at, "must be a number")
    try:
        value = float(raw)
    except OverflowError:
        value = float("inf")
    if not np.isfinite(value):
        fail(at, "must be finite")
    if axes.holds == "positive" and not value > 0:
        fail(at, "must be positive")
    if axes.holds in ("not negative", "count") and value < 0:
        fail(at, "must not be negative")
