"""Lines in objects: what was synced is read again, whichever request was the last one of a run."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normcli.errors import NoInputError, OutputError
from normcli.io import journal
from normcli.io.journal import Batches, Journal
from normcli.io.stores.journal import FarJournal
from tests.conftest import examples
from tests.store import Store

LINES = 4  # in a batch
GONE = f"0000-{16 * '0'}-000000.jsonl"
HOW = ["finish", "close", "sync"]  # how a run ends: complete, with an error, by SIGKILL after a batch


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LINES", LINES)
    monkeypatch.setattr(journal, "SECONDS", 60.0)


def objects(store: Store, folder: str = "m") -> list[str]:
    return [name for name in store.names() if name.startswith(f"{folder}/") and not name.endswith("/")]


def run(made: Batches, count: int, how: str) -> list[bytes]:
    """A run that adds so many lines, and ends; all lines that there are then."""
    lines = made.lines()
    for n in range(count):
        lines.append(b"%d of %d\n" % (n, count))
        made.add(lines[-1]) if n else made.begin(lines)
    {"finish": lambda: made.finish(lambda: lines), "close": made.close, "sync": made.sync}[how]()
    return [line.strip() for line in lines]


@settings(max_examples=examples(40, part=8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(st.tuples(st.integers(0, 3 * LINES), st.sampled_from(HOW)), min_size=1, max_size=4))
def test_a_directory_of_a_store_has_the_lines_that_a_file_has(
    store: Store, tmp_path: Path, runs: list[tuple[int, str]]
) -> None:
    folder = f"m{len(list(tmp_path.iterdir()))}"
    for count, how in runs:
        run(Journal(str(tmp_path / folder)), count, how)
        run(FarJournal(store.uri(folder)), count, how)
        lines = Journal(str(tmp_path / folder)).lines()
        assert FarJournal(store.uri(folder)).lines() == lines
        if how == "finish":
            assert len(objects(store, folder)) == bool(lines)
    (tmp_path / folder).touch()


def test_a_batch_is_put_in_the_newest_object_until_that_has_enough(store: Store) -> None:
    made = FarJournal(store.uri("m"))
    made.begin([b"first\n"])
    made.sync()
    for n in range(2 * LINES):
        made.add(b"%d\n" % n)
        if n % 3 == 2:
            made.sync()
    made.sync()
    assert [(store.get(name) or b"").count(b"\n") for name in objects(store)] == [1, 6, 2]
    assert "DELETE" not in {method for method, path in store.written()}


@pytest.fixture
def earlier(store: Store) -> list[bytes]:
    """Lines of a run that was killed, in three objects."""
    made = FarJournal(store.uri("m"))
    lines = [b"old %d" % n for n in range(2 * LINES)]
    made.begin([lines[0] + b"\n"])
    made.sync()
    for line in lines[1:]:
        made.add(line + b"\n")
    made.sync()
    assert len(objects(store)) == 3
    return lines


@pytest.mark.parametrize("fate", ["cut", "lost"])
@pytest.mark.parametrize("last", range(8))
def test_no_line_is_lost_whichever_request_is_the_last(
    store: Store, earlier: list[bytes], last: int, fate: str
) -> None:
    """Of a run that has read what an earlier one has left, and puts that in one object."""
    made = FarJournal(store.uri("m"))
    made.lines()
    begun = len(store.requests)
    store.fault = lambda n, method, path: None if n < begun + last else fate if n == begun + last else "cut"
    lines = [line + b"\n" for line in (*earlier, b"new")]
    made.begin(lines)
    with suppress(OutputError):
        made.finish(lambda: lines)
        earlier.append(b"new")
    made.close()
    store.fault = lambda n, method, path: None
    last_places = {line: n for n, line in enumerate(FarJournal(store.uri("m")).lines())}
    places = [last_places[line] for line in earlier]
    assert places == sorted(places)


def test_lines_of_a_run_that_goes_on_stay_when_another_one_begins(store: Store, earlier: list[bytes]) -> None:
    slow, quick = FarJournal(store.uri("m")), FarJournal(store.uri("m"))
    slow.lines()
    slow.begin([*(line + b"\n" for line in earlier), b"slow 1\n"])
    slow.sync()
    lines = [*(line + b"\n" for line in quick.lines()), b"quick 1\n"]
    quick.begin(lines)
    quick.sync()
    slow.add(b"slow 2\n")
    slow.sync()
    quick.finish(lambda: lines)
    assert b"slow 2" in FarJournal(store.uri("m")).lines()


def test_an_object_that_can_not_be_read_is_an_error_and_one_that_is_gone_is_none(
    store: Store, earlier: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = objects(store)[0]
    for fate in (403, "cut"):
        store.fault = lambda n, method, path, fate=fate: fate if path.endswith(first) else None
        with pytest.raises(NoInputError, match="AWS Error"):
            FarJournal(store.uri("m")).lines()
        store.fault = lambda n, method, path, fate=fate: fate if method == "GET" and "prefix=" in path else None
        with pytest.raises(NoInputError, match="AWS Error"):
            FarJournal(store.uri("m")).lines()
    store.fault = lambda n, method, path: None
    monkeypatch.setattr("normcli.io.stores.journal.listed", lambda uri, **how: [first.removeprefix("m/"), GONE])
    assert FarJournal(store.uri("m")).lines() == [earlier[0]]


def test_who_can_not_write_learns_it_once(store: Store) -> None:
    made = FarJournal(store.uri("m"))
    made.begin([b"line\n"])
    store.fault = lambda n, method, path: 500
    for _ in range(2):
        with pytest.raises(OutputError, match="uploading failed"):
            made.sync()
    made.close()
    assert len(store.written()) == 1
