"""What the command says of itself and of parameter files: methods, inspect, --help, --version, completion."""

import dataclasses
import json
import re
import shlex
from typing import Any

import jsonschema
import pytest

from normcli import __version__, registry
from normcli.cli import fit
from normcli.cli._command import METHOD
from normcli.cli._request import given
from normcli.jobs.choosing import chosen_method
from normcli.schema import schema
from tests.cli.conftest import Desk, fitted

METHODS = registry.names("methods")
COMMANDS = registry.names("cli")


# -- methods -----------------------------------------------------------------------------------------------------
def test_methods_lists_every_one_with_its_options(desk: Desk) -> None:
    header, *rows = desk.succeeds("methods").out.decode().splitlines()
    assert [row.split()[0] for row in rows] == list(METHODS)
    assert header.startswith("method ")
    for row, name in zip(rows, METHODS, strict=True):
        kind: Any = registry.only("methods", name)
        assert (kind.__doc__ or "").splitlines()[0] in row
        for field in dataclasses.fields(kind):
            assert f"--{field.name.rstrip('_').replace('_', '-')}" in row


@pytest.mark.parametrize("name", METHODS)
def test_a_method_says_all_about_itself(desk: Desk, name: str) -> None:
    done = desk.succeeds("methods", name)
    out = done.out.decode()
    kind: Any = registry.only("methods", name)
    assert done.err == ""
    assert out.startswith(f"{name}: {(kind.__doc__ or '').splitlines()[0]}\n")
    assert kind.invertible in out
    assert re.search(rf"\nExample:\n  normcli fit .*-m {name} .*-p \S+\.json", out)
    for said in (kind.source, *kind.aliases, *kind.shares.splitlines()):
        assert said in out
    shown = desk.succeeds("fit", "-m", name, "--help").out.decode()
    for field in dataclasses.fields(kind):
        flag = f"--{field.name.rstrip('_').replace('_', '-')}"
        assert flag in out
        assert flag in shown


def test_a_method_is_found_by_what_else_it_is_called(desk: Desk) -> None:
    shown = desk.succeeds("methods", "zscore").out
    assert desk.succeeds("methods", "standardization").out == shown
    assert desk.succeeds("methods", "Z-Score_Normalization").out == shown
    assert "the methods are asinh, " in desk.fails(2, "methods", "nosuch")
    assert "-m sphering: that is called whiten here" in desk.fails(2, "fit", "table.csv", "-m", "sphering")


@pytest.mark.parametrize("name", METHODS)
def test_the_example_of_a_method_can_be_run(name: str) -> None:
    kind: Any = registry.only("methods", name)
    if kind.example:
        words = shlex.split(kind.example)
        assert words[:2] == ["normcli", "fit"]
        with fit.command.make_context("fit", words[2:]) as ctx:
            assert chosen_method(ctx.params["method"], given(ctx.params, METHOD)) == kind(**given(ctx.params, METHOD))


# -- inspect -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", METHODS)
def test_inspect_shows_the_fit_of_every_method(desk: Desk, name: str) -> None:
    desk.params(name)
    done = desk.succeeds("inspect", "p.json")
    out = done.out.decode()
    document = json.loads((desk / "p.json").read_bytes())
    assert done.err == ""
    assert f"rows     {document['rows']}\n" in out
    assert f"method   {name}" in out
    assert out.endswith(f"\n{document['digest']}\n")
    for column in ("a", "b", "c"):
        assert re.search(rf"^{column} +(int64|float64)", out, re.MULTILINE)


def test_a_table_on_a_pipe_is_never_wrapped_or_cut(desk: Desk) -> None:
    names = [f"{j:02}" + "x" * 58 for j in range(30)]
    (desk / "wide.csv").write_text(",".join(names) + "\n" + "1234567.25," * 29 + "1\n" + "2," * 29 + "2\n")
    desk.succeeds("fit", "wide.csv", "-m", "zscore", "-p", "p.json")
    lines = desk.succeeds("inspect", "p.json", env={"COLUMNS": "40"}).out.decode().splitlines()
    for name in names[:-1]:
        (line,) = [line for line in lines if line.startswith(name)]
        assert line.split() == [name, "float64", "2", "0", "617284.625", "617282.625", "2", "1234567.25"]
    start = next(i for i, line in enumerate(lines) if line.startswith("column "))
    assert len(lines[start:]) == 1 + len(names) + 2


