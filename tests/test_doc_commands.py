"""What README.md and the pages of docs/ show a person typing runs as it stands, and writes what they say it writes."""

import os

import pytest

from tests.doc_pages import PAGES, ROOT, alike, commands_of, run_page


@pytest.mark.parametrize("page", PAGES)
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
