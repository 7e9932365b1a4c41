"""What methods of batches learned: running means and deviations."""

from collections.abc import Iterator

import numpy as np

from normcli.blocks.record import Array
from normcli.parameters import Parameters, Step
from normcli.reports.dot_rows import Dot, dot_rows
from normcli.reports.markup import name_cell, table, wide
from normcli.reports.scales import count, number
from normcli.stats.extrema import Extrema
from normcli.stats.running import Running

MOST = 200  # columns


def batch_sections(parameters: Parameters) -> Iterator[str]:
    """A section for each step that learned running statistics."""
    for i, step in enumerate(parameters.steps):
        running = next((s for s in step.states if isinstance(s, Running)), None)
        if running is not None and len(running.updates):
            where = f" of step {i + 1}" if len(parameters.steps) > 1 else ""
            yield f'<section class="part"><h2>Batches{where}</h2>{"".join(_section(step, running))}</section>'


def _section(step: Step, running: Running) -> Iterator[str]:
    batches = int(running.updates.max(initial=0.0))
    weight = "all of the same weight" if running.momentum is None else f"momentum {number(running.momentum)}"
    yield (
        f"<p>Running statistics after {count(batches)} batches of {count(running.size)} rows, {weight}. How they moved "
        "from batch to batch is not kept in a parameter file: this is where they ended. The band is the "
        "range of each column in the fit.</p>"
    )
    summary = step.summary()
    mean, std = summary["mean"][:MOST], summary["std"][:MOST]
    rows = [
        [name_cell(name), number(float(m)), number(float(s)), count(float(u))]
        for name, m, s, u in zip(step.features, mean, std, running.updates[0], strict=False)
    ]
    extrema = next((s for s in step.states if isinstance(s, Extrema)), None)
    image = "" if extrema is None else _picture(mean, std, extrema)
    text = table(["column", "running mean", "running deviation", "batches"], rows)
    yield wide(f'<div class="drift">{image}{text}</div>')
    if len(step.features) > MOST:
        yield f"<p>{len(step.features) - MOST:,} more columns are not drawn.</p>"


def _picture(mean: Array, std: Array, extrema: Extrema) -> str:
    """Each column's range from −1 to 1, and in it the running mean with a deviation to each side, beside its row of the
    table."""
    low, high = extrema.least[0][: len(mean)], extrema.greatest[0][: len(mean)]
    with np.errstate(all="ignore"):
        half = high / 2 - low / 2
        at = np.where(half > 0, (mean - low / 2 - high / 2) / half, np.nan)
        spread = np.where(half > 0, std / half, np.nan)
    dots = [Dot(a, a - s, a + s) for a, s in zip(at.tolist(), spread.tolist(), strict=True)]
    words = f"Running mean with a deviation to each side, of {len(dots)} columns, within the range of each: the band"
    return dot_rows(words, dots, 1.2, row=20.0, kind="dots")
