"""Runs of the whole command within this process, its entry point included: exit code, output and error apart."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import inside
from tests.cli.conftest import environment


@dataclass(frozen=True)
class Run:
    """One that has ended."""

    words: tuple[str, ...]
    code: int
    out: bytes
    err: str
    report: dict[str, Any] | None

    def lines(self, kind: str) -> list[str]:
        """Of standard error: of `error` or `warning`."""
        return [line for line in self.err.splitlines() if line.startswith(f"normcli: {kind}: ")]

    def check(self) -> None:
        """What holds of every run, whatever was asked and of what: it ends with 0, or with one error line and the exit
        code of an error that a person can do something about."""
        shown = f"normcli {' '.join(self.words)}\n-> {self.code}\n{self.err}"
        assert self.code in (0, 1, 2, 65), shown
        assert len(self.lines("error")) == (self.code != 0), shown
        assert (self.code == 1) == any(line.startswith("normcli: error: drift: ") for line in self.lines("error")), (
            shown
        )
        assert all(line.startswith("normcli: ") and line.isprintable() for line in self.err.splitlines()), shown
        if self.report is not None:
            assert self.report["exit_code"] == self.code, shown
            assert (self.report["error"] is None) == (self.code == 0), shown


def run(folder: Path, *words: str, stdin: bytes = b"", report: bool = True) -> Run:
    """One run in `folder`; with a report, but for commands that have none."""
    path = folder / "report.json"
    path.unlink(missing_ok=True)
    line = [*words, *(["--run-report", path.name] if report else [])]
    code, out, err = inside.main(line, cwd=folder, env=environment(), stdin=stdin)
    said = json.loads(path.read_bytes()) if path.exists() else None
    assert said is not None or not report or code == 2, words
    path.unlink(missing_ok=True)
    done = Run(tuple(line), code, out, err.decode("utf-8", "surrogateescape"), said)
    done.check()
    return done
