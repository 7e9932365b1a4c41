"""The commands of the table, each run in a directory of its own, and which places of the source their errors are of."""

import ast
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

import normcli
from normcli import errors
from tests import inside

TABLE = Path(__file__).parent / "table.txt"
ROOT = Path(normcli.__file__).parent
CLASSES = tuple(k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, Exception))
ERRORS = {k.__name__ for k in CLASSES if not issubclass(k, Warning)} | {"open_error", "lacking", "BadParameter"}
LINE = re.compile(r"normcli: (?:(warning|error): )?(.*)")
SUMMARY = re.compile(r"(fit|update|relearn|merge|applied|restored|checked|would) .*")

Place = tuple[str, int]  # of a file below normcli/, and a line


@dataclass
class Entry:
    """A command of the table, and what it says: an exit code, then messages."""

    command: str
    lines: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join([f"$ {self.command}", *self.lines])


def read(text: str) -> dict[str, list[Entry]]:
    """The sections of a table, by their titles."""
    sections: dict[str, list[Entry]] = {}
    title = ""
    for line in text.splitlines():
        if line.startswith("## "):
            title = line[3:]
            sections[title] = []
        elif line.startswith("$ "):
            sections[title].append(Entry(line[2:]))
        elif line and title:
            sections[title][-1].lines.append(line)
    return sections


def run(command: str, files: Path, directory: Path) -> list[str]:
    """What a command says, and its exit code; in a new directory with links to the files. `< FILE` is its input."""
    shutil.copytree(files, directory, copy_function=os.link, symlinks=True)
    words = shlex.split(command)
    stdin = (directory / words.pop()).read_bytes() if words[-2:-1] == ["<"] else None
    words = words[1 : -1 if stdin is not None else None]
    code, _, err = inside.main(words, cwd=directory, env={**os.environ, "TMPDIR": str(directory)}, stdin=stdin)
    shutil.rmtree(directory)
    found = []
    for line in err.decode("utf-8", "backslashreplace").replace(str(directory), "/work").splitlines():
        match = LINE.fullmatch(line)
        assert match, line
        if not (match[1] is None and SUMMARY.fullmatch(match[2])):
            found.append(f"{match[1] or 'notice'}: {match[2]}")
    return [*found, f"exit {code}"]


@contextmanager
def noting(places: set[Place]) -> Iterator[None]:
    """Meanwhile, notes where errors are created."""

    def noted(real: Any) -> Any:
        def init(self: Any, *args: Any, **named: Any) -> None:
            frame = sys._getframe(1)
            while frame.f_back and frame.f_code.co_name == "__init__" and "self" in frame.f_locals:
                frame = frame.f_back
            for near in (frame, frame.f_back):  # of a function such as open_error, its caller, too
                if near and near.f_code.co_filename.startswith(str(ROOT)):
                    places.add((os.path.relpath(near.f_code.co_filename, ROOT), near.f_lineno))
            real(self, *args, **named)

        return init

    kinds = (errors.NormcliError, errors.BadRowError, errors.BadValueError, errors.BadPlaceError, click.UsageError)
    before = [(kind, vars(kind)["__init__"]) for kind in kinds]
    for kind, real in before:
        setattr(kind, "__init__", noted(real))  # noqa: B010
    try:
        yield
    finally:
        for kind, real in before:
            setattr(kind, "__init__", real)  # noqa: B010


def sites() -> dict[tuple[str, int, int], str]:
    """Every place of the source that creates an error, as its file, first and last line, with its text; a raise of what
    another file's error says, in more words, is none."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        source = path.read_text()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and _name(node.func) in ERRORS:
                text = " ".join((ast.get_source_segment(source, node) or "").split())
                if re.search(r"\be\.(message|what)\b", text):
                    continue
                found[str(path.relative_to(ROOT)), node.lineno, node.end_lineno or node.lineno] = text
    return found


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
