"""Fields that are nearly numbers: likely words for what is missing, other notations, signs; and what takes them."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from normcli.formats._delimited.notation import PLAIN, SPACES, Notation

if TYPE_CHECKING:
    import polars as pl

MISSING = ("NA", "N/A", "NaN", "nan", "null", "NULL")  # in text, by default
DASHES = ("-", "--", "---", "–", "—", ".", "..", "...", "?", "??", "*")
NOTHING = ("none", r"\n", "n/a", "na", "n.a.", "n.a", "<na>", "null", "<null>", "(null)", "nil", "nan", "nat")
ERRORS = ("#n/a", "#na", "#value!", "#div/0!", "#ref!", "#num!", "#null!", "#name?")  # of spreadsheets
PLACEHOLDERS = frozenset((*DASHES, *NOTHING, *ERRORS, "missing", "unknown", "undefined"))  # in lower case
NOTATIONS = (  # the likelier first
    *(Notation(".", ","), Notation(",", ""), Notation(",", "."), Notation(".", " "), Notation(",", " ")),
    *(Notation(decimal, between) for between in (*SPACES, "'", "’") for decimal in ".,"),
)
_NAMED = re.compile("nan|inf", re.IGNORECASE)
ANY = "|".join(n.number for n in (PLAIN, *NOTATIONS))
NEARLY = rf"^(?:[+-]?\p{{Sc}}\s?)?(?:{ANY})(?:\s?(?:\p{{Sc}}|[%‰]))?$"  # of polars: Python knows no currency
CURRENCY, SPACE = "\xa4", r"[^\S\x1c-\x1f]"  # the sign of any currency; what is a space for polars


def means_missing(words: pl.Series) -> pl.Series:
    """(rows,) whether each is a word that is likely to; null where it is null."""
    return words.str.to_lowercase().is_in(list(PLACEHOLDERS))


def is_nearly_number(words: pl.Series) -> pl.Series:
    """(rows,) whether each is a number in some notation, with a sign of money or a share or none; null where it is."""
    return words.str.contains(NEARLY)


def is_nearly_a_number(word: str) -> bool:
    """As `is_nearly_number` says of one word."""
    if not _may_be_number(word):
        return False
    signs = "".join(CURRENCY if ord(c) > 127 and unicodedata.category(c) == "Sc" else c for c in word)
    return _nearly().fullmatch(signs.replace("$", CURRENCY)) is not None


def _may_be_number(word: str) -> bool:
    """Whether it holds what any number does: a pattern for each notation takes a while to compile."""
    return any(c.isdigit() for c in word) or _NAMED.search(word) is not None


@cache
def _nearly() -> re.Pattern[str]:
    return re.compile(rf"(?:[+-]?{CURRENCY}{SPACE}?)?(?:{ANY})(?:{SPACE}?(?:{CURRENCY}|[%‰]))?")


def remedy(word: str, more: Iterable[str], missing: Collection[str], notation: Notation, separator: str) -> str:
    """What takes a word that is no number, where it is likely that it stands for one, or for none: of a column with
    `more` of them, in which words that are `missing` mean that. Empty where nothing is known."""
    if word.lower() in PLACEHOLDERS:
        words = dict.fromkeys(w for w in (*more, word) if w.lower() in PLACEHOLDERS)
        return f"--na-values {shlex.quote(listed(missing, words))} takes it as missing"
    bare = _unsigned(word)
    if not _may_be_number(bare) or not any(n.matches(bare) for n in (PLAIN, *NOTATIONS)):
        return ""
    if bare != word:
        sign = next(c for c in word if _is_sign(c))
        drop = f"tr -d {shlex.quote(sign)}" if sign.isascii() else f"sed s/{sign}//g"
        return f"no option takes a '{sign}': remove it first, as {drop} does"
    likely = _likely(word, [word, *more], notation)
    both = NOTATIONS[:2]
    if separator == ";" and set(both) <= set(likely):
        return f"{_flags(both[0], notation)} or {_flags(both[1], notation)} takes it: which is meant?"
    return f"{_flags(likely[0], notation)} takes it" if likely else ""


def words(text: str) -> list[str]:
    """The words in a list of --na-values: between commas, in quotes where they hold one."""
    if '"' not in text:
        return text.split(",")
    import csv

    return next(csv.reader([text]))


def listed(missing: Collection[str], more: Iterable[str] = ()) -> str:
    """--na-values of words that mean missing, and more."""
    known = [w for w in MISSING if w in missing] + sorted(w for w in missing if w and w not in MISSING)
    return ",".join(f'"{w}"' if "," in w else w for w in dict.fromkeys([*known, *more]))


def _likely(word: str, more: Sequence[str], notation: Notation) -> list[Notation]:
    """The notations that take a word, and as many of the others as any does."""
    taking = [n for n in (PLAIN, *NOTATIONS) if n != notation and n.matches(word)]
    taking.sort(key=lambda n: n.decimal != notation.decimal if notation != PLAIN else 0)
    counts = [sum(map(n.matches, map(_unsigned, more))) for n in taking]
    return [n for n, count in zip(taking, counts, strict=True) if count == max(counts)]


def _flags(wanted: Notation, notation: Notation) -> str:
    """The options of a notation, where another one is in use."""
    flags = [f"--decimal {wanted.decimal}"] if wanted.decimal != notation.decimal or wanted.decimal == "," else []
    if wanted.thousands:
        flags.append(f"--thousands {_quoted(wanted.thousands)}")
    elif notation.thousands:
        flags.append("without --thousands")
    return " ".join(flags)


def _quoted(character: str) -> str:
    """For a shell."""
    if character == "'":
        return '"\'"'
    return f"$'\\u{ord(character):04x}'" if not character.isprintable() else shlex.quote(character)


def _unsigned(word: str) -> str:
    """A word without a sign of money before or behind it, or one of a share behind it."""
    match = re.fullmatch(r"([+-]?)(.*)", word, re.DOTALL)
    sign, rest = (match[1], match[2]) if match else ("", word)
    if rest and _is_sign(rest[0]) and rest[0] not in "%‰":
        return sign + rest[1:].lstrip()
    return sign + rest[:-1].rstrip() if rest and _is_sign(rest[-1]) else word


def _is_sign(character: str) -> bool:
    return character in "%‰" or unicodedata.category(character) == "Sc"
