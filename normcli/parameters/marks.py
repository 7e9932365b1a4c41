"""Marks of normalized data: the digest of the parameters, their overrides, and the columns, where these are not all.
Data normalized column by column, in several runs, are marked as if it had been one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

COLUMNS = ":columns="
TRAINING = "training"


def mark(digest: str, override: str) -> str:
    """The digest, marked with an override; unchanged if that is empty."""
    return f"{base(digest)}:{override}{digest.removeprefix(base(digest))}" if override else digest


def parameters_of(digest: str) -> str:
    """The digest, sha256:…, without marks."""
    return ":".join(digest.split(":")[:2])


def override_of(digest: str) -> str:
    """The marks of a digest as flags: --min-count 50 --unseen global; empty if there are none."""
    _, *rest = base(digest).removeprefix(parameters_of(digest)).split(":", 1)
    return " ".join(f"--{rule.replace('=', ' ')}" for rule in (rest[0].split(",") if rest else ()))


def is_training(digest: str) -> bool:
    """Whether the digest is marked as training, with statistics of each batch."""
    return base(digest).endswith(f":{TRAINING}")


def base(mark: str) -> str:
    """The mark of all columns."""
    return mark.partition(COLUMNS)[0]


def columns_of(mark: str) -> tuple[str, ...] | None:
    """The columns that a mark is of; None for all."""
    from urllib.parse import unquote  # which few runs need

    _, some, names = mark.partition(COLUMNS)
    return tuple(unquote(name, errors="surrogatepass") for name in names.split(",")) if some else None


def of_columns(mark: str, names: Collection[str], every: Sequence[str]) -> str:
    """The mark of some columns of `every` one, in that order."""
    from urllib.parse import quote

    some = [quote(n, safe="", errors="surrogatepass") for n in every if n in names]
    return base(mark) if len(some) == len(every) else base(mark) + COLUMNS + ",".join(some)


def add(marks: Sequence[str], mark: str, every: Sequence[str]) -> tuple[str, ...]:
    """Marks, and another one: together with the last one where that is of other columns."""
    if not marks or base(marks[-1]) != base(mark):
        return (*marks, mark)
    before, these = columns_of(marks[-1]), columns_of(mark)
    if before is None or these is None or not set(before).isdisjoint(these):  # it is normalized twice
        return (*marks, mark)
    return (*marks[:-1], of_columns(mark, {*before, *these}, every))


def remove(marks: Sequence[str], mark: str, every: Sequence[str]) -> tuple[str, ...] | None:
    """Marks without the last one, or without these columns in it; None where it is not of all of these."""
    if not marks or base(marks[-1]) != base(mark):
        return None
    before, these = set(columns_of(marks[-1]) or every), set(columns_of(mark) or every)
    if not these <= before:
        return None
    left = before - these
    return (*marks[:-1], *([of_columns(mark, left, every)] if left else []))
