"""Plans in TOML files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import chain
from typing import Any

from normcli import registry, suggestions
from normcli.errors import NormcliError, UsageError, printable
from normcli.parameters.method_options import method_with
from normcli.parameters.plan import Plan, PlanStep, fitted_steps

KEYS = ("method", "columns", "exclude", "options")
FROM = "from"  # in place of all of them
EXAMPLE = "normcli fit data.csv -m fill -p fill.json"


def read(path: str, *, example: str, allow_edited: bool = False) -> Plan:
    """The plan in a TOML file: [[steps]], each with method, columns, exclude and options, or with the parameter file,
    beside the plan, whose fitted steps it takes. Raises NoInputError; and UsageError, NoInputError or
    BadParametersError with the position."""
    from normcli.parameters import toml_file

    data, name = toml_file.read(path, example=example)
    try:
        steps = parsed(data, os.path.dirname(path), allow_edited=allow_edited)
    except NormcliError as e:
        raise type(e)(f"{name}{e.message}", e.hint) from None
    positions = tuple(i for i, here in enumerate(steps) for _ in here)
    return Plan(tuple(chain.from_iterable(steps)), name, positions)


def parsed(data: bytes, directory: str = "", *, allow_edited: bool = False) -> list[tuple[PlanStep, ...]]:
    """What each step in the bytes of a TOML file of this directory takes. Raises NormcliError, whose message continues
    the name of the file."""
    from normcli.parameters import toml_file

    document = toml_file.parsed(data)
    unknown = next((k for k in document if k != "steps"), None)
    if unknown is not None:
        raise UsageError(f": {printable(unknown)}: unknown; there are [[steps]] and nothing else")
    steps = document.get("steps")
    if not isinstance(steps, list) or not steps or not all(isinstance(s, dict) for s in steps):
        raise UsageError(": there are no [[steps]]", 'each begins with [[steps]], then method = "zscore"')
    return [_plan_steps(step, f": steps[{i}]", directory, allow_edited=allow_edited) for i, step in enumerate(steps)]


def _plan_steps(raw: Mapping[str, Any], at: str, directory: str, *, allow_edited: bool) -> tuple[PlanStep, ...]:
    """The one of a method, or those of a parameter file."""
    if FROM not in raw:
        return (_plan_step(raw, at),)
    path = raw[FROM]
    if not isinstance(path, str) or not path or path == "-":
        raise UsageError(f"{at}.{FROM}: {_spell(path)}: must be a parameter file")
    if len(raw) > 1:
        other = next(k for k in raw if k != FROM)
        raise UsageError(f"{at}.{printable(other)}: is not for {FROM}: the file says what its steps are")
    from normcli.parameters import file as params  # here, for most plans do without

    full = path if "://" in path else os.path.join(directory, path)
    try:
        return fitted_steps(params.read_file(full, example=EXAMPLE, allow_edited=allow_edited), full)
    except UsageError as e:
        raise UsageError(f"{at}.{FROM}: {printable(path)} {e.message}", e.hint) from None
    except NormcliError as e:
        raise type(e)(f"{at}.{FROM}: {e.message}", e.hint) from None


def _plan_step(raw: Mapping[str, Any], at: str) -> PlanStep:
    unknown = next((k for k in raw if k not in KEYS), None)
    if unknown is not None:
        raise UsageError(f"{at}.{printable(unknown)}: unknown; a step has {', '.join(KEYS)}, or {FROM}")
    name = raw.get("method")
    if name not in registry.names("methods"):
        if "method" not in raw:
            raise UsageError(f"{at}: method is missing; the methods are {', '.join(registry.names('methods'))}")
        raise UsageError(f"{at}.method: {_spell(name)}: no such method", suggestions.of_room(str(name), "methods"))
    for key in ("columns", "exclude"):
        value = raw.get(key, ["*"])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise UsageError(f'{at}.{key}: must be a list of texts, as ["price", "x*"]')
        if not value and key == "columns":
            raise UsageError(f"{at}.columns: is empty", "without it, every numeric column takes part")
    method = method_with(registry.only("methods", name), raw.get("options", {}), at)
    return PlanStep(method, tuple(raw.get("columns", ())), tuple(raw.get("exclude", ())))


def _spell(value: Any) -> str:
    return f"'{printable(value)}'" if isinstance(value, str) else printable(repr(value))
