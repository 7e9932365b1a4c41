"""The state of a DriftMonitor as JSON values, and back."""

from typing import Any

import msgspec
import numpy as np
from msgspec.structs import asdict, replace

from normcli.drift.comparison import Change
from normcli.drift.watching import DriftMonitor
from normcli.parameters.folding import Subtotal
from normcli.parameters.keys import StepStates
from normcli.stats import Statistic


def document(watch: DriftMonitor) -> dict[str, Any]:
    """Changes, counts and states of a monitor; floats are restored to the same bits."""
    return {
        "changes": [asdict(change) for change in watch.changes.values()],
        "counts": [watch.counted, watch.incomplete, watch.unseen],
        "some": [list(key) for key in watch.some],
        "categories": [asdict(category) for category in watch.categories],
        "states": [[_listed(state) for state in states] for states in watch.states],
    }


def restored(watch: DriftMonitor, raw: Any) -> DriftMonitor:
    """A blank monitor with the state in a document, filled in place. Raises ValueError, TypeError, KeyError,
    msgspec.MsgspecError if that is not a document of such a monitor."""
    changes = msgspec.convert(raw["changes"], list[Change])
    keys = msgspec.convert(raw["some"], list[tuple[str | None, ...]])
    counted, incomplete, unseen = msgspec.convert(raw["counts"], tuple[int, int, int])
    categories = _categories(raw["categories"])
    steps = zip(watch.measuring.steps, watch.states, raw["states"], strict=True)
    states = tuple(_states(blanks, arrays, len(step.features)) for step, blanks, arrays in steps)
    watch.changes = {(change.column, change.what): change for change in changes}
    watch.counted, watch.incomplete, watch.unseen = counted, incomplete, unseen
    watch.some = dict.fromkeys(keys)
    watch.total = Subtotal(states, sketches=watch.measuring.blanks[1], categories=categories)
    return watch


def _categories(raw: Any) -> tuple[Any, ...]:
    if not raw:
        return ()
    from normcli.parameters.categories import Category  # here, for few fits have any

    return msgspec.convert(raw, tuple[Category, ...])


def _listed(state: Statistic) -> dict[str, Any]:
    return {name: getattr(state, name).tolist() for name in state.axes()} if state.groups else {}


def _states(blanks: StepStates, raw: Any, features: int) -> StepStates:
    return tuple(_state(blank, arrays, features) for blank, arrays in zip(blanks, raw, strict=True))


def _state(blank: Statistic, raw: Any, features: int) -> Statistic:
    """The state of all rows, which has one group."""
    if not raw:
        return blank
    arrays = {name: np.array(raw[name], np.float64) for name in blank.axes()}
    sizes = {"feature": features, **blank.extents}
    if any(arrays[name].shape != (1, *(sizes[dim] for dim in axes.dims)) for name, axes in blank.axes().items()):
        raise ValueError("not as many numbers as there are features")
    return replace(blank, **arrays)
