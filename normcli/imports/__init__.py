"""Imports: scalers that other programs have learned, as parameters. One file per program, found by its name; its fields
are its options. Files are read as data, within bounds: nothing in them runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from normcli.blocks.record import Array
from normcli.columns import Field
from normcli.errors import BadDataError, UsageError
from normcli.methods import Method, listed
from normcli.parameters import Parameters, Step, StepStates
from normcli.transforms import Transform
from normcli.transforms.affine import Affine

MOST = 1 << 16  # features


class Part(Struct, frozen=True):
    """A method and what it has learned; with the states of its statistics where they are known."""

    method: Method
    transform: Transform
    states: StepStates = ()


class Model(Struct, frozen=True):
    """What a file holds: `parts` that follow each other on the same features, their names if it has them, and the
    number of rows if it is known."""

    what: str
    parts: tuple[Part, ...]
    features: int
    names: tuple[str, ...] = ()
    rows: int = 0
    doubts: tuple[str, ...] = ()  # what users should know


class Origin(Struct, frozen=True, kw_only=True):
    """A program whose files are read; the fields of a subclass are its options."""

    def read(self, path: str) -> Model:
        """What is in a file or directory. Raises UsageError, NoInputError, BadDataError."""
        raise NotImplementedError


def parameters_of(model: Model, names: Sequence[str], note: str = "") -> Parameters:
    """The parameters of a model whose features have these names, by default its own. Raises UsageError where there are
    none, or not as many."""
    names = tuple(names) or model.names
    if not names:
        raise UsageError(f"the names of its {model.features:,} columns are not known", "--columns A,B,C says them")
    if len(names) != model.features:
        raise UsageError(f"--columns has {len(names):,} names, and it has {model.features:,} columns")
    if len(set(names)) < len(names):
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        raise UsageError(f"--columns: there twice: {listed(twice)}")
    steps = tuple(_step(part, names) for part in model.parts)
    return Parameters(steps, tuple(Field(n, "float64") for n in names), model.rows, note=note or model.what)


def _step(part: Part, names: tuple[str, ...]) -> Step:
    external = bool(part.method.statistics) and not part.states
    return Step(part.method, names, part.states, part.transform, external=external)


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
    if not 1 <= count <= MOST:
        raise BadDataError(f"it has {count:,} columns, and 1 to {MOST:,} are read")
    return count
