"""docs/recipes.md: make runs as it stands; of the other tools, which are not there, the commands in their files do."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.cli.conftest import Workspace, workspace
from tests.doc_pages import ROOT

__all__ = ["workspace"]
TEXT = (ROOT / "docs" / "recipes.md").read_text()


def recipe(language: str) -> str:
    (content,) = re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    return str(content)


@pytest.fixture
def place(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(tmp_path)
    Path("train.csv").write_text("a,b\n1,2\n3,5\n")
    Path("new.csv").write_text("a,b\n2,3.5\n")
    return workspace


def run(place: Workspace, commands: list[str]) -> None:
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "normcli"
        place.succeeds(*words)
    assert Path("new-z.csv").read_text() == "a,b\n0.0,0.0\n"


def test_make_runs_what_changed(place: Workspace) -> None:
    Path("Makefile").write_text(recipe("make"))
    python = f"{sys.executable} -m normcli"
    Path("normcli").write_text(f'#!/bin/sh\nexec {python} "$@"\n')
    Path("normcli").chmod(0o755)
    make = ["env", f"PATH={Path.cwd()}:/usr/bin:/bin", "make"]
    subprocess.run(make, check=True, capture_output=True)
    assert Path("new-z.csv").read_text() == "a,b\n0.0,0.0\n"
    assert b"up to date" in subprocess.run(make, check=True, capture_output=True).stdout


def test_the_stages_of_dvc_run(place: Workspace) -> None:
    lines = recipe("yaml").splitlines()
    commands = [line.split("cmd: ", 1)[1] for line in lines if "cmd: " in line]
    run(place, commands)
    for file in (line.split("- ", 1)[1] for line in lines if line.lstrip().startswith("- ")):
        assert Path(file).exists()


def test_the_rules_of_snakemake_run(place: Workspace) -> None:
    commands = []
    for rule in re.split(r"^rule ", recipe("snakemake"), flags=re.MULTILINE)[1:]:
        words = dict(re.findall(r"^ +(\w+): (.*)$", rule, re.MULTILINE))
        if "=" in words["input"]:
            inputs = SimpleNamespace(**dict(re.findall(r'(\w+)="(.*?)"', words["input"])))
        else:
            inputs = json.loads(words["input"])
        commands.append(json.loads(words["shell"]).format(input=inputs, output=json.loads(words["output"])))
    run(place, commands[::-1])


def test_the_entry_point_of_the_image_applies(place: Workspace) -> None:
    place.succeeds("fit", "train.csv", "-m", "zscore", "-p", "scale.json")
    lines = recipe("dockerfile").splitlines()
    assert [line.split()[0] for line in lines] == ["FROM", "RUN", "COPY", "ENTRYPOINT"]
    program, *words = json.loads(lines[-1].removeprefix("ENTRYPOINT "))
    assert program == "normcli"
    words = [word.replace("/scale.json", "scale.json") for word in words]
    assert place.succeeds(*words, stdin=Path("new.csv").read_bytes()).out == b"a,b\n0.0,0.0\n"
