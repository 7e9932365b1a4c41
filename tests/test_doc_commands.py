"""README.md and the pages of docs/: what they show a person typing runs as it stands, and writes what they say it
writes; links lead somewhere, and methods and options that they name are there."""

import os
import re
from functools import cache
from pathlib import Path

import click
import pytest

from normcli import registry
from normcli.cli._flags import flags
from tests.doc_pages import FENCED, PAGES, ROOT, alike, commands_of, run_page

OF_OTHERS = {
    "--version",  # of the group of commands
    "--long",  # of zstd
    "--no-cache-dir",  # of pip
    "--cores",  # of Snakemake
    *("--host", "--memory-limit", "--no-dashboard", "--nthreads", "--nworkers"),  # of dask
}
UNWRITTEN = {"docs/reference.md"}  # pages that come with what they describe
pages = pytest.mark.parametrize("page", PAGES)


@pages
def test_what_a_page_shows_is_what_happens(page: str, request: pytest.FixtureRequest) -> None:
    text = (ROOT / page).read_text()
    commands = list(commands_of(text))
    if any("s3://" in command.text for command in commands):
        request.getfixturevalue("store")
    results = run_page(text, os.environ)
    assert [result.fault for result in results if result.fault] == []
    assert [result.command for result in results[: len(commands)]] == commands


def test_outputs_are_alike_but_for_the_times_that_runs_took() -> None:
    assert alike("fit: 3 rows in 0.2 s -> p", "fit: 3 rows in 1.25 s -> p\n")
    assert not alike("fit: 3 rows in 0.2 s -> p", "fit: 4 rows in 0.2 s -> p\n")
    assert alike("a\n…\nd", "a\nb\nc\nd\n")
    assert not alike("a\n…\nd", "a\nb\nc\n")
    assert not alike("a", "a\nb\n")


def test_the_readme_is_read_in_one_sitting() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 130


def anchors(page: Path) -> set[str]:
    """Of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pages
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", FENCED.sub("", (ROOT / page).read_text()))
    for path, anchor in links:
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists() or str(target.resolve().relative_to(ROOT)) in UNWRITTEN, path
        assert not anchor or anchor in anchors(target), (path, anchor)


def test_every_page_is_linked_from_the_readme() -> None:
    links = re.findall(r"\]\((docs/[^)#]+)", (ROOT / "README.md").read_text())
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= set(links)


@cache
def options_of(method: str) -> dict[str, str]:
    """Each way to write a flag of a method, and the first one of the same option."""
    options = flags(registry.only("methods", method), "")
    return {flag: option.opts[0] for option in options for flag in (*option.opts, *option.secondary_opts)}


def all_options() -> set[str]:
    commands: list[click.Command] = [registry.load("cli", name).command for name in registry.names("cli")]
    options = (option for command in commands for option in command.get_params(click.Context(command)))
    general = {flag for option in options for flag in (*option.opts, *option.secondary_opts)}
    return general.union(*map(options_of, registry.names("methods")))


@pages
def test_every_option_that_a_page_names_is_one(page: str) -> None:
    text = (ROOT / page).read_text()
    codes = [*re.findall(r"`([^`\n]+)`", FENCED.sub("", text)), *(command.text for command in commands_of(text))]
    named = {flag for code in codes for flag in re.findall(r"(?<![\w-])--[a-z][\w-]*", code)}
    assert named - OF_OTHERS <= all_options()


def test_the_table_of_methods_has_each_method_with_its_options() -> None:
    rows: dict[str, str] = {}
    for names, cells in re.findall(r"^\| (\[`.+?\)) (\|.+)$", (ROOT / "docs/methods.md").read_text(), re.MULTILINE):
        rows |= dict.fromkeys(re.findall(r"\[`([\w-]+)`\]", names), cells)
    assert set(rows) == set(registry.names("methods"))

    def options(method: str, of: str) -> set[str]:
        """Those in the row, and in the rows that it refers to, as options of the method."""
        own = options_of(method)
        named = {own[flag] for flag in re.findall(r"--[a-z][\w-]*", rows[of]) if flag in own}
        return named.union(*(options(method, other) for other in re.findall(r"those of `([\w-]+)`", rows[of])))

    for method, cells in rows.items():
        own = {flag for flag in re.findall(r"--[a-z][\w-]*", cells) if flag != "--training"}
        assert own <= set(options_of(method)), method
        assert options(method, method) == set(options_of(method).values()), method


def test_the_readme_names_each_method() -> None:
    section = (ROOT / "README.md").read_text().split("## Methods", 1)[1].split("## ", 1)[0]
    assert set(re.findall(r"`([\w-]+)`", section)) == set(registry.names("methods"))
