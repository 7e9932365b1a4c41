"""The topics of help: each is a file in Markdown, which documents may include as it stands."""

from __future__ import annotations

import os
from collections.abc import Iterator

FOLDER = os.path.join(os.path.dirname(__file__), "topics")


def names() -> list[str]:
    """Those that there are, in order."""
    return sorted(name.removesuffix(".md") for name in os.listdir(FOLDER) if name.endswith(".md"))


def text(name: str) -> str:
    """Raises FileNotFoundError where there is none of that name."""
    with open(os.path.join(FOLDER, f"{name}.md"), encoding="utf-8") as file:
        return file.read()


def summaries() -> Iterator[tuple[str, str]]:
    """Each with the title that it begins with."""
    for name in names():
        yield name, text(name).partition("\n")[0].removeprefix("# ")
