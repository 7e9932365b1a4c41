"""The panel of each input column: its pictures, with the figures behind them."""

from normcli.reports.drift_bars import drift_bars
from normcli.reports.histogram import histogram
from normcli.reports.markup import escaped, figure, name_cell, table
from normcli.reports.quantile_plot import of_fit, of_new
from normcli.reports.summaries import ColumnSummary


def panel(column: ColumnSummary, number: int) -> str:
    """A column's pictures and tables."""
    tag = "<b>drift</b>" if column.drift else ""
    head = f'<h3 id="c{number}">{name_cell(column.name)} <small>{escaped(column.type)}</small>{tag}</h3>'
    figures = "".join(_figures(column, f"h{number}"))
    return f'<section class="card">{head}<div class="row">{figures}</div>{_tables(column)}</section>'


def _figures(column: ColumnSummary, identity: str) -> list[str]:
    if column.fit is None:
        return ["<p>No sketch of its values is in the file.</p>"]
    before = histogram("Fit", column.fit, column.new)
    if column.normalized is not None:
        second = histogram("Normalized", column.normalized, column.new_normalized)
        after = figure(second.picture(identity, before), "normalized")
    else:
        after = "<p>Normalized values are not those of one column: there is no picture of them by themselves.</p>"
    if column.new is not None:
        plot = figure(of_new(column.fit, column.new), "new against fit")
    else:
        plot = figure(of_fit(column.fit), "against normal")
    return [figure(before.picture(identity), "as it was"), after, plot]


def _tables(column: ColumnSummary) -> str:
    rows = column.rows()
    heads = ["", "fit", "normalized", "new"][: len(rows[0])]
    text = table(heads, rows)
    if column.measures:
        text += f'<div class="drift">{_drift_table(column)}</div>'
    return f'<div class="tables">{text}</div>'


def _drift_table(column: ColumnSummary) -> str:
    """The measures of drift, a row each, with their bars in one cell beside all of them."""
    rows = [measure.cells() for measure in column.measures]
    marks = [f"<b>{row[0]}</b>" if m.drift else row[0] for row, m in zip(rows, column.measures, strict=True)]
    cells = [[mark, *map(escaped, row[1:])] for mark, row in zip(marks, rows, strict=True)]
    return table(["drift", "value", "limit", "floor"], cells) + drift_bars(column.measures)
