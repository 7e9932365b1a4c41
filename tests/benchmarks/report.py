"""Results of rows, and how they are shown: a line as each row ends, a Markdown table, raw JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from tests.benchmarks.measure import Pairs, middle
from tests.benchmarks.table import Row

HEADER = "| work | wall s | CPU s | peak MB | peer wall s | CPU s | peak MB | wall ratio | limit | memory | limit | |"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one row: its runs, or why there are none."""

    row: Row
    pairs: Pairs | None = None
    failed: str = ""  # what the process wrote to standard error
    skipped: str = ""

    def ratios(self) -> tuple[float, float | None] | None:
        """Wall and memory ratio, ours over theirs; no memory ratio where the row is about time alone."""
        if self.pairs is None:
            return None
        judged = self.row.memory_limit is not None or self.row.wall_limit is None
        return self.pairs.wall_ratio(), self.pairs.memory_ratio() if judged else None

    def verdict(self) -> str:
        """ok, ABOVE, failed, skipped; or nothing for a row without limits."""
        ratios = self.ratios()
        if ratios is None:
            return "FAILED" if self.failed else f"skipped: {self.skipped}"
        limits = (self.row.wall_limit, self.row.memory_limit)
        judged = [(ratio, limit) for ratio, limit in zip(ratios, limits, strict=True) if limit is not None]
        over = any(ratio is not None and ratio > limit for ratio, limit in judged)
        return "" if not judged else "ABOVE" if over else "ok"


def limit_text(limit: float | None) -> str:
    """A limit, or a dash where none is set."""
    return "–" if limit is None else f"{limit:g}"


def cells(result: Result) -> list[str]:
    """The row's cells as text: seconds, MB of 10⁶ bytes, ratios of ours over theirs."""
    if result.pairs is None:
        return [result.row.name, *["–"] * 10, result.verdict()]
    usages = [middle(result.pairs.ours), middle(result.pairs.theirs)]
    digits = 2 if usages[0].wall >= 1 else 3
    numbers = [text for u in usages for text in (f"{u.wall:.{digits}f}", f"{u.cpu:.{digits}f}", f"{u.peak / 1e6:.0f}")]
    wall, memory = result.ratios() or (0.0, None)
    limits = limit_text(result.row.wall_limit), limit_text(result.row.memory_limit)
    shown = [f"{wall:.2f}", limits[0], "–" if memory is None else f"{memory:.2f}", limits[1]]
    return [result.row.name, *numbers, *shown, result.verdict()]


def line(result: Result) -> str:
    """One row as plain text."""
    if result.pairs is None:
        return f"{result.row.name:<36} {result.verdict()}"
    name, wall, cpu, peak, wall2, cpu2, peak2, ratio, limit, memory, memory_limit, verdict = cells(result)
    return (
        f"{name:<36} {wall:>7} s {cpu:>7} cpu {peak:>5} MB | {wall2:>7} s {cpu2:>7} cpu {peak2:>5} MB"
        f" | wall {ratio:>5} (limit {limit}) memory {memory:>5} (limit {memory_limit}) {verdict}"
    ).rstrip()


def markdown(results: Iterable[Result], runs: int, machine: str) -> str:
    """The table for docs/performance.md, with a line on the machine."""
    lines = [HEADER, "|---|" + "--:|" * 10 + "---|"]
    lines += ["| " + " | ".join(cells(result)) + " |" for result in results]
    how = f"Whole processes in turns, medians (pairs of runs: {runs}), files in the page cache; MB of 10⁶ bytes."
    what = f"Ratios are ours over the peer's, at most the limit. Measured on: {machine}."
    return "\n".join([*lines, "", f"{how} {what}", ""])


def raw(results: Iterable[Result], runs: int, machine: str) -> dict[str, object]:
    """Everything measured, for JSON: seconds and bytes of every run."""
    return {
        "machine": machine,
        "runs": runs,
        "rows": [
            {
                "name": result.row.name,
                "wall_limit": result.row.wall_limit,
                "memory_limit": result.row.memory_limit,
                "ratios": result.ratios(),
                "verdict": result.verdict(),
                "failed": result.failed,
                "pairs": asdict(result.pairs) if result.pairs else None,
            }
            for result in results
        ],
    }
