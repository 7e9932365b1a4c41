"""What a shell offers: commands, options, values, columns of the INPUT on the line, keys, formats, topics, files."""

import shutil
import subprocess
import sys

import polars as pl
import pytest

from normcli import registry
from normcli.formats import is_text
from normcli.io.compression import CODECS
from tests.cli.conftest import Workspace
from tests.inside import main

SHELLS = ("bash", "zsh", "fish")


def complete(workspace: Workspace, line: str, *, shell: str = "bash", after: str = "") -> list[str]:
    """What a shell is offered for the last word of a line, without the type of each; `after` is behind the cursor."""
    words = line.split(" ")
    cursor = words[-1] if shell == "fish" else str(len(words))
    env = {"COMP_WORDS": "\n".join(["normcli", *words, *after.split()]), "COMP_CWORD": cursor}
    code, out, err = main([], cwd=workspace.path, env=env | {"_NORMCLI_COMPLETE": f"{shell}_complete"})
    assert (code, err) == (0, b"")
    lines = out.decode().strip("\n").splitlines()
    return lines[1::3] if shell == "zsh" else [text.partition(",")[2].partition("\t")[0] for text in lines]


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    (workspace / "t.csv").write_text("id,price,my price,name,emb\n1,2.5,3,a,x\n2,3.5,4,b,y\n")
    (workspace / "s.csv").write_text("x;y\n1;2\n")
    pl.DataFrame({"u": [1.0], "v": [[1.0, 2.0]], "w": ["a"]}).write_parquet(workspace / "t.parquet")
    (workspace / "d").mkdir()
    shutil.copy(workspace / "t.csv", workspace / "d")
    workspace.succeeds("fit", "table.csv", "-m", "zscore", "--by", "site", "-p", "k.json")
    return workspace


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("me", ["merge", "methods"]),
        ("help ex", ["exit-codes", "exports", "export"]),
        ("help me", ["merge", "methods"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("methods un", ["unit"]),
        ("fit -m z", ["zscore"]),
        ("fit -m zscore --dd", ["--ddof"]),
        ("fit -m whiten --kind pc", ["pca", "pca-cor"]),
        ("fit --inf m", ["missing"]),
        ("fit --delim", ["--delimiter"]),
        ("fit --from nd", ["ndjson", *(f"ndjson{codec.suffix}" for codec in CODECS)]),
        ("apply --to parq", ["parquet"]),
        ("apply --check ", ["refuse", "warn"]),
        ("fit t.csv -c ", ["id", "price", "'my price'"]),
        ("fit t.csv -c id,p", ["id,price"]),
        ("fit t.csv -c price,", ["price,id", "'price,my price'"]),
        ("fit t.csv -c id,price,p", []),
        ("fit 't.c*' -c p", ["price"]),
        ("fit 'nosuch*' -c ", []),
        ("fit t.csv -x i", ["id"]),
        ("fit t.csv --weights p", ["price"]),
        ("fit t.csv --by n", ["name"]),
        ("fit t.csv -m zscore -p k.json -c p", ["price"]),
        ("fit s.csv --delimiter ';' -c ", ["x", "y"]),
        ("fit t.parquet -c ", ["u", "v"]),
        ("fit d -c i", ["id"]),
        ("fit -c ", []),
        ("fit nosuch.csv -c ", []),
        ("fit s3://bucket/t.csv -c ", []),
        ("inspect k.json --key n", ["north"]),
        ("inspect t.csv --key n", []),
    ],
)
def test_what_bash_is_offered(place: Workspace, line: str, offered: list[str]) -> None:
    assert complete(place, line) == offered


@pytest.mark.parametrize("line", ["fit ta", "apply -p ", "check --rejects ", "fit --plan p"])
def test_files_are_for_the_shell_to_complete(place: Workspace, line: str) -> None:
    assert complete(place, line) == [line.split(" ")[-1]]


@pytest.mark.parametrize("shell", SHELLS)
def test_columns_are_offered_to_every_shell(place: Workspace, shell: str) -> None:
    assert complete(place, "fit t.csv -c id,p", shell=shell) == ["id,price"]
    quoted = "'my price'" if shell == "bash" else "my price"  # the others quote it themselves
    assert complete(place, "fit t.csv -c m", shell=shell) == [quoted]


def test_an_input_behind_the_cursor_counts(place: Workspace) -> None:
    assert complete(place, "fit -c p", after="t.csv") == ["price"]


def test_a_quote_that_is_open_is_not_opened_again(place: Workspace) -> None:
    assert complete(place, 'fit t.csv -c "my') == ["my price"]


def test_a_value_behind_an_equals_sign_which_bash_makes_a_word(place: Workspace) -> None:
    assert complete(place, "apply --check = w") == ["warn"]


def test_every_format_is_offered_and_text_compressed(place: Workspace) -> None:
    names = registry.names("formats")
    compressed = {f"{name}{codec.suffix}" for name in names if is_text(name) for codec in CODECS}
    assert set(complete(place, "fit --from ")) == {*names, *compressed}


@pytest.mark.parametrize("shell", SHELLS)
def test_what_a_shell_has_to_read_is_printed(workspace: Workspace, shell: str) -> None:
    script = workspace.succeeds("completion", shell).out
    assert f"_NORMCLI_COMPLETE={shell}_complete".encode() in script
    assert workspace.succeeds(env={"_NORMCLI_COMPLETE": f"{shell}_source"}).out == script
    assert "none of bash, zsh, fish" in workspace.fails(2, "completion", "powershell")


@pytest.mark.process
@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_in_bash_itself(place: Workspace) -> None:
    """What it offers, to the last character, without a change to variables of the shell."""
    (place / "normcli").write_text(f'#!/bin/sh\nexec {sys.executable} -m normcli "$@"\n')
    (place / "normcli").chmod(0o755)
    (place / "odd.csv").write_text("p\\q,p*\n1,2\n")
    script = (
        'PATH=".:$PATH" type=1 value=2 completion=3 response=4; shopt -s nullglob; source <(normcli completion bash); '
        'tab() { COMP_WORDS=(normcli fit -c "$1" "$2") COMP_CWORD=3 COMPREPLY=(); _normcli_completion normcli; '
        'echo "${COMPREPLY[@]}"; }; tab my t.csv; tab p odd.csv; tab nosuch t.csv; tab p "\'t.c*\'"; '
        'echo "$type$value$completion$response"'
    )
    done = subprocess.run(["bash", "-c", script], cwd=place.path, capture_output=True, timeout=60, check=True)
    lines = ["'my price'", r"'p\q' 'p*'", "", "price", "1234"]
    assert (done.stdout.decode().splitlines(), done.stderr) == (lines, b"")
