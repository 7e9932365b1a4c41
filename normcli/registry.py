"""The folder is the registry: its files are the names, known without importing them."""

import ast
import os
import re
from contextlib import suppress
from functools import cache
from importlib import import_module
from keyword import iskeyword
from types import ModuleType
from typing import Any, get_type_hints


@cache
def names(room: str) -> tuple[str, ...]:
    """Names of the entries of a folder, as on the command line. A file starting with `_` is no entry; one ending with
    it is called by a keyword of Python."""
    stems = (entry.removesuffix(".py") for entry in os.listdir(_folder(room)) if _is_module(room, entry))
    return tuple(sorted(_name(stem) for stem in stems))


def load(room: str, name: str) -> ModuleType:
    """The module of an entry. Raises KeyError for an unknown name."""
    if name not in names(room):
        raise KeyError(name)
    return import_module(f"normcli.{room}.{_stem(name)}")


@cache
def literals(room: str, name: str, record: str) -> dict[str, Any]:
    """The keyword arguments that are literals, of the call by which the file called `name` makes its `record`: read
    from its text, without importing the file."""
    match = re.search(rf"^{record} = (\w+\((?:.*|\n(?s:.*?)^)\))$", _text(room, name), re.MULTILINE)
    if match is None:
        raise KeyError(f"{room}/{name}: no {record}")
    arguments = {}
    for keyword in ast.parse(match[1], mode="eval").body.keywords:  # type: ignore[attr-defined]
        with suppress(ValueError):
            arguments[keyword.arg] = ast.literal_eval(keyword.value)
    return arguments


@cache
def order(room: str, name: str) -> int | None:
    """The position of an entry in lists, without importing it; None by default."""
    match = re.search(r"^ORDER = (\d+)$", _text(room, name), re.MULTILINE)
    return int(match[1]) if match else None


@cache
def aliases(room: str, name: str) -> tuple[str, ...]:
    """Alternative names of an entry, without importing it: a literal in the module or in its class."""
    match = re.search(r"^ *aliases = ((?:\(.*?\))|.+?)$", _text(room, name), re.MULTILINE | re.DOTALL)
    return ast.literal_eval(match[1]) if match else ()


def title(room: str, name: str) -> str:
    """The first line of the docstring after the name, without importing the module; empty if it has only a name."""
    return _text(room, name).partition("\n")[0].strip('"').partition(": ")[2]


def _name(stem: str) -> str:
    return stem.rstrip("_").replace("_", "-")


def _stem(name: str) -> str:
    return name.replace("-", "_") + "_" * iskeyword(name)


def _folder(room: str) -> str:
    return os.path.join(os.path.dirname(__file__), *room.split("."))


def _is_module(room: str, entry: str) -> bool:
    if entry.startswith("_"):
        return False
    return entry.endswith(".py") or os.path.exists(os.path.join(_folder(room), entry, "__init__.py"))


def _text(room: str, name: str) -> str:
    with open(os.path.join(_folder(room), f"{_stem(name)}.py"), encoding="utf-8") as file:
        return file.read()


def only(room: str, name: str) -> type:
    """The only public class that the module of an entry defines."""
    module = load(room, name)
    (kind,) = (
        v
        for k, v in vars(module).items()
        if isinstance(v, type) and v.__module__ == module.__name__ and not k.startswith("_")
    )
    return kind


@cache
def annotations(kind: type) -> dict[str, Any]:
    """Evaluated annotations of an entry's fields, by name; cached because they are slow."""
    return get_type_hints(kind, include_extras=True)


def name_of(entry: object) -> str:
    """The registered name of the class of `entry`, from its module."""
    return _name(type(entry).__module__.rsplit(".", 1)[1])
