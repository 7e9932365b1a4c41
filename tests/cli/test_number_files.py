"""An option that takes a number, or a JSON file of numbers."""

from pathlib import Path
from typing import Annotated, Any

import click
import pytest
from click.testing import CliRunner
from msgspec import Meta, Struct

from normcli.cli._flags import flags
from normcli.errors import BadDataError, NormcliError, UsageError
from normcli.methods import Numbers, per_column


class Options(Struct):
    gain: Annotated[Numbers, Meta(description="one, or one per column")] = 1.0


def taken(*words: str) -> Any:
    command = click.Command("x", params=list(flags(Options, "")), callback=lambda gain: click.echo(repr(gain)))
    done = CliRunner().invoke(command, list(words))
    if isinstance(done.exception, NormcliError):
        raise done.exception
    return done.output.strip() if done.exit_code == 0 else f"{done.exit_code}: {done.output}"


def test_a_number_is_a_number_and_a_file_its_numbers(tmp_path: Path) -> None:
    (tmp_path / "gain.json").write_text("[1, -2.5,\n 3e2]\n")
    assert taken("--gain", "2.5") == "2.5"
    assert taken("--gain", str(tmp_path / "gain.json")) == "(1.0, -2.5, 300.0)"
    assert taken() == "None"
    assert "--gain NUMBER|FILE" in taken("--help")


@pytest.mark.parametrize("text", ["nosuch.json", "nan", "inf", "1,2", ""])
def test_what_is_neither_is_wrong_usage(text: str) -> None:
    assert taken("--gain", text).startswith("2: ")
    assert "NUMBER|FILE" in taken("--gain", text)


@pytest.mark.parametrize("text", ["", "{}", "[1", '["1"]', "[NaN]", "[1e400]", "[[1]]", "[1, null]", "1"])
def test_a_file_of_other_things_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "gain.json"
    path.write_text(text)
    with pytest.raises(BadDataError, match=r"gain\.json: not a JSON list of numbers"):
        taken("--gain", str(path))


def test_a_file_of_no_numbers_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "gain.json").write_text("[]")
    assert taken("--gain", str(tmp_path / "gain.json")).startswith("2: ")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(NormcliError, match="directory"):
        taken("--gain", str(tmp_path))


def test_one_for_all_or_one_for_each() -> None:
    assert per_column(2.0, 3, "--gain").tolist() == [2.0, 2.0, 2.0]
    assert per_column((1.0, 2.0), 2, "--gain").tolist() == [1.0, 2.0]
    with pytest.raises(UsageError, match="--gain: 2 numbers for 3 columns"):
        per_column((1.0, 2.0), 3, "--gain")
