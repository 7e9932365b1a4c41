"""Targets: columns that are restored to integers or decimals."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from normcli.columns.fixed import step as step_of
from normcli.transforms import LAST

if TYPE_CHECKING:
    from normcli.parameters.frame_transform import FrameTransform
    from normcli.parameters.parameters import Parameters
    from normcli.parameters.steps import Step


class Target(Struct, frozen=True):
    """A column that is restored to integers or decimals: its type `kind`, the least tolerance `tight` (in input
    units) by which values may differ from a multiple of the type's step, and the `sources` in the data that it is
    restored from. `alone`: the only step that transforms it, if that bounds the error by itself (`Transform.lever`),
    and the index of the column there."""

    kind: str
    tight: float
    sources: tuple[str, ...]
    alone: tuple[Step, int] | None


def targets(transform: FrameTransform) -> dict[str, Target]:
    """The columns that are restored to integers or decimals, by name."""
    parameters, layout = transform.parameters, transform.column_layout
    sources: dict[str, list[str]] = {n: [] for n in parameters.needs()}
    for origins, names in parameters.lineage.bundles:
        for origin in origins:
            sources[origin] += map(layout.called, names)
    counts = Counter(n for s in parameters.steps for n in s.columns)
    alone: dict[str, tuple[Step, int]] = {}
    least: dict[str, float] = {}
    for step in parameters.steps:
        lever = None if step.length is not None else step.fitted.lever(np.zeros(len(step.columns)))
        if lever is not None:
            alone |= {n: (step, j) for j, n in enumerate(step.columns) if counts[n] == 1}
            least |= zip(step.columns, np.nan_to_num(lever[0]).tolist(), strict=True)
    result = {}
    kinds = {} if transform.form.dtype else fixed_types(parameters)
    for name, kind in kinds.items():
        tight = 4.0 * LAST * least[name] if name in alone else 0.0
        result[name] = Target(kind, tight, tuple(sources[name]), alone.get(name))
    return result


def fixed_types(parameters: Parameters) -> dict[str, str]:
    """The types of the input columns of integers or decimals, by name; not of lists."""
    types = {name: parameters.types.get(name, "") for name in parameters.needs() if name not in parameters.lists}
    return {name: kind for name, kind in types.items() if step_of(kind) is not None}
