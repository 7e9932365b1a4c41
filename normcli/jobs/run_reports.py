"""A record of one run for machines: as JSON, and as metrics for Prometheus. Its fields are the schema of the former."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

import msgspec
from msgspec import Meta

from normcli import __version__
from normcli.drift.figures import Figures

if TYPE_CHECKING:
    from normcli.jobs.results import Result

LIBRARIES = ("numpy", "polars", "pyarrow")
Count = Annotated[int, Meta(ge=0)]
Moment = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$", description="ISO 8601, UTC")]
Strings = list[str]


class RunReport(TypedDict):
    """What a run was, did, and how it ended. Null: not known when it ended, or nothing of the kind."""

    format: Literal["normcli run report"]
    version: Literal[1]
    versions: Annotated[
        dict[str, str],
        Meta(description="of normcli, Python, and of the libraries that were loaded, here or by workers"),
    ]
    command: Annotated[str, Meta(description="fit, apply, check, describe, report or merge")]
    started: Moment
    ended: Moment
    seconds: Annotated[float, Meta(ge=0, description="from start to end, by a clock that is never set")]
    pass_seconds: Annotated[list[float], Meta(description="of each pass of a fit, where there are several")]
    exit_code: Annotated[Count, Meta(description="of the process; 128 and more: ended by the signal of that number")]
    error: Annotated[str | None, Meta(description="the last error message; null where all went well")]
    warnings: Strings
    method: Annotated[str | None, Meta(description="or several, between commas")]
    inputs: Annotated[Strings | None, Meta(description="as they were given or found; - is standard input")]
    inputs_empty: Annotated[Strings | None, Meta(description="left out, for there is nothing in them")]
    params: Annotated[str | None, Meta(description="the parameter file, as it was given")]
    output: Annotated[str | None, Meta(description="where the data went, as it was given")]
    digest: Annotated[str | None, Meta(description="of the parameters")]
    rows_in: Annotated[Count | None, Meta(description="rows that were read, rejected ones too")]
    rows_out: Annotated[Count | None, Meta(description="rows that were written")]
    rows_rejected: Count | None
    values_limited: Annotated[Count | None, Meta(description="output values that --limit changed")]
    values_filled: Annotated[Count | None, Meta(description="missing output values that --fill replaced")]
    columns_left_out: Annotated[Strings, Meta(description="constant columns that --drop-constant left out")]
    bytes_in: Count | None
    drift: Annotated[bool | None, Meta(description="the verdict of check and apply --check; null: there is none")]
    comparison: Annotated[Figures | None, Meta(description="of check and apply --check: what check --json prints")]


def report_of(result: Result, code: int, error: str | None, *, started: float, seconds: float) -> RunReport:
    """Of a job as far as it has come, in a process that was `started` (seconds since 1970) so many `seconds` ago."""
    empty = None if result.empty is None else [str(input.path) for input in result.empty]
    inputs = None if result.inputs is None else [path for path in result.inputs if path not in (empty or ())]
    comparison = getattr(result, "comparison", None)
    if comparison is not None:
        from normcli.drift.figures import figures

        comparison = figures(comparison)
    return {
        "format": "normcli run report",
        "version": 1,
        "versions": versions(result),
        "command": result.command,
        "started": moment(started),
        "ended": moment(started + seconds),
        "seconds": round(seconds, 3),
        "pass_seconds": [round(s, 3) for s in getattr(result, "pass_seconds", ())],
        "exit_code": code,
        "error": error,
        "warnings": [text(warning) for warning in result.warnings],
        "method": result.method,
        "inputs": None if inputs is None else list(map(text, inputs)),
        "inputs_empty": None if empty is None else list(map(text, empty)),
        "params": None if result.params is None else text(result.params),
        "output": None if result.output is None else text(result.output),
        "digest": result.digest,
        "rows_in": result.rows_in,
        "rows_out": result.rows_out,
        "rows_rejected": result.rows_rejected,
        "values_limited": None if result.progress is None else result.progress.clips,
        "values_filled": None if result.progress is None else result.progress.fills,
        "columns_left_out": list(map(text, result.constants)),
        "bytes_in": result.bytes_in,
        "drift": comparison and comparison["drift"],
        "comparison": comparison,
    }


def versions(result: Result) -> dict[str, str]:
    """Of what is loaded, by what the modules say themselves: to ask the installation takes longer. Workers of a cluster
    may load more; they have the same versions."""
    loaded = {name: getattr(sys.modules.get(name), "__version__", None) for name in LIBRARIES}
    if result.on_cluster:
        from importlib.metadata import version

        loaded = {name: version(name) for name in LIBRARIES}
    python = ".".join(map(str, sys.version_info[:3]))
    return {"normcli": __version__, "python": python} | {name: str(v) for name, v in loaded.items() if v is not None}


def moment(seconds: float) -> str:
    """Of seconds since 1970."""
    integer, thousandths = divmod(int(seconds * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(integer)) + f".{thousandths:03d}Z"


def text(string: str) -> str:
    """Paths may hold bytes that are no text."""
    try:
        return os.fsencode(string).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # of half a surrogate pair
        return string.encode("utf-8", "backslashreplace").decode()


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of every report."""
    (top,), components = msgspec.json.schema_components([RunReport], ref_template="#/$defs/{name}")
    definition = components.pop(top["$ref"].rpartition("/")[2])
    closed = {name: _closed(component) for name, component in components.items()}
    about = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_closed(definition),
        "title": "normcli run report",
    }
    return about | {"$defs": closed}


def _closed(object_schema: dict[str, Any]) -> dict[str, Any]:
    return object_schema | {"additionalProperties": False}
