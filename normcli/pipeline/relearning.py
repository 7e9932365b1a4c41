"""What another method learns from the states that a fit has kept, without data."""

from __future__ import annotations

from collections import Counter

from msgspec.structs import replace

from normcli import registry
from normcli.errors import UsageError
from normcli.methods import Method, listed
from normcli.parameters import Parameters, Rules, Step
from normcli.parameters.keys import StepStates
from normcli.pipeline.learning import learn


def relearn(parameters: Parameters, method: Method) -> Parameters:
    """What another method, or the same with other options, learns from the states of parameters, without data. Raises
    UsageError where they do not suffice, BadDataError where the data were unfit for it."""
    often = Counter(n for step in parameters.steps for n in step.columns)
    twice = [n for n, count in often.items() if count > 1 or n not in parameters.types]
    if twice:
        one = len(twice) == 1
        what = f"{listed(twice)}: {'goes' if one else 'go'} through several steps, and so can't be learned again by one"
        raise UsageError(what, "fit it from the data")
    for step in parameters.steps:
        method.check_features(len(step.features))
    states = tuple(_needed(step, method) for step in parameters.steps)
    if not method.statistics:
        parameters = replace(
            parameters, rows=0, skipped=0, inputs=(), by=(), keys=(), key_rows=(), weights=None, rules=Rules(),
            sketches=None, categories=(),
        )  # fmt: skip
    steps = tuple(replace(step, method=method, transform=None) for step in parameters.steps)
    fitted = learn(replace(parameters, steps=steps), states)
    fitted.check_rules()
    return fitted


def _needed(step: Step, method: Method) -> StepStates:
    known = tuple(state for state in step.states if not state.is_unknown)
    states = {type(state): state for state in known}
    same_rows = step.method.by_row == method.by_row
    for blank in method.statistics:
        state = states.get(type(blank))
        if not same_rows or state is None or state.settings() != blank.settings():
            needed, have = _described(method, method.statistics), _described(step.method, known)
            what = f"{registry.name_of(method)} learns from {needed}, and the file has kept {have}"
            raise UsageError(what, "fit it from the data")
    return tuple(states[type(blank)] for blank in method.statistics)


def _described(method: Method, statistics: StepStates) -> str:
    descriptions = []
    for one in statistics:
        settings = one.described_settings()
        descriptions.append(registry.name_of(one) + (f" ({settings})" if settings else ""))
    return (", ".join(descriptions) or "nothing") + (" of complete rows" if descriptions and method.by_row else "")
