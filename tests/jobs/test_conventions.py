"""--like: the denominators and conventions of other programs, from these programs and by hand."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import fields

import normcli
from normcli import registry
from normcli.blocks.block import Block
from normcli.errors import UsageError
from normcli.jobs.conventions import CONVENTIONS
from tests.cli.conftest import Workspace, workspace
from tests.doc_pages import ROOT

__all__ = ["workspace"]
X = np.random.default_rng(5).normal(3.0, 2.0, (50, 2))
BIASED, UNBIASED = X.std(axis=0), np.sqrt(((X - X.mean(axis=0)) ** 2).sum(axis=0) / 49)
EXPECTED = {
    "sklearn": (X - X.mean(axis=0)) / BIASED,
    "spark": X / UNBIASED,
    "r": (X - X.mean(axis=0)) / UNBIASED,
    "pandas": (X - X.mean(axis=0)) / UNBIASED,
    "torch": (X - X.mean(axis=0)) / UNBIASED,
}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    np.savetxt("d.csv", X, delimiter=",", header="a,b", comments="")
    return "d.csv"


@pytest.mark.parametrize("program", CONVENTIONS)
def test_the_denominators_are_those_of_the_program(program: str, data: str) -> None:
    parameters = normcli.fit(data, "zscore", like=program)
    np.testing.assert_allclose(parameters.steps[0].fitted(Block.of(X)), EXPECTED[program], rtol=1e-12, atol=1e-12)
    assert parameters.note.startswith(f"like {program}: ddof ")


def test_an_option_that_is_given_wins_and_only_defaults_change(workspace: Workspace, data: str) -> None:
    workspace.succeeds("fit", data, "-m", "zscore", "--like", "r", "--ddof", "0", "-p", "p.json")
    assert normcli.load("p.json").steps[0].method == registry.only("methods", "zscore")(ddof=0)
    workspace.succeeds("fit", data, "-m", "zscore", "--like", "r", "--no-scale", "-p", "q.json")
    plain, like = normcli.fit(data, "minmax"), normcli.fit(data, "minmax", like="sklearn")
    assert plain.steps[0].method == like.steps[0].method


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (["zscore", "--like", "r", "--ddof", "0"], "like r, but ddof 0"),
        (["zscore", "--like", "r", "--ddof", "1"], "like r: ddof 1"),
        (["zscore", "--like", "spark", "--ddof", "0"], "like spark: center no, but ddof 0"),
        (["minmax", "--like", "sklearn", "--range", "-1", "1"], "like sklearn, but range -1 1"),
        (["maxabs", "--like", "sklearn"], "like sklearn"),
        (["batch", "--like", "torch", "--momentum", "none"], "like torch: eps 1e-05, start torch, but momentum none"),
    ],
)
def test_the_note_says_of_each_option_what_was_used(
    workspace: Workspace, data: str, words: list[str], note: str
) -> None:
    workspace.succeeds("fit", data, "-m", *words, "-p", "p.json")
    assert normcli.load("p.json").note == note


def test_inspect_says_what_it_was_like(workspace: Workspace, data: str) -> None:
    workspace.succeeds("fit", data, "-m", "zscore", "--like", "spark", "--note", "nightly", "-p", "p.json")
    shown = workspace.succeeds("inspect", "p.json").out.decode()
    assert "note     nightly (like spark: ddof 1, center no)" in shown
    workspace.succeeds("fit", data, "--update", "--recount", "-m", "zscore", "--like", "spark", "-p", "p.json")
    assert normcli.load("p.json").note == "nightly (like spark: ddof 1, center no)"
    assert "--ddof" in workspace.fails(2, "fit", data, "--update", "-m", "zscore", "--like", "sklearn", "-p", "p.json")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["-m", "minmax", "--like", "r"], "--like r: not of minmax (it is of zscore, decorrelate)"),
        (["-m", "zscore", "--like", "sklern"], "is none of sklearn, spark, r, pandas, torch"),
        (["--update", "--like", "r"], "--like is for -m METHOD"),
    ],
)
def test_what_is_of_no_convention_is_refused(workspace: Workspace, data: str, words: list[str], why: str) -> None:
    workspace.succeeds("fit", data, "-m", "zscore", "-p", "p.json")
    assert why in workspace.fails(2, "fit", data, *words, "-p", "p.json")
    with pytest.raises(UsageError, match="a method by its name"):
        normcli.fit(data, registry.only("methods", "zscore")(), like="r")


def test_conventions_are_of_methods_and_their_options() -> None:
    for methods in CONVENTIONS.values():
        for name, options in methods.items():
            kind = registry.only("methods", name)
            assert set(options) <= set(kind.__struct_fields__)
            required = dict.fromkeys((f.name for f in fields(kind) if f.required), 2)
            kind(**required, **options).check()


def test_the_page_of_imports_has_the_conventions() -> None:
    text = (ROOT / "docs" / "imports.md").read_text().partition("## `fit --like`")[2]
    program, shown = "", dict[tuple[str, str], str]()
    for name, method, options in re.findall(
        r"^\| (?:`(\w+)`)? ?\| `([\w-]+)` \| (?:`([^`]*)`)? ?\| .+ \|$", text, re.M
    ):
        program = name or program
        shown[program, method] = options
    assert shown == {
        (program, method): " ".join(_flag(name, value) for name, value in options.items())
        for program, methods in CONVENTIONS.items()
        for method, options in methods.items()
    }


def _flag(name: str, value: Any) -> str:
    if value is False:
        return f"--no-{name}"
    return f"--{name} {' '.join(map('{:g}'.format, value)) if isinstance(value, tuple) else value}"
