"""Validation of the order of steps."""

from collections.abc import Sequence

from normcli import registry
from normcli.errors import printable
from normcli.parameters.steps import Step


def fault(steps: Sequence[Step], called: Sequence[str] = ()) -> tuple[int, str] | None:
    """Index of the first step in an invalid position, and the reason; None if all are valid. `called` are names of the
    steps for messages. A column can be learned from once: before that step only element-wise steps without statistics
    are allowed, after it only steps without statistics."""
    names = called or [f"steps[{i}] ({registry.name_of(s.method)})" for i, s in enumerate(steps)]
    passed: dict[str, frozenset[int]] = {}  # indices of the steps that each column has passed through
    for i, step in enumerate(steps):
        before = {n: passed.pop(n, frozenset()) for n in step.columns}
        for name, b in ((n, b) for n, earlier in before.items() if step.learns for b in sorted(earlier)):
            here = f"column '{printable(name)}'"
            if steps[b].learns:
                return i, f"{here} learns in {names[b]} already, and a column can learn but once"
            if not steps[b].method.element_wise:
                what = "and only steps of single values may go before one that learns"
                return i, f"{here} comes from {names[b]}, {what}"
        all_steps = frozenset[int]().union(*before.values())
        apart = before if step.method.element_wise else {}
        passed |= {n: apart.get(n, all_steps) | {i} for n in step.outputs}
    return None
