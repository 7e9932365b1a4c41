"""Rules: how rows go by their keys; and what a digest says more where data were not normalized as the file says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from normcli.parameters.keys import Key

MISSING, PASS = -1, -2  # in place of a group: rows that come out missing, or as they are
Unseen = Literal["error", "global", "missing", "pass"]
INSTEAD: Mapping[Unseen, int] = {"global": 0, "missing": MISSING, "pass": PASS, "error": PASS}
TRAINING = "training"


@dataclass(frozen=True)
class Rules:
    """What becomes of rows whose key was not fitted; those whose key had fewer than `min_count` rows go by all rows."""

    unseen: Unseen = "error"
    min_count: int = 0

    def override(self, unseen: Unseen | None, min_count: int | None) -> "Rules":
        """With other ones in place of its own, where they are not None. Every key has a row, so that 1 asks for no more
        than 0."""
        count = self.min_count if min_count is None else min_count if min_count > 1 else 0
        return Rules(unseen or self.unseen, count)

    def groups(self, keys: Sequence[Key], rows: Sequence[int]) -> dict[Key, int]:
        """The group of each key; that of all rows where it had too few of its own."""
        entries = enumerate(zip(keys, rows, strict=True), 1)
        return {key: group if count >= self.min_count else 0 for group, (key, count) in entries}

    def difference(self, other: "Rules") -> str:
        """What is not as in others: min-count=50,unseen=global; empty where all is."""
        pairs = ((name, getattr(self, name), getattr(other, name)) for name in ("min_count", "unseen"))
        return ",".join(f"{name.replace('_', '-')}={mine}" for name, mine, theirs in pairs if mine != theirs)


def mark(digest: str, override: str) -> str:
    """The digest of parameters by which data are normalized otherwise than these say; itself where they are not."""
    return f"{digest}:{override}" if override else digest


def parameters_of(digest: str) -> str:
    """The digest, sha256:…, without what it says more."""
    return ":".join(digest.split(":")[:2])


def override_of(digest: str) -> str:
    """What it says more, as the command line does: --min-count 50 --unseen global; empty where it is bare."""
    _, *rest = digest.removeprefix(parameters_of(digest)).split(":", 1)
    return " ".join(f"--{rule.replace('=', ' ')}" for rule in (rest[0].split(",") if rest else ()))


def is_training(digest: str) -> bool:
    """Whether data were normalized by each batch's own statistics."""
    return digest.endswith(f":{TRAINING}")
