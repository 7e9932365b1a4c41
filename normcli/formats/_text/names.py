"""Names of columns in text."""

from collections.abc import Sequence


def first_twice(names: Sequence[str]) -> str | None:
    """The first name that was there before."""
    before: set[str] = set()
    for name in names:
        if name in before:
            return name
        before.add(name)
    return None
