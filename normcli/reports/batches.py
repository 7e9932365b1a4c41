"""What methods of batches learned: running means and deviations."""

from collections.abc import Iterator

import numpy as np

from normcli.parameters import Parameters, Step
from normcli.reports.dot_rows import Dot, dot_rows
from normcli.reports.markup import figure, name_cell, table, wide
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
        "from batch to batch is not kept in a parameter file: this is where they ended, within the range of the "
        "fit.</p>"
    )
    extrema = next((s for s in step.states if isinstance(s, Extrema)), None)
    summary = step.summary()
    mean, std = summary["mean"][:MOST], summary["std"][:MOST]
    if extrema is not None:
        yield _picture(step, mean, std, extrema)
    rows = [
        [name_cell(name), number(float(m)), number(float(s)), count(float(u))]
        for name, m, s, u in zip(step.features, mean, std, running.updates[0], strict=False)
    ]
    yield wide(table(["column", "running mean", "running deviation", "batches"], rows))


def _picture(step: Step, mean: np.ndarray, std: np.ndarray, extrema: Extrema) -> str:
    """Each column's range from −1 to 1, and in it the running mean with a deviation to each side."""
    low, high = extrema.least[0][: len(mean)], extrema.greatest[0][: len(mean)]
    with np.errstate(all="ignore"):
        half = high / 2 - low / 2
        at = np.where(half > 0, (mean - low / 2 - high / 2) / half, np.nan)
        spread = np.where(half > 0, std / half, np.nan)
    dots = [Dot(a, a - s, a + s) for a, s in zip(at.tolist(), spread.tolist(), strict=True)]
    words = f"Running mean ± deviation of {len(dots)} columns, each within its fitted range, the band"
    names = step.features[: len(dots)]
    caption = f"running mean ± deviation; the band is the range of each column, {_farthest(names, dots)}"
    return figure(dot_rows(words, dots, 1.2), caption, kind="plot")


def _farthest(names: tuple[str, ...], dots: list[Dot]) -> str:
    known = [(abs(d.at), n) for n, d in zip(names, dots, strict=True) if np.isfinite(d.at)]
    return f"farthest from the middle: {name_cell(max(known)[1])}" if known else "no column has a range"
