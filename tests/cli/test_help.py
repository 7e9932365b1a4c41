"""Help: every page fits, is grouped, and says all; topics say what there is; docs/reference.md is what help shows."""

import re
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest

from normcli import errors, registry
from normcli.cli import URL, main
from normcli.cli import _topics as topics
from normcli.cli._command import FORMAT, WithOptions
from normcli.cli._help import TITLES, write_markdown
from normcli.formats import signature
from normcli.io.compression import CODECS
from normcli.jobs.format_options import format_option_names, topic_of
from normcli.jobs.requests import Request, groups
from normcli.limits import NAMES, Limits
from tests.cli.conftest import Workspace
from tests.reference import FILE, help_of, reference

COMMANDS = registry.names("cli")
TOPICS = topics.names()
SIGNALS = {129, 130, 141, 143}


def command_of(name: str) -> Any:
    return main.get_command(click.Context(main), name)


GROUPED = [name for name in COMMANDS if isinstance(command_of(name), WithOptions)]


def sections(text: str) -> dict[str, str]:
    """What stands below each title of a page."""
    _, *parts = re.split(r"^([A-Z][^\n]*):\n", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


# -- a page ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("width", [78, 58])
@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_no_line_of_help_is_wider_than_the_terminal_but_one_that_is_made_to_be_copied(name: str, width: int) -> None:
    text = help_of(name, width=width)
    examples = sections(text)["Examples"].splitlines()
    assert [line for line in text.splitlines() if len(line) > width and line not in examples] == []
    assert max(map(len, examples)) <= 78


def test_the_help_of_fit_fits_90_lines() -> None:
    assert len(help_of("fit").splitlines()) <= 90


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_examples_come_first(name: str) -> None:
    assert next(iter(sections(help_of(name)))) == "Examples"


@pytest.mark.parametrize("kind", [kind for name in COMMANDS for kind in Request.of_command(name)])
def test_every_option_of_a_request_has_a_group(kind: type[Request]) -> None:
    assert {about["group"] for about in kind.options().values()} <= set(TITLES)


@pytest.mark.parametrize("name", GROUPED)
def test_every_option_is_below_the_title_of_its_group(name: str) -> None:
    shown, command = sections(help_of(name)), command_of(name)
    params = command.get_params(click.Context(command, **command.context_settings))
    for option in (p for p in params if isinstance(p, click.Option) and not p.name.startswith(FORMAT)):
        title = TITLES[groups(name).get(str(option.name)) or "messages"]
        assert re.search(rf"^  .*{max(option.opts, key=len)}\b", shown[title], re.MULTILINE), option.name
    assert [title for title in shown if title in TITLES.values()] == [t for t in TITLES.values() if t in shown]


@pytest.mark.parametrize("name", sorted(format_option_names()))
def test_an_option_of_formats_is_explained_in_help_or_in_its_topic(name: str) -> None:
    flag, topic = f"--{name.replace('_', '-')}", topic_of(name)
    assert flag in help_of("apply")
    assert topic is None or re.search(rf"--(no-)?{flag[2:]}\b", topics.text(topic))


def test_options_of_methods_are_in_the_help_of_their_method_alone(workspace: Workspace) -> None:
    assert "--ddof" not in help_of("fit")
    shown = sections(workspace.succeeds("fit", "-m", "zscore", "--help").out.decode())
    assert "--ddof" in shown["Options of zscore"]
    assert "-m zscore" in shown["Examples"]


def test_formats_are_listed() -> None:
    (listed,) = re.findall(r"--from FORMAT +(.*\n +.*)\n", help_of("fit"))  # on two lines
    assert listed.replace("\n", " ").replace(",", "").split()[1:] == [*registry.names("formats")]


def test_commands_are_in_the_order_in_which_they_are_used_and_their_summaries_whole() -> None:
    listed = re.findall(r"^  (\w+) +(\w.*)", sections(help_of())["Commands (normcli COMMAND --help)"], re.MULTILINE)
    names = [name for name, _ in listed]
    assert sorted(names) == sorted(COMMANDS)
    assert names[:5] == ["fit", "apply", "check", "describe", "inspect"]
    assert all(registry.title("cli", name) for name in COMMANDS)


def test_the_version_in_short(workspace: Workspace) -> None:
    assert workspace.succeeds("-V").out == workspace.succeeds("--version").out
    assert "-V, --version" in help_of()


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_page_ends_with_where_there_is_more(name: str) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert URL in project["urls"].values()
    assert URL in (Path(__file__).parents[2] / "README.md").read_text()
    assert help_of(name).endswith(URL)
    assert all(topic in TOPICS for topic in getattr(command_of(name), "more", ()))


# -- topics ------------------------------------------------------------------------------------------------------
def test_help_lists_topics_and_shows_a_topic_or_a_command(workspace: Workspace) -> None:
    listed = workspace.succeeds("help").out.decode()
    assert all(re.search(rf"^  {name} +\w", listed, re.MULTILINE) for name in TOPICS)
    assert b"done" in workspace.succeeds("help", "exit-codes").out
    assert workspace.succeeds("help", "fit").out == workspace.succeeds("fit", "--help").out
    assert set(TOPICS).isdisjoint(COMMANDS)
    assert {"exit-codes", "environment", "columns", "plans"} <= set(TOPICS)
    assert "did you mean exit-codes?" in workspace.fails(2, "help", "exitcodes")


@pytest.mark.parametrize("name", TOPICS)
def test_a_topic_says_all_its_words_on_any_terminal(name: str) -> None:
    text = topics.text(name)
    words = re.sub(r"^#+ |^- |[`:]", "", text, flags=re.MULTILINE).split()
    code = re.findall(r"^    (.*)$", text, re.MULTILINE)
    for width in (78, 58):
        formatter = click.HelpFormatter(width=width)
        write_markdown(formatter, text)
        shown = formatter.getvalue()
        assert shown.replace(":", "").split() == words
        assert all(len(line) <= width for line in shown.splitlines() if line.strip() not in code)
        assert all(len(line) <= 74 for line in code)


def test_all_exit_codes_are_explained() -> None:
    explained = re.findall(r"^- `([\d, ]+)`:", topics.text("exit-codes"), re.MULTILINE)
    codes = {int(code) for codes in explained for code in codes.split(",")}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.NormcliError)]
    assert codes == {0, *SIGNALS, *(kind.code for kind in kinds)}


def test_all_variables_of_options_are_explained() -> None:
    options = (p for name in COMMANDS for p in command_of(name).params)
    names = {str(p.envvar) for p in options if p.envvar}
    assert names
    assert all(f"- `{name}`:" in topics.text("environment") for name in names)


def test_all_suffixes_are_explained() -> None:
    text = topics.text("formats")
    for format in registry.names("formats"):
        line = re.search(rf"^- `{format}`: (.*)$", text, re.MULTILINE)
        assert line
        assert all(suffix in line[1] for suffix in signature(format).suffixes)
        assert signature(format).binary or "also" in line[1]
    assert all(codec.suffix in text for codec in CODECS)


def test_limits_of_drift_are_explained_with_their_defaults() -> None:
    for name in (*NAMES, "min_rows"):
        value = getattr(Limits(), name)
        flag = f"--{name.replace('_', '-')}"
        assert re.search(rf"{flag}\b[^()]*\({value:g}\)", topics.text("drift")), flag


# -- documents ---------------------------------------------------------------------------------------------------
def test_the_reference_is_what_help_shows() -> None:
    assert FILE.read_text() == reference(), "make reference writes it anew"
