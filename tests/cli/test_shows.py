"""What the command says of itself and of parameter files: methods, inspect, --help, --version."""

import json
import re
import shlex
from typing import Any

import jsonschema
import pytest
from msgspec import structs

from normcli import __version__, registry
from normcli.cli import fit
from normcli.cli._command import METHOD
from normcli.cli._request import explicit_options
from normcli.jobs.choosing import chosen_method
from normcli.parameters.json_schema import schema
from tests.cli.conftest import Workspace, fitted

METHODS = registry.names("methods")
COMMANDS = registry.names("cli")


# -- methods -----------------------------------------------------------------------------------------------------
def test_methods_lists_every_one_with_its_options(workspace: Workspace) -> None:
    header, *rows = workspace.succeeds("methods").out.decode().splitlines()
    assert [row.split()[0] for row in rows] == list(METHODS)
    assert header.startswith("method ")
    for row, name in zip(rows, METHODS, strict=True):
        kind: Any = registry.only("methods", name)
        assert (kind.__doc__ or "").splitlines()[0] in row
        for field in structs.fields(kind):
            assert f"--{field.name.rstrip('_').replace('_', '-')}" in row


@pytest.mark.parametrize("name", METHODS)
def test_a_method_says_all_about_itself(workspace: Workspace, name: str) -> None:
    done = workspace.succeeds("methods", name)
    out = done.out.decode()
    kind: Any = registry.only("methods", name)
    assert done.err == ""
    assert out.startswith(f"{name}: {(kind.__doc__ or '').splitlines()[0]}\n")
    assert kind.invertible in out
    assert re.search(rf"\nExample:\n  normcli fit .*-m {name} .*-p \S+\.json", out)
    for said in (kind.source, *kind.aliases, *kind.shares.splitlines()):
        assert said in out
    shown = workspace.succeeds("fit", "-m", name, "--help").out.decode()
    for field in structs.fields(kind):
        flag = f"--{field.name.rstrip('_').replace('_', '-')}"
        assert flag in out
        assert flag in shown


def test_a_method_is_found_by_what_else_it_is_called(workspace: Workspace) -> None:
    shown = workspace.succeeds("methods", "zscore").out
    assert workspace.succeeds("methods", "standardization").out == shown
    assert workspace.succeeds("methods", "Z-Score_Normalization").out == shown
    assert "there are asinh, " in workspace.fails(2, "methods", "nosuch")
    assert "-m sphering: no such method (did you mean whiten?)" in workspace.fails(
        2, "fit", "table.csv", "-m", "sphering"
    )


@pytest.mark.parametrize("name", METHODS)
def test_the_example_of_a_method_can_be_run(name: str) -> None:
    kind: Any = registry.only("methods", name)
    if kind.example:
        words = shlex.split(kind.example)
        assert words[:2] == ["normcli", "fit"]
        with fit.command.make_context("fit", words[2:]) as ctx:
            options = explicit_options(ctx, METHOD)
            assert chosen_method(ctx.params["method"], options) == kind(**options)


# -- inspect -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", METHODS)
def test_inspect_shows_the_fit_of_every_method(workspace: Workspace, name: str) -> None:
    workspace.params(name)
    done = workspace.succeeds("inspect", "p.json")
    out = done.out.decode()
    document = json.loads((workspace / "p.json").read_bytes())
    assert done.err == ""
    assert f"rows     {document['rows']}\n" in out
    assert f"method   {name}" in out
    assert out.endswith(f"\n{document['digest']}\n")
    for column in ("a", "b", "c"):
        assert re.search(rf"^{column} +(int64|float64)", out, re.MULTILINE)


def test_a_table_on_a_pipe_is_never_wrapped_or_cut(workspace: Workspace) -> None:
    names = [f"{j:02}" + "x" * 58 for j in range(30)]
    (workspace / "wide.csv").write_text(",".join(names) + "\n" + "1234567.25," * 29 + "1\n" + "2," * 29 + "2\n")
    workspace.succeeds("fit", "wide.csv", "-m", "zscore", "-p", "p.json")
    lines = workspace.succeeds("inspect", "p.json", env={"COLUMNS": "40"}).out.decode().splitlines()
    for name in names[:-1]:
        (line,) = [line for line in lines if line.startswith(name)]
        assert line.split() == [name, "float64", "2", "0", "617284.625", "617282.625", "2", "1234567.25"]
    start = next(i for i, line in enumerate(lines) if line.startswith("column "))
    assert len(lines[start:]) == 1 + len(names) + 2


