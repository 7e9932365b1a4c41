"""README.md and the pages of docs/ as sessions of a shell: what they show a person typing, and what that writes.

A page is one session of bash in a copy of sample_data. The first line of its fence says what a block of code is:

- `console`: commands behind `$ ` (and `> ` where they go on), and what they write, which is compared where there is
  any. A line `…` stands for any lines; how long a run took may differ. A command has to end with exit code 0, unless
  its output has an error of normcli, or the next command is `echo $?`.
- `sh`: commands to paste, all of which end with exit code 0. Lines for crontab that they write are run as cron does.
- `python`: a program, or with `>>>` a session, whose values are compared.
- `toml NAME`, `json NAME`: a file, which is there from then on.

A block that begins with "# not run" is not run. `python -m tests.doc_pages README.md` replaces the outputs that a page
shows, where they differ, by those of today; read the difference before it is committed.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.shell import run_script, shell_path

ROOT = Path(__file__).parent.parent
OTHERS = {"architecture.md", "reference.md"}  # the one shows no commands, the other is held to --help elsewhere
PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md") if path.name not in OTHERS)]
FENCED = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_RUN = "# not run"
TIMES = re.compile(r"(?<=in )\d+(\.\d+)? (s|ms|min)\b")
CRON = re.compile(r"^\d+ \d+ \* \* \* (.+)$", re.MULTILINE)
READER_LEFT = 141  # of a command before `| head`
MARK = "\x1e"  # stands around exit codes
PATIENCE = 120.0  # seconds


@dataclass(frozen=True)
class Command:
    text: str
    shown: str = ""  # its output, where the page shows it
    may_fail: bool = False


@dataclass(frozen=True)
class Result:
    command: Command
    written: str
    code: int

    @property
    def as_shown(self) -> bool:
        return not self.command.shown or alike(self.command.shown, self.written)

    @property
    def fault(self) -> str:
        if self.code not in (0, READER_LEFT) and not self.command.may_fail:
            return f"$ {self.command.text}\n{self.written}exit code {self.code}"
        if not self.as_shown:
            return f"$ {self.command.text}\nshown:\n{self.command.shown}\nwritten:\n{self.written}"
        return ""


def commands_of(text: str) -> Iterator[Command]:
    """Of the blocks of a page, in their order."""
    for language, name, code in FENCED.findall(text):
        if code.startswith(NOT_RUN):
            continue
        if language == "console":
            yield from _console(code)
        elif language == "sh":
            yield from map(Command, _pasted(code))
        elif language == "python":
            name, program = (
                ("session.txt", "python -m doctest") if code.startswith(">>> ") else ("program.py", "python")
            )
            yield Command(f"{_file(name, code)}\n{program} {name}")
        elif name:
            yield Command(_file(name, code))


def _file(name: str, content: str) -> str:
    return f"cat > {name} <<'END'\n{content}END"


def _console(code: str) -> Iterator[Command]:
    before, *parts = re.split(r"^\$ ", code, flags=re.MULTILINE)
    assert not before, f"output before a command: {code}"
    for part, following in zip(parts, [*parts[1:], ""], strict=True):
        first, *lines = part.splitlines()
        more = [line for line in lines if line.startswith("> ")]
        shown = "\n".join(lines[len(more) :])
        may_fail = "normcli: error:" in shown or following.startswith("echo $?")
        yield Command("\n".join([first, *(line[2:] for line in more)]), shown, may_fail)


def _pasted(code: str) -> list[str]:
    """Whole commands: what is indented belongs to the line before, and so does the end of a loop."""
    return re.split(r"\n(?! |done|\n|\Z)", code.rstrip("\n"))


def run_page(text: str, env: Mapping[str, str]) -> list[Result]:
    """What becomes of a page's commands, up to the one that ends the session. The path of the data has a space."""
    commands = list(commands_of(text))
    with TemporaryDirectory() as folder:
        data, tools = Path(folder, "with space", "sample_data"), Path(folder, "bin")
        shutil.copytree(ROOT / "sample_data", data)
        tools.mkdir()
        with shell_path(tools) as path:
            env = {**env, "PATH": os.pathsep.join((path, env["PATH"]))}
            output = run_script(_script(commands), cwd=data, env=env, timeout=PATIENCE).split(MARK)
            results = [*map(Result, commands, output[:-1:2], map(int, output[1::2]))]
            lines = CRON.findall("".join(output[::2]))
            return [*results, *(_cron(line, env["HOME"]) for line in lines)]


def _script(commands: list[Command]) -> str:
    """Each with the exit code of the one before in $?, and its own after what it writes."""
    parts = (f"(exit $last)\n{command.text}\nlast=$?; printf '{MARK}%d{MARK}' $last" for command in commands)
    return "\n".join(["set -o pipefail; last=0", *parts])


def _cron(line: str, home: str) -> Result:
    """A command in what cron gives it: the home directory and next to no environment."""
    script = f"{line}\nprintf '{MARK}%d' $?"
    written, code = run_script(script, cwd=Path(home), env={"HOME": home}, timeout=PATIENCE).split(MARK)
    return Result(Command(line), written, int(code))


def alike(shown: str, written: str) -> bool:
    """Line by line but for the times that runs took."""
    pattern = "".join(r"(.*\n)*" if line == "…" else re.escape(line) for line in _lines(shown))
    return re.fullmatch(pattern, "".join(_lines(written))) is not None


def _lines(output: str) -> list[str]:
    lines = TIMES.sub("", output).strip("\n").splitlines()
    return [line if line == "…" else f"{line.rstrip()}\n" for line in lines]


def refresh(page: Path) -> None:
    """Replaces the outputs that a page shows, where they differ, by those of today."""
    text, end = page.read_text(), 0
    for result in run_page(text, os.environ):
        shown = result.command.shown
        if shown:
            end = text.index(f"$ {result.command.text.splitlines()[0]}\n", end)
            end = text.index(f"\n{shown}\n", end) + 1
        if not result.as_shown:
            lines = [f"{line.rstrip()}\n" for line in result.written.strip("\n").splitlines()]
            text = text[:end] + "".join(lines) + text[end + len(shown) + 1 :]
        elif result.fault:
            print(result.fault, file=sys.stderr)
    page.write_text(text)


if __name__ == "__main__":
    for page in sys.argv[1:] or PAGES:
        refresh(ROOT / page)
