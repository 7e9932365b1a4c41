"""Every command that writes, in every format: its words, and what it may change."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

FORMATS = ("csv", "csv.gz", "csv.zst", "tsv", "ndjson", "parquet", "arrow", "arrows")
TEXT = ("csv", "tsv", "ndjson")
ROWS = 400
OLD = b"what was there before\n"


@dataclass(frozen=True)
class Scene:
    """A command in a copy of the workplace. Its `targets` are replaced in that order, each whole; with `old`, all of
    them are there before."""

    name: str
    words: tuple[str, ...]
    targets: tuple[str, ...] = ()
    old: bool = True
    stdin: str | None = None
    report: str | None = None
    kept: tuple[str, ...] = ()  # targets that the workplace has, and the command reads
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

    def prepare(self, workplace: Path, folder: Path) -> None:
        shutil.copytree(workplace, folder)
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


def scenes() -> list[Scene]:
    made = [
        Scene("fit", _fit("table.csv", "-p", "new.json"), ("new.json",)),
        Scene("fit where nothing was", _fit("table.csv", "-p", "new.json"), ("new.json",), old=False),
        Scene("fit to stdout", _fit("table.csv")),
        Scene("fit of a pipe", _fit("-p", "new.json"), ("new.json",), stdin="table.csv"),
        Scene("fit --update", ("fit", "--update", "more.csv", "-p", "p.json"), ("p.json",), kept=("p.json",)),
        Scene("fit --create", _fit("--update", "--create", "table.csv", "-p", "new.json"), ("new.json",), old=False),
        Scene("fit --relearn", ("fit", "--relearn", "p.json", "-m", "minmax", "-p", "new.json"), ("new.json",)),
        Scene("fit -o into a directory", _fit("in", "-p", "new.json", "-o", "out/"), ("new.json", *DIRECTORY)),
        Scene(
            "fit -o into a directory, nothing learned",
            ("fit", "-m", "unit", "in", "-p", "new.json", "-o", "out/"),
            ("new.json", *DIRECTORY),
        ),
        Scene("merge", ("merge", "1.json", "2.json", "-o", "new.json"), ("new.json",)),
        Scene("merge to stdout", ("merge", "1.json", "2.json")),
        Scene("apply into a directory", _apply("in", "-o", "out/"), DIRECTORY),
        Scene("apply into a new directory", _apply("in", "-o", "out/"), DIRECTORY, old=False),
        Scene("apply --resume", _apply("in", "-o", "out/", "--resume"), DIRECTORY),
        Scene("apply --resume --check", _apply("in", "-o", "out/", "--resume", "--check=warn"), DIRECTORY),
        Scene(
            "apply --rejects",
            _apply("bad.csv", "-o", "out.csv", "--on-bad-row", "skip", "--rejects", "rejects"),
            ("rejects", "out.csv"),
        ),
        Scene(
            "fit -o --rejects",
            _fit("bad.csv", "-p", "new.json", "-o", "out.csv", "--on-bad-row", "skip", "--rejects", "rejects"),
            ("new.json", "rejects", "out.csv"),
        ),
        Scene("apply --report", _apply("table.csv", "-o", "out.csv", "--report", "rep"), ("out.csv",), report="rep"),
        Scene("fit --report", _fit("table.csv", "-p", "new.json", "--report", "rep"), ("new.json",), report="rep"),
        Scene(
            "apply --in-place", _apply("table.csv", "-o", "table.csv", "--in-place"), ("table.csv",),
            kept=("table.csv",), again=False,
        ),
        Scene(
            "apply --rejects to stdout",
            _apply("bad.csv", "--on-bad-row", "skip", "--rejects", "rejects", "--to", "arrows"),
            ("rejects",),
        ),
    ]  # fmt: skip
    for to in FORMATS:
        out, line = f"out.{to}", ("table.csv", "-p", "new.json", "-o")
        made += [
            Scene(f"apply {to}", _apply("table.csv", "-o", out), (out,)),
            Scene(f"apply {to} to stdout", _apply("table.csv", "--to", to)),
            Scene(f"fit -o {to}", _fit("table.csv", "-p", "new.json", "-o", out), ("new.json", out)),
            Scene(f"fit -o {to} to stdout", ("fit", "-m", "zscore", *line, "-", "--to", to), ("new.json",)),
        ]
    made += [
        Scene(f"apply {kind} as it is", _apply(f"table.{kind}", "-o", f"out.{kind}"), (f"out.{kind}",))
        for kind in ("parquet", "arrow", "arrows", "csv.gz")
    ]
    return made


SCENES = {scene.name: scene for scene in scenes()}
