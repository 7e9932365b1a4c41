"""What holds after every failure, and a count of how often it was tried."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.robustness import runs
from tests.robustness.faulty import Fault
from tests.robustness.scenarios import OLD, Scenario

LEFT = re.compile(r"(.*/)?\.normcli-[^/]*\.(tmp|lock)")  # what may be there after SIGKILL
Files = dict[str, bytes]
MANIFEST = "out/.normcli-manifest"


def files_in(folder: Path) -> Files:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and what it left."""

    code: int
    out: bytes
    err: str
    files: Files
    calls: list[tuple[str, str]]  # kind, and of what

    @property
    def errors(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("normcli: error: ")]


@dataclass
class Tally:
    """How often each kind of fault was tried, how the runs ended, and how often a promise was broken."""

    shown: dict[str, list[int]] = field(default_factory=dict)  # by kind: tried, went well, was told, broken

    def count(self, kind: str, *, well: bool, broken: bool) -> None:
        row = self.shown.setdefault(kind, [0, 0, 0, 0])
        for place, true in enumerate((True, well, not well, broken)):
            row[place] += true


@dataclass
class Harness:
    """A scenario, run undisturbed once and then with something going wrong each time."""

    template: Path
    scenario: Scenario
    home: Path  # a directory for all of it
    tally: Tally
    block: int = 4096
    _number: int = 0
    _whole: Outcome | None = None

    def run_once(
        self, fault: Fault = runs.NONE, again: Path | None = None, at: Path | None = None, **more: Any
    ) -> tuple[Outcome, Path]:
        """One run; in a copy of the template, or once more in the one that is given."""
        self._number += 1
        beside = self.home / str(self._number)
        beside.mkdir()
        folder = again or at or beside / "workspace"
        if again is None:
            self.scenario.prepare(self.template, folder)
        (beside / "spool").mkdir()
        stdin = str(folder / self.scenario.stdin) if self.scenario.stdin else os.devnull
        out, err, log = (str(beside / name) for name in ("out", "err", "log"))
        env = {"TMPDIR": str(beside / "spool")}
        streams = {"stdin": stdin, "stdout": out, "stderr": err} | more
        running = runs.start(self.scenario.words, folder, fault, log=log, env=env, block=self.block, **streams)
        code = runs.end(running)
        told, said, noted = (Path(path).read_bytes() if os.path.exists(path) else b"" for path in (out, err, log))
        calls = [tuple(line.split(" ", 1)) for line in noted.decode("utf-8", "surrogateescape").splitlines()]
        return Outcome(code, told, said.decode("utf-8", "backslashreplace"), files_in(folder), calls), folder  # type: ignore[arg-type]

    @property
    def whole(self) -> Outcome:
        """What comes of it when nothing goes wrong."""
        if self._whole is None:
            self._whole, _ = self.run_once()
            assert self._whole.code == 0, self._whole.err
        return self._whole

    def before(self) -> Files:
        folder = self.home / "before"
        if not folder.exists():
            self.scenario.prepare(self.template, folder)
        return files_in(folder)

    def suffers(self, fault: Fault, *codes: int, kind: str = "", at: Path | None = None, **more: Any) -> Outcome:
        """One run with a fault; everything that was promised holds. `codes` are those that it may end with, if it does
        not go well."""
        kind = kind or f"{fault.call} fails"
        whole = self.whole
        outcome, folder = self.run_once(fault, at=at, **more)
        broken = self.broken(outcome, codes)
        if outcome.code and not broken and at is None and self.repeatable(outcome):
            again, _ = self.run_once(again=folder)
            if again.code or self.settled(again.files) != self.settled(whole.files):
                broken = [f"the next run: exit {again.code} {again.err}"]
        self.tally.count(kind, well=outcome.code == 0, broken=bool(broken))
        assert not broken, f"{self.scenario}, {fault}: exit {outcome.code}: {'; '.join(broken)}\n{outcome.err}"
        for done in self.home.glob("[0-9]*"):
            shutil.rmtree(done)
        return outcome

    def repeatable(self, outcome: Outcome) -> bool:
        """Whether the next run is worth a look: where nothing has changed, it would be the first once more."""
        changed = any(outcome.files.get(t) != self.before().get(t) for t in self.scenario.targets)
        return changed and self.scenario.again

    def settled(self, files: Files) -> Files:
        """What two runs have in common: not how long they took, nor the order of a manifest, nor what one that was
        killed has left."""
        return {k: v for k, v in files.items() if k not in (self.scenario.report, MANIFEST) and not LEFT.fullmatch(k)}

    # -- the promises --------------------------------------------------------------------------------------------
    def broken(self, outcome: Outcome, codes: tuple[int, ...]) -> list[str]:
        """The promises that were not held."""
        return [
            *self._told(outcome, codes),
            *self._targets(outcome),
            *self._left(outcome, killed=outcome.code == -signal.SIGKILL),
            *self._stream(outcome),
            *self._reported(outcome),
        ]

    def _told(self, outcome: Outcome, codes: tuple[int, ...]) -> list[str]:
        lines, code = outcome.err.splitlines(), outcome.code
        if any(not (line.startswith("normcli: ") and line.isprintable()) for line in lines):
            return ["it says more than messages"]
        if code and code not in codes:
            return [f"the exit code is not one of {codes}"]
        if code in (-signal.SIGHUP, -signal.SIGINT, -signal.SIGTERM):
            interrupted = code == -signal.SIGINT
            return self._ended(outcome, "interrupted" if interrupted else f"ended by {signal.Signals(-code).name}; ")
        if code <= 0:
            return outcome.errors
        return [] if len(outcome.errors) == 1 and lines[-1] == outcome.errors[0] else ["not exactly one error, last"]

    def _ended(self, outcome: Outcome, words: str) -> list[str]:
        """One line says what was written by then, unless the run had ended by itself."""
        if not outcome.errors:
            return []
        if len(outcome.errors) > 1 or not outcome.errors[0].startswith(f"normcli: error: {words}"):
            return ["it does not say in a line that it was ended"]
        files = [t for t in self.scenario.targets if outcome.files.get(t) != self.before().get(t)]
        counted = f"; {len(files)} files were written" in outcome.err
        if not counted and any(name not in outcome.err for name in files):
            return [f"it does not say that {', '.join(files)} was written"]
        if not files and (" was written" in outcome.err or " were written" in outcome.err):
            return ["it says that something was written, and nothing was"]
        return []

    def _targets(self, outcome: Outcome) -> list[str]:
        """Each is what it was or whole, and those that were replaced are the first ones."""
        before, after = self.before(), self.whole.files
        new = []
        for target in self.scenario.targets:
            now = outcome.files.get(target)
            if now not in (before.get(target), after[target]):
                return [f"{target} is neither what it was nor what it should be"]
            new.append(now == after[target] != before.get(target))
        if new != sorted(new, reverse=True):
            return ["a later target was replaced, and an earlier one was not"]
        if outcome.code == 0 and not all(new):
            return ["it says that all is well, and not all was replaced"]
        return []

    def _left(self, outcome: Outcome, *, killed: bool) -> list[str]:
        """No file but those that should be, and all others as they were."""
        before, mine = self.before(), {*self.scenario.targets, MANIFEST, self.scenario.report}
        more = [n for n in outcome.files if n not in before and n not in mine]
        if killed:
            more = [n for n in more if not LEFT.fullmatch(n)]
        changed = [n for n in before if n not in mine and outcome.files.get(n) != before[n]]
        return [f"left behind: {n}" for n in more] + [f"changed: {n}" for n in changed]

    def _stream(self, outcome: Outcome) -> list[str]:
        """Standard output is whole, or ends before it is."""
        out, whole = outcome.out, self.whole.out
        if outcome.code == 0:
            return [] if out == whole else ["it says that all is well, and standard output is not whole"]
        if not whole.startswith(out):
            return ["standard output is not how the whole begins"]
        late = "<stdout>" in outcome.err or outcome.code < 0
        return ["standard output is marked as whole"] if self.scenario.marked and out == whole and not late else []

    def _reported(self, outcome: Outcome) -> list[str]:
        found = outcome.files.get(self.scenario.report or "")
        if found is None or found == OLD:
            return ["no report of a run that went well"] * (bool(self.scenario.report) and outcome.code == 0)
        told = json.loads(found)["exit_code"]
        expected = 128 - outcome.code if outcome.code < 0 else outcome.code
        done = all(outcome.files.get(t) == self.whole.files[t] for t in self.scenario.targets)
        late = outcome.code == -signal.SIGKILL and told == 0 and done  # it came when all was done, and told
        return (
            []
            if told == expected or late or any("--run-report" in line for line in outcome.errors)
            else [f"the report says {told}"]
        )
