"""A run report as metrics, for the textfile collector of Prometheus's node_exporter: OpenMetrics text of gauges alone,
which is Prometheus's own text format, too."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from normcli.drift.figures import ColumnFigures
    from normcli.jobs.run_reports import RunReport

SUFFIX = ".prom"
LAST = "normcli_run_last_success_timestamp_seconds"
BEFORE = re.compile(rf"^{LAST}\{{.*\}} ([0-9.e+]+)$", re.MULTILINE)
LARGEST = 1 << 26  # bytes of a file with the metrics of an earlier run
HELP = {
    "normcli_run_success": "1 where the exit code is 0, else 0",
    "normcli_run_exit_code": "Exit code of the run; 1 is drift",
    "normcli_run_start_timestamp_seconds": "When the run started, in seconds since 1970",
    "normcli_run_end_timestamp_seconds": "When the run ended, in seconds since 1970",
    LAST: "When a run that wrote this file ended with exit code 0 the last time",
    "normcli_run_duration_seconds": "How long the run took",
    "normcli_run_input_rows": "Rows that were read, rejected ones too",
    "normcli_run_output_rows": "Rows that were written",
    "normcli_run_rejected_rows": "Bad rows that were left out",
    "normcli_run_input_bytes": "Bytes that were read",
    "normcli_run_inputs": "Inputs that were read",
    "normcli_run_warnings": "Warnings of the run",
    "normcli_run_drift": "1 where the data have drifted, 0 where they have not; not there without a verdict",
    "normcli_column_drift": "1 where a column has drifted, 0 where it has not; not there without a verdict",
    "normcli_column_shift": "Shift of the mean, in fitted standard deviations",
    "normcli_column_scale_ratio": "Distance between deciles, or standard deviation, as a multiple of the fitted one",
    "normcli_column_outside_ratio": "Share of values outside the fitted range",
    "normcli_column_missing_ratio": "Share of values that are missing",
    "normcli_column_ks": "Greatest difference of the shares up to a value (Kolmogorov and Smirnov)",
    "normcli_column_wasserstein": "Mean distance by which values are moved, in fitted robust deviations",
    "normcli_column_psi": "Population stability index over fitted deciles",
    "normcli_build_info": "Versions of normcli and Python",
}

Labels = Mapping[str, str]
Sample = tuple[str, Labels, float]


def metrics(report: RunReport, name: str, before: bytes, *, started: float) -> bytes:
    """Of a report, each with the `name` of its file as a label, for those of several files are taken together; `before`
    is what the file held, and `started` is in seconds since 1970."""
    run_labels = {"run": name, "command": report["command"]}
    by_name: dict[str, list[Sample]] = {n: [] for n in HELP}
    for sample in (*_of_run(report, run_labels, before, started), *_of_columns(report, run_labels)):
        by_name[sample[0]].append(sample)
    lines = [line for n, samples in by_name.items() if samples for line in _family(n, samples)]
    return ("\n".join([*lines, "# EOF"]) + "\n").encode("utf-8", "backslashreplace")


def _of_run(report: RunReport, run_labels: Labels, before: bytes, started: float) -> Iterator[Sample]:
    ended = started + report["seconds"]
    success = report["exit_code"] == 0
    earlier = BEFORE.findall(before.decode("utf-8", "replace"))
    counts: dict[str, float | None] = {
        "normcli_run_success": success,
        "normcli_run_exit_code": report["exit_code"],
        "normcli_run_start_timestamp_seconds": round(started, 3),
        "normcli_run_end_timestamp_seconds": round(ended, 3),
        LAST: round(ended, 3) if success else float(earlier[-1]) if earlier else None,
        "normcli_run_duration_seconds": report["seconds"],
        "normcli_run_input_rows": report["rows_in"],
        "normcli_run_output_rows": report["rows_out"],
        "normcli_run_rejected_rows": report["rows_rejected"],
        "normcli_run_input_bytes": report["bytes_in"],
        "normcli_run_inputs": None if report["inputs"] is None else len(report["inputs"]),
        "normcli_run_warnings": len(report["warnings"]),
        "normcli_run_drift": report["drift"],
    }
    yield from ((n, run_labels, float(value)) for n, value in counts.items() if value is not None)
    versions = report["versions"]
    yield "normcli_build_info", {**run_labels, "version": versions["normcli"], "python": versions["python"]}, 1.0


def _of_columns(report: RunReport, run_labels: Labels) -> Iterator[Sample]:
    """Of each column that was compared; none has two lines, though several steps may have learned from it."""
    first: dict[str, ColumnFigures] = {}
    for column in report["comparison"]["columns"] if report["comparison"] else ():
        first.setdefault(column["column"], column)
    for column in first.values():
        labels = {**run_labels, "column": column["column"]}
        values: dict[str, Any] = {
            "normcli_column_drift": None if column["drift"] is None else bool(column["drift"]),
            "normcli_column_shift": column["shift"],
            "normcli_column_scale_ratio": column["scale_ratio"],
            "normcli_column_outside_ratio": column["outside"],
            "normcli_column_missing_ratio": column["data"]["missing"],
            "normcli_column_ks": column["ks"],
            "normcli_column_wasserstein": column["wasserstein"],
            "normcli_column_psi": column["psi"],
        }
        yield from ((n, labels, float(value)) for n, value in values.items() if value is not None)


def _family(name: str, samples: list[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {HELP[name]}"
    yield f"# TYPE {name} gauge"
    for _, labels, value in samples:
        pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{pairs}}} {_spelled(value)}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _spelled(value: float) -> str:
    return str(int(value)) if math.isfinite(value) and value.is_integer() and abs(value) < 1e15 else repr(value)
