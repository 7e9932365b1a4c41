"""--run-report: each command's is what the schema says, and metrics are what a collector reads."""

import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normcli import __version__
from normcli.jobs.run_metrics import HELP, metrics
from normcli.jobs.run_reports import moment, schema
from tests.cli.conftest import Workspace

ROOT = Path(__file__).parent.parent.parent
FAR = b"site,a,b,c\n" + b"x,1000,2000,3000\n" * 40

# Of each command, a run that goes well, and some that do not, with their exit codes
RUNS = {
    "fit table.csv -m zscore -p q.json": 0,
    "fit table.csv -m zscore -p q.json -o o.csv": 0,
    "fit table.csv -m zscore -p q.json --dry-run": 0,
    "fit none.csv -m zscore -p q.json": 66,
    "fit table.csv -m nosuch -p q.json": 2,
    "fit --relearn p.json -m minmax -p q.json": 0,
    "fit --update -p p.json far.csv": 0,
    "apply table.csv -p p.json -o o.csv": 0,
    "apply table.csv -p p.json -o o.csv --inverse": 0,
    "apply far.csv -p p.json -o o.csv --check": 1,
    "apply far.csv -p p.json -o o.csv --check=warn": 0,
    "apply far.csv -p p.json -o o.csv --werror --check=warn": 65,
    "apply table.csv -p p.json -o none/o.csv": 73,
    "check table.csv -p p.json": 0,
    "check far.csv -p p.json": 1,
    "check far.csv -p keys.json": 1,
    "check table.csv -p whiten.json --min-rows 1": 0,
    "check table.csv -p unit.json": 0,
    "check wide.csv -p p.json --no-extra": 1,
    "check table.csv -p nosuch.json": 66,
    "describe table.csv": 0,
    "describe none.csv": 66,
    "report p.json": 0,
    "report p.json far.csv -o far.html": 0,
    "report nosuch.json": 66,
    "report p.json -o none/o.html": 73,
    "merge p.json r.json -o q.json": 0,
    "merge p.json p.json -o q.json": 65,
}


@pytest.fixture(scope="module")
def validator() -> Any:
    jsonschema.Draft202012Validator.check_schema(schema())
    return jsonschema.Draft202012Validator(schema())


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    workspace.params()
    workspace.params("unit", name="unit.json")
    workspace.params("whiten", "-c", "a,b", name="whiten.json")
    (workspace / "far.csv").write_bytes(FAR)
    (workspace / "wide.csv").write_bytes((workspace / "table.csv").read_bytes().replace(b"\n", b",1\n"))
    workspace.succeeds("fit", "far.csv", "-m", "zscore", "-p", "r.json", "-q")
    workspace.succeeds("fit", "table.csv", "-m", "zscore", "--by", "site", "-p", "keys.json", "-q")
    return workspace


def report(place: Workspace, name: str = "report.json") -> Any:
    return json.loads((place / name).read_bytes())


def test_the_schema_in_the_documents_is_that_of_the_code() -> None:
    assert json.loads((ROOT / "docs/run-report.schema.json").read_text()) == schema()
    keys = set(re.findall(r"`(\w+)`", (ROOT / "docs/run-report.md").read_text().split("## Metrics")[0]))
    assert set(schema()["properties"]) <= keys


@pytest.mark.parametrize("line", RUNS)
def test_the_report_of_every_run_is_what_the_schema_says(line: str, place: Workspace, validator: Any) -> None:
    done = place.run(*line.split(), "-q", "--run-report", "report.json")
    assert done.code == RUNS[line], done.err
    found = report(place)
    validator.validate(found)
    assert (found["exit_code"], found["command"]) == (done.code, line.split()[0])
    assert (found["error"] is None) == (done.code == 0)
    assert found["started"] < found["ended"]


def test_every_command_with_a_report_is_run() -> None:
    commands = {line.split()[0] for line in RUNS}
    assert commands == {"fit", "apply", "check", "describe", "merge", "report"}


@pytest.mark.parametrize("words", ["check far.csv -p p.json", "apply far.csv -p p.json -o o.csv --check"])
def test_a_report_has_the_figures_of_drift_of_each_column(words: str, place: Workspace) -> None:
    place.run(*words.split(), "-q", "--run-report", "report.json")
    found, shown = report(place), place.run("check", "far.csv", "-p", "p.json", "--json", "-q").out
    assert found["comparison"] == json.loads(shown)
    assert (found["drift"], found["method"]) == (True, "zscore")
    assert [c["column"] for c in found["comparison"]["columns"]] == ["a", "b", "c"]


def test_versions_are_of_what_was_loaded(place: Workspace) -> None:
    import numpy
    import polars

    place.succeeds("describe", "table.csv", "--run-report", "report.json")
    found = report(place)["versions"]
    assert found["normcli"] == __version__
    assert (found["numpy"], found["polars"]) == (numpy.__version__, polars.__version__)


def test_moments_are_in_utc() -> None:
    assert moment(0.0) == "1970-01-01T00:00:00.000Z"
    assert moment(1_795_874_400.1239) == "2026-11-28T14:00:00.123Z"


