"""The parameters of an estimator: a method, and every option that any method has, each by its name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from msgspec.structs import fields

from normcli import registry
from normcli.columns import Field
from normcli.errors import NormcliError, UsageError, short
from normcli.methods import Method
from normcli.parameters import Parameters
from normcli.parameters.method_options import method_of, method_of_class
from normcli.parameters.plan import Plan, PlanStep, plan_steps

F = TypeVar("F", bound=Callable[..., Any])


@cache
def option_names() -> tuple[str, ...]:
    """Those of all methods, sorted."""
    kinds: list[Any] = [registry.only("methods", name) for name in registry.names("methods")]
    return tuple(sorted({f.name for kind in kinds for f in fields(kind)}))


def with_options(function: F) -> F:
    """A constructor whose signature has every option of a method."""
    signature = inspect.signature(function)
    plain = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    options = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in option_names()]
    function.__signature__ = signature.replace(parameters=[*plain, *options])  # type: ignore[attr-defined]
    return function


def chosen(method: Any, options: Mapping[str, Any]) -> Method | list[PlanStep]:
    """The method, or the steps of a plan, with those options that are not None. Raises UsageError."""
    explicit = {name: value for name, value in options.items() if value is not None}
    if isinstance(method, str):
        return method_of(method, explicit)
    if isinstance(method, type):
        return method_of_class(method, explicit)
    if isinstance(method, Method):
        return method_of_class(type(method), _options_of(method) | explicit) if explicit else method
    if not isinstance(method, Plan | Iterable):
        raise UsageError(f"method: {short(repr(method))} is neither a method nor steps of a plan")
    steps = list(method.plan_steps if isinstance(method, Plan) else plan_steps(method))
    if explicit:
        raise UsageError(f"{min(explicit)}: an option of no method that is named", "each step of a plan has its own")
    return steps


def _options_of(method: Method) -> dict[str, Any]:
    return {f.name: value for f in fields(method) if (value := getattr(method, f.name)) != f.default}


def methods_of(choice: Method | list[PlanStep]) -> list[Method]:
    """The methods of one, or of a plan."""
    return [choice] if isinstance(choice, Method) else [step.method for step in choice]


def repeats(choice: Method | list[PlanStep], names: Sequence[str] = ()) -> bool:
    """Whether it takes several passes over columns of these names: without any, over those that it is likely for."""
    plan = Plan((PlanStep(choice),) if isinstance(choice, Method) else tuple(choice))
    likely = [re.sub("[*?]", "x", name) for step in plan.plan_steps for name in step.columns or ("x0", "x1")]
    schema = tuple(Field(name, "float64") for name in dict.fromkeys(names or likely))
    try:
        return Parameters(plan.steps(schema, lambda name: 1)).passes.repeats
    except NormcliError:  # which only the data settle
        return any(s.repeats for method in plan.learners for s in method.statistics)


def method_and_options(parameters: Parameters) -> tuple[str | list[PlanStep], dict[str, Any]]:
    """What a constructor takes for parameters: the name of their method and its options, or the steps of a plan."""
    if len(parameters.steps) == 1:
        (step,) = parameters.steps
        return registry.name_of(step.method), _options_of(step.method)
    return [PlanStep(s.method, s.columns, fitted=s if s.external else None) for s in parameters.steps], {}
