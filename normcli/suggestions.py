"""Suggestions for unknown names: the most similar names or aliases, else a short list of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from normcli import registry
from normcli.errors import short

NEAR = 0.7  # least similarity of a suggestion, from 0 to 1
MARGIN = 0.08  # greatest difference to the similarity of the nearest
MOST = 3  # suggestions; more are ambiguous, and none is made
SHORT = 3  # letters of a word of which one may be another
LISTED = 40  # names of a list, at most

Aliases = Mapping[str, Iterable[str]]  # alternative spellings of each name


def nearest(word: str, names: Iterable[str], aliases: Aliases | None = None) -> list[str]:
    """The names most similar to a word, the nearest first, ignoring case, hyphens and spaces; none if too many are. One
    word of an alias suffices."""
    scores = _scores(word, names, aliases or {})
    best = max(scores.values(), default=0.0)
    least = max(NEAR, best - (0.0 if best == 1 else MARGIN))
    near = sorted((name for name, score in scores.items() if score >= least), key=lambda name: -scores[name])
    return near if len(near) <= MOST else []


def question(word: str, names: Iterable[str], aliases: Aliases | None = None) -> str:
    """A question that suggests the nearest names; empty if none is near."""
    near = nearest(word, names, aliases)
    return f"did you mean {' or '.join(map(short, near))}?" if near else ""


def hint(word: str, names: Iterable[str], aliases: Aliases | None = None) -> str:
    """A hint for an unknown name: the nearest names, else a list of all."""
    names = list(names)
    suggestion = question(word, names, aliases)
    if suggestion or not names:
        return suggestion
    rest = len(names) - LISTED
    return f"there are {', '.join(map(short, names[:LISTED]))}{f' and {rest:,} more' if rest > 0 else ''}"


def of_room(word: str, room: str) -> str:
    """The same for the entries of a registry, with their aliases."""
    return hint(word, registry.names(room), _aliases(room))


def called(word: str, room: str) -> str | None:
    """The entry of a registry with this name or alias, ignoring case, hyphens and spaces; None if there is none."""
    scores = _scores(word, registry.names(room), _aliases(room))
    return next((name for name, score in scores.items() if score == 1), None)


def _aliases(room: str) -> Aliases:
    return {name: registry.aliases(room, name) for name in registry.names(room)}


def _scores(word: str, names: Iterable[str], aliases: Aliases) -> dict[str, float]:
    """Similarity of each name or its aliases to the word, from 0 to 1."""
    return {name: max(_likeness(word, (name, *aliases.get(name, ())))) for name in names}


def _likeness(word: str, spellings: Iterable[str]) -> Iterator[float]:
    from difflib import SequenceMatcher

    plain = _plain(word)
    for i, spelling in enumerate(spellings):
        other = _plain(spelling)
        if not plain or not other:
            yield 0.0
        elif plain == other:
            yield 1.0
        elif (
            sorted(plain) == sorted(other)
            or _is_one_replaced(plain, other)
            or (i and plain in map(_plain, spelling.split()))
        ):
            yield 0.9
        else:
            yield min(SequenceMatcher(None, plain, other).ratio(), 0.95)


def _is_one_replaced(word: str, other: str) -> bool:
    """Whether two short words differ in one letter, which the similarity of short words does not show."""
    return len(word) == len(other) == SHORT and sum(a != b for a, b in zip(word, other, strict=True)) == 1


def _plain(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
