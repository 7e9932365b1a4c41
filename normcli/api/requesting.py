"""What stands between the functions of the API and the jobs: requests from arguments, warnings, one thread of BLAS."""

import os
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import fields as struct_fields
from threadpoolctl import ThreadpoolController

from normcli.api.arguments import AnyMethod, Names, Path
from normcli.api.spelling import in_python
from normcli.errors import NormcliWarning, UsageError, short
from normcli.formats._memory.reader import Tables, tables_in
from normcli.io import stores
from normcli.jobs.format_options import format_option_names
from normcli.jobs.requests import Request
from normcli.methods import Method
from normcli.parameters import Parameters
from normcli.parameters.method_options import method_of, method_of_class
from normcli.parameters.plan import Plan, plan_steps
from normcli.pipeline import Events

R = TypeVar("R", bound=Request)
S = TypeVar("S")


@cache
def _blas() -> ThreadpoolController:
    """numpy's BLAS, which is there since this module is, and takes a millisecond to be looked for."""
    return ThreadpoolController()


def one_blas_thread() -> AbstractContextManager[Any]:
    """Inside, BLAS runs on one thread, so that the same input gives the same bytes."""
    limit: AbstractContextManager[Any] = _blas().limit(limits=1, user_api="blas")
    return limit


class Warnings(Events):
    """Issues the warnings of a job as Python's."""

    def warning(self, text: str) -> None:
        """Issues a warning for the line that called this module."""
        level, frame = 1, sys._getframe()
        while frame.f_back is not None and frame.f_globals["__name__"].startswith("normcli."):
            level, frame = level + 1, frame.f_back
        warnings.warn(in_python(text), NormcliWarning, stacklevel=level)


def request_of(kind: type[R], arguments: Mapping[str, Any], **fixed: Any) -> R:
    """A request of arguments by their names, each in the form that the request has it in, and of `fixed` values.
    What is no field of the request is left out. Raises UsageError for an argument that makes no sense."""
    wanted = {f.name for f in fields(kind)} - fixed.keys() - {"input"}
    values = {name: _formed(name, value) for name, value in arguments.items() if name in wanted}
    if "input" in arguments:
        values |= reading(arguments["input"])
    return kind(**values, **fixed)


def _formed(name: str, value: Any) -> Any:
    """An argument as requests have it. Raises UsageError."""
    match name:
        case "params":
            return parameters_or_path(value)
        case "columns" | "exclude" | "by" | "categories":
            return listed_names(value, name)
        case "output" | "rejects" | "limits" | "spool_dir" | "save":
            return path(value)
        case "format_options":
            return _format_options(value)
        case "check" | "resume" if isinstance(value, bool):
            return {"check": "refuse", "resume": "stat"}[name] if value else None
    return value


def run(job: Callable[[Any, Events], S], request: Request, events: Events | None) -> S:
    """What came of a job. Raises NormcliError."""
    with one_blas_thread():
        return job(request, events_of(events))


def path(value: Path | None) -> str | None:
    return None if value is None else path_of(value)


def path_of(value: Any) -> str:
    return stores.plain(stores.text_of(value))


def reading(data: Any) -> dict[str, Any]:
    """The fields of a request that say what is read. Raises UsageError for what is neither paths nor tables."""
    names: Any = [data]
    if not isinstance(data, str | bytes | os.PathLike):
        names = tables_in(data)
    if isinstance(names, Tables):
        return {"tables": names}
    return {"input": tuple(map(path_of, names))}


def parameters_or_path(params: Parameters | Path) -> Parameters | str:
    if isinstance(params, Parameters):
        return params
    if not isinstance(params, str | bytes | os.PathLike):
        what = f"params: {short(repr(params))} is neither Parameters nor the path of a file"
        raise UsageError(what, "they come first, and then the data")
    return path_of(params)


def listed_values(values: Any, name: str) -> list[Any]:
    """What is in an iterable. Raises UsageError for anything else."""
    try:
        return list(values)
    except TypeError:
        raise UsageError(f"{name}: {short(repr(values))} is neither one nor several of them") from None


def listed_names(names: Names, name: str) -> tuple[str, ...]:
    """Raises UsageError for what is no text."""
    if names is None:
        return ()
    listed = [names] if isinstance(names, str) else listed_values(names, name)
    for value in listed:
        if not isinstance(value, str):
            raise UsageError(f"{name}: {value!r} is no name")
    return tuple(listed)


def events_of(events: Events | None) -> Events:
    if not isinstance(events, Events | None):
        raise UsageError(f"events: {events!r} is no normcli.Events")
    return events or Warnings()


def check_options(options: Mapping[str, Any]) -> None:
    """Raises UsageError for an option of formats among those of a method."""
    for name in options:
        if name in format_option_names():
            hint = f"format_options={{{name!r}: {options[name]!r}}} takes it"
            raise UsageError(f"{name}: an option of formats, not of methods", hint)


def method_with_options(method: AnyMethod | None, options: Mapping[str, Any]) -> Method | None:
    """Raises UsageError for options that the method does not have."""
    if isinstance(method, list | tuple) or method is None:
        if options:
            raise UsageError(f"{', '.join(options)}: an option of no method that is named")
        return None
    if isinstance(method, str):
        return method_of(method, options)
    if isinstance(method, type):
        return method_of_class(method, options)
    if options:
        raise UsageError(f"{', '.join(options)}: the method has its options already")
    if not isinstance(method, Method):
        raise UsageError(f"{method!r} is no method")
    return method


def plan_of(method: AnyMethod | None, plan: Path | None) -> str | Plan | None:
    if isinstance(method, list | tuple):
        if plan is not None or not method:
            raise UsageError("--plan and steps: either says all" if method else "there is no step")
        return Plan(plan_steps(method))
    return path(plan)


def _format_options(options: Any) -> dict[str, Any]:
    """Those of formats, of a dict or a format's class."""
    if options is None:
        return {}
    if isinstance(options, Struct):
        return {f.name: value for f in struct_fields(options) if (value := getattr(options, f.name)) != f.default}
    if not isinstance(options, Mapping) or not all(isinstance(name, str) for name in options):
        what = f"format_options: {options!r} is neither a dict of options nor the Options of a format"
        raise UsageError(what, 'as in {"delimiter": ";"}')
    return dict(options)