def test_inspect_says_what_was_missing_constant_and_noted(desk: Desk) -> None:
    (desk / "table.csv").write_bytes(b"a,b,c\n1,2,7\n1,,8\n1,4,NA\n1,5,9\n")
    desk.succeeds("fit", "table.csv", "-m", "zscore", "-p", "p.json", "--note", "of\nMay \x1b[31m [/x]")
    out = desk.succeeds("inspect", "p.json").out.decode()
    assert "note     of\\nMay \\x1b[31m [/x]\n" in out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if re.match("[abc] ", line)}
    assert rows["a"] == ["int64", "4", "0", "1", "0", "1", "1", "yes"]
    assert rows["b"][:3] == ["int64", "3", "1"]
    assert rows["c"][:3] == ["int64", "3", "1"]
    desk.succeeds("fit", "table.csv", "-m", "decorrelate", "-c", "b,c", "-p", "p.json")
    out = desk.succeeds("inspect", "p.json").out.decode()
    assert "rows     4, of which 2 miss a value and took no part\n" in out
    assert "gives    pc1, pc2\n" in out


def test_inspect_says_no_where_an_option_is_off(desk: Desk) -> None:
    desk.params("zscore", "--no-center")
    out = desk.succeeds("inspect", "p.json").out.decode()
    assert "method   zscore (ddof 0, center no, scale yes, target-mean 0, target-std 1)\n" in out
    assert re.search(r"^a .* 16 *$", out, re.MULTILINE)  # not constant: nothing


def test_the_schema_that_is_shown_accepts_what_is_written(desk: Desk) -> None:
    shown = json.loads(desk.succeeds("inspect", "--json-schema").out)
    assert shown == schema()
    jsonschema.Draft202012Validator(shown).validate(json.loads(fitted("zscore")))
    assert len(shown["properties"]["steps"]["items"]["oneOf"]) == len(METHODS)


# -- help --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_everywhere_with_an_example(desk: Desk, name: str) -> None:
    words = [name] if name else []
    done = desk.succeeds(*words, "--help")
    out = done.out.decode()
    assert done.err == ""
    assert f"Usage: normcli {name}".rstrip() in out
    assert "Example" in out
    assert re.search(rf"normcli {name or 'fit'}\b", out.split("Example", 1)[1])
    assert name not in ("", "fit") or desk.succeeds(*words, "-h").out == done.out
    assert all(len(line) <= 80 for line in out.splitlines())


def test_the_group_names_its_commands(desk: Desk) -> None:
    out = desk.succeeds("--help").out.decode()
    assert desk.succeeds().out.decode() == out
    for name in COMMANDS:
        assert re.search(rf"^  {name} +\w", out, re.MULTILINE)


def test_help_wins_over_what_is_missing(desk: Desk) -> None:
    assert b"Usage: normcli apply" in desk.succeeds("apply", "nosuch.csv", "-h").out
    assert b"Usage: normcli fit" in desk.succeeds("fit", "-m", "zscore", "-h").out
    assert b"Usage: normcli inspect" in desk.succeeds("inspect", "-h").out
    assert b"Usage: normcli methods" in desk.succeeds("methods", "-h").out


def test_help_of_fit_names_the_methods_and_of_a_method_its_options(desk: Desk) -> None:
    out = desk.succeeds("fit", "--help").out.decode()
    assert all(re.search(rf"^  {name}\b", out, re.MULTILINE) for name in METHODS)
    shown = desk.succeeds("fit", "-m", "minmax", "--help").out.decode()
    assert "--range NUMBER NUMBER" in shown or "--range <NUMBER NUMBER>" in shown
    assert "--norm" not in shown
    assert "[default: 0 1]" in shown


def test_version(desk: Desk) -> None:
    assert desk.succeeds("--version").out.decode() == f"normcli {__version__}\n"


# -- completion --------------------------------------------------------------------------------------------------
def complete(desk: Desk, *words: str) -> list[str]:
    """What a shell would offer for the last of these words."""
    line = " ".join(("normcli", *words))
    env = {"_NORMCLI_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words))}
    return desk.succeeds(env=env).out.decode().split()


def test_completion(desk: Desk) -> None:
    assert b"complete" in desk.succeeds(env={"_NORMCLI_COMPLETE": "bash_source"}).out
    assert complete(desk, "me") == ["plain,merge", "plain,methods"]
    assert complete(desk, "fit", "-m", "z") == ["plain,zscore"]
    assert "plain,pca-cor" in complete(desk, "fit", "-m", "whiten", "--kind", "pc")
    assert "plain,--ddof" in complete(desk, "fit", "-m", "zscore", "--d")
    assert complete(desk, "methods", "un") == ["plain,unit"]
    assert complete(desk, "fit", "ta")[0].startswith("file,")
    assert complete(desk, "apply", "-p", "")[0].startswith("file,")
