"""No file that is read is overwritten: every command, every file that it reads, every file that it writes."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from normcli import registry
from normcli.errors import UsageError
from normcli.jobs import paths
from normcli.jobs.requests import Request
from normcli.jobs.requests.export import ExportRequest
from normcli.jobs.results import Result
from tests.cli.conftest import Workspace

KINDS: list[type[Request]] = [registry.only("jobs.requests", name) for name in registry.names("jobs.requests")]
PLAN = '[[steps]]\nfrom = "p.json"\n[[steps]]\nmethod = "zscore"\n'
# each reads a file, and would write it as link.csv, which leads to it
LINES = (
    ("table.csv", "fit table.csv -m zscore -p link.csv"),
    ("plan.toml", "fit table.csv --plan plan.toml -p link.csv"),
    ("p.json", "fit table.csv --plan plan.toml -p link.csv"),
    ("p.json", "fit table.csv --plan plan.toml -p q.json -o link.csv"),
    ("p.json", "fit --relearn p.json -m minmax -p link.csv"),
    ("p.json", "apply table.csv -p p.json -o link.csv"),
    ("p.json", "apply in -p p.json -o out/"),
    ("list.txt", "apply --files-from list.txt -p p.json -o link.csv"),
    ("limits.toml", "apply table.csv -p p.json --check refuse --limits limits.toml -o link.csv"),
    ("limits.toml", "check table.csv -p p.json --limits limits.toml --run-report link.csv"),
    ("p.json", "check table.csv -p p.json --on-bad-row skip --rejects link.csv"),
    ("table.csv", "describe table.csv --save link.csv"),
    ("p.json", "report p.json table.csv -o link.csv"),
    ("p.json", "export p.json --to json -o link.csv"),
    ("s.skops", "import s.skops --from sklearn -o link.csv"),
)


def places(kind: type[Request], way: str, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The fields of a request that hold a file which it `reads`, or `writes`, each set to this path, and its flag."""
    for field in fields(kind):
        value = (path,) if str(field.type).startswith("tuple[str") else path
        try:
            request = kind(**{field.name: value})
            flags = [place.flag for place in getattr(request, way)() if place.path == path]
        except (TypeError, AttributeError):  # a field of another type
            continue
        yield from (({field.name: value}, flag) for flag in flags)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_request_writes_a_file_that_it_reads(kind: type[Request], tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to("file")
    link = str(tmp_path / "link")
    written = [*(fields for fields, _ in places(kind, "writes", link)), {"run_report": link}]
    for reading, flag in places(kind, "reads", str(tmp_path / "file")):
        for writing in written:
            request = kind(**reading, **writing)
            if flag in kind.may_replace and "run_report" not in writing:
                paths.check(request, Result(kind.command))
                continue
            with pytest.raises(UsageError):
                paths.check(request, Result(kind.command))


def test_a_file_has_many_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("other").touch()
    Path("hard").hardlink_to("file")
    Path("soft").symlink_to("file")
    Path("dangling").symlink_to("new")
    for a, b in (("file", "./file"), ("file", "hard"), ("file", "soft"), ("new", "./new"), ("dangling", "new")):
        for params, output in ((a, b), (b, a), (str(tmp_path / a), b)):
            with pytest.raises(UsageError, match="is the PARAMS"):
                paths.check(ExportRequest(params=params, to="json", output=output), Result("export"))
    for a, b in (("file", "other"), ("file", "new"), ("soft", "other"), ("dangling", "file"), ("-", "-")):
        paths.check(ExportRequest(params=a, to="json", output=b), Result("export"))


def test_each_command_reads_what_it_is_known_to_read() -> None:
    read = {f"{kind.__name__} {flag}" for kind in KINDS for _, flag in places(kind, "reads", "x")}
    assert read == {
        "ApplyRequest --files-from", "ApplyRequest --limits", "ApplyRequest -p",
        "CheckRequest --files-from", "CheckRequest --limits", "CheckRequest -p",
        "DescribeRequest --files-from", "ExportRequest PARAMS", "FitRequest --files-from", "FitRequest --plan",
        "ImportRequest FILE", "MergeRequest PARAMS", "RelearnRequest --relearn",
        "ReportRequest --files-from", "ReportRequest --limits", "ReportRequest PARAMS",
    }  # fmt: skip


@pytest.mark.parametrize(("file", "line"), LINES)
def test_what_is_read_stays_as_it_was(file: str, line: str, workspace: Workspace) -> None:
    workspace.params()
    (workspace / "plan.toml").write_text(PLAN)
    (workspace / "limits.toml").write_text("max_psi = 9\n")
    (workspace / "list.txt").write_text("table.csv\n")
    (workspace / "s.skops").write_bytes(b"skops")
    for folder in ("in", "out"):
        (workspace / folder).mkdir()
    (workspace / "in" / "link.csv").write_bytes((workspace / "table.csv").read_bytes())
    for link in ("link.csv", "out/link.csv"):
        (workspace / link).symlink_to(workspace / file)
    workspace.fails(2, *line.split())
    assert (workspace / "link.csv").is_symlink()
