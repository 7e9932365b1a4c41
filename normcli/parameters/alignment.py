"""Alignment of several fits of the same columns, whose orders may differ."""

from collections.abc import Iterator

from msgspec.structs import replace

from normcli.methods import Method
from normcli.parameters.parameters import Parameters
from normcli.parameters.steps import Step


def align(parameters: Parameters, first: Parameters) -> Parameters:
    """Parameters whose steps, the columns of each step, and columns of categories are in the order of `first`, where
    names match and the statistics do not depend on the order. Reordered steps have no transform: callers need only
    their states."""
    order = list(_pairs(parameters, first))
    order += [i for i in range(len(parameters.steps)) if i not in order]
    steps = [parameters.steps[i] for i in order]
    pairs = zip(steps, first.steps, strict=False)
    in_order = [_in_order(step, reference) for step, reference in pairs]
    names = [category.name for category in first.categories]
    categories = parameters.categories
    if {category.name for category in categories} == set(names):
        categories = tuple(sorted(categories, key=lambda category: names.index(category.name)))
    return replace(parameters, steps=(*in_order, *steps[len(in_order) :]), categories=categories)


def _pairs(parameters: Parameters, first: Parameters) -> Iterator[int]:
    """Index of the step that matches each of `first`; ends where steps that share a column would be swapped."""
    left = dict(enumerate(parameters.steps))
    for reference in first.steps:
        at = next((i for i, step in left.items() if _is_same(step, reference)), None)
        if at is None or any(i < at and _touches(step, left[at]) for i, step in left.items()):
            return
        del left[at]
        yield at


def _is_same(step: Step, reference: Step) -> bool:
    same = type(step.method) is type(reference.method) and step.length == reference.length
    return same and set(step.columns) == set(reference.columns)


def _touches(step: Step, other: Step) -> bool:
    return not {*step.columns, *step.outputs}.isdisjoint((*other.columns, *other.outputs))


def _in_order(step: Step, reference: Step) -> Step:
    if step.features == reference.features or not _is_same(step, reference):
        return step
    at = {name: j for j, name in enumerate(step.columns)}
    order = [at[name] for name in reference.columns]
    if _runs(step.method, step) != _runs(reference.method, reference):
        return step
    states = tuple(state.reorder(order) for state in step.states)
    return replace(step, method=step.method.reorder(order), columns=reference.columns, states=states, transform=None)


def _runs(method: Method, step: Step) -> set[frozenset[str]]:
    """Sets of the column names in each run of columns that a method normalizes together."""
    width = len(step.columns) // method.runs(len(step.columns))
    return {frozenset(step.columns[j : j + width]) for j in range(0, len(step.columns), width)}
