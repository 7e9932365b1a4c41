"""The table of all faults that were tried, after the last test of make soak, and wherever something was lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

FAULTS = "faults"  # a property of tests
HEADER = ("fault", "tried", "went well", "was told", "lost or lied")


def rows(reports: Iterator[Any]) -> dict[str, list[int]]:
    """By kind of fault, what the tests counted, whichever process they ran in."""
    total: dict[str, list[int]] = {}
    for report in reports:
        for name, shown in report.user_properties if report.when == "teardown" else ():
            for kind, row in shown.items() if name == FAULTS else ():
                total[kind] = [a + b for a, b in zip(total.get(kind, [0] * len(row)), row, strict=True)]
    return dict(sorted(total.items()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found = rows(iter(terminalreporter.stats.get("", ())))  # the ends of tests, well or not
    if not found:
        return
    total = [sum(column) for column in zip(*found.values(), strict=True)]
    if terminalreporter.config.option.markexpr == "not soak" and not total[-1]:
        return  # a green run says no more than that it is green
    terminalreporter.section("faults")
    wide = max(map(len, [*found, HEADER[0]]))
    for name, *cells in (HEADER, *((k, *map(str, v)) for k, v in found.items()), ("all", *map(str, total))):
        terminalreporter.write_line("  ".join([str(name).ljust(wide), *(str(c).rjust(12) for c in cells)]))
