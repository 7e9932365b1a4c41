"""What an option needs to have an effect. Needs are declared with the option: on the command line beside its flag, for
methods and formats in the `extra` of the annotation. Options without effect are refused in one place, here."""

import typing
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, get_args

from msgspec import Struct

from normcli.errors import NoEffectError


class Need(Struct, frozen=True):
    """One thing that an option needs; `what` is it in the words after "--flag is": "for --update"."""

    what: str
    instead: Callable[[Any], str | None]  # from a run's facts, or a method: what lacks, "" or in words; None if nothing
    hint: str = ""


def check(flags: Iterable[tuple[str, Iterable[Need]]], facts: Any) -> None:
    """Raises NoEffectError for the first of the flags that were given which has no effect."""
    for flag, needs in flags:
        for need in needs:
            instead = need.instead(facts)
            if instead is not None:
                raise NoEffectError(f"{flag} is {need.what}" + (f", and {instead}" if instead else ""), need.hint)


@cache
def of_field(kind: type, field: str) -> tuple[Need, ...]:
    """What a field of a class of options needs."""
    annotation = typing.get_type_hints(kind, include_extras=True)[field]
    extras = (getattr(meta, "extra", None) or {} for meta in get_args(annotation)[1:])
    return next((extra["needs"] for extra in extras if "needs" in extra), ())
