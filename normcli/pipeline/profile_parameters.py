"""Parameters from a profile: what data are compared with that nobody normalizes."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from normcli import registry
from normcli.columns import Field
from normcli.errors import BadDataError
from normcli.parameters import Parameters, Step
from normcli.parameters.sketches import ColumnSketches, K
from normcli.pipeline import learning
from normcli.pipeline.profile import ProfileState
from normcli.stats.moments import Moments
from normcli.stats.quantiles import Quantiles

METHOD = "zscore"


def parameters_of(state: ProfileState) -> Parameters:
    """Those of a fit of zscore to the columns of numbers that have a finite one; infinite values count as missing.
    Raises BadDataError where there is no such column."""
    known = {name: state.numbers_of(name) for name, kind in state.types.items() if Field(name, kind).is_number}
    columns = {name: {type(s): s for s in states} for name, states in known.items() if states}
    columns = {name: states for name, states in columns.items() if states[Moments].summary()["count"][0, 0] > 0}
    if not columns:
        raise BadDataError("there is no column of numbers to save")
    names = tuple(columns)
    states = {kind: kind.joined([of[kind] for of in columns.values()]) for kind in next(iter(columns.values()))}
    moments, quantiles = states[Moments], states[Quantiles]
    assert isinstance(moments, Moments)
    assert isinstance(quantiles, Quantiles)
    states[Moments] = replace(moments, missing=state.rows - moments.count)  # also in inputs without the column
    method: Any = registry.only("methods", METHOD)()
    schema = tuple(Field(name, kind) for name, kind in state.types.items())
    sketches = ColumnSketches(names, quantiles.reduced(K))
    parameters = Parameters((Step(method, names),), schema, state.rows, sketches=sketches)
    return learning.learn(parameters, (tuple(states[type(blank)] for blank in method.statistics),))
