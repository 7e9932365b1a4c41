"""Which steps may follow which."""

from collections.abc import Sequence

from normcli import registry
from normcli.errors import printable
from normcli.parameters.steps import Step


def fault(steps: Sequence[Step], called: Sequence[str] = ()) -> tuple[int, str] | None:
    """The first step that can't be where it is, and why; the steps are `called` so. A column learns once: before
    that go only steps that have learned nothing and look at single values, after it those that learn nothing."""
    names = called or [f"steps[{i}] ({registry.name_of(s.method)})" for i, s in enumerate(steps)]
    passed: dict[str, frozenset[int]] = {}  # the steps that each column has gone through
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
