"""Every command that writes, in every format: its words, and what it may change."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from normcli import formats, registry

FORMATS = (*registry.names("formats"), "csv.gz", "csv.zst")
TEXT = tuple(n for n in registry.names("formats") if formats.is_text(n))
ROWS = 400
OLD = b"what was there before\n"
REPORT = ("--run-report", "rep")


@dataclass(frozen=True)
class Scenario:
    """A command in a copy of the template. Its `targets` are replaced in that order, each whole; with `old`, all of
    them are there before."""

    name: str
    words: tuple[str, ...]
    targets: tuple[str, ...] = ()
    old: bool = True
    stdin: str | None = None
    report: str | None = None
    kept: tuple[str, ...] = ()  # targets that the template has, and the command reads
    again: bool = True  # given once more after all went well, it changes nothing

    def __str__(self) -> str:
        return self.name

    @property
    def directory(self) -> bool:
        """Whether some of what it replaces stays where it fails later: each file is whole by itself."""
        return any(target.startswith("out/") for target in self.targets)

    @property
    def marked(self) -> bool:
        """Whether the end of what goes to standard output is marked."""
        return "--to" in self.words and self.words[-1] not in TEXT

    def prepare(self, template: Path, folder: Path) -> None:
        shutil.copytree(template, folder)
        for target in (*self.targets, *([self.report] if self.report else [])):
            if self.old and target not in self.kept:
                (folder / target).parent.mkdir(exist_ok=True)
                (folder / target).write_bytes(OLD)


def table(first: int, rows: int, bad: int | None = None) -> bytes:
    """A CSV of text and numbers; row `bad` is too short."""
    lines = ["site,a,b,c"]
    lines += [f"s{j % 7},{j * 37 % 101},{(j * 53 % 997) / 8},{j % 13}" for j in range(first, first + rows)]
    if bad is not None:
        lines[bad] = "short,1"
    return "\n".join(lines).encode() + b"\n"


def _fit(*words: str) -> tuple[str, ...]:
    return ("fit", *words, "-m", "zscore")


def _apply(*words: str) -> tuple[str, ...]:
    return ("apply", *words, "-p", "p.json")


DIRECTORY = tuple(f"out/{n}.csv" for n in "12")


def scenarios() -> list[Scenario]:
    made = [
        Scenario("fit", _fit("table.csv", "-p", "new.json"), ("new.json",)),
        Scenario("fit where nothing was", _fit("table.csv", "-p", "new.json"), ("new.json",), old=False),
        Scenario("fit to stdout", _fit("table.csv")),
        Scenario("fit of a pipe", _fit("-p", "new.json"), ("new.json",), stdin="table.csv"),
        Scenario("fit --update", ("fit", "--update", "more.csv", "-p", "p.json"), ("p.json",), kept=("p.json",)),
        Scenario("fit --create", _fit("--update", "--create", "table.csv", "-p", "new.json"), ("new.json",), old=False),
        Scenario("fit --relearn", ("fit", "--relearn", "p.json", "-m", "minmax", "-p", "new.json"), ("new.json",)),
        Scenario("fit -o into a directory", _fit("in", "-p", "new.json", "-o", "out/"), ("new.json", *DIRECTORY)),
        Scenario(
            "fit -o into a directory, nothing learned",
            ("fit", "-m", "unit", "in", "-p", "new.json", "-o", "out/"),
            ("new.json", *DIRECTORY),
        ),
        Scenario("merge", ("merge", "1.json", "2.json", "-o", "new.json"), ("new.json",)),
        Scenario("merge to stdout", ("merge", "1.json", "2.json")),
        Scenario("apply into a directory", _apply("in", "-o", "out/"), DIRECTORY),
        Scenario("apply into a new directory", _apply("in", "-o", "out/"), DIRECTORY, old=False),
        Scenario("apply --resume", _apply("in", "-o", "out/", "--resume"), DIRECTORY),
        Scenario("apply --resume --check", _apply("in", "-o", "out/", "--resume", "--check=warn"), DIRECTORY),
        Scenario(
            "apply --rejects",
            _apply("bad.csv", "-o", "out.csv", "--on-bad-row", "skip", "--rejects", "rejects"),
            ("rejects", "out.csv"),
        ),
        Scenario(
            "fit -o --rejects",
            _fit("bad.csv", "-p", "new.json", "-o", "out.csv", "--on-bad-row", "skip", "--rejects", "rejects"),
            ("new.json", "rejects", "out.csv"),
        ),
        Scenario("apply --run-report", _apply("table.csv", "-o", "out.csv", *REPORT), ("out.csv",), report="rep"),
        Scenario("fit --run-report", _fit("table.csv", "-p", "new.json", *REPORT), ("new.json",), report="rep"),
        Scenario(
            "apply --in-place", _apply("table.csv", "-o", "table.csv", "--in-place"), ("table.csv",),
            kept=("table.csv",), again=False,
        ),
        Scenario(
            "apply --rejects to stdout",
            _apply("bad.csv", "--on-bad-row", "skip", "--rejects", "rejects", "--to", "arrows"),
            ("rejects",),
        ),
    ]  # fmt: skip
    for to in FORMATS:
        out, line = f"out.{to}", ("table.csv", "-p", "new.json", "-o")
        made += [
            Scenario(f"apply {to}", _apply("table.csv", "-o", out), (out,)),
            Scenario(f"apply {to} to stdout", _apply("table.csv", "--to", to)),
            Scenario(f"fit -o {to}", _fit("table.csv", "-p", "new.json", "-o", out), ("new.json", out)),
            Scenario(f"fit -o {to} to stdout", ("fit", "-m", "zscore", *line, "-", "--to", to), ("new.json",)),
        ]
    made += [
        Scenario(f"apply {kind} as it is", _apply(f"table.{kind}", "-o", f"out.{kind}"), (f"out.{kind}",))
        for kind in ("parquet", "arrow", "arrows", "csv.gz")
    ]
    return made


SCENARIOS = {scenario.name: scenario for scenario in scenarios()}
