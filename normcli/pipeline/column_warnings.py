"""Warnings of what was learned: of columns that have nothing to learn from, and doubts of methods."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

import numpy as np

from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.errors import BadValueError, printable
from normcli.methods import listed
from normcli.parameters import Parameters, Step


def warn_of_columns(parameters: Parameters, warn: Callable[[str], None]) -> None:
    """Columns that have nothing to learn from, each where a step first finds it so, with what comes out of all steps;
    and doubts. What a step has from others is said with its name."""
    known = set[str]()
    for i, step in enumerate(parameters.steps):
        summary, fresh = step.summary(), [n not in known for n in step.features]
        at = parameters.at(i) if parameters.passes.of_steps[i] else ""
        columns = zip(step.features, fresh, summary.get("count", ()), strict=False)
        empty = [n for n, is_fresh, count in columns if is_fresh and count == 0]
        ends = zip(step.features, fresh, summary.get("min", ()), summary.get("max", ()), strict=False)
        same = [n for n, is_fresh, least, greatest in ends if is_fresh and least == greatest]
        if empty:
            out = _out(parameters, i, empty, np.full(len(step.features), np.nan))
            what = "all comes out missing" if out == "missing" else f"{_come(empty)} out as {out}" if out else ""
            text = "nothing is learned" + (f", and {what}" if what else "")
            warn(f"{at}no value in {listed(empty)}: {text}{_without(step, empty)}")
        if same:
            warn(f"{at}constant: {listed(same)}{_of_constants(parameters, i, same)}{_without(step, same)}")
        for doubt in step.doubts():
            warn(at + doubt)
        known.update(empty, same)


def _of_constants(parameters: Parameters, i: int, names: Sequence[str]) -> str:
    """What becomes of constant columns of a step; empty where that depends on others."""
    step = parameters.steps[i]
    if not step.fitted.is_apart():
        return f"; {'they correlate' if len(names) > 1 else 'it correlates'} with no other column"
    summary, are_named = step.summary(), np.isin(step.features, names)
    out = _out(parameters, i, names, np.where(are_named, summary["min"], np.nan))
    missing = summary.get("missing", np.zeros(len(are_named)))  # none of methods that need whole rows
    if (missing[are_named] > 0).any():
        filled = _out(parameters, i, names, np.full(len(are_named), np.nan))
        if filled not in ("missing", out):  # a step after it gives missing values another one
            return ""
    return f"; {_come(names)} out as {out}" if out else ""


def _out(parameters: Parameters, i: int, names: Sequence[str], values: Array) -> str:
    """What comes out of a step and all after it for `values` (features,) of it, of the columns `names`, in words; empty
    where a later step mixes them with others, or refuses them."""
    step = parameters.steps[i]
    if not step.fitted.is_apart():
        return "missing" if np.isnan(values).all() else ""
    row = dict(zip(step.features, values.tolist(), strict=True))
    for current in parameters.steps[i:]:
        if row.keys().isdisjoint(current.features):
            continue
        if current is not step and current.mixes:
            return ""
        try:
            results = _normalized(current, np.array([row.get(name, np.nan) for name in current.features]))
        except BadValueError:
            return ""
        row |= {n: y for n, y in zip(current.features, results.tolist(), strict=True) if n in row}
    if all(np.isnan(row[name]) for name in names):
        return "missing"
    distinct = {row[name] + 0.0 for name in names}
    return f"{distinct.pop():.6g}" if len(distinct) == 1 else "one value each"


def _normalized(step: Step, values: Array) -> Array:
    """(features,) of one row, by what was learned of all rows."""
    with np.errstate(all="ignore"):
        row: Array = step.fitted(Block.of(values[None, :]))[0]
    return row


def _come(names: Sequence[str]) -> str:
    return "they come" if len(names) > 1 else "it comes"


def _without(step: Step, names: Sequence[str]) -> str:
    """How columns are left out, in parentheses; empty for values within lists, and where no column would be left."""
    if step.length is not None or len(names) == len(step.features):
        return ""
    which = shlex.quote(",".join(map(printable, names)))
    return (
        f" (-x {which} leaves {'them' if len(names) > 1 else 'it'} out)"
        if len(names) <= 3 and not any("," in name for name in names)
        else " (-x leaves columns out)"
    )
