"""The method, or the steps, of a request."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from normcli import registry, suggestions
from normcli.errors import UsageError
from normcli.jobs.conventions import conventional_options
from normcli.parameters.plan import Plan, PlanStep

if TYPE_CHECKING:
    from normcli.jobs.requests.fit import FitRequest
    from normcli.methods import Method
    from normcli.parameters import Parameters


def chosen(request: FitRequest, *, example: str) -> Plan | None:
    """The steps of a request, or of the plan that it names; None where it has neither. Raises UsageError."""
    if request.plan is None:
        options = method_options(request)
        if request.method is None:
            return None
        method = chosen_method(request.method, options, explicit=request.method_options)
        return Plan((PlanStep(method, request.columns, request.exclude),))
    for name in ("method", "like", "columns", "exclude"):
        if getattr(request, name):
            raise UsageError(f"{request.spelled(name)} is not for --plan: its steps say that")
    if isinstance(request.plan, Plan):
        return request.plan
    if request.plan == "-":
        raise UsageError("--plan -: a plan is a file")
    from normcli.parameters import plan_file

    return plan_file.read(request.plan, example=example, allow_edited=request.allow_edited)


def method_options(request: FitRequest) -> dict[str, Any]:
    """The options of the method that a request names, with those that a program sets; all of one that has them."""
    if request.method is not None and not isinstance(request.method, str):
        return asdict(request.method)
    return conventional_options(request.like, request.method, request.method_options)


def needed(wanted: Plan | None, request: FitRequest) -> Plan:
    """The steps of a request that must have some. Raises UsageError, naming the methods."""
    if wanted is None:
        chosen_method(None, {})
    assert wanted is not None
    return wanted


def chosen_method(
    method: str | Method | None, options: Mapping[str, Any], *, explicit: Collection[str] | None = None
) -> Method:
    """The method of a name, or itself, with options, all of which are `explicit` unless it says which. Raises
    UsageError, naming the methods, for none, or the nearest for an unknown one."""
    if method is not None and not isinstance(method, str):
        method.check()
        return method
    if method is None:
        raise UsageError("-m METHOD is missing", "`normcli methods` lists them: zscore, minmax, robust and more")
    if method not in registry.names("methods"):
        raise UsageError(f"-m {method}: no such method", suggestions.of_room(method, "methods"))
    kind: Any = registry.only("methods", method)
    configured: Method = kind(**options)
    configured.check(options if explicit is None else explicit)
    return configured


def method_name(method: str | Method | None) -> str | None:
    """How a request calls its method, be there such a one or not."""
    return method if method is None or isinstance(method, str) else registry.name_of(method)


def methods_of(plan: Parameters | Plan) -> str:
    """By name, each once."""
    return ", ".join(dict.fromkeys(map(registry.name_of, plan.methods)))
