"""Input columns: where steps take them as the data have them, and how they are distributed."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from normcli.drift.shapes import Cuts
from normcli.methods import Method
from normcli.parameters import Parameters, Step
from normcli.stats.quantiles import SURE


def raw(parameters: Parameters) -> tuple[NDArray[np.bool_], ...]:
    """For each step, which of its features have not gone through a step that learned: the others are what that step
    made of the data, and no news of them. None of a step that learned in a further pass: a check makes one."""
    learned, masks = set[str](), []
    for step, at in zip(parameters.steps, parameters.passes.of_steps, strict=True):
        mask = np.array([name not in learned and not at for name in columns_of(step)], np.bool_)
        masks.append(mask)
        if step.learns or not mask.all():
            learned.update(step.outputs)
    return tuple(masks)


def ways(parameters: Parameters) -> dict[str, tuple[int, tuple[Method, ...]]]:
    """For each input column that a step learns from, the first such step, and the methods by which it came there."""
    before: dict[str, tuple[Method, ...]] = {}
    first: dict[str, tuple[int, tuple[Method, ...]]] = {}
    for i, (step, mask) in enumerate(zip(parameters.steps, raw(parameters), strict=True)):
        names = [name for name, is_raw in zip(columns_of(step), mask, strict=True) if is_raw]
        if step.learns:
            first |= {name: (i, before.get(name, ())) for name in names if name not in first}
        else:
            before |= {name: (*before.get(name, ()), step.method) for name in names}
    return first


def columns_of(step: Step) -> tuple[str, ...]:
    """The column that each feature is of."""
    return step.columns if step.length is None else step.columns * step.length


def lengths(parameters: Parameters) -> dict[str, int]:
    """Of the lists in each input column of lists."""
    return {s.columns[0]: s.length for s in reversed(parameters.steps) if s.length is not None}


class Distributions(Struct, frozen=True):
    """The fitted distribution of each input column that has a sketch."""

    cuts: Mapping[str, Cuts]
    error: Mapping[str, float]  # of ranks, as a share of all values

    @classmethod
    def of(cls, parameters: Parameters) -> "Distributions":
        """Those in parameters; none without sketches."""
        sketches = parameters.sketches
        if sketches is None or sketches.statistic.is_blank:
            return cls({}, {})
        state = sketches.statistic
        exact = ~state.sizes[0, :, 1:].any(axis=-1)
        cuts = {name: Cuts.of(*sketches.weighted(name)) for name in sketches.names}
        errors = np.where(exact, 0.0, SURE / state.k).tolist()
        return cls(cuts, dict(zip(sketches.names, errors, strict=True)))
