"""spark: scalers of Spark ML, from the directory that a model was saved in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
from msgspec.structs import replace

from normcli.blocks.record import Array
from normcli.errors import BadDataError, UsageError, printable, short
from normcli.imports import Model, Origin, Part, affine
from normcli.imports._spark_files import Stage, stage, stage_paths
from normcli.methods.maxabs import MaxAbs
from normcli.methods.minmax import MinMax
from normcli.methods.robust import Robust
from normcli.methods.unit import Unit
from normcli.methods.zscore import ZScore
from normcli.transforms.affine import Affine
from normcli.transforms.rows import Rows

PACKAGE = "org.apache.spark.ml."
MOST_STAGES = 100
FLAT = 2.0**1000  # a scale beside which ordinary numbers are nothing: that of constants, which Spark makes all the same


class Spark(Origin, frozen=True, kw_only=True):
    """StandardScalerModel, MinMaxScalerModel, MaxAbsScalerModel, RobustScalerModel or Normalizer, in a directory with
    metadata/ and data/, or a PipelineModel of them, where a VectorAssembler before them has the names. What Spark makes
    of constant columns is the same here."""

    def read(self, path: str) -> Model:
        saved = stage(path)
        names: tuple[str, ...] = ()
        if saved.name == f"{PACKAGE}PipelineModel":
            stages = _stages(saved)
            if stages[0].name == ASSEMBLER:
                names, stages = stages[0].texts("inputCols"), stages[1:]
        else:
            stages = [saved]
        parts = tuple(map(_part, stages))
        counts = {len(part.transform.scale[0]) for part in parts if isinstance(part.transform, Affine)}
        if len(counts) > 1:
            raise BadDataError("its stages have different numbers of columns")
        features = next(iter(counts), None)
        if features not in (None, len(names)):
            names = ()  # of vectors, whose elements have none
        what = " → ".join(one.kind for one in stages)
        return Model(f"{what} of Spark {saved.version}".rstrip(), parts, features, names)


def _stages(pipeline: Stage) -> list[Stage]:
    """The stages of a pipeline, each of which takes what the one before gives. Raises BadDataError."""
    uids = pipeline.texts("stageUids")
    if not 1 <= len(uids) <= MOST_STAGES:
        raise BadDataError(f"it has {len(uids):,} stages, and 1 to {MOST_STAGES} are read")
    stages = [stage(path) for path in stage_paths(pipeline.path, uids)]
    if len(stages) == 1 and stages[0].name == ASSEMBLER:
        raise BadDataError("its only stage is a VectorAssembler, which scales nothing", KNOWN)
    for i, one in enumerate(stages):
        if one.name not in READERS and (i or one.name != ASSEMBLER):
            others = [other.path for other in stages if other.name in READERS]
            alone = f"; {printable(others[0])} can be imported alone" if others else ""
            raise BadDataError(f"stage {i}, {_unread(one).message}", KNOWN + alone)
    for i, (before, after) in enumerate(pairwise(stages), 1):
        given, taken = before.params.get("outputCol"), after.params.get("inputCol")
        if not isinstance(given, str) or given != taken:
            what = f"stage {i}, {after.kind}, takes column '{short(str(taken))}', and not what the stage before gives"
            raise BadDataError(what, f"{printable(after.path)} can be imported alone")
    return stages


def _part(saved: Stage) -> Part:
    """Of one stage. Raises NoInputError, BadDataError."""
    read = READERS.get(saved.name)
    if read is None:
        raise _unread(saved)
    try:
        return read(saved)
    except UsageError as e:
        raise BadDataError(f"{saved.kind}: {e.message}") from None


def _unread(saved: Stage) -> BadDataError:
    if f"{saved.name}Model" in READERS or saved.name == f"{PACKAGE}Pipeline":
        return BadDataError(f"{saved.kind} is not fitted", "save the model that its fit returns")
    return BadDataError(f"{short(saved.name.removeprefix(PACKAGE))} is not read", KNOWN)


def _standard(saved: Stage) -> Part:
    center, scale = saved.flag("withMean"), saved.flag("withStd")
    mean, std = saved.vectors("mean", "std")
    method = ZScore(ddof=1 if scale else 0, center=center, scale=scale)
    return _scaled(method, mean, std if scale else np.ones_like(mean), center=center)


def _max_abs(saved: Stage) -> Part:
    (largest,) = saved.vectors("maxAbs")
    return Part(MaxAbs(), affine(np.zeros_like(largest), np.where(largest == 0.0, 1.0, largest)))


def _robust(saved: Stage) -> Part:
    method = Robust(quantiles=(saved.number("lower"), saved.number("upper")))
    method.check_options()
    median, width = saved.vectors("median", "range")
    scale = width if saved.flag("withScaling") else np.ones_like(width)
    return _scaled(method, median, scale, center=saved.flag("withCentering"))


def _scaled(method: ZScore | Robust, middle: Array, scale: Array, *, center: bool) -> Part:
    """What divides by a scale; where that is 0, Spark multiplies by 0."""
    constant = scale == 0.0
    centers = np.where(constant | center, middle, 0.0)  # a constant itself becomes 0 exactly
    return Part(method, affine(centers, np.where(constant, FLAT, scale)), flat=_flat(constant, 0.0))


def _min_max(saved: Stage) -> Part:
    method = MinMax(range=(saved.number("min"), saved.number("max")))
    method.check_options()
    low, high = method.range
    least, greatest = saved.vectors("originalMin", "originalMax")
    with np.errstate(over="ignore"):
        width = greatest - least
    constant = width == 0.0
    learned = affine(least, np.where(constant, FLAT, width), ends=(low + 0.0, high + 0.0))
    learned = replace(learned, center_low=np.where(constant, -0.5 * FLAT, 0.0)[None])  # whose share is one half
    return Part(method, learned, flat=_flat(constant, low + 0.5 * (high - low)))


def _normalizer(saved: Stage) -> Part:
    p = np.inf if saved.params.get("p") == "Inf" else saved.number("p")
    if not p >= 1.0:
        raise BadDataError("Normalizer: p is less than 1")
    named = {1.0: "l1", 2.0: "l2", np.inf: "max"}
    method = Unit(norm=named.get(p, p))  # type: ignore[arg-type]
    return Part(method, Rows(norm=method.norm))


def _flat(constant: Array, value: float) -> dict[int, float]:
    return dict.fromkeys(np.flatnonzero(constant).tolist(), value)


ASSEMBLER = f"{PACKAGE}feature.VectorAssembler"
READERS: Mapping[str, Callable[[Stage], Part]] = {
    f"{PACKAGE}feature.{name}": read
    for name, read in {
        "StandardScalerModel": _standard,
        "MinMaxScalerModel": _min_max,
        "MaxAbsScalerModel": _max_abs,
        "RobustScalerModel": _robust,
        "Normalizer": _normalizer,
    }.items()
}
KNOWN = f"known are {', '.join(name.rpartition('.')[2] for name in READERS)}, and a PipelineModel of them"
