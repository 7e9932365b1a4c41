"""States of all steps: merging, and further passes over the data."""

from collections.abc import Callable

from normcli.parameters.keys import StepStates


def merged(a: tuple[StepStates, ...], b: tuple[StepStates, ...]) -> tuple[StepStates, ...]:
    """States of all steps, `a`'s rows before `b`'s."""
    return tuple(tuple(x.merge(y) for x, y in zip(s, t, strict=True)) for s, t in zip(a, b, strict=True))


def refined(
    states: tuple[StepStates, ...], measure: Callable[[tuple[StepStates, ...]], tuple[StepStates, ...]]
) -> tuple[StepStates, ...]:
    """States of all steps, refined by further passes until no statistic needs another; `measure` makes a pass that
    fills the blanks of each step."""
    blanks = tuple(tuple(s.next_pass() for s in step) for step in states)
    pending = tuple(tuple(b for b in step if b is not None) for step in blanks)
    if not any(pending):
        return states
    passes = [iter(step) for step in refined(measure(pending), measure)]
    return tuple(
        tuple(s if b is None else s.refined(next(further)) for s, b in zip(step, blank, strict=True))
        for step, blank, further in zip(states, blanks, passes, strict=True)
    )
