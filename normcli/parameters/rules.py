"""Rules: which group a row is normalized by, given its key."""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from normcli.parameters.keys import Key

MISSING, PASS = -1, -2  # in place of a group: output is missing, or the input unchanged
Unseen = Literal["error", "global", "missing", "pass"]
INSTEAD: Mapping[Unseen, int] = {"global": 0, "missing": MISSING, "pass": PASS, "error": PASS}


class Rules(Struct, frozen=True):
    """Treatment of rows whose key was not fitted; keys with fewer than `min_count` rows use statistics of all rows."""

    unseen: Unseen = "error"
    min_count: int = 0

    def override(self, unseen: Unseen | None, min_count: int | None) -> "Rules":
        """Rules with these values where they are not None. A count of 1 becomes 0, as every key has a row."""
        count = self.min_count if min_count is None else min_count if min_count > 1 else 0
        return Rules(unseen or self.unseen, count)

    def groups(self, keys: Sequence[Key], rows: Sequence[int]) -> dict[Key, int]:
        """The group of each key; group 0, of all rows, for keys with too few rows."""
        entries = enumerate(zip(keys, rows, strict=True), 1)
        return {key: group if count >= self.min_count else 0 for group, (key, count) in entries}

    def difference(self, other: "Rules") -> str:
        """The values that differ from `other`, as min-count=50,unseen=global; empty if none does."""
        pairs = ((name, getattr(self, name), getattr(other, name)) for name in ("min_count", "unseen"))
        return ",".join(f"{name.replace('_', '-')}={mine}" for name, mine, theirs in pairs if mine != theirs)
