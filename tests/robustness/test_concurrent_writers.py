"""Two runs that write one target at once, and somebody who reads it all the time: what is there is always one whole."""

import time
from collections.abc import Callable

import pytest

from tests.robustness import runs
from tests.robustness.laws import Harness

WRITERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "apply": (
        ("apply", "table.csv", "-p", "p.json", "-o", "out.csv"),
        ("apply", "more.csv", "-p", "p.json", "-o", "out.csv"),
    ),
    "fit": (
        ("fit", "table.csv", "-m", "zscore", "-p", "out.csv"),
        ("fit", "table.csv", "-m", "minmax", "-p", "out.csv"),
    ),
}


def all_see_one_whole(here: Harness, lines: tuple[tuple[str, ...], tuple[str, ...]], times: int) -> None:
    folder = here.home / "workspace"
    here.scenario.prepare(here.template, folder)
    target = folder / "out.csv"
    whole = {target.read_bytes()}
    for line in lines:
        assert runs.end(runs.start(line, folder)) == 0
        whole.add(target.read_bytes())
    assert len(whole) == 3
    for _ in range(times):
        running = [runs.start(line, folder) for line in lines]
        codes: list[int] = []
        while running:
            time.sleep(0.002)
            seen = target.read_bytes()
            here.tally.count("read while two write", well=seen in whole, broken=seen not in whole)
            assert seen in whole
            codes += [runs.end(run) for run in running if run.poll() is not None]
            running = [run for run in running if run.returncode is None]
        assert 0 in codes
        assert set(codes) <= ({0, 75} if lines[0][0] == "fit" else {0})  # PARAMS are locked
    assert not list(folder.glob(".normcli-*"))


@pytest.mark.parametrize("what", WRITERS)
def test_two_writers_and_a_reader(what: str, harness: Callable[[str], Harness]) -> None:
    all_see_one_whole(harness("apply csv"), WRITERS[what], 2)


@pytest.mark.soak
@pytest.mark.parametrize("what", WRITERS)
def test_two_writers_and_a_reader_for_long(what: str, harness: Callable[[str], Harness]) -> None:
    all_see_one_whole(harness("apply csv"), WRITERS[what], 100)
