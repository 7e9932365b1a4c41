"""The folder is the registry: its files are the names, known without importing them."""

import ast
import pkgutil
import re
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, get_type_hints


@cache
def names(room: str) -> tuple[str, ...]:
    """What the folder holds, in the words of the command line. A file starting with `_` is no entry."""
    spec = find_spec(f"normcli.{room}")
    folders = spec.submodule_search_locations if spec else None
    return tuple(sorted(m.name.replace("_", "-") for m in pkgutil.iter_modules(folders) if not m.name.startswith("_")))


def load(room: str, name: str) -> ModuleType:
    """The file called `name`. Raises KeyError where there is none."""
    if name not in names(room):
        raise KeyError(name)
    return import_module(f"normcli.{room}.{name.replace('-', '_')}")


@cache
def literals(room: str, name: str, record: str) -> dict[str, Any]:
    """The keyword arguments that are literals, of the call by which the file called `name` makes its `record`: read
    from its text, without importing the file."""
    text = pkgutil.get_data(f"normcli.{room}", f"{name.replace('-', '_')}.py") or b""
    found = re.search(rf"^{record} = (\w+\((?:.*|\n(?s:.*?)^)\))$", text.decode(), re.MULTILINE)
    if found is None:
        raise KeyError(f"{room}/{name}: no {record}")
    arguments = {}
    for keyword in ast.parse(found[1], mode="eval").body.keywords:  # type: ignore[attr-defined]
        with suppress(ValueError):
            arguments[keyword.arg] = ast.literal_eval(keyword.value)
    return arguments


def only(room: str, name: str) -> type:
    """The one public class that the file is about."""
    module = load(room, name)
    (found,) = (
        v
        for k, v in vars(module).items()
        if isinstance(v, type) and v.__module__ == module.__name__ and not k.startswith("_")
    )
    return found


@cache
def annotations(kind: type) -> dict[str, Any]:
    """Those of an entry's fields, by name, which take a while to be evaluated."""
    return get_type_hints(kind, include_extras=True)


def name_of(entry: object) -> str:
    """The name under which the class of `entry` is found: its file's."""
    return type(entry).__module__.rsplit(".", 1)[1].replace("_", "-")