def test_inspect_says_what_was_missing_constant_and_noted(workspace: Workspace) -> None:
    (workspace / "table.csv").write_bytes(b"a,b,c\n1,2,7\n1,,8\n1,4,NA\n1,5,9\n")
    workspace.succeeds("fit", "table.csv", "-m", "zscore", "-p", "p.json", "--note", "of\nMay \x1b[31m [/x]")
    out = workspace.succeeds("inspect", "p.json").out.decode()
    assert "note     of\\nMay \\x1b[31m [/x]\n" in out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if re.match("[abc] ", line)}
    assert rows["a"] == ["int64", "4", "0", "1", "0", "1", "1", "yes"]
    assert rows["b"][:3] == ["int64", "3", "1"]
    assert rows["c"][:3] == ["int64", "3", "1"]
    workspace.succeeds("fit", "table.csv", "-m", "decorrelate", "-c", "b,c", "-p", "p.json")
    out = workspace.succeeds("inspect", "p.json").out.decode()
    assert "rows     4, of which 2 miss a value and took no part\n" in out
    assert "gives    2 → 2 columns: pc1, pc2\n" in out


def test_inspect_says_no_where_an_option_is_off(workspace: Workspace) -> None:
    workspace.params("zscore", "--no-center")
    out = workspace.succeeds("inspect", "p.json").out.decode()
    assert "method   zscore (ddof 0, center no, scale yes, target-mean 0, target-std 1)\n" in out
    assert re.search(r"^a .* 16 *$", out, re.MULTILINE)  # not constant: nothing


def test_the_schema_that_is_shown_accepts_what_is_written(workspace: Workspace) -> None:
    shown = json.loads(workspace.succeeds("inspect", "--json-schema").out)
    assert shown == schema()
    jsonschema.Draft202012Validator(shown).validate(json.loads(fitted("zscore")))
    assert len(shown["properties"]["steps"]["items"]["oneOf"]) == len(METHODS)


# -- help --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_everywhere_with_an_example(workspace: Workspace, name: str) -> None:
    words = [name] if name else []
    done = workspace.succeeds(*words, "--help")
    out = done.out.decode()
    assert done.err == ""
    assert f"Usage: normcli {name}".rstrip() in out
    assert "Example" in out
    assert re.search(rf"normcli {name or 'fit'}\b", out.split("Example", 1)[1])
    assert name not in ("", "fit") or workspace.succeeds(*words, "-h").out == done.out
    assert all(len(line) <= 80 for line in out.splitlines())


def test_the_group_names_its_commands(workspace: Workspace) -> None:
    out = workspace.succeeds("--help").out.decode()
    assert workspace.succeeds().out.decode() == out
    for name in COMMANDS:
        assert re.search(rf"^  {name} +\w", out, re.MULTILINE)


def test_help_wins_over_what_is_missing(workspace: Workspace) -> None:
    assert b"Usage: normcli apply" in workspace.succeeds("apply", "nosuch.csv", "-h").out
    assert b"Usage: normcli fit" in workspace.succeeds("fit", "-m", "zscore", "-h").out
    assert b"Usage: normcli inspect" in workspace.succeeds("inspect", "-h").out
    assert b"Usage: normcli methods" in workspace.succeeds("methods", "-h").out


def test_help_of_fit_names_the_methods_and_of_a_method_its_options(workspace: Workspace) -> None:
    out = workspace.succeeds("fit", "--help").out.decode()
    assert set(METHODS) <= set(re.split(r"[,\s]+", out.split("\nMethods ", 1)[1]))
    shown = workspace.succeeds("fit", "-m", "minmax", "--help").out.decode()
    assert "--range NUMBER NUMBER" in shown or "--range <NUMBER NUMBER>" in shown
    assert "--norm" not in shown
    assert "[default: 0 1]" in shown


def test_version(workspace: Workspace) -> None:
    assert workspace.succeeds("--version").out.decode() == f"normcli {__version__}\n"
