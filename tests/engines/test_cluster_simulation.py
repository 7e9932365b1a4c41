"""The simulated cluster: no faster than any who works one thing after the other, and slower by little."""

import pytest

from tests.benchmarks.cluster_simulation import Costs, simulate


@pytest.mark.parametrize(("inputs", "size"), [(1, 10), (500, 10**6), (3000, 10**3), (300, 10**9)])
@pytest.mark.parametrize("threads", [1, 7, 64])
def test_a_run_takes_as_long_as_who_is_busiest(inputs: int, size: int, threads: int) -> None:
    costs = Costs()
    outcome = simulate(inputs, size, threads, costs)
    one = costs.worker_input + size / costs.rate
    assert outcome.threads * threads == pytest.approx(inputs * one)
    busiest = max(outcome.driver, outcome.scheduler, outcome.threads)
    assert busiest <= outcome.makespan + 1e-9
    assert outcome.makespan <= outcome.driver + outcome.scheduler + outcome.threads + one * 64


def test_small_inputs_that_share_tasks_leave_the_scheduler_free() -> None:
    apart, together = (simulate(20_000, 1000, 100, Costs(), most).scheduler for most in (1, 64))
    assert together < apart / 10


def test_the_threads_take_longest_where_a_thousand_workers_read_many_large_files() -> None:
    """As docs/cluster.md says."""
    outcome = simulate(100_000, 10**8, 4000, Costs())
    assert outcome.tasks < 22_000
    assert outcome.bottleneck == "workers"
    assert max(outcome.driver, outcome.scheduler) < 0.75 * outcome.threads
    assert outcome.makespan < 1.2 * outcome.threads
