"""Comparison of column statistics: those of the fit, and those of new data."""

from collections.abc import Collection

import numpy as np
from msgspec import Struct
from msgspec.structs import asdict
from numpy.typing import NDArray

from normcli.blocks.record import Array
from normcli.limits import Limits
from normcli.parameters import Step
from normcli.stats.running import Running

FIGURES = ("count", "missing", "mean", "std", "min", "max")  # `missing` is a share
LARGEST, SMALLEST = 1e150, 1e-150  # deviations whose squares stay well inside a float's range


class Columns(Struct, frozen=True):
    """The input columns of a step, (features,) each: NaN where a number is unknown.

    `past` has the limits that are exceeded: `constant` where a column that had a single value has another (a deviation
    of 0 is no scale), `unlearned` where a column that had no value has some. A column that is not `judged` has too few
    values.
    """

    names: tuple[str, ...]
    fitted: dict[str, Array]
    data: dict[str, Array]
    apart: dict[str, Array]  # shift, scale_ratio, outside, missing_change; shift and ratio may be infinite
    past: dict[str, NDArray[np.bool_]]
    judged: NDArray[np.bool_]

    @property
    def drifted(self) -> NDArray[np.bool_]:
        """(features,) whether any limit is exceeded."""
        return np.asarray(np.any(list(self.past.values()), axis=0), np.bool_)

    def reasons(self, j: int) -> list[str]:
        """The limits that column j exceeds."""
        return [name for name, where in self.past.items() if where[j]]


def compared(
    fitted: Step, data: Step, limits: Limits, *, rows: int, weighted: bool, lost: Collection[str] = ()
) -> Columns:
    """The comparison of a fitted step with the same step with the states of new data of `rows` rows. `lost` columns are
    absent or not numeric: the share of missing values is unknown (NaN) if they have no value."""
    with np.errstate(all="ignore"):
        was, now = _described(fitted), _described(data)
        if (
            fitted.method.by_row and "missing" not in fitted.summary()
        ):  # statistics of complete rows know no missing values
            now["missing"] = np.full(len(fitted.features), np.nan)
        of = fitted.features if fitted.length is None else fitted.columns * len(fitted.features)
        unknown = np.array([name in lost for name in of]) & (now["count"] == 0)
        now["missing"] = np.where(unknown, np.nan, now["missing"])
        return _judged(fitted.features, was, now, limits, rows if weighted else None, rows >= limits.min_rows)


def _judged(
    names: tuple[str, ...], was: dict[str, Array], now: dict[str, Array], limits: Limits, weighted: int | None,
    enough: bool,
) -> Columns:  # fmt: skip
    gap = (now["mean"] - was["mean"]) + (now["mean_low"] - was["mean_low"])
    shift = np.where(gap == 0.0, 0.0, gap / was["std"])
    ratio = np.where((was["std"] == 0.0) & (now["std"] == 0.0), 1.0, now["std"] / was["std"])
    outside = np.where(was["count"] > 0, now["outside"], np.nan)
    more = now["missing"] - was["missing"]
    values = now["count"] if weighted is None else weighted * now["count"] / (now["count"] + now["lost"])
    judged = (values >= limits.min_rows) & enough
    constant = was["min"] == was["max"]
    changed = constant & (now["count"] > 0) & ((now["min"] != was["min"]) | (now["max"] != was["max"]))
    varied = judged & ~constant
    past = {
        "unlearned": (was["count"] == 0) & (now["count"] > 0) & enough,
        "constant": changed & judged,
        "shift": (np.abs(shift) > limits.max_shift) & varied,
        "scale": (np.maximum(ratio, 1.0 / ratio) > limits.max_scale_ratio) & varied,
        "outside": (outside > limits.max_outside) & varied,
        "missing": (more > limits.max_missing) & enough,
    }
    apart = {"shift": shift, "scale_ratio": ratio, "outside": outside, "missing_change": more}
    fitted, data = ({name: figures[name] for name in FIGURES} for figures in (was, now))
    return Columns(names, fitted, data, apart, past, judged | past["missing"] | past["unlearned"])


def _described(step: Step) -> dict[str, Array]:
    """(features,) each: statistics of all rows, with `mean_low`, the low part of the mean, and `lost`, the weight of
    missing values. NaN where unknown: without values, with squares beyond the range of a float, or with batches that
    had fewer than two values."""
    summary, nothing = step.summary(), np.full(len(step.features), np.nan)
    figures = {name: np.array(summary.get(name, nothing), np.float64) for name in (*FIGURES, "outside")}
    figures["lost"] = np.where(np.isnan(figures["missing"]), 0.0, figures["missing"])
    figures["missing"] = figures["missing"] / (figures["count"] + figures["missing"])
    unknown, low = figures["count"] == 0, np.zeros_like(nothing)
    for state in (s.taken([0]) for s in step.states):
        if "mean_low" in state.axes():
            values = asdict(state)
            low = (values["mean"][0] - figures["mean"]) + values["mean_low"][0]
        if isinstance(state, Running):
            figures["std"] = np.where(state.updates[0] == 0, np.nan, figures["std"])
            figures["mean"] = np.where(state.updates[0] == 0, np.nan, figures["mean"])
    for name in ("mean", "std", "min", "max", "outside"):
        figures[name] = np.where(unknown | ~np.isfinite(figures[name]), np.nan, figures[name])
    largest = np.maximum(figures["max"] - figures["mean"], figures["mean"] - figures["min"])
    beyond = (largest > LARGEST) | (largest < SMALLEST) | (figures["std"] == 0.0)
    constant = figures["min"] == figures["max"]
    figures["std"] = np.where(constant, 0.0, np.where(beyond, np.nan, figures["std"]))
    figures["mean"], figures["mean_low"] = (
        np.where(constant, figures["min"], figures["mean"]),
        np.where(constant, 0.0, low),
    )
    return figures
