"""Arrays of the parameter file: what is written is read, and a fault is named by its place."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from normcli.blocks.record import Array, Axes, symmetric
from normcli.errors import BadParametersError
from normcli.parameters.file._arrays import Place, decode, encode

SHAPES: dict[Axes, tuple[int, ...]] = {
    Axes(()): (),
    Axes(("feature",)): (3,),
    Axes(("feature",), empty=np.nan, holds="positive"): (3,),
    Axes(("feature",), holds="count"): (3,),
    Axes(("component", "feature")): (2, 3),
    Axes(("component", "feature"), holds="not negative"): (0, 3),
    Axes(("feature", "feature"), symmetric=True): (3, 3),
    Axes(("feature", "item"), empty=np.inf, ragged=True): (3, 4),
    Axes(("feature", "level"), holds="count", ragged=True): (3, 2),
}
WRONG = [True, "1", {}, 10**400, 1e999, [[]]]


def spell(place: Place) -> str:
    return "$" + "".join(f"[{i}]" for i in place)


@st.composite
def written(draw: st.DrawFn) -> tuple[Axes, Array, Any]:
    """Axes, an array of several groups with these, and its lists as a file has them."""
    axes = draw(st.sampled_from(list(SHAPES)))
    least = {"any": -1e9, "positive": 1e-9}.get(axes.holds, 0.0)
    numbers = st.integers(0, 2**60).map(float) if axes.holds == "count" else st.floats(least, 1e9)
    values = draw(arrays(np.float64, (draw(st.integers(1, 3)), *SHAPES[axes]), elements=numbers))
    if axes.symmetric:
        values = np.array([symmetric(matrix) for matrix in values])
    if axes.ragged:
        ends = draw(arrays(np.intp, values.shape[:2], elements=st.integers(0, values.shape[2])))
        values = np.where(np.arange(values.shape[2]) < ends[..., None], values, axes.empty)
    elif np.isnan(axes.empty):
        values = np.where(draw(arrays(np.bool_, values.shape)), axes.empty, values)
    return axes, values, json.loads(json.dumps([encode(group, axes) for group in values]))


@given(written())
def test_what_is_written_is_read(case: tuple[Axes, Array, Any]) -> None:
    axes, values, raw = case
    sizes = {dim: size for dim, size in zip(axes.dims, values.shape[1:], strict=True) if size}
    np.testing.assert_array_equal(decode(raw, axes, sizes, spell), values)


@given(written(), st.data())
def test_a_number_that_is_none_is_named_by_its_place(case: tuple[Axes, Array, Any], data: st.DataObject) -> None:
    axes, values, raw = case
    sizes = dict(zip(axes.dims, values.shape[1:], strict=True))
    places = [(n, *inside) for n, group in enumerate(raw) for inside in numbers(group)]
    if not places:
        return
    place = data.draw(st.sampled_from(places))
    holder = raw
    for i in place[:-1]:
        holder = holder[i]
    negative = [] if axes.holds == "any" else [-1]
    holder[place[-1]] = data.draw(st.sampled_from([*WRONG, *negative, *([None] if np.isfinite(axes.empty) else [])]))
    with pytest.raises(BadParametersError) as caught:
        decode(raw, axes, sizes, spell)
    assert caught.value.message.startswith(f"{spell(place)}: must ")


@given(written(), st.data())
def test_a_list_of_another_length_is_named_by_its_place(case: tuple[Axes, Array, Any], data: st.DataObject) -> None:
    axes, values, raw = case
    sizes = dict(zip(axes.dims, values.shape[1:], strict=True))
    fixed = len(axes.dims) - axes.ragged
    places = [(n, *inside) for n, group in enumerate(raw) for inside in lists(group) if len(inside) < fixed]
    if not places:
        return
    place = data.draw(st.sampled_from(places))
    entries = raw
    for i in place:
        entries = entries[i]
    entries.append(entries[-1] if entries else [0.0] * 3)
    with pytest.raises(BadParametersError) as caught:
        decode(raw, axes, sizes, spell)
    assert caught.value.message == f"{spell(place)}: {len(entries)} entries, not {len(entries) - 1}"


def numbers(value: Any) -> list[Place]:
    """Places of all that is no list."""
    if not isinstance(value, list):
        return [()]
    return [(i, *inside) for i, entry in enumerate(value) for inside in numbers(entry)]


def lists(value: Any) -> list[Place]:
    """Places of all lists."""
    if not isinstance(value, list):
        return []
    return [(), *((i, *inside) for i, entry in enumerate(value) for inside in lists(entry))]
