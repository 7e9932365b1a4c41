"""The head of the page: what was fitted, how, on what; what new data are compared with; warnings."""

from collections.abc import Iterator, Sequence

from normcli import registry
from normcli.drift import Comparison, changed
from normcli.drift.words import shares
from normcli.errors import short
from normcli.parameters import Parameters, Step
from normcli.parameters import file as params
from normcli.parameters.categories import Category
from normcli.parameters.keys import described
from normcli.reports.markup import escaped
from normcli.reports.scales import share

VALUES = 5  # of a column of categories


def head(
    parameters: Parameters, new: str | None, comparison: Comparison | None, warnings: Sequence[str]
) -> Iterator[str]:
    """The title, a list of facts, the verdict, and warnings."""
    methods = ", ".join(dict.fromkeys(map(registry.name_of, parameters.methods)))
    yield f"<header><h1>{escaped(methods)} fitted on {parameters.rows:,} rows</h1>"
    if comparison is not None:
        yield f"<p>{_verdict(comparison)}</p>"
    yield "<dl>" + "".join(f"<dt>{name}<dd>{text}" for name, text in _facts(parameters, new, comparison)) + "</dl>"
    lines = [*warnings, *(_changes(comparison) if comparison is not None else ())]
    if lines:
        yield "<h2>Warnings</h2><ul>" + "".join(f"<li>{escaped(line)}" for line in lines) + "</ul>"
    yield "</header>"


def _verdict(comparison: Comparison) -> str:
    if comparison.drift is None:
        return "Too few rows of new data for a verdict."
    return "<b>The new data have drifted.</b>" if comparison.drift else "The new data have not drifted."


def _facts(parameters: Parameters, new: str | None, comparison: Comparison | None) -> Iterator[tuple[str, str]]:
    """Names and values, escaped."""
    yield (
        "note",
        escaped(parameters.note) if parameters.note else "none (a parameter file keeps no time but in its note)",
    )
    skipped = f", of which {parameters.skipped:,} miss a value and took no part" if parameters.skipped else ""
    yield "rows", f"{parameters.rows:,}{skipped}"
    yield "columns", f"{len(parameters.needs()):,}"
    for i, step in enumerate(parameters.steps):
        yield ("method" if len(parameters.steps) == 1 else f"step {i + 1}"), _method(step)
    if parameters.weights is not None:
        yield "weights", escaped(parameters.weights)
    if parameters.by:
        yield "keys", f"{len(parameters.keys):,} by {escaped(', '.join(parameters.by))}"
    if parameters.sketches is None:
        keeps = "a fit without <code>--no-sketch</code> keeps them"
        if parameters.weights is not None:
            keeps += ", where weights are whole numbers"
        yield "sketches", f"none in the file: no histograms; {keeps}"
    else:
        accuracy = parameters.sketches.statistic.accuracy()
        yield "sketches", escaped(accuracy or "all values of each column")
    if comparison is None:
        yield from (("categories", escaped(_most_common(category))) for category in parameters.categories)
    else:
        rows = "" if comparison.rows is None else f", {comparison.rows:,} rows"
        yield "new data", f"{escaped(new or '')}{rows}"
        yield from _of_rows(comparison)
    yield "digest", f"<code>{escaped(parameters.digest)}</code>"


def _most_common(category: Category) -> str:
    """The most common values of a column of categories, with their shares of all rows."""
    least = "≥ " if category.lost else ""
    values = (f"{short(value)} {least}{share(category.shares(value)[0])}" for value, _ in category.most_common[:VALUES])
    return f"{category.name}: {', '.join(values)}{' …' if len(category.counts) > VALUES else ''}"


def _of_rows(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Shares of the new rows that miss a value, have a category, or a key that was not fitted."""
    if comparison.incomplete is not None:
        rows = comparison.incomplete
        text = f"{share(rows.share)} miss a value, of the fitted {share(rows.fitted)}"
        yield "new rows", f"<b>{text}</b>" if rows.drift else text
    for category in comparison.categories:
        text = escaped(f"{category.column}: {shares(category)}")
        yield "categories", f"<b>{text}</b>" if category.drift else text
    if comparison.unseen is not None:
        unseen = comparison.unseen
        some = "; ".join(described(unseen.by, key) for key in unseen.some[:3])
        text = f"{share(unseen.share)} of the rows" + (f" ({escaped(some)})" if some else "")
        yield "unseen keys", f"<b>{text}</b>" if unseen.drift else text


def _method(step: Step) -> str:
    """A method with its options and its formula."""
    formula = (type(step.method).__doc__ or "").partition("\n")[0]
    options = (f"{n.rstrip('_').replace('_', '-')} {_value(v)}" for n, v in params.options(step.method).items())
    words = " ".join((registry.name_of(step.method), ", ".join(options))).strip()
    return f"{escaped(formula)}<br><small>{escaped(words)}</small>"


def _value(value: object) -> str:
    """The value of an option; of a long list, its length."""
    if isinstance(value, list):
        return " ".join(map(str, value)) if len(value) <= 4 else f"{len(value)} numbers"
    return (
        {True: "yes", False: "no", None: "none"}.get(value, str(value))
        if value is None or isinstance(value, bool)
        else str(value)
    )


def _changes(comparison: Comparison) -> Iterator[str]:
    """What new data lack or have beside."""
    for change in comparison.changes:
        yield f"column {change.column}: {changed(change)}{' (drift)' if change.drift else ''}"