# -- metrics -----------------------------------------------------------------------------------------------------
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)')
SAMPLE = re.compile(r"([a-z_]+)\{(.*)\} (-?[0-9][0-9.e+-]*)")
UNESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> Samples:
    """As the grammar of OpenMetrics 1.0 and that of Prometheus's text format 0.0.4 have it, strictly: each metric is
    announced, its samples stand together, no two have the same labels, and no one has a time."""
    assert text.endswith("\n# EOF\n")
    found: Samples = {}
    current, finished = "", set[str]()
    lines = iter(text.removesuffix("# EOF\n").split("\n")[:-1])
    for line in lines:
        if line.startswith("#"):
            _, kind, name, _ = line.split(" ", 3)
            assert (kind, next(lines)) == ("HELP", f"# TYPE {name} gauge")
            assert name not in finished
            finished.add(current)
            current = name
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample is not None, line
        assert sample[1] == current
        labels, rest = {}, sample[2]
        while rest:
            label = LABEL.match(rest)
            assert label is not None, rest
            labels[label[1]] = re.sub(r'\\[\\"n]', lambda m: UNESCAPED[m[0]], label[2])
            rest = rest[label.end() :]
        key = current, frozenset(labels.items())
        assert key not in found
        found[key] = float(sample[3])
    return found


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return next((v for (n, pairs), v in samples.items() if n == name and labels.items() <= dict(pairs).items()), None)


def read(place: Workspace, name: str = "nightly.prom") -> Samples:
    return parsed((place / name).read_text())


def test_a_run_that_goes_well_and_one_that_fails(place: Workspace) -> None:
    place.succeeds("apply", "table.csv", "-p", "p.json", "-o", "o.csv", "-q", "--run-report", "nightly.prom")
    good = read(place)
    ended = value(good, "normcli_run_end_timestamp_seconds")
    assert value(good, "normcli_run_success", run="nightly", command="apply") == 1
    assert (value(good, "normcli_run_exit_code"), value(good, "normcli_run_output_rows")) == (0, 6)
    assert value(good, "normcli_run_last_success_timestamp_seconds") == ended
    for _ in range(2):
        assert place.run("apply", "none.csv", "-p", "p.json", "-o", "o.csv", "--run-report", "nightly.prom").code == 66
        bad = read(place)
        assert (value(bad, "normcli_run_success"), value(bad, "normcli_run_exit_code")) == (0, 66)
        assert value(bad, "normcli_run_last_success_timestamp_seconds") == ended
        assert value(bad, "normcli_run_output_rows") is None


def test_a_first_run_that_fails_has_no_success(place: Workspace) -> None:
    (place / "nightly.prom").write_bytes(b"\xff nothing of ours {} 5\n")
    assert place.run("apply", "none.csv", "-p", "p.json", "-o", "o.csv", "--run-report", "nightly.prom").code == 66
    assert value(read(place), "normcli_run_last_success_timestamp_seconds") is None


def test_drift_is_told_of_the_run_and_of_each_column(place: Workspace) -> None:
    assert place.run("check", "far.csv", "-p", "p.json", "-q", "--run-report", "nightly.prom").code == 1
    found = read(place)
    assert (value(found, "normcli_run_success"), value(found, "normcli_run_drift")) == (0, 1)
    figures = json.loads(place.run("check", "far.csv", "-p", "p.json", "--json", "-q").out)["columns"]
    for column in figures:
        name = column["column"]
        assert value(found, "normcli_column_drift", column=name) == bool(column["drift"])
        assert value(found, "normcli_column_shift", column=name) == column["shift"]
        assert value(found, "normcli_column_missing_ratio", column=name) == column["data"]["missing"]


def test_a_file_of_metrics_appears_whole_and_anybody_may_read_it(place: Workspace) -> None:
    umask = os.umask(0o022)
    try:
        place.succeeds("merge", "p.json", "-o", "m.json", "-q", "--run-report", "a b.prom")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((place / "a b.prom").stat().st_mode) == 0o644
    assert value(read(place, "a b.prom"), "normcli_run_success", run="a b") == 1
    assert not [p for p in place.path.iterdir() if p.suffix == ".tmp"]


def a_report(names: list[str], **more: Any) -> Any:
    column: Mapping[str, Any] = {
        "fitted": {}, "data": {"missing": 0.5}, "shift": -1e-7, "scale_ratio": None, "outside": 0.0, "ks": 0.5,
        "wasserstein": None, "psi": 2.0, "drift": None,
    }  # fmt: skip
    found = {
        "command": "check", "seconds": 0.25, "exit_code": 0, "rows_in": 3, "rows_out": None, "rows_rejected": 0,
        "bytes_in": 10**18, "inputs": [], "warnings": [], "drift": None,
        "versions": {"normcli": "0", "python": "3"},
        "comparison": {"columns": [{"column": n, **column} for n in names]},
    }  # fmt: skip
    return found | more


@given(names=st.lists(st.text(st.characters(codec="utf-8"), max_size=6), max_size=4), run=st.text(max_size=6))
def test_any_name_is_a_label(names: list[str], run: str) -> None:
    """Names that come twice, of several steps, have one line."""
    run = run.encode("utf-8", "replace").decode()
    found = parsed(metrics(a_report(names), run, b"", started=1.5e9).decode())
    shown = [dict(pairs) for (n, pairs), _ in found.items() if n == "normcli_column_shift"]
    assert [labels["column"] for labels in shown] == list(dict.fromkeys(names))
    assert all(labels["run"] == run for labels in shown)
    assert value(found, "normcli_run_input_bytes") == 1e18
    assert value(found, "normcli_run_success", run=run) == 1


def test_every_metric_is_in_the_documents() -> None:
    guide = (ROOT / "docs/run-report.md").read_text()
    assert [name for name in HELP if f"`{name}`" not in guide] == []
