"""The page: one document of HTML, with the style in it and nothing beside it."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from normcli import registry
from normcli.drift import Comparison
from normcli.parameters import Parameters
from normcli.parameters.sketches import ColumnSketches, K
from normcli.reports.batches import batch_sections
from normcli.reports.columns import panel
from normcli.reports.head import head
from normcli.reports.keys import key_sections
from normcli.reports.markup import escaped, name_cell, table, wide
from normcli.reports.matrices import matrix_sections
from normcli.reports.scales import NOTHING, share
from normcli.reports.style import style
from normcli.reports.summaries import ABOUT, ColumnSummary, summaries
from normcli.stats.quantiles import SURE

MOST = 200  # columns in pictures


class NewData(Struct, frozen=True):
    """What is compared with the fit: its name, the comparison, and the sketches of its columns, if there are any."""

    name: str
    comparison: Comparison
    sketches: ColumnSketches | None = None


def page(parameters: Parameters, new: NewData | None = None, warnings: Sequence[str] = ()) -> str:
    """The report on parameters, and on new data, as HTML: equal arguments give equal text."""
    return "".join(_parts(parameters, new, warnings))


def _parts(parameters: Parameters, new: NewData | None, warnings: Sequence[str]) -> Iterator[str]:
    comparison = None if new is None else new.comparison
    columns = summaries(parameters, parameters.sketches, None if new is None else new.sketches, comparison)
    order = sorted(range(len(columns)), key=lambda j: (-columns[j].severity, j))
    title = escaped(f"{', '.join(dict.fromkeys(map(registry.name_of, parameters.methods)))}: normcli report")
    yield '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f"<title>{title}</title><style>{style()}</style></head>\n<body><main>"
    yield from head(parameters, None if new is None else new.name, comparison, warnings)
    yield _overview(columns, order, drift=comparison is not None)
    yield from matrix_sections(parameters)
    yield from batch_sections(parameters)
    yield from key_sections(parameters, comparison)
    yield _panels(columns, order, new=new is not None)
    yield "</main></body></html>\n"


def _overview(columns: Sequence[ColumnSummary], order: Sequence[int], *, drift: bool) -> str:
    """All columns in a table, those that drifted most first."""
    pictured = set(order[:MOST])
    rows = ([_link(columns[j], j, j in pictured), *_figures(columns[j], drift=drift)] for j in order)
    heads = ["column", "count", "missing", "mean", "std", "min", "median", "max", *(["drift"] if drift else [])]
    note = "by drift, the farthest first" if drift else "in the order of the fit"
    text = table(heads, rows, kind="list")
    return f"<h2>Columns, {note}</h2>{wide(text)}"


def _link(column: ColumnSummary, j: int, pictured: bool) -> str:
    name = name_cell(column.name)
    return f'<a href="#c{j}">{name}</a>' if pictured else name


def _figures(column: ColumnSummary, *, drift: bool) -> Iterator[str]:
    cells = {row[0]: row[1] for row in column.table[1]}
    yield from (cells[name] for name in ("count", "missing", "mean", "std", "min", "median", "max"))
    if drift:
        worst = max(column.measures, key=lambda m: (m.drift, m.severity or 0.0), default=None)
        text = NOTHING if worst is None or worst.severity is None else f"{worst.name} {worst.cells()[1]}"
        text = "; ".join(column.verdicts) or text
        yield f"<b>{text}</b>" if column.drift else text


def _panels(columns: Sequence[ColumnSummary], order: Sequence[int], *, new: bool) -> str:
    shown = "".join(panel(columns[j], j) for j in order[:MOST])
    rest = len(columns) - MOST
    more = f"<p>{rest:,} more are in the table above: {MOST} are drawn.</p>" if rest > 0 else ""
    legend = "<i></i>fit" + ('<i class="n"></i>new data' if new else "")
    if any(column.is_rough for column in columns):
        legend += f" {ABOUT}from a sketch: ranks are off by less than {share(SURE / K, 1)}, at 99 % confidence"
    return f'<h2>Column by column</h2><p class="legend">{legend}</p><div class="grid">{shown}</div>{more}'
