"""Runs that replace one PARAMS at the same time: each as if it were alone, or it is told that it can't be."""

import json
import os
import subprocess
from itertools import product

import pytest

from tests.cli.conftest import PATIENCE, Workspace, ending, until
from tests.conftest import longer
from tests.test_locks import lock_of

# each reads INPUT or PARAMS from standard input, and replaces p.json
COMMANDS = {
    "fit": ("fit", "-m", "zscore", "-p", "p.json"),
    "fit -o": ("fit", "-m", "zscore", "-p", "p.json", "-o", "o.csv"),
    "update": ("fit", "--update", "-p", "p.json"),
    "relearn": ("fit", "--relearn", "-", "-m", "center", "-p", "p.json"),
    "merge": ("merge", "p.json", "-", "-o", "p.json"),
}
SOME = ("fit", "update", "merge")
PAIRS = [*product(SOME, COMMANDS), *longer(*(p for p in product(COMMANDS, repeat=2) if p[0] not in SOME))]


def table(first: int, rows: int) -> bytes:
    return b"a,b\n" + b"".join(b"%d,%d\n" % (first + k, k * k % 17) for k in range(rows))


@pytest.fixture
def week(workspace: Workspace) -> Workspace:
    """p.json has counted 100 rows; each command has an input of its own, and an update needs a fit of zscore."""
    for number, name in enumerate(COMMANDS):
        data = table(1000 * number, 10 + number)
        if name in ("relearn", "merge"):
            data = workspace.succeeds("fit", "-m", "zscore", stdin=data).out
        (workspace / name).write_bytes(data)
    (workspace / "p.json").write_bytes(workspace.succeeds("fit", "-m", "zscore", stdin=table(9000, 100)).out)
    return workspace


def start(workspace: Workspace, name: str, *more: str) -> "subprocess.Popen[bytes]":
    with (workspace / name).open("rb") as file:
        return workspace.start(*COMMANDS[name], *more, stdin=file)


def learned(workspace: Workspace) -> tuple[object, ...]:
    document = json.loads((workspace / "p.json").read_bytes())
    return document["rows"], tuple(document["inputs"]), document["steps"][0]["method"]


def one_after_the_other(workspace: Workspace, *names: str) -> tuple[tuple[object, ...], tuple[int, ...]]:
    """What there is, and their exit codes, when nobody is in the way."""
    before = (workspace / "p.json").read_bytes()
    codes = []
    for name in names:
        with start(workspace, name) as process:
            process.communicate(timeout=PATIENCE)
        codes.append(process.returncode)
    found = learned(workspace)
    (workspace / "p.json").write_bytes(before)
    return found, tuple(codes)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_who_comes_second_is_told_before_it_reads_or_waits(pair: tuple[str, str], week: Workspace) -> None:
    holder, other = pair
    before, input_ = (week / "p.json").read_bytes(), (week / holder).read_bytes()
    expected = one_after_the_other(week, holder, other)
    read, write = os.pipe()
    with ending(week.start(*COMMANDS[holder], stdin=subprocess.PIPE)) as first:
        assert first.stdin
        until(lock_of(week / "p.json").exists, "the lock")
        done = week.run(*COMMANDS[other], stdin=read)  # where nothing comes, and nothing ends
        assert (done.code, len(done.errors)) == (75, 1), done.err
        assert "p.json: is locked by another run (--wait SECONDS waits for it)" in done.err
        assert (week / "p.json").read_bytes() == before
        with ending(start(week, other, "--wait", str(PATIENCE))) as second:
            first.communicate(input_, timeout=PATIENCE)
            second.communicate(timeout=PATIENCE)
            assert (learned(week), (first.returncode, second.returncode)) == expected
    os.close(read)
    os.close(write)
    assert not lock_of(week / "p.json").exists()


@pytest.mark.parametrize(
    "pair", [("fit", "update"), ("update", "merge"), *longer(*product(COMMANDS, repeat=2))], ids=str
)
@pytest.mark.parametrize("rounds", [3, *longer(30)])
def test_nothing_is_lost_however_they_race(pair: tuple[str, str], rounds: int, week: Workspace) -> None:
    """Both did their work in some order, or one did and the other was told."""
    before = (week / "p.json").read_bytes()
    one, other = pair
    valid = {one_after_the_other(week, one, other)}
    found, codes = one_after_the_other(week, other, one)
    valid.add((found, codes[::-1]))
    for name, place in ((one, 0), (other, 1)):
        found, (code,) = one_after_the_other(week, name)
        valid.add((found, (code, 75) if place == 0 else (75, code)))
    for _ in range(rounds):
        with ending(start(week, one)) as first, ending(start(week, other)) as second:
            for each in (first, second):
                each.communicate(timeout=PATIENCE)
            assert (learned(week), (first.returncode, second.returncode)) in valid
        (week / "p.json").write_bytes(before)
    assert not lock_of(week / "p.json").exists()


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_killed_run_left_is_taken_over(name: str, week: Workspace) -> None:
    expected = one_after_the_other(week, name)
    lock_of(week / "p.json").write_bytes(b"")
    assert one_after_the_other(week, name) == expected
    assert not lock_of(week / "p.json").exists()


@pytest.mark.parametrize("name", ["fit", "relearn", "merge"])
def test_a_name_of_255_bytes_has_a_lock_and_a_link_is_followed(name: str, week: Workspace) -> None:
    longest = "p" * 250 + ".json"
    (week / "there").mkdir()
    (week / "link.json").symlink_to(f"there/{longest}")
    words = [
        ("link.json" if i and word == "p.json" and COMMANDS[name][i - 1] != "merge" else word)
        for i, word in enumerate(COMMANDS[name])
    ]
    with (week / name).open("rb") as file:
        week.succeeds(*words, stdin=file)
    assert (week / "link.json").is_symlink()
    assert [p.name for p in (week / "there").iterdir()] == [longest]


@pytest.mark.parametrize("target", ["-", "/dev/null", "/dev/stdout"])
def test_a_stream_has_no_lock_to_wait_for(target: str, week: Workspace) -> None:
    assert "--wait is for PARAMS" in week.fails(2, "fit", "-m", "unit", "fit", "-o", "o.csv", "--wait", "1")
    for words in (("fit", "-m", "zscore", "fit", "-p"), ("merge", "p.json", "-o")):
        before = week.files()
        week.succeeds(*words, target)
        assert week.files() == before
        assert "--wait is for PARAMS that are a file" in week.fails(2, *words, target, "--wait", "1")


def test_runs_that_replace_no_parameters_have_none(week: Workspace) -> None:
    """apply and check read what is there, the old file or the new one."""
    with ending(week.start(*COMMANDS["update"], stdin=subprocess.PIPE)) as update:
        until(lock_of(week / "p.json").exists, "the lock")
        week.succeeds("apply", "fit", "-p", "p.json", "-o", "o.csv")
        week.succeeds("check", "fit", "-p", "p.json", "--min-rows", "99")
        week.succeeds("fit", "-m", "zscore", "fit", "-p", "q.json")
        update.communicate((week / "update").read_bytes(), timeout=PATIENCE)
        assert update.returncode == 0
