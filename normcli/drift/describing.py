"""Figures of columns: those that the states of a step are compared by."""

import numpy as np
from msgspec.structs import asdict

from normcli.blocks.record import Array
from normcli.parameters import StepStates
from normcli.stats.running import Running

FIGURES = ("count", "missing", "mean", "std", "min", "max")  # `missing` is a share
LARGEST, SMALLEST = 1e150, 1e-150  # deviations whose squares stay well inside a float's range

Figures = dict[str, Array]  # (groups, features) each, or (features,)


def described(states: StepStates, features: int, weighted: Array | None) -> Figures:
    """(groups, features) each: statistics of all rows, `mean_low`, the low part of the mean, and `rows`, the number of
    independent rows with a value. NaN where unknown: without values, with squares beyond the range of a float, or
    with batches that had fewer than two values. `weighted` (groups, 1) is the number of rows that have weights."""
    groups = max((state.groups for state in states), default=0)
    nothing, summary = np.full((groups, features), np.nan), dict[str, Array]()
    for state in states:
        summary |= state.summary()
    figures = {name: np.array(summary.get(name, nothing), np.float64) for name in (*FIGURES, "outside")}
    lost = np.where(np.isnan(figures["missing"]), 0.0, figures["missing"])
    figures["missing"] = figures["missing"] / (figures["count"] + figures["missing"])
    unknown, low = figures["count"] == 0, np.zeros_like(nothing)
    figures["rows"] = figures["count"]
    if weighted is not None:
        figures["rows"] = weighted * figures["count"] / (figures["count"] + lost)
    for state in states:
        if "mean_low" in state.axes():
            values = asdict(state)
            low = (values["mean"] - figures["mean"]) + values["mean_low"]
        if isinstance(state, Running):
            figures["std"] = np.where(state.updates == 0, np.nan, figures["std"])
            figures["mean"] = np.where(state.updates == 0, np.nan, figures["mean"])
            figures["rows"] = np.minimum(figures["rows"], _averaged(state))
    for name in ("mean", "std", "min", "max", "outside"):
        figures[name] = np.where(unknown | ~np.isfinite(figures[name]), np.nan, figures[name])
    largest = np.maximum(figures["max"] - figures["mean"], figures["mean"] - figures["min"])
    beyond = (largest > LARGEST) | (largest < SMALLEST) | (figures["std"] == 0.0)
    constant = figures["min"] == figures["max"]
    figures["std"] = np.where(constant, 0.0, np.where(beyond, np.nan, figures["std"]))
    figures["mean"] = np.where(constant, figures["min"], figures["mean"])
    figures["mean_low"] = np.where(constant, 0.0, low)
    return figures


def _averaged(state: Running) -> float:
    """The number of rows whose plain mean varies as much as an average of batches with falling weights does."""
    return np.inf if state.momentum is None else state.size * (2.0 - state.momentum) / state.momentum
