"""Keys: small multiples of those with most rows, and of those that differ most from all rows."""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from normcli.blocks.record import Array
from normcli.drift import Comparison
from normcli.drift.keys import KeyComparison
from normcli.drift.words import spelled
from normcli.parameters import Parameters, Step
from normcli.parameters.keys import described
from normcli.reports.dot_rows import Dot, dot_rows, farthest
from normcli.reports.markup import behind, escaped, figure, name_cell, table, wide
from normcli.reports.scales import count, number

FEW = 10  # keys of each kind
MOST = 12  # columns
SHOWN = 50  # keys that have drifted
REACH = 3.0  # deviations


class KeyTable(Struct, frozen=True):
    """Means and deviations by group, (groups, columns) each, in units of all rows: group 0 is 0 ± 1."""

    names: tuple[str, ...]
    means: Array
    deviations: Array
    rows: Array  # (groups,)

    def differences(self) -> Array:
        """(groups,) how far the farthest mean of a key is from all rows, less what chance does to so few rows."""
        with np.errstate(all="ignore"):
            away = np.abs(self.means) - 3.0 / np.sqrt(np.maximum(self.rows, 1.0))[:, None]
        return np.asarray(np.nanmax(np.where(np.isfinite(away), away, -np.inf), axis=1, initial=-np.inf))


def key_sections(parameters: Parameters, comparison: Comparison | None) -> Iterator[str]:
    """A section for parameters by key, with those that have drifted, if keys were compared."""
    if not parameters.keys:
        return
    of = key_table(parameters)
    by = escaped(", ".join(parameters.by))
    yield f'<section class="part"><h2>Keys</h2><p>{len(parameters.keys):,} keys by {by}.'
    if of is None:
        yield " What the method learned by key has no location to draw.</p></section>"
        return
    yield (
        " A panel has a row for each column: the mean of the key with a deviation to each side, in deviations of all "
        f"rows, which are the band. From the top: {', '.join(map(name_cell, of.names))}.</p>"
    )
    largest = np.argsort(-of.rows[1:], kind="stable")[:FEW] + 1
    differences = of.differences()[1:]
    different = [g for g in (np.argsort(-differences, kind="stable") + 1).tolist() if differences[g - 1] > 0][:FEW]
    for title, groups in (("Most rows", largest.tolist()), ("Most different", different)):
        yield f"<h3>{title}</h3>"
        yield (
            f'<div class="keys">{"".join(_multiple(parameters, of, g) for g in groups)}</div>'
            if groups
            else ("<p>No key differs by more than chance may do.</p>")
        )
    yield _table(parameters, of, sorted({*largest.tolist(), *different}))
    if comparison is not None and comparison.keys is not None:
        yield _drifted(comparison.keys)
    yield "</section>"


def key_table(parameters: Parameters) -> KeyTable | None:
    """Of the columns that are known by key, the first dozen; None where no mean, median or end of them is."""
    parts = [p for step in parameters.steps if step.learns and (p := _located(step)) is not None]
    if not parts:
        return None
    names = tuple(name for part in parts for name in part[0])
    center, spread = (np.concatenate([part[i] for part in parts], axis=1)[:, :MOST] for i in (1, 2))
    with np.errstate(all="ignore"):
        unit = np.where(spread[0] > 0, spread[0], np.nan)
        means, deviations = (center - center[0]) / unit, spread / unit
    rows = np.array([parameters.rows, *parameters.key_rows], np.float64)
    return KeyTable(names[:MOST], means, deviations, rows)


def _located(step: Step) -> tuple[tuple[str, ...], Array, Array] | None:
    """Names of a step's columns, and their locations and spreads by group, (groups, columns) each."""
    known = {name: a for state in step.states for name, a in state.summary().items()}
    if "mean" in known and "std" in known:
        return step.features, known["mean"], known["std"]
    if "min" in known and "max" in known:
        with np.errstate(all="ignore"):
            half = known["max"] / 2 - known["min"] / 2
            return step.features, known["min"] + half, half
    return None


def _drifted(keys: KeyComparison) -> str:
    """The keys that have drifted, each with its columns, and how."""
    title = f"<h3>Drifted: {len(keys.drifted):,} of {keys.compared:,} keys</h3>"
    rows = (
        [name_cell(described(keys.by, of_key.key)), count(float(of_key.rows)), name_cell(columns.names[j]),
         escaped(", ".join(spelled(columns, j)))]
        for of_key in keys.drifted[:SHOWN]
        for columns in of_key.columns
        for j in range(len(columns.names))
    )  # fmt: skip
    more = len(keys.drifted) - SHOWN
    rest = f"<p>{more:,} more keys have drifted.</p>" if more > 0 else ""
    return title + (wide(table(["key", "new rows", "column", "drift"], rows)) + rest if keys.drifted else "")


def _multiple(parameters: Parameters, of: KeyTable, g: int) -> str:
    name, rows = described(parameters.by, parameters.keys[g - 1]), count(float(of.rows[g]))
    means, spread = of.means[g].tolist(), of.deviations[g].tolist()
    dots = [Dot(at, at - s, at + s) for at, s in zip(means, spread, strict=True)]
    image = dot_rows(f"{rows} rows; {farthest(of.names, dots)}", dots, REACH)
    return figure(f"<h4>{name_cell(name)}</h4>{image}", f"{rows} rows")


def _table(parameters: Parameters, of: KeyTable, groups: list[int]) -> str:
    """The means of these keys, in deviations of all rows."""
    rows = (
        [name_cell(described(parameters.by, parameters.keys[g - 1])), count(float(of.rows[g])),
         *(number(x, 3) for x in of.means[g].tolist())]
        for g in groups
    )  # fmt: skip
    return behind(table(["key", "rows", *map(name_cell, of.names)], rows))
