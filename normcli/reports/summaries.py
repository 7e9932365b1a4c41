"""What is known of each input column: counts, moments, ends and quartiles, of the fit, normalized, and of new data."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.caching import cached_property
from normcli.drift import Columns, Comparison
from normcli.errors import BadRowError, BadValueError, NormcliError
from normcli.parameters import Parameters, Step
from normcli.parameters.sketches import ColumnSketches
from normcli.reports.distribution import Distribution
from normcli.reports.measures import MeasuredDrift, measures, verdicts
from normcli.reports.scales import count, digits_of, number, share
from normcli.stats.moments import Moments
from normcli.transforms.affine import Affine

ABOUT = "≈ "
SHARES = {"5 %": 0.05, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "95 %": 0.95}


class ColumnSummary(Struct, frozen=True, dict=True):
    """An input column. Distributions are None where there is no sketch, and figures are empty where nothing is known;
    `normalized` is None, too, where no column of its own comes from it."""

    name: str
    type: str
    fit: Distribution | None
    new: Distribution | None
    normalized: Distribution | None
    new_normalized: Distribution | None
    fit_figures: Mapping[str, float]  # count, missing (a share), mean, std, min, max
    new_figures: Mapping[str, float]
    normalized_figures: Mapping[str, float]  # min, max, mean and std, which a sketch of many values does not know
    measures: tuple[MeasuredDrift, ...] = ()
    verdicts: tuple[str, ...] = ()  # in words, of what no measure says

    @cached_property
    def severity(self) -> float:
        """How far it has drifted: at least 1 if it has, and -1 where nothing is known."""
        known = [m.severity for m in self.measures if m.severity is not None]
        return max([*known, *([1.0] if self.drift else [])], default=-1.0)

    @property
    def drift(self) -> bool:
        return any(m.drift for m in self.measures) or any(text.startswith("drift") for text in self.verdicts)

    @property
    def is_rough(self) -> bool:
        """Whether quantiles of the fit or of new data are those of a sketch, marked so."""
        return any(of is not None and not of.is_exact for of in (self.fit, self.new))

    @cached_property
    def table(self) -> tuple[list[str], list[list[str]]]:
        """A table: its heads, and a row for each figure, of the fit, normalized, and of new data if there are any."""
        sides = {"fit": _cells(self.fit_figures, self.fit)}
        if self.normalized is not None:
            sides["normalized"] = _cells(self.normalized_figures, self.normalized)
        if self.new_figures or self.new is not None:
            sides["new"] = _cells(self.new_figures, self.new)
        names = (name for name in sides["fit"] if name != "outside" or "new" in sides)
        return ["", *sides], [[name, *(side[name] for side in sides.values())] for name in names]


def summaries(
    parameters: Parameters, sketches: ColumnSketches | None, new: ColumnSketches | None, comparison: Comparison | None
) -> list[ColumnSummary]:
    """All input columns, in order; `new` are the sketches of new data."""
    places = _places([step.features for step in parameters.steps if step.learns])
    steps = [step for step in parameters.steps if step.learns]
    tables = [_figures(step) for step in steps]
    compared = comparison.steps if comparison is not None else ()
    new_places = _places([columns.names for columns in compared])
    results = list[ColumnSummary]()
    for name in parameters.needs():
        figures, pair = dict[str, float](), None
        if name in places:
            i, j = places[name]
            figures = {n: float(a[j]) for n, a in tables[i].items()}
        if name in new_places:
            i, j = new_places[name]
            pair = compared[i], j
        results.append(_summary(parameters, name, sketches, new, figures, pair, comparison))
    return results


def _summary(
    parameters: Parameters, name: str, sketches: ColumnSketches | None, new: ColumnSketches | None,
    figures: Mapping[str, float], compared: tuple[Columns, int] | None, comparison: Comparison | None,
) -> ColumnSummary:  # fmt: skip
    fit, other = (Distribution.in_sketches(s, name) for s in (sketches, new))
    new_figures: dict[str, float] = {}
    of_drift: tuple[MeasuredDrift, ...] = ()
    words: tuple[str, ...] = ()
    if compared is not None and comparison is not None:
        columns, j = compared
        figures = {n: float(a[j]) for n, a in columns.fitted.items()}
        new_figures = {n: float(a[j]) for n, a in columns.data.items()}
        of_drift = tuple(measures(columns, j))
        words = tuple(verdicts(columns, j))
        new_figures["outside"] = float(columns.apart["outside"][j])
    normalized, new_normalized = (
        None if of is None else _normalized(parameters, name, of, side.get("missing", 0.0))
        for of, side in ((fit, figures), (other, new_figures))
    )
    return ColumnSummary(
        name, parameters.types.get(name, ""), fit, other, normalized, new_normalized, figures, new_figures,
        {**_normalized_ends(parameters, name, figures), **_normalized_moments(parameters, name)}, of_drift, words,
    )  # fmt: skip


def _places(names: list[tuple[str, ...]]) -> dict[str, tuple[int, int]]:
    """The first step that has a column, and the place of the column in it."""
    return {name: (i, j) for i, of in reversed([*enumerate(names)]) for j, name in reversed([*enumerate(of)])}


def _figures(step: Step) -> dict[str, Array]:
    """(features,) each: what a step knows of its columns."""
    of = dict(step.summary())
    if "missing" in of:
        with np.errstate(all="ignore"):
            of["missing"] = of["missing"] / (of["count"] + of["missing"])
    return of


def _normalized(parameters: Parameters, name: str, of: Distribution, missing: float) -> Distribution | None:
    """The distribution after all steps, which may fill a share `missing` of all rows; None where that is not known."""
    values, weights = np.append(of.values, np.nan), np.append(of.weights, 0.0)
    if missing < 1.0:
        weights[-1] = np.rint(of.total * missing / (1.0 - missing))
    results = _after_steps(parameters, name, values if weights[-1] else values[:-1])
    after = None if results is None else Distribution.of(results, weights[: len(results)])
    return after if after is not None and len(after.values) else None


def _normalized_ends(parameters: Parameters, name: str, figures: Mapping[str, float]) -> dict[str, float]:
    """Where the least and the greatest value come to lie, and how many are missing where a step fills them; empty where
    one of them is not known."""
    ends = np.array([figures.get(end, np.nan) for end in ("min", "max")])
    if not np.isfinite(ends).all():
        return {}
    after = _after_steps(parameters, name, np.append(ends, [np.nan] if figures.get("missing") else []))
    if after is None:
        return {}
    filled = {"missing": 0.0} if len(after) > 2 and np.isfinite(after[2]) else {}
    return {"min": float(np.nanmin(after)), "max": float(np.nanmax(after)), **filled}


def _normalized_moments(parameters: Parameters, name: str) -> dict[str, float]:
    """The mean and the standard deviation after all steps; empty where these are not known of the values that come to
    the first step, or where a step is not affine."""
    steps = [step for step in parameters.steps if name in step.columns]
    known = steps[0].summary() if steps and steps[0].unfitted_multiple == 1 else {}
    if not {"mean", "std"} <= known.keys():
        return {}
    j = steps[0].columns.index(name)
    low = next((s.mean_low[0] for s in steps[0].states if isinstance(s, Moments)), np.zeros_like(known["mean"]))
    mean, std = np.array([known["mean"][j] - low[j]]), np.array([known["std"][j]])
    low = np.array([low[j]])
    for step in steps:
        one = step.of([step.columns.index(name)])
        if not isinstance(one.fitted, Affine) or not is_column_wise(step):
            return {}
        with np.errstate(all="ignore"):
            mean, std = one.fitted.moments(mean, low, std)
        low = np.zeros_like(mean)
    return {"mean": float(mean[0]), "std": float(std[0])}


def _after_steps(parameters: Parameters, name: str, values: Array) -> Array | None:
    """Values of a column after all steps, by the parameters of all rows; None where a step is not column by column, or
    not defined for them."""
    for step in parameters.steps:
        if name not in step.columns:
            continue
        if not is_column_wise(step):
            return None
        one = step.of([step.columns.index(name)])
        try:
            with np.errstate(all="ignore"):
                values = one.normalized(Block((np.ascontiguousarray(values, np.float64),)))[:, 0]
        except (NormcliError, BadRowError, BadValueError):  # new data may hold what the method is not defined for
            return None
    return values


def is_column_wise(step: Step) -> bool:
    """Whether each output column depends on the input column of the same name alone."""
    if step.length is not None or step.results != step.features:
        return False
    fitted = step.fitted
    return step.method.element_wise or isinstance(fitted, Affine) or (not step.method.by_row and fitted.is_apart())


def _cells(figures: Mapping[str, float], of: Distribution | None) -> dict[str, str]:
    """The figures of one side as text; what a sketch says about is marked so."""
    about: dict[str, float] = {}
    if of is not None:
        quantiles = of.quantiles(np.array([*SHARES.values()])).tolist()
        about = {"count": of.total, "mean": of.mean(), "std": of.deviation(), "min": float(of.values[0])}
        about |= {**dict(zip(SHARES, quantiles, strict=True)), "max": float(of.values[-1])}
    cells = {"count": count(figures.get("count", about.get("count", 0.0)))}
    cells |= {name: share(figures.get(name)) for name in ("missing", "outside")}
    low, high = (figures.get(name, about.get(name, 0.0)) for name in ("min", "max"))
    digits = digits_of(low, high)
    rough = 5 if np.isfinite(figures.get("std", np.nan)) else 3
    for name in ("mean", "std", "min", *SHARES, "max"):
        known = figures.get(name, np.nan)
        is_rough = not np.isfinite(known) and of is not None and not of.is_exact
        value = known if np.isfinite(known) else about.get(name)
        places = rough if name == "std" or (is_rough and name == "mean") else digits
        cells[name] = (ABOUT if is_rough else "") + number(value, places)
    return cells
