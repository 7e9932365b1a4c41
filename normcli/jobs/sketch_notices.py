"""One notice, wherever parameters have no sketches of their columns that might be expected to have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normcli.methods import listed

if TYPE_CHECKING:
    from normcli.parameters import Parameters
    from normcli.pipeline import Events


def of_fit(events: Events, fitted: Parameters, old: Parameters | None, source: object, *, no_sketch: bool) -> None:
    """After a fit, or one that goes on from the parameters `old`, in a file or given as such."""
    if fitted.sketches is not None or not fitted.learns:
        return
    before = None if old is None else old.sketches
    if no_sketch and before is not None:
        _notice(events, f"those in {_name(source)} are left out (--no-sketch)")
    elif no_sketch:
        return
    elif old is not None and before is None:
        of_merge(events, [_name(source)])
    elif fitted.weights is not None:
        _notice(events, f"weights in column '{fitted.weights}' are not whole numbers")


def of_merge(events: Events, lacking: list[str]) -> None:
    """After a merge of files of which these have none."""
    if lacking:
        _notice(events, f"{listed(lacking)} {'has' if len(lacking) == 1 else 'have'} none")


def _notice(events: Events, why: str) -> None:
    events.notice(f"no sketches are kept: {why}; without them check compares no shapes of columns")


def _name(source: object) -> str:
    return source if isinstance(source, str) else "<memory>"
