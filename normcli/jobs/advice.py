"""Advice about columns, as whoever gets it can follow it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence

WORD = r"""(?:'[^']*'|"[^"]*"|[^\s'")])+"""  # of a shell
FLAG = re.compile(rf"(?:\bfit )?(?<![\w-])-([cx])\b(?: ({WORD})(?= leaves| takes| if| says))?")
KEYS = {"c": "columns", "x": "exclude"}


def for_steps(hint: str) -> str:
    """A hint that names -c and -x, for a plan, whose steps have columns and exclude in their place."""
    return FLAG.sub(lambda match: _key(match[1], match[2]), hint)


def _key(flag: str, names: str | None) -> str:
    if names is None or names in ("leaves", "takes", "if", "says"):
        return KEYS[flag]
    return selectors(f"-{flag}", shlex.split(names)[0].split(","))


def selectors(flag: str, names: Sequence[str]) -> str:
    """The key of a step in place of -c or -x, with these columns as they are typed in TOML."""
    return f"{KEYS[flag[1:]]} = {json.dumps(list(names), ensure_ascii=not all(map(str.isprintable, names)))}"


def warning_for_steps(text: str) -> str:
    """The same of a warning, whose hint is at its end, in parentheses."""
    before, parenthesis, hint = text.rpartition(" (")
    return before + parenthesis + for_steps(hint)
