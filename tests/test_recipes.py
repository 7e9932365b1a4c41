"""docs/recipes.md: make runs as it stands, DVC and Snakemake where they are installed (make bench), and the commands in
their files always. No test has a daemon of Docker: what its entry point runs is run."""

import json
import os
import re
import shlex
import shutil
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
    check_result()


def tool(*words: str) -> str:
    """What a program writes that finds normcli in its path. Skips the test where it is not installed."""
    path = f"{Path.cwd()}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
    if shutil.which(words[0], path=path) is None:
        pytest.skip(f"{words[0]} is not installed")
    Path("bin").mkdir(exist_ok=True)
    Path("bin/normcli").write_text(f'#!/bin/sh\nexec {sys.executable} -m normcli "$@"\n')
    Path("bin/normcli").chmod(0o755)
    places = {"PATH": path, "HOME": os.getcwd(), "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(("env", *words), env={**os.environ, **places}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def command(title: str) -> list[str]:
    """The words of the command that runs the recipe under this title."""
    section = TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    (text,) = re.findall(r"`([^`]+)` runs it", section)
    return shlex.split(text)


def check_result() -> None:
    assert Path("new-z.csv").read_text() == "a,b\n0.0,0.0\n"


def test_make_runs_what_changed(place: Workspace) -> None:
    Path("Makefile").write_text(recipe("make"))
    tool("make")
    check_result()
    assert "up to date" in tool("make")


def test_dvc_runs_what_changed(place: Workspace) -> None:
    tool("dvc", "init", "--no-scm", "-q")
    Path("dvc.yaml").write_text(recipe("yaml"))
    tool(*command("DVC"))
    check_result()
    assert "up to date" in tool(*command("DVC"))


def test_snakemake_runs_what_changed(place: Workspace) -> None:
    Path("Snakefile").write_text(recipe("snakemake"))
    tool(*command("Snakemake"))
    check_result()
    assert "Nothing to be done" in tool(*command("Snakemake"))


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
    assert [line.split()[0] for line in lines] == ["FROM", "COPY", "RUN", "COPY", "ENTRYPOINT"]
    program, *words = json.loads(lines[-1].removeprefix("ENTRYPOINT "))
    assert program == "normcli"
    words = [word.replace("/scale.json", "scale.json") for word in words]
    assert place.succeeds(*words, stdin=Path("new.csv").read_bytes()).out == b"a,b\n0.0,0.0\n"
