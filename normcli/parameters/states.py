"""States of all steps: put together, and measured further where one pass is not enough."""

from collections.abc import Callable

from normcli.parameters.keys import Seen


def merged(a: tuple[Seen, ...], b: tuple[Seen, ...]) -> tuple[Seen, ...]:
    """States of all steps, `a`'s rows before `b`'s."""
    return tuple(tuple(x.merge(y) for x, y in zip(s, t, strict=True)) for s, t in zip(a, b, strict=True))


def refined(seen: tuple[Seen, ...], measure: Callable[[tuple[Seen, ...]], tuple[Seen, ...]]) -> tuple[Seen, ...]:
    """States of all steps, with what further passes over the data say, as long as one of them asks for some; `measure`
    is such a pass, of the blanks of each step that it is asked for."""
    blanks = tuple(tuple(s.next_pass() for s in states) for states in seen)
    asked = tuple(tuple(b for b in step if b is not None) for step in blanks)
    if not any(asked):
        return seen
    found = [iter(step) for step in refined(measure(asked), measure)]
    return tuple(
        tuple(s if b is None else s.refined(next(each)) for s, b in zip(states, step, strict=True))
        for states, step, each in zip(seen, blanks, found, strict=True)
    )
