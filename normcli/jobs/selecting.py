"""Which of the fitted columns a run normalizes: those that -c and -x select, without constant ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from normcli import columns, suggestions
from normcli.errors import BadDataError, UsageError, printable
from normcli.methods import listed

if TYPE_CHECKING:
    from normcli.jobs.requests import Writes
    from normcli.jobs.requests.apply import ApplyRequest
    from normcli.parameters import Parameters


def selected(request: ApplyRequest, parameters: Parameters) -> Parameters:
    """The parameters of the columns that a request selects; all of them, where it does not. Raises UsageError where a
    selector matches no fitted column, where none is left, and where a method mixes some with others."""
    names = parameters.needs()
    if not (request.columns or request.exclude):
        return parameters
    include = _matches("-c", request.columns, names) if request.columns else set(names)
    wanted = include - _matches("-x", request.exclude, names)
    if not wanted:
        raise UsageError("-x leaves no fitted column", f"there are {listed(list(names))}")
    return parameters.only(wanted)


def _matches(flag: str, selectors: Sequence[str], names: Sequence[str]) -> set[str]:
    """The fitted columns that selectors match, each at least one. Raises UsageError."""
    matches = set[str]()
    for part in (part for selector in selectors for part in columns.parts(selector, names)):
        some = columns.any_matched(names, [part])
        if not some:
            raise UsageError(f"{flag} {printable(part)}: no fitted column is called so", suggestions.hint(part, names))
        matches |= some
    return matches


def without_constants(request: Writes, parameters: Parameters) -> tuple[Parameters, tuple[str, ...]]:
    """The parameters of the columns that varied in the fit, and the others, where a request leaves these out. Raises
    BadDataError where none is left."""
    constants = parameters.constants if request.drop_constant else ()
    if not constants:
        return parameters, ()
    varying = set(parameters.needs()).difference(constants)
    if not varying:
        raise BadDataError("--drop-constant: every column is constant, and none is left", "leave it off")
    return parameters.only(varying), constants
