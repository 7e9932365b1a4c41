"""Objects and files that are replaced together: all of them, or none, whatever request fails."""

from collections.abc import Iterator
from itertools import count
from operator import le
from pathlib import Path

import pytest

from normcli.errors import NormcliError
from normcli.io.transaction import Transaction
from tests.conftest import longer
from tests.store import Fate, Store, forget

LARGE = bytes(range(256)) * (70 << 10)  # 17 MB: sent in two parts
NEW = (b"params", b"rejects", b"output")

# PARAMS, what was rejected, and OUTPUT: "s3" for an object, "file" for a file
PLACES = [("file", "file", "s3"), ("s3", "s3", "s3"), *longer(("s3", "s3", "file"), ("file", "s3", "s3"))]


class Targets:
    """The three, in their places, with what they were."""

    def __init__(self, store: Store, directory: Path, places: tuple[str, ...], old: bytes | None) -> None:
        self.store, self.old = store, old
        self.names = [
            store.uri(f"d/{name}") if place == "s3" else str(directory / name)
            for name, place in zip(("params", "rejects", "output"), places, strict=True)
        ]
        for name in self.names:
            if name.startswith("s3://"):
                store._ask("DELETE", f"/{name[5:]}")
                if old is not None:
                    store.put(name[12:], old)
            else:
                Path(name).unlink(missing_ok=True)
                if old is not None:
                    Path(name).write_bytes(old)

    def contents(self) -> list[bytes | None]:
        return [self._content(name) for name in self.names]

    def _content(self, name: str) -> bytes | None:
        if name.startswith("s3://"):
            return self.store.get(name[12:])
        return Path(name).read_bytes() if Path(name).exists() else None

    def replace(self, output: bytes = NEW[2]) -> str | None:
        """Why that failed, if it did."""
        forget()
        self.store.requests.clear()
        try:
            with Transaction() as changes:
                targets = [changes.open(name) for name in self.names]
                for target, data in zip(targets, (*NEW[:2], output), strict=True):
                    target.write(data)
                changes.commit(*targets)
        except NormcliError as e:
            return f"{e.code} {e}"
        return None


def each_request(store: Store, fate: Fate, *, onwards: bool = False) -> Iterator[int]:
    """Has one request after the other go wrong, or all from there `onwards`, until there are no more."""
    for number in count():
        store.fault = lambda n, method, path, at=number: (  # type: ignore[misc]
            fate if n == at or (onwards and n > at) else None
        )
        yield number
        store.fault = lambda n, method, path: None
        if len(store.requests) <= number:
            return


@pytest.mark.parametrize("old", [b"old", *longer(None)])
@pytest.mark.parametrize("places", PLACES)
@pytest.mark.parametrize("fate", ["lost", 500, *longer("cut", 403)])
def test_when_one_request_fails_all_are_new_or_none(
    store: Store, tmp_path: Path, fate: Fate, places: tuple[str, ...], old: bytes | None
) -> None:
    outcomes = set()
    for _ in each_request(store, fate):
        targets = Targets(store, tmp_path, places, old)
        why = targets.replace()
        assert targets.contents() == ([old] * 3 if why else list(NEW)), (why, store.requests)
        assert why is None or why.startswith(("73 ", "74 "))
        assert "in place already" not in (why or "")
        outcomes.add(why is None)
    assert outcomes == {True, False}
    ours = {"d/params", "d/rejects", "d/output", "d/"}  # pyarrow leaves that of what it has emptied
    assert ours.issuperset(store.names())
    assert list(tmp_path.glob(".normcli-*")) == []


@pytest.mark.parametrize("places", PLACES)
@pytest.mark.parametrize("fate", [500, *longer(403, "cut", "lost")])
def test_when_the_store_goes_away_there_is_no_output_without_its_params(
    store: Store, tmp_path: Path, fate: Fate, places: tuple[str, ...]
) -> None:
    """PARAMS stay where OUTPUT may be the new one, for all that can be known; and then that is told."""
    for _ in each_request(store, fate, onwards=True):
        targets = Targets(store, tmp_path, places, b"old")
        why, contents = targets.replace(), targets.contents()
        params, _, output = new = [now == data for now, data in zip(contents, NEW, strict=True)]
        assert params or not output
        if why:
            named = [f"{name}: uploading failed" in why or name in why.partition("(")[2] for name in targets.names]
            assert all(map(le, new, named)), why


@pytest.mark.parametrize("places", PLACES[:2])
def test_params_are_in_place_before_output_is(store: Store, tmp_path: Path, places: tuple[str, ...]) -> None:
    """And only once all but the last part of a large one is sent."""
    seen = list[tuple[str, bool]]()

    def look(n: int, method: str, path: str) -> None:
        if "/output" in path and method in ("PUT", "POST"):
            seen.append((path.partition("?")[2].partition("&")[0], targets.contents()[0] == NEW[0]))

    targets = Targets(store, tmp_path, places, b"old")
    store.fault = look
    assert targets.replace(LARGE) is None
    assert [new for _, new in seen] == [False, False, True, True]
    assert [query for query, _ in seen[:3]] == ["uploads", "partNumber=1", "partNumber=2"]
    seen.clear()
    assert Targets(store, tmp_path, places, b"old").replace() is None
    assert seen == [("", True)]
