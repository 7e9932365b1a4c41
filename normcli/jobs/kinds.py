"""An entry of a folder that a request names, with its options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import fields

from normcli import registry
from normcli.errors import BadParametersError, UsageError
from normcli.parameters import file as params


def configured(room: str, name: str, options: Mapping[str, Any], flag: str) -> Any:
    """The entry of a folder, chosen by a flag, with its options. Raises UsageError for an option that it has not, and
    for a value that it can't have."""
    kind = registry.only(room, name)
    names = {f.name for f in fields(kind)}
    for option in options:
        if option not in names:
            raise UsageError(f"--{option.replace('_', '-')} is no option of {flag} {name}", _having(room, option, flag))
    try:
        return params.typed(kind, dict(options), f"{flag} {name}")
    except BadParametersError as e:
        raise UsageError(e.message, e.hint) from None


def _having(room: str, option: str, flag: str) -> str:
    """Which entries have an option."""
    kinds = ((name, registry.only(room, name)) for name in registry.names(room))
    having = [name for name, kind in kinds if option in {f.name for f in fields(kind)}]
    return f"it is of {flag} {', '.join(having)}" if having else ""
