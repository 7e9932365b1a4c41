"""Messages in the words of Python: an argument is called by its name, where the command line has a flag.

Jobs and what stands below them speak of flags; what comes out of a function of the API says `columns` for -c,
`only=True` for --only and `dtype='float32'` for --dtype float32. Commands that a message quotes stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from functools import cache

from msgspec import Struct

from normcli import registry
from normcli.errors import NormcliError
from normcli.jobs.format_options import format_option_names
from normcli.jobs.requests import Request
from normcli.jobs.values import Check

COMMAND = re.compile(r"((?:[^\s(`]+ )?-[a-z]\S* [^;`]*\| normcli [^;`]*|normcli [a-z]+ [^;`()]*)")
FLAG = re.compile(
    r"(?<![\w'\"/.=-])(?<!mkdir )(--[a-z][a-z-]*[a-z]|-[a-z])(?![\w-])"
    r"(?:=(?P<value>\w+)| (?P<metavar>[A-Z]{2,})\b(?![,/])| (?P<word>[a-z]\w*)(?![\w.]))?"
)
ROOMS = ("methods", "exports", "imports")  # whose classes have options, too


class Argument(Struct, frozen=True):
    """An argument by its name: whether it is True or False, and what else a value of it has to pass."""

    name: str
    is_truth: bool = False
    check: Check | None = None

    def takes(self, word: str) -> bool:
        """Whether it is one of the few words that the argument may be."""
        return self.check is not None and not self.check(word) and bool(self.check("?"))


@cache
def arguments() -> Mapping[str, Argument]:
    """Those that have a flag, by the flag."""
    kinds: list[type[Request]] = [registry.only("jobs.requests", name) for name in registry.names("jobs.requests")]
    known: dict[str, Argument] = {}
    for kind in kinds:
        for f in (f for f in fields(kind) if f.metadata):
            long = f"--{_spelled(f.name)}"
            argument = Argument(f.name, f.type == "bool", f.metadata["check"])
            known |= {flag: argument for flag in (long, *f.metadata["flags"]) if flag.startswith("-")}
    classes: list[type[Struct]] = [registry.only(room, name) for room in ROOMS for name in registry.names(room)]
    options = format_option_names().union(*(kind.__struct_fields__ for kind in classes))
    positive = {f"--{_spelled(name)}": Argument(name) for name in options}
    return {f"--no-{_spelled(name)}": Argument(f"{name}=False") for name in options} | positive | known


def _spelled(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def in_python(text: str, names: Mapping[str, str] | None = None) -> str:
    """A message that calls arguments by their names in Python, which are `names` of fields of a request if not those of
    the fields."""
    parts = COMMAND.split(text)  # every other one is a command
    parts[::2] = [FLAG.sub(lambda match: _named(match, names or {}), part) for part in parts[::2]]
    return "".join(parts)


def _named(match: re.Match[str], names: Mapping[str, str]) -> str:
    flag, value, metavar, word = match.groups()
    argument = arguments().get(flag)
    if argument is None and match.start() == 0 and flag.startswith("--"):  # one that nobody knows
        argument = Argument(flag[2:].replace("-", "_"))
    if argument is None:
        return match[0]
    name = names.get(argument.name, argument.name)
    if value or (word and argument.takes(word)):
        return f"`{name}={value or word!r}`"
    rest = "" if metavar or not word else f" {word}"
    return f"`{name}=True`{rest}" if argument.is_truth else f"`{name}`{rest}"


def reword(error: NormcliError, names: Mapping[str, str] | None = None) -> None:
    """Has an error speak of arguments."""
    plain = error.args == (error.message, error.hint)
    error.message, error.hint = in_python(error.message, names), in_python(error.hint, names)
    if plain:
        error.args = (error.message, error.hint)


@contextmanager
def errors_in_python(names: Mapping[str, str] | None = None) -> Iterator[None]:
    """Inside, errors speak of arguments."""
    try:
        yield
    except NormcliError as e:
        reword(e, names)
        raise
