"""What the documents name is there: paths, make targets, commands, rooms; and their examples are code that runs."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import click
import pytest

from normcli import registry
from normcli.methods import Method
from normcli.stats import Statistic
from tests.test_architecture import HOME, NEXT

ROOT = Path(__file__).parent.parent
CONTRIBUTING, ARCHITECTURE, CHANGELOG = "CONTRIBUTING.md", "docs/architecture.md", "CHANGELOG.md"
PLACES = (
    "normcli/",
    "tests/",
    "docs/",
    "sample_data/",
    ".ci/",
    ".github/",
)  # how paths of the repository begin
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
guides = pytest.mark.parametrize("guide", [ARCHITECTURE, CONTRIBUTING])


@cache
def text(guide: str) -> str:
    return (ROOT / guide).read_text()


def fenced(guide: str, language: str) -> list[str]:
    """The blocks of code in a language."""
    return [code for kind, code in FENCED.findall(text(guide)) if kind == language]


def paths(guide: str) -> Iterator[Path]:
    """Those that links lead to, and those in backticks that begin with a folder of the repository."""
    prose = FENCED.sub("", text(guide))
    links = re.findall(r"\]\(([^)#:]+)\)", prose)
    yield from ((ROOT / guide).parent / link for link in links)
    words = {word for code in re.findall(r"`([^`\n]+)`", prose) for word in code.split()}
    yield from (ROOT / word for word in words if word.startswith(PLACES))


def targets() -> set[str]:
    """Of the Makefile."""
    return set(re.findall(r"^(\w+):", text("Makefile"), re.MULTILINE))


def commands(guide: str) -> list[list[str]]:
    """The words of each line that console blocks show a person typing."""
    lines = (line for block in fenced(guide, "console") for line in block.splitlines())
    return [line.removeprefix("$ ").split("  #")[0].split() for line in lines if line.startswith("$ ")]


def rooms() -> list[str]:
    """The first column of the table of rooms, in its order."""
    table = text(ARCHITECTURE).split("## Rooms", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


def module_of(code: str) -> ModuleType:
    module = ModuleType("example")
    exec(code, module.__dict__)
    return module


def only(module: ModuleType) -> type:
    """The one class that a module defines."""
    (kind,) = (v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__)
    return kind


@guides
def test_every_path_that_is_named_is_there(guide: str) -> None:
    named = list(paths(guide))
    assert len(named) > 5
    assert [str(path) for path in named if not path.exists()] == []


@guides
def test_every_make_target_that_is_named_is_there(guide: str) -> None:
    codes = re.findall(r"`make ([^`]+)`", text(guide))
    named = {word for code in codes for word in code.split() if "=" not in word}
    assert named
    assert named <= targets()


def test_the_ways_of_a_contributor_are_named() -> None:
    named = {word for line in commands(CONTRIBUTING) if line[0] == "make" for word in line[1:]}
    assert named == targets() - {"clean"}


def test_every_command_of_a_console_block_is_one() -> None:
    """A make target, a command of normcli, or a tool of the environment that make creates."""
    for program, *words in commands(CONTRIBUTING):
        if program == "make":
            assert set(words) <= targets()
        elif program == "normcli":
            assert words[0] in registry.names("cli")
        else:
            assert [program, *words[:2]] == [".venv/bin/python", "-m", "pytest"]


def test_the_table_of_rooms_is_what_is_there_from_the_top_down() -> None:
    there = {f"{p.name}/" if p.is_dir() else p.name for p in HOME.iterdir() if p.is_dir() or p.suffix == ".py"}
    assert len(rooms()) == len(set(rooms()))
    assert set(rooms()) == there - {"__pycache__/"}
    order = [room.removesuffix("/").removesuffix(".py") for room in rooms()]
    for i, room in enumerate(order):
        assert not set(order[:i]).intersection(NEXT[room]), room


def test_the_examples_are_entries_of_their_folders() -> None:
    """With the class, or the command, that such a file has to have."""
    method, statistic, command = map(module_of, fenced(CONTRIBUTING, "python"))
    assert issubclass(only(method), Method)
    assert only(method)().statistics
    assert issubclass(only(statistic), Statistic)
    assert isinstance(command.command, click.Command)


def test_the_changelog_begins_with_what_is_not_released_in_the_groups_of_keep_a_changelog() -> None:
    title, *releases = re.findall(r"^##? (.+)$", text(CHANGELOG), re.MULTILINE)
    assert title == "Changelog"
    assert releases[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", release) for release in releases[1:])
    groups = re.findall(r"^### (.+)$", text(CHANGELOG), re.MULTILINE)
    assert set(groups) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_versions_that_are_tested_are_those_that_are_promised() -> None:
    promised = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text("pyproject.toml"))
    tested = re.search(r"python: \[(.+)\]", text(".github/workflows/ci.yml"))
    assert tested is not None
    assert re.findall(r'"(3\.\d+)"', tested[1]) == promised
