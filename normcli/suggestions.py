"""What a name was meant to be that is none: the nearest ones, by what else they are called, too; else a short list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from normcli import registry
from normcli.errors import short

NEAR = 0.7  # similarity, from 0 to 1, of what may be meant
MARGIN = 0.08  # similarity by which others may fall behind the nearest
MOST = 3  # names that may be meant: of more, none is
LISTED = 24  # names of a list that is short enough

Aliases = Mapping[str, Iterable[str]]  # what else each name is called


def nearest(word: str, names: Iterable[str], aliases: Aliases | None = None) -> list[str]:
    """The names that are spelled most like a word, the likeliest first, whatever the capitals, hyphens and spaces; none
    where too many are. Of what else one is called, one word may be enough."""
    scores = _scores(word, names, aliases or {})
    best = max(scores.values(), default=0.0)
    least = max(NEAR, best - (0.0 if best == 1 else MARGIN))
    near = sorted((name for name, score in scores.items() if score >= least), key=lambda name: -scores[name])
    return near if len(near) <= MOST else []


def question(word: str, names: Iterable[str], aliases: Aliases | None = None) -> str:
    """Whether one of the nearest was meant; empty where none is near."""
    near = nearest(word, names, aliases)
    return f"did you mean {' or '.join(map(short, near))}?" if near else ""


def hint(word: str, names: Iterable[str], aliases: Aliases | None = None) -> str:
    """What to do about a word that is none of the names: what was meant, or else what there is."""
    names = list(names)
    suggestion = question(word, names, aliases)
    if suggestion or not names:
        return suggestion
    rest = len(names) - LISTED
    return f"there are {', '.join(map(short, names[:LISTED]))}{f' and {rest:,} more' if rest > 0 else ''}"


def of_room(word: str, room: str) -> str:
    """The same of the entries of a folder, each of which says what else it is called."""
    return hint(word, registry.names(room), _aliases(room))


def called(word: str, room: str) -> str | None:
    """The entry of a folder that is called so, by its name or another, whatever the capitals, hyphens and spaces."""
    scores = _scores(word, registry.names(room), _aliases(room))
    return next((name for name, score in scores.items() if score == 1), None)


def _aliases(room: str) -> Aliases:
    return {name: registry.aliases(room, name) for name in registry.names(room)}


def _scores(word: str, names: Iterable[str], aliases: Aliases) -> dict[str, float]:
    """How alike each name and the word are, from 0 to 1."""
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
        elif sorted(plain) == sorted(other) or (i and plain in map(_plain, spelling.split())):
            yield 0.9
        else:
            yield min(SequenceMatcher(None, plain, other).ratio(), 0.95)


def _plain(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
