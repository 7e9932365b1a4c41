"""Pairs of what was fitted and what new data are, column by column."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from normcli.blocks.record import Array
from normcli.drift.comparing import Compared
from normcli.drift.describing import FIGURES, Figures, described
from normcli.drift.measures import Pair
from normcli.drift.raw_columns import Distributions, columns_of, lengths, raw, ways
from normcli.drift.shapes import Counted, Shapes, joined
from normcli.parameters import Parameters, Step

if TYPE_CHECKING:
    from normcli.parameters.categories import Category

ALL = (*FIGURES, "mean_low", "outside", "rows")


class Sample(Struct, frozen=True):
    """What is known of new data: figures (features,) of each step that learns, by its index, and the values of input
    columns among the fitted ones. `lost` columns are absent or not numeric: what share of them is missing is unknown
    (NaN) if they have no value. `complete` is the number of rows that methods of complete rows use."""

    rows: int
    complete: int
    incomplete: int
    figures: Mapping[int, Figures]
    counts: Mapping[str, Counted]
    lost: Collection[str] = ()
    categories: tuple[Category, ...] = ()


def paired(parameters: Parameters, sample: Sample, distributions: Distributions, min_rows: int) -> list[Compared]:
    """The input columns of each step that learns, with their shapes where these are known; and the shapes of lists,
    whose elements are compared by their moments."""
    entries, rest = list[Compared](), [name for name in distributions.cuts if name in sample.counts]
    for i, (step, mask) in enumerate(zip(parameters.steps, raw(parameters), strict=True)):
        if not step.learns or not mask.any():
            continue
        names, of = (
            tuple(n for n, is_raw in zip(all_names, mask, strict=True) if is_raw)
            for all_names in (step.features, columns_of(step))
        )
        pair = _pair(parameters, sample, i, step, mask)
        if step.length is None and set(names) <= set(rest):
            pair = _with_shapes(pair, parameters, sample, distributions, names)
            rest = [name for name in rest if name not in names]
        enough = np.full(len(names), (sample.complete if step.method.by_row else sample.rows) >= min_rows)
        entries.append(Compared.of(names, of, pair, enough, min_rows))
    if rest:
        nothing = dict.fromkeys(ALL, np.full(len(rest), np.nan))
        pair = Pair(nothing, nothing, (nothing["rows"],) * 2, _all_rows(parameters, sample, len(rest)))
        pair = _with_shapes(pair, parameters, sample, distributions, rest)
        enough = np.full(len(rest), sample.rows >= min_rows)
        entries.append(Compared.of(tuple(rest), tuple(rest), pair, enough, min_rows))
    return entries


def _pair(parameters: Parameters, sample: Sample, i: int, step: Step, mask: NDArray[np.bool_]) -> Pair:
    """The features of a step that are input columns."""
    with np.errstate(all="ignore"):
        weighted = None if parameters.weights is None else np.full((1, 1), float(parameters.rows))
        was = described(tuple(state.taken([0]) for state in step.states), len(mask), weighted)
        now = dict(sample.figures[i])
        if step.method.by_row and "missing" not in step.summary():  # statistics of complete rows know none
            now["missing"] = np.full(len(mask), np.nan)
        unknown = np.array([name in sample.lost for name in columns_of(step)]) & (now["count"] == 0)
        now["missing"] = np.where(unknown, np.nan, now["missing"])
    fitted, data = {n: a[0][mask] for n, a in was.items()}, {n: a[mask] for n, a in now.items()}
    all_rows = _all_rows(parameters, sample, int(mask.sum()))
    return Pair(fitted, data, (fitted["rows"], data["rows"]), all_rows)


def _all_rows(parameters: Parameters, sample: Sample, size: int) -> tuple[Array, Array]:
    return np.full(size, float(parameters.rows)), np.full(size, float(sample.rows))


def _with_shapes(
    pair: Pair, parameters: Parameters, sample: Sample, distributions: Distributions, names: Sequence[str]
) -> Pair:
    """With the shapes of columns, and what is missing in the data themselves, where a step before the one that learns
    may have filled it in."""
    columns = [(distributions.cuts[name], sample.counts[name]) for name in names]
    of_lists = lengths(parameters)
    sizes = np.array([of_lists.get(name, 1) for name in names], np.float64)  # values of a row
    values = np.array([c.weights.sum() for c, _ in columns]), np.array([n.total for _, n in columns])
    lost = np.array([name in sample.lost for name in names])
    fitted, data = (
        _filled(figures, present, rows * sizes, lost & (present == 0), weighted=parameters.weights is not None)
        for figures, present, rows in zip((pair.fitted, pair.data), values, pair.all_rows, strict=True)
    )
    present = tuple(n / sizes for n in values)  # the sketches are of all rows
    rows = tuple(np.where(np.isnan(n), m, n) for n, m in zip(pair.rows, present, strict=True))
    of_shapes = rows if parameters.weights is not None else present
    first = ways(parameters)
    changed = np.array([bool(first.get(name, (0, ()))[1]) for name in names])  # so that their ends are other values
    ends = tuple(np.where(changed, np.nan, data[end]) for end in ("min", "max"))
    errors = np.array([distributions.error[name] for name in names])
    shapes: Shapes = joined(columns, (of_shapes[0], of_shapes[1]), errors, (ends[0], ends[1]))
    return Pair(fitted, data, (rows[0], rows[1]), pair.all_rows, shapes)


def _filled(
    figures: Mapping[str, Array], present: Array, total: Array, unknown: NDArray[np.bool_], *, weighted: bool
) -> Figures:
    """Figures with the number and the share of values that the data themselves have."""
    more = {"count": np.where(np.isnan(figures["count"]), present, figures["count"])}
    if not weighted:
        with np.errstate(all="ignore"):
            more["missing"] = np.where(unknown, np.nan, np.maximum(total - present, 0.0) / total)
    return {**figures, **more}
