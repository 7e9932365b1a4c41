"""What runs are to do, as drivers have sent it to this worker: once for each run, and not with each task."""

from __future__ import annotations

import threading

Plan = tuple[bytes, dict[str, str], bytes]  # pickled work, the facts of the driver, and what work needs, pickled

MOST = 64 << 20  # bytes of plans; beyond that the oldest go: nobody says which drivers have died
DELIVERY = 20.0  # seconds that a task waits: a worker that has just come is known to the driver after a while


class Plans:
    """Those of runs, by their names."""

    def __init__(self) -> None:
        self._arrival, self._plans = threading.Condition(), dict[str, Plan]()

    def add(self, run: str, plan: Plan) -> None:
        with self._arrival:
            self._plans.pop(run, None)
            self._plans[run] = plan
            while len(self._plans) > 1 and sum(map(_size, self._plans.values())) > MOST:
                del self._plans[next(iter(self._plans))]
            self._arrival.notify_all()

    def get(self, run: str) -> Plan | None:
        """That of a run, once it is there; None where it does not come."""
        with self._arrival:
            self._arrival.wait_for(lambda: run in self._plans, DELIVERY)
            return self._plans.get(run)


def _size(plan: Plan) -> int:
    work, _, ready = plan
    return len(work) + len(ready)


plans = Plans()


def receive(run: str, plan: Plan) -> None:
    """What a worker does with the plan of a run that the driver sends."""
    plans.add(run, plan)
