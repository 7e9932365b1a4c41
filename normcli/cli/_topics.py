"""Help topics: each is a Markdown file, which documents may include unchanged."""

from __future__ import annotations

import os
from collections.abc import Iterator

FOLDER = os.path.join(os.path.dirname(__file__), "topics")


def names() -> list[str]:
    """The names of all topics, sorted."""
    return sorted(name.removesuffix(".md") for name in os.listdir(FOLDER) if name.endswith(".md"))


def text(name: str) -> str:
    """The text of a topic. Raises FileNotFoundError."""
    with open(os.path.join(FOLDER, f"{name}.md"), encoding="utf-8") as file:
        return file.read()


def summaries() -> Iterator[tuple[str, str]]:
    """The name and the title of each topic."""
    for name in names():
        yield name, text(name).partition("\n")[0].removeprefix("# ")
