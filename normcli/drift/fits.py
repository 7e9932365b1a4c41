"""Two fits compared without data, by what both parameter files hold."""

from collections.abc import Iterator, Sequence

import numpy as np

from normcli.drift.comparison import Change, Comparison, comparison
from normcli.drift.describing import Figures, described
from normcli.drift.pairing import ALL, Sample
from normcli.drift.raw_columns import Distributions, columns_of, ways
from normcli.drift.shapes import Counted
from normcli.limits import Limits
from normcli.parameters import Parameters, Step, StepStates
from normcli.parameters.keys import Keyed


def compared_fits(
    parameters: Parameters, other: Parameters, limits: Limits, *, extra: bool = True, by_key: bool = False
) -> Comparison:
    """The comparison of the data of another fit with those of this one; `extra` columns of the other are no drift.
    Moments are compared that both have of the same numbers, and shapes where both have sketches."""
    changes = tuple(_changes(parameters, other, extra=extra))
    if not parameters.learns:
        return Comparison(limits, None, parameters.rows, changes, ())
    distributions = Distributions.of(parameters)
    lost = {change.column for change in changes if change.what != "new"}
    figures, counts = _figures(parameters, other), _counts(distributions, other)
    sample = Sample(other.rows, other.rows - other.skipped, other.skipped, figures, counts, lost, other.categories)
    known = set(parameters.keys)
    unseen = [(key, rows) for key, rows in zip(other.keys, other.key_rows, strict=True) if key not in known]
    keyed = Keyed(other.keys, np.array(other.key_rows, np.float64), _states(parameters, other)) if by_key else None
    return comparison(
        parameters, sample, limits, changes, distributions=distributions,
        unseen=(sum(rows for _, rows in unseen), tuple(key for key, _ in unseen)), keyed=keyed,
    )  # fmt: skip


def _changes(parameters: Parameters, other: Parameters, *, extra: bool) -> Iterator[Change]:
    """Columns that one of the fits does not have, or not as numbers."""
    needed = {*parameters.needs(), *parameters.texts}
    numbers = set(parameters.numbers())
    fields = {f.name: f for f in other.schema}
    for field in parameters.schema:
        now = fields.get(field.name)
        if now is None:
            yield Change(field.name, "gone", field.type, None, drift=field.name in needed)
        elif field.name in numbers and field.may_be_number and not now.may_be_number:
            yield Change(field.name, "type", field.type, now.type, drift=field.name in needed)
    known = {f.name for f in parameters.schema}
    yield from (Change(f.name, "new", None, f.type, drift=not extra) for f in other.schema if f.name not in known)


def _figures(parameters: Parameters, other: Parameters) -> dict[int, Figures]:
    """(features,) by step: what the other fit knows of the same numbers, NaN where it knows nothing."""
    tables = [_described(other, step) if step.learns else {} for step in other.steps]
    return {
        i: _of_step(_described(parameters, step), _sources(parameters, other, step), tables, other)
        for i, step in enumerate(parameters.steps)
        if step.learns
    }


def _described(parameters: Parameters, step: Step) -> Figures:
    """(features,)"""
    weighted = None if parameters.weights is None else np.full((1, 1), float(parameters.rows))
    with np.errstate(all="ignore"):
        figures = described(tuple(s.taken([0]) for s in step.states), len(step.features), weighted)
    return {name: values[0] for name, values in figures.items()}


def _sources(parameters: Parameters, other: Parameters, step: Step) -> list[tuple[int, int] | None]:
    """For each feature of a step, the step and the feature of the other fit that have learned from the same numbers,
    which came there in the same way."""
    ours, theirs = ways(parameters), ways(other)
    places = {(k, name): j for k, s in enumerate(other.steps) for j, name in enumerate(s.features)}
    sources: list[tuple[int, int] | None] = []
    for name, column in zip(step.features, columns_of(step), strict=True):
        k, before = theirs.get(column, (-1, ()))
        is_same = column in ours and before == ours[column][1] and (k, name) in places
        sources.append((k, places[k, name]) if is_same else None)
    return sources


def _of_step(
    was: Figures, sources: Sequence[tuple[int, int] | None], tables: Sequence[Figures], other: Parameters
) -> Figures:
    now = {
        name: np.array([np.nan if at is None else tables[at[0]][name][at[1]] for at in sources], np.float64)
        for name in ALL
    }
    now["outside"] = np.array([
        np.nan if at is None else _outside(other, columns_of(other.steps[at[0]])[at[1]], *ends)
        for at, *ends in zip(sources, was["min"], was["max"], now["min"], now["max"], strict=True)
    ])  # fmt: skip
    return now


def _outside(other: Parameters, column: str, least: float, greatest: float, low: float, high: float) -> float:
    """The share of values beyond a range: none if that has both ends, and else that of the items of a sketch."""
    if np.isnan(least) or (least <= low and high <= greatest):
        return 0.0
    sketches = other.sketches
    if sketches is None or column not in sketches.names or ways(other)[column][1]:
        return np.nan
    values, weights = sketches.weighted(column)
    return float(weights[(values < least) | (values > greatest)].sum() / weights.sum()) if len(values) else np.nan


def _counts(distributions: Distributions, other: Parameters) -> dict[str, Counted]:
    """The values of the other fit among the fitted ones, of columns of which both have a sketch."""
    theirs = Distributions.of(other)
    common = [name for name in distributions.cuts if name in theirs.cuts]
    return {
        name: Counted.of(distributions.cuts[name], theirs.cuts[name].at, theirs.cuts[name].weights, theirs.error[name])
        for name in common
    }


def _states(parameters: Parameters, other: Parameters) -> tuple[StepStates, ...]:
    """By step: the states by key of the other fit's step that has learned from the same columns; () without one."""
    states = list[StepStates]()
    for step in parameters.steps:
        sources = _sources(parameters, other, step) if step.learns else []
        k = next((at[0] for at in sources if at is not None), None)
        same = k is not None and sources == [(k, j) for j in range(len(other.steps[k].features))]
        states.append(tuple(s.taken(slice(1, None)) for s in other.steps[k].states) if same and k is not None else ())
    return tuple(states)
