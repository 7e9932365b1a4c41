"""What matrix methods learned from: correlations before and after, and the variances of components."""

from collections.abc import Iterator

import numpy as np

from normcli.blocks.record import Array
from normcli.parameters import Parameters, Step
from normcli.reports.heat_map import MOST, heat_map
from normcli.reports.markup import behind, figure, name_cell, table
from normcli.reports.scales import number, share
from normcli.reports.scree import scree
from normcli.stats.comoments import Comoments
from normcli.transforms.linear import Linear


def matrix_sections(parameters: Parameters) -> Iterator[str]:
    """A section for each step that learned from co-moments."""
    for i, step in enumerate(parameters.steps):
        state = next((s for s in step.states if isinstance(s, Comoments)), None)
        if state is not None and state.count[0] > 0:
            yield "".join(_section(parameters, i, step, state))


def _section(parameters: Parameters, i: int, step: Step, state: Comoments) -> Iterator[str]:
    correlation, deviations = correlation_of(state, getattr(step.method, "ddof", 0))
    kinds = "of all rows together, " if parameters.keys else ""
    where = f" of step {i + 1}" if len(parameters.steps) > 1 else ""
    yield f'<section class="part"><h2>Columns together{where}</h2>'
    after = covariance_after(step, correlation, deviations)
    if len(correlation) > MOST:
        yield f"<p>Heat maps are drawn to {MOST} columns; here are {len(correlation):,}.</p>"
    else:
        yield (
            "<p>Columns are in the order of the fit, from the top left. Cells above 0 are blue, cells below 0 orange, "
            "and from −0.3 on with a bar; the stronger, the nearer to 1 or −1.</p>"
            '<div class="row">'
        )
        caption = f"correlation before ({kinds}complete rows)"
        yield _with_table(
            heat_map("Correlation before", correlation, step.features), caption, correlation, step.features
        )
        if after is not None:
            size = float(np.abs(np.diag(after)).max()) or 1.0
            what = "W Σ Wᵀ after"
            note = f", divided by {number(size, 4)}" if abs(size - 1.0) > 1e-6 else ""
            yield _with_table(heat_map(what, after / size, step.results), f"{what}{note}", after, step.results)
        yield "</div>"
    if after is not None:
        yield f"<p>{_distance(after)}</p>"
    yield from _scree(step, correlation)
    yield "</section>"


def correlation_of(state: Comoments, ddof: int) -> tuple[Array, Array]:
    """The correlation matrix of all rows (d, d), 0 beside a constant, and the standard deviations (d,)."""
    sigma = state.covariance(ddof)[0]
    deviations = np.sqrt(np.maximum(np.diag(sigma), 0.0))
    scale = np.where(deviations > 0, deviations, 1.0)
    with np.errstate(all="ignore"):
        correlation = np.nan_to_num(sigma / scale[:, None] / scale)
    return np.clip(correlation, -1.0, 1.0), deviations


def covariance_after(step: Step, correlation: Array, deviations: Array) -> Array | None:
    """W Σ Wᵀ, (outputs, outputs), from the factors of W; None where the transform is no matrix."""
    fitted = step.fitted
    if not isinstance(fitted, Linear):
        return None
    forth = (fitted.basis[0] / fitted.spread[0]) @ fitted.rotation[0]
    units = deviations / fitted.scale[0]
    return np.asarray(forth.T @ (correlation * units[:, None] * units) @ forth)


def _distance(after: Array) -> str:
    """How far a matrix is from being diagonal."""
    diagonal = np.diag(after)
    off = float(np.abs(after - np.diag(diagonal)).max(initial=0.0))
    ends = f"{number(float(diagonal.min()), 6)} to {number(float(diagonal.max()), 6)}"
    return f"W Σ Wᵀ has {ends} on its diagonal; off it, nothing is larger than {number(off, 2)}."


def _with_table(image: str, caption: str, matrix: Array, names: tuple[str, ...]) -> str:
    """A heat map, with the lower triangle of its matrix as a table behind it."""
    rows = [[name_cell(name), *(number(float(x), 2) for x in matrix[i, : i + 1])] for i, name in enumerate(names)]
    return figure(image, caption, behind(table([], rows)))


def _scree(step: Step, correlation: Array) -> Iterator[str]:
    """The variances of the components that the method gives, else of the correlation matrix."""
    components = step.terms().components
    if "explained" in components:
        variances, shares = np.asarray(components["variance"]), np.asarray(components["explained"])
        caption = "variance of each component that is kept, of all variance"
    else:
        variances = np.maximum(np.linalg.eigvalsh(correlation)[::-1], 0.0)
        shares = variances / (variances.sum() or 1.0)
        caption = "eigenvalues of the correlation matrix, of their sum"
    if not shares.sum() > 0:
        return
    rows = [
        [str(k + 1), number(float(v)), share(float(s)), share(float(c))]
        for k, (v, s, c) in enumerate(zip(variances, shares, np.cumsum(shares), strict=True))
    ]
    text = table(["component", "variance", "share", "cumulated"], rows)
    yield figure(scree(shares), f"{caption}: bars, and cumulated as a line", behind(text), kind="plot")
