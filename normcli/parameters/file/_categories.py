"""Counts of categories as JSON: one line per column, the most common values first."""

from collections.abc import Iterator, Sequence
from typing import Any

from normcli.parameters.categories import Category, K
from normcli.parameters.file._values import check_keys, count, fail, of_kind

ENTRY = ("column", "rows", "missing", "lost", "values", "counts")


def entries(categories: Sequence[Category]) -> Iterator[dict[str, Any]]:
    """An entry for each column."""
    for category in categories:
        pairs = category.most_common
        numbers = {"rows": category.rows, "missing": category.missing, "lost": category.lost}
        yield {"column": category.name, **numbers, "values": [v for v, _ in pairs], "counts": [n for _, n in pairs]}


def read(raw: Any, at: str) -> tuple[Category, ...]:
    """The counts of all columns. Raises BadParametersError."""
    categories = tuple(_read(entry, f"{at}[{i}]") for i, entry in enumerate(of_kind(list, raw, at)))
    if not categories:
        fail(at, "there is none")
    if len({category.name for category in categories}) < len(categories):
        fail(at, "a column is there twice")
    return categories


def _read(entry: Any, at: str) -> Category:
    check_keys(of_kind(dict, entry, at), ENTRY, at)
    name = of_kind(str, entry["column"], f"{at}.column")
    rows, missing, lost = (count(entry[key], f"{at}.{key}") for key in ("rows", "missing", "lost"))
    values = [
        of_kind(str, v, f"{at}.values[{i}]") for i, v in enumerate(of_kind(list, entry["values"], f"{at}.values"))
    ]
    counts = [count(n, f"{at}.counts[{i}]") for i, n in enumerate(of_kind(list, entry["counts"], f"{at}.counts"))]
    if len(set(values)) < len(values) or len(values) > K:
        fail(f"{at}.values", f"must be at most {K}, and each another")
    if len(counts) != len(values) or 0 in counts:
        fail(f"{at}.counts", "must be as many as values, and from 1")
    if sum(counts) + lost > rows or (not lost and sum(counts) != rows):
        fail(f"{at}.rows", "does not go with the counts")
    return Category(name, rows, missing, lost, dict(zip(values, counts, strict=True)))
