"""What limits that were given can't be for: columns of which too little is known to compare them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from normcli.drift.comparing import SHARES, Columns
from normcli.drift.comparison import Comparison
from normcli.drift.measures import Measure, measures
from normcli.drift.raw_columns import columns_of
from normcli.limits import OFF
from normcli.parameters import Parameters


def gaps(comparison: Comparison, parameters: Parameters) -> Iterator[tuple[str, str, list[str]]]:
    """By the limits that were given, where there are any: the name of the limit and of its measure, and the columns
    that this does not compare. Those that are gone or of another type are left to what is said of that."""
    if not comparison.rows:
        return
    limits, lost = comparison.limits, {change.column for change in comparison.changes if change.what != "new"}
    columns = {name: of for step in parameters.steps for name, of in zip(step.features, columns_of(step), strict=True)}
    for name, measure in measures().items():
        compared = {c for step in comparison.steps for c in _compared(step, measure)}
        compared |= {columns[c] for c in compared if c in columns}
        general: set[str] = set()
        if measure.limit in limits.given and getattr(limits, measure.limit) < OFF:
            general = set(parameters.needs()) - compared
        if name == "missing" and comparison.incomplete is not None:  # which is compared by rows
            general -= {c for step in parameters.steps if step.method.by_row and step.learns for c in step.columns}
        ends = {c: of_one[measure.limit] for c, of_one in limits.columns.items() if measure.limit in of_one}
        general -= ends.keys()
        alone = {c for c, end in ends.items() if end < OFF} - compared
        if lacking := [c for c in dict.fromkeys((*parameters.needs(), *ends)) if c in (general | alone) - lost]:
            yield measure.limit, name, lacking
    counted = {category.column for category in comparison.categories}
    alone = {c for c, of_one in limits.columns.items() if of_one.get("max_category", OFF) < OFF} - counted - lost
    if alone:
        yield "max_category", "category", sorted(alone)


def _compared(step: Columns, measure: Measure) -> list[str]:
    """The columns that a measure is of, or that need none of it: those that have no value now or had none, and
    constants, of which rules decide, and those whose shape is known, where most values may be equal."""
    unknown = np.isnan(step.apart[measure.key])
    if measure.limit != "max_missing":
        unknown &= (step.fitted["count"] != 0) & ~(step.data["count"] <= 1)
        if measure.key not in SHARES:
            unknown &= (step.fitted["min"] != step.fitted["max"]) & np.isnan(step.apart["ks"])
    return [name for name, is_unknown in zip(step.names, unknown.tolist(), strict=True) if not is_unknown]
