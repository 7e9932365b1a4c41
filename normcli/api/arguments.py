"""The arguments that several functions have: what they are, once for all of them, and of which types.

Of a function with an argument `**arguments: Unpack[...]`, those of that TypedDict are in the signature, with the
defaults of the request that it makes.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from functools import wraps
from inspect import Parameter, Signature, cleandoc, signature
from typing import Any, Literal, TypedDict, TypeVar, Unpack, cast, get_args, get_origin, get_type_hints

from normcli.api.spelling import errors_in_python
from normcli.columns import Dtype, Infinite
from normcli.engines import Cluster
from normcli.jobs.requests import Request
from normcli.methods import Method
from normcli.parameters.plan import PlanStep
from normcli.pipeline import Events

Path = str | os.PathLike[str]
Data = Path | Iterable[Any] | Any  # paths, or tables in memory
Names = str | Sequence[str] | None
OneMethod = str | Method | type[Method]
AnyMethod = OneMethod | Sequence[PlanStep]
Limit = float | Mapping[str | None, float] | None
F = TypeVar("F", bound=Callable[..., Any])


class Reading(TypedDict, total=False):
    """What is read, and how."""

    from_: str | None
    format_options: Any
    on_bad_row: Literal["error", "skip"]
    max_bad_rows: int | None
    rejects: Path | None
    min_rows: int
    block_size: int | None
    threads: int | None
    max_memory: int | None
    events: Events | None


class OnCluster(Reading, total=False):
    """Where it is read."""

    infinite: Infinite
    engine: str | Cluster
    scheduler: str | None
    insecure_scheduler: bool


class Limited(OnCluster, total=False):
    """When data have drifted."""

    max_shift: Limit
    max_scale_ratio: Limit
    max_outside: Limit
    max_missing: Limit
    max_ks: Limit
    max_wasserstein: Limit
    max_psi: Limit
    max_category: Limit
    limits: Path | None
    no_extra: bool
    allow_edited: bool


class Comparing(Limited, total=False):
    """How data are compared with those of a fit."""

    by_key: bool


class Applying(Limited, total=False):
    """What is written."""

    to: str | None
    dtype: Dtype | None
    column_suffix: str | None
    only: bool
    limit: tuple[float, float] | None
    fill: float | None
    precision: int | None
    drop_constant: bool
    spool_dir: Path | None


ARGUMENTS = {
    "params": "parameters, or the path of a file of them.",
    "input": 'one path or several: files, directories, globs, URIs of objects; "-" is standard input. Or a table in\n'
    "  memory: a DataFrame of pandas or polars, a matrix of numpy, what exports Arrow streams; or an iterable of such.",
    "from_": "the name of the format that is read; by default it is detected from the suffix, then from the content.",
    "to": "the name of the format that is written; by default that of the suffix of `output`, else that of the input.",
    "format_options": 'options of a format: a dict, as {"delimiter": ";"}, or an instance of the format\'s `Options`.',
    "infinite": 'an infinite value is an "error", or counts as "missing".',
    "on_bad_row": 'a row of text that can\'t be parsed is an "error", or is left out: "skip".',
    "max_bad_rows": "how many rows may be left out; 100 by default.",
    "rejects": "a file for the rows that are left out, as NDJSON.",
    "min_rows": "fewer rows of all inputs are an error; in `check`, they allow no verdict.",
    "block_size": "bytes of text, or rows of a binary format, in a block; the last digits of a result depend on it.",
    "engine": '"threads"; or a cluster whose workers read and write the data: "dask", or `normcli.Dask(client)`.',
    "scheduler": 'the address of the scheduler of "dask"; by default that of DASK_SCHEDULER_ADDRESS.',
    "insecure_scheduler": "allow a scheduler on another machine without encryption.",
    "threads": "how many threads work, 1 to 1,024; by default one for each CPU. No byte of a result depends on it.",
    "max_memory": "about how many bytes of memory to use, as an int; by default four fifths of what is free.",
    "spool_dir": "a directory for temporary data.",
    "allow_edited": "accept a parameter file whose digest does not match.",
    "wait": "seconds to wait for another run that is replacing the parameter file, before LockedError.",
    "note": "text that is kept with the parameters.",
    "unseen": 'rows whose key was not fitted: "error", "global", "missing" or "pass".',
    "min_count": "how many rows a key needs to have statistics of its own.",
    "no_sketch": "keep no sketches of the columns, which contain some of their values.",
    "no_extra": "columns that the fit did not have are an error.",
    "by_key": "each key is compared by itself, too, by its moments.",
    "max_shift": "limit of drift of a mean, in fitted standard deviations. As all limits, it may be a dict by column:\n"
    '  {"price": 0.8, None: 0.5}, where None is all others. math.inf switches the measure off.',
    "max_scale_ratio": "limit of drift of the distance between the deciles, as a ratio of at least 1.",
    "max_outside": "limit of the share of values outside the fitted range, 0 to 1.",
    "max_missing": "limit of the growth of the share of missing values, 0 to 1.",
    "max_ks": "limit of the greatest difference of the shares up to a value, 0 to 1.",
    "max_wasserstein": "limit of the mean distance by which values are moved, in fitted robust deviations.",
    "max_psi": "limit of the population stability index over fitted deciles.",
    "max_category": "limit of the difference of the shares of a value in columns of `categories`, 0 to 1.",
    "limits": "a TOML file of such limits, with those of single columns in tables like [columns.price].",
    "dtype": 'the type of normalized columns: "float32" or "float64".',
    "column_suffix": "keep the columns, and add normalized ones, whose names end in this.",
    "only": "write the normalized columns alone.",
    "limit": "two numbers that results are held within, in their own units.",
    "fill": "what is missing afterwards becomes this number.",
    "precision": "how many significant digits floats have at most in text, 1 to 17.",
    "drop_constant": "leave out columns that were constant in the fit.",
    "events": "callbacks for warnings, progress and skipped rows, an `Events`; without it, warnings are issued as\n"
    "  NormcliWarning.",
}


def public(request: type[Request] | None = None, **names: str) -> Callable[[F], F]:
    """A function of the API, which makes such a request: with all of its arguments in its signature, and in its
    docstring those that it does not describe itself. Its errors call arguments by their names, which are `names` of
    fields of the request if not those of the fields."""

    def decorate(function: F) -> F:
        shown = _expanded(function, request)
        accepted = {p.name for p in shown.parameters.values()}
        accepts_all = any(p.kind is Parameter.VAR_KEYWORD for p in shown.parameters.values())

        @wraps(function)
        def call(*positional: Any, **named: Any) -> Any:
            if not accepts_all and (unknown := named.keys() - accepted):
                raise TypeError(f"{function.__name__}() got an unexpected keyword argument {min(unknown)!r}")
            with errors_in_python(names):
                return function(*positional, **named)

        described: Any = call
        described.__signature__, described.__doc__ = shown, _documented(function, shown)
        described.__annotations__ = {p.name: p.annotation for p in shown.parameters.values()}
        described.__annotations__["return"] = shown.return_annotation
        return cast(F, described)

    return decorate


def _expanded(function: Callable[..., Any], request: type[Request] | None) -> Signature:
    """The signature of a function, with the arguments of a TypedDict in place of `**arguments`."""
    shown = signature(function)
    *plain, last = shown.parameters.values()
    if last.kind is not Parameter.VAR_KEYWORD or get_origin(last.annotation) is not Unpack:
        return shown
    assert request is not None
    defaults = {f.name: f.default for f in fields(request) if f.default is not MISSING}
    (kind,) = get_args(last.annotation)
    shared = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=defaults.get(name), annotation=annotation)
        for name, annotation in get_type_hints(kind).items()
    ]
    return shown.replace(parameters=[*plain, *shared])


def _documented(function: Callable[..., Any], shown: Signature) -> str:
    text = cleandoc(function.__doc__ or "")
    names = [name for name in shown.parameters if name in ARGUMENTS and f"`{name}`" not in text]
    if not names:
        return text
    lines = "\n".join(f"- `{name}`: {ARGUMENTS[name]}" for name in names)
    return f"{text}\n\nArguments that other functions have, too:\n\n{lines}\n"
