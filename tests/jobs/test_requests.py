"""What the command line and Python ask for is the same: every flag that concerns data is a field, and an argument."""

import ast
import inspect
import math
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import click
import pytest

import normcli.cli
from normcli import api, registry
from normcli.cli import main
from normcli.cli._command import FORMAT, ORIGIN, TARGET
from normcli.errors import UsageError
from normcli.jobs.format_options import format_option_names
from normcli.jobs.requests import Request
from normcli.jobs.requests.apply import ApplyRequest
from normcli.jobs.requests.check import CheckRequest
from normcli.jobs.requests.describe import DescribeRequest
from normcli.jobs.requests.export import ExportRequest
from normcli.jobs.requests.fit import FitRequest
from normcli.jobs.requests.import_ import ImportRequest
from normcli.jobs.requests.merge import MergeRequest
from normcli.jobs.requests.relearn import RelearnRequest
from normcli.jobs.requests.report import ReportRequest

REQUESTS: dict[str, tuple[type[Request], ...]] = {
    "apply": (ApplyRequest,), "check": (CheckRequest,), "describe": (DescribeRequest,),
    "export": (ExportRequest,), "import": (ImportRequest,),
    "fit": (FitRequest, RelearnRequest), "merge": (MergeRequest,), "report": (ReportRequest,),
}  # fmt: skip
NO_FLAG = {"check": {"spool_dir"}, "describe": {"spool_dir"}, "report": {"spool_dir"}}
NO_FLAG |= {"export": {"werror"}, "import": {"werror"}, "merge": {"werror"}}
OF_COMMANDS = {"quiet", "verbose", "as_json", "color", "help"}  # what is said, and how
FUNCTIONS: dict[str, tuple[Any, type[Request]]] = {
    "apply": (api.apply, ApplyRequest), "check": (api.check, CheckRequest), "export": (api.export, ExportRequest),
    "fit": (api.fit, FitRequest), "import": (api.import_parameters, ImportRequest),
    "merge": (api.merge, MergeRequest), "relearn": (api.relearn, RelearnRequest),
    "report": (api.report, ReportRequest),
}  # fmt: skip
OF_COMMAND_LINES = {"run_report", "werror", "dry_run", "files_from", "null"}  # exceptions and values do in Python
ALSO_CALLED = {"relearn": {"relearn": "params", "params": "output"}, "merge": {"inputs": "params"}}
BLANK = {"relearn": "p.json", "params": "p.json", "source": "s.skops"}
REQUIRED: dict[Any, dict[str, Any]] = {ExportRequest: {"to": "json"}, ImportRequest: {"from_": "sklearn"}}


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_every_flag_is_a_field_of_a_request(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    names = (
        {str(p.name) for p in command.get_params(click.Context(command, **command.context_settings))}
        - OF_COMMANDS
        - {"_click_default_help"}
    )
    names = {n for n in names if not n.startswith((TARGET, ORIGIN))}  # a target and a program check their own
    plain = {n for n in names if not n.startswith(FORMAT)}
    fields = {n for kind in REQUESTS[name] for n in kind.options()}
    assert plain <= fields
    assert fields - plain <= NO_FLAG.get(name, set())
    assert {n.removeprefix(FORMAT) for n in names - plain if not n.startswith(TARGET)} <= format_option_names()


def test_a_command_without_a_request_reads_no_data() -> None:
    assert set(registry.names("cli")) - set(REQUESTS) == {"completion", "help", "inspect", "methods"}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_field_is_an_argument_of_the_function(name: str) -> None:
    function, request = FUNCTIONS[name]
    called = ALSO_CALLED.get(name, {})
    names = set(request.options()) - OF_COMMAND_LINES - NO_FLAG.get(name, set())
    wanted = {called.get(n, n) for n in names}
    given = set(inspect.signature(function).parameters) - {"events", "format_options", "block_size", "options"}
    assert given == wanted


@pytest.mark.parametrize(
    "kind",
    [
        FitRequest,
        RelearnRequest,
        ApplyRequest,
        CheckRequest,
        DescribeRequest,
        ExportRequest,
        ImportRequest,
        MergeRequest,
        ReportRequest,
    ],
)
def test_a_request_is_frozen_and_says_what_was_given(kind: type[Request]) -> None:
    values = {n: v for n, v in BLANK.items() if n in kind.options()} | REQUIRED.get(kind, {})
    request = kind(**values)
    assert request.set_names() == set(values)
    with pytest.raises(FrozenInstanceError):
        request.werror = True  # type: ignore[misc]
    request.check_options()
    with pytest.raises(TypeError):
        kind("a.csv")  # type: ignore[misc]


def test_what_a_finished_file_is_depends_on_what_shapes_it_alone() -> None:
    request = ApplyRequest(params="p.json", input=("a.csv",), output="o/")
    same = {"allow_edited": True, "werror": True, "threads": 3, "resume": "stat", "min_rows": 1, "in_place": True}
    assert all(replace(request, **{name: value}).shape() == request.shape() for name, value in same.items())
    other: dict[str, Any] = {
        "inverse": True, "lossy": True, "to": "parquet", "dtype": "float32", "only": True, "infinite": "missing",
        "no_extra": True, "column_suffix": "_z", "training": True, "from_": "tsv", "on_bad_row": "skip",
        "format_options": {"delimiter": ";"},
    }  # fmt: skip
    assert all(replace(request, **{name: value}).shape() != request.shape() for name, value in other.items())


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_a_flag_takes_the_values_that_its_field_does(name: str) -> None:
    """The command line refuses the others before there is a request; Python has only that."""
    command = main.get_command(click.Context(main), name)
    assert command is not None
    checked = 0
    for param in (p for p in command.params if isinstance(p, click.Option) and p.name):
        for kind in (kind for kind in REQUESTS[name] if param.name in kind.options()):
            check = kind.options()[str(param.name)]["check"]
            if isinstance(param.type, click.Choice):
                assert [check(word) for word in param.type.choices] == [""] * len(param.type.choices)
                assert check("nosuch") != ""
            elif isinstance(param.type, click.IntRange | click.FloatRange):
                least, most = param.type.min, param.type.max
                assert least is not None
                assert (check(least), check(least if most is None else most)) == ("", "")
                assert check(least - 1) != ""
                assert check(math.nan) != ""
                assert check(math.inf if most is None else most + 1) != ""
            else:
                continue
            checked += 1
    assert checked or name in ("export", "import", "merge")


@pytest.mark.parametrize(
    ("values", "flag"),
    [
        ({"threads": -1}, "--threads"), ({"threads": 0}, "--threads"), ({"max_memory": 0}, "--max-memory"),
        ({"threads": True}, "--threads"), ({"threads": 1.5}, "--threads"), ({"infinite": "nosuch"}, "--inf"),
        ({"from_": "nosuch"}, "--from"), ({"to": "nosuch.gz"}, "--to"), ({"column_suffix": ""}, "--column-suffix"),
        ({"column_suffix": "\udc80"}, "--column-suffix"), ({"wait": math.nan}, "--wait"), ({"wait": -1}, "--wait"),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_refused_by_its_flag(values: dict[str, Any], flag: str) -> None:
    with pytest.raises(UsageError, match=f"^{flag} "):
        FitRequest(**values, output="o.csv").check_options()


def test_an_option_in_vain_is_refused_by_its_flag() -> None:
    with pytest.raises(UsageError, match=r"^--max-bad-rows is for --on-bad-row skip"):
        FitRequest(max_bad_rows=3).check_options()
    with pytest.raises(UsageError, match=r"^--rejects is for --on-bad-row skip"):
        FitRequest(rejects="r", explicit=frozenset(("rejects",))).check_options()
    with pytest.raises(UsageError, match=r"^--nosuch: no format has this option"):
        FitRequest(format_options={"nosuch": 1}).check_options()


def test_no_function_of_the_command_line_takes_its_values_but_commands_and_the_builder_of_requests() -> None:
    """A rule that reads them would be one that Python does not have."""
    taking = []
    for path in sorted(Path(normcli.cli.__path__[0]).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                arguments = (*node.args.args, *node.args.kwonlyargs, *filter(None, [node.args.kwarg]))
                taking += [f"{path.name}: {node.name}" for a in arguments if a.arg == "values"]
    assert {t for t in taking if not t.endswith(": command")} == {"_request.py: request"}
