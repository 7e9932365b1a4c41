"""The panel of each input column: its pictures, with the figures behind them."""

from normcli.reports.drift_bars import drift_bars
from normcli.reports.histogram import Histogram, histogram
from normcli.reports.markup import escaped, figure, name_cell, table
from normcli.reports.quantile_plot import of_fit, of_new
from normcli.reports.scales import number
from normcli.reports.summaries import ColumnSummary


def panel(column: ColumnSummary, place: int) -> str:
    """A column's pictures and tables."""
    words = column.verdicts or (("drift",) if column.drift else ())
    tag = "".join(f"<b>{word}</b>" if word.startswith("drift") else f"<small>{word}</small>" for word in words)
    kind = "" if column.type == "float64" else f" <small>{escaped(column.type)}</small>"
    head = f'<h3 id="c{place}">{name_cell(column.name)}{kind}{tag}</h3>'
    figures = "".join(_figures(column, f"h{place}"))
    return f'<article>{head}<div class="row">{figures}</div>{_tables(column)}</article>'


def _figures(column: ColumnSummary, identity: str) -> list[str]:
    if column.fit is None:
        return ["<p>No sketch of its values is in the file.</p>"]
    before = histogram("Fit", column.fit, column.new)
    if column.new is not None:
        plot = figure(of_new(column.fit, column.new), "new against fit")
    else:
        plot = figure(of_fit(column.fit), "against normal")
    return [figure(before.picture(identity), "as it was"), _after(column, before, identity), plot]


def _after(column: ColumnSummary, before: Histogram, identity: str) -> str:
    """The picture of normalized values: that of the values with another scale, where they lie on a line."""
    if column.normalized is None or column.fit is None:
        return "<p>Normalized values are not those of one column: there is no picture of them by themselves.</p>"
    scale = column.fit.rescaled(before.scale, column.normalized)
    if scale is None:
        return figure(histogram("Normalized", column.normalized, column.new_normalized).picture(), "normalized")
    low, high = column.normalized.values[[0, -1]].tolist()
    words = f"Normalized: {number(low)} to {number(high)}, of the same shape"
    return figure(before.shared(words, scale, identity), "normalized")


def _tables(column: ColumnSummary) -> str:
    text = table(*column.table)
    if column.measures:
        text += f'<div class="drift">{_drift_table(column)}</div>'
    return f'<div class="tables">{text}</div>'


def _drift_table(column: ColumnSummary) -> str:
    """The measures of drift, a row each, with their bars in one cell beside all of them."""
    rows = [measure.cells() for measure in column.measures]
    marks = [f"<b>{row[0]}</b>" if m.drift else row[0] for row, m in zip(rows, column.measures, strict=True)]
    cells = [[mark, *map(escaped, row[1:])] for mark, row in zip(marks, rows, strict=True)]
    return table(["drift", "value", "limit", "floor"], cells) + drift_bars(column.measures)
