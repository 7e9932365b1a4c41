"""Imports: scalers that other programs have learned, as parameters. One file per program, found by its name; its fields
are its options. Files are read as data, within bounds: nothing in them runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from normcli.blocks.record import Array
from normcli.columns import Field
from normcli.errors import BadDataError, UsageError, printable, short
from normcli.methods import Method, listed
from normcli.parameters import Parameters, Step, StepStates
from normcli.transforms import Transform
from normcli.transforms.affine import Affine

MOST_FEATURES = 1 << 16
LONGEST_NAME = 10_000  # characters of a column's

Feature = int | str  # the index of one of the model, or the name of a component that a part before has given


class Part(Struct, frozen=True):
    """A method and what it has learned; with the states of its statistics where they are known. It is of all features
    of the model, unless it says of which. `flat` are those of its own whose values all become one number, by index."""

    method: Method
    transform: Transform
    states: StepStates = ()
    features: tuple[Feature, ...] | None = None
    flat: Mapping[int, float] = {}


class Model(Struct, frozen=True):
    """What a file holds: `parts` that follow each other, the number of its features and their names if it has them, the
    number of rows if it is known, and the `order` of its features in a table, if that is another than its own."""

    description: str
    parts: tuple[Part, ...]
    features: int | None = None
    names: tuple[str, ...] = ()
    rows: int = 0
    order: tuple[int, ...] = ()


class Origin(Struct, frozen=True, kw_only=True):
    """A program whose files are read; the fields of a subclass are its options."""

    def read(self, path: str) -> Model:
        """What is in a file or directory. Raises UsageError, NoInputError, BadDataError."""
        raise NotImplementedError


def parameters_of(model: Model, names: Sequence[str], note: str = "") -> Parameters:
    """The parameters of a model whose features have these names, by default its own. Raises UsageError where there are
    none, or not as many, BadDataError where the model's own can't be names."""
    names = tuple(names) or _names(model)
    if not names:
        count = "" if model.features is None else f"{model.features:,} "
        raise UsageError(f"the names of its {count}columns are not known", "--columns A,B,C says them")
    if model.features not in (None, len(names)):
        raise UsageError(f"--columns has {len(names):,} names, and it has {model.features:,} columns")
    if len(set(names)) < len(names):
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        raise UsageError(f"--columns: there twice: {listed(twice)}")
    steps = tuple(_step(part, names) for part in model.parts)
    components = {name for step in steps for name in step.results if name not in step.columns}
    if both := [name for name in names if name in components]:
        raise UsageError(f"column {listed(both)}: a component is called so, too", "--columns A,B,C says other names")
    table = [names[j] for j in model.order or range(len(names))]
    return Parameters(steps, tuple(Field(n, "float64") for n in table), model.rows, note=note or model.description)


def _names(model: Model) -> tuple[str, ...]:
    for name in model.names:
        if len(name) > LONGEST_NAME:
            what = f"column '{printable(short(name))}': its name has {len(name):,} characters"
            raise BadDataError(f"{what}, and {LONGEST_NAME:,} are read", "--columns A,B,C says other names")
    return model.names


def _step(part: Part, names: tuple[str, ...]) -> Step:
    external = bool(part.method.statistics) and not part.states
    columns = names if part.features is None else tuple(names[j] if isinstance(j, int) else j for j in part.features)
    return Step(part.method, columns, part.states, part.transform, external=external)


def doubts(model: Model, parameters: Parameters) -> Iterator[str]:
    """What users should know of what was imported."""
    for part, step in zip(model.parts, parameters.steps, strict=True):
        for value in dict.fromkeys(part.flat.values()):
            names = listed([step.features[j] for j, other in part.flat.items() if other == value])
            near = ", up to 1e-301 of its distance from the constant" if value == 0.0 else ""
            yield f"{names}: constant where it was fitted, so that any value becomes {value:g}, as it does there{near}"


def affine(center: Array, scale: Array, **more: Any) -> Affine:
    """Of columns (features,). Those without values have no number in both. Raises BadDataError for what is no centre
    or no scale."""
    empty = np.isnan(center) & np.isnan(scale)
    bad = ~empty & ~(np.isfinite(center) & np.isfinite(scale) & (scale > 0.0))
    if bad.any():
        j = int(np.argmax(bad))
        raise BadDataError(f"feature {j}: center {center[j]:g} and scale {scale[j]:g} are not finite and positive")
    return Affine(center[None] + 0.0, np.where(empty, np.nan, 0.0)[None], scale[None] + 0.0, **more)


def check_features(count: int) -> int:
    """The number of features. Raises BadDataError where that can't be."""
    if not 1 <= count <= MOST_FEATURES:
        raise BadDataError(f"it has {count:,} columns, and 1 to {MOST_FEATURES:,} are read")
    return count
