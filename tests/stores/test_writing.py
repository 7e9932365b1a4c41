"""Objects that are written: whole or not at all, whatever request fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from normcli.errors import CannotCreateError, OutputError, UsageError
from normcli.io.outputs import open_target
from tests.conftest import longer
from tests.store import Fate, Store, forget

SMALL, LARGE = b"new" * 100, bytes(range(256)) * (70 << 10)  # 17 MB: sent in two parts
PARTS = ("?uploads", "partNumber=1&", "partNumber=2&", "?uploadId=")


def write(data: bytes, uri: str) -> str | None:
    """Why it failed, if it did."""
    forget()
    try:
        with open_target(uri) as target:
            target.write(data)
            target.commit()
    except (OutputError, CannotCreateError) as e:
        return f"{e.code} {e}"
    return None


@pytest.mark.parametrize("data", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
def test_what_is_written_is_there_once_committed(store: Store, data: bytes) -> None:
    store.put("a b/x.csv.gz", b"old")
    with open_target(store.uri("a b/x.csv.gz")) as target:
        target.write(data[:100])
        target.write(data[100:])
        assert store.get("a b/x.csv.gz") == b"old"
        target.prepare()
        assert store.get("a b/x.csv.gz") == b"old"
        target.commit()
        target.commit()  # once more changes nothing
    assert store.get("a b/x.csv.gz") == data
    assert store.names() == ["a b/x.csv.gz"]


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_left_without_it_nothing_was_sent(store: Store, data: bytes) -> None:
    store.put("x", b"old")
    with open_target(store.uri("x")) as target:
        target.write(data)
    assert store.written() == []
    with open_target(store.uri("x")) as target:
        target.write(data)
        target.prepare()
    assert store.get("x") == b"old"


@pytest.mark.parametrize("old", [None, b"old"], ids=["absent", "old"])
@pytest.mark.parametrize("fate", ["cut", *longer(500)])
@pytest.mark.parametrize("part", ["PUT", *PARTS])
def test_each_request_of_an_upload_may_fail(store: Store, part: str, fate: Fate, old: bytes | None) -> None:
    if old is not None:
        store.put("x", old)
    store.fault = lambda n, method, path: fate if part in f"{method} {path}" else None
    why = write(SMALL if part == "PUT" else LARGE, store.uri("x"))
    assert why is not None
    assert why.startswith("74 s3://bucket/x: uploading failed: AWS Error")
    assert ("rule for incomplete uploads" in why) is (part != "PUT")
    assert store.get("x") == old
    store.fault = lambda n, method, path: None
    assert write(SMALL, store.uri("x")) is None  # the way is free again
    assert store.get("x") == SMALL


@pytest.mark.parametrize("part", ["PUT", *PARTS])
def test_what_is_denied_can_not_be_created(store: Store, part: str) -> None:
    store.put("x", b"old")
    store.fault = lambda n, method, path: 403 if part in f"{method} {path}" else None
    why = write(SMALL if part == "PUT" else LARGE, store.uri("x"))
    assert (why or "").startswith("73 s3://bucket/x: uploading failed: AWS Error ACCESS_DENIED")
    assert store.get("x") == b"old"


@pytest.mark.parametrize("old", [None, b"old"], ids=["absent", "old"])
@pytest.mark.parametrize("part", ["PUT", "?uploadId="])
def test_where_the_answer_to_a_success_is_lost_it_is_one(store: Store, part: str, old: bytes | None) -> None:
    """Unless nothing is answered any more: then it may be one."""
    data = SMALL if part == "PUT" else LARGE
    if old is not None:
        store.put("x", old)
    store.fault = lambda n, method, path: "lost" if part in f"{method} {path}" else None
    assert write(data, store.uri("x")) is None
    assert store.get("x") == data
    store.fault = lambda n, method, path: "lost" if store.written() else None
    store.requests.clear()
    assert (write(SMALL[1:], store.uri("x")) or "").startswith("74 ")
    assert store.get("x") == SMALL[1:]


def test_a_passing_fault_passes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left to itself, it asks again."""
    monkeypatch.delenv("AWS_MAX_ATTEMPTS")
    store.fault = lambda n, method, path: "lost" if method == "PUT" and len(store.written()) == 1 else None
    assert write(SMALL, store.uri("x")) is None
    assert (store.get("x"), len(store.written())) == (SMALL, 2)


def test_a_bucket_that_is_not_there_or_not_ours_is_told_at_once(store: Store) -> None:
    for uri in ("s3://other/x", "s3://other/d/x"):
        with pytest.raises(CannotCreateError, match=f"^{uri}: there is no such bucket"):
            open_target(uri)
    for fate, why in ((403, "ACCESS_DENIED"), ("cut", "NETWORK_CONNECTION")):
        forget()
        store.fault = lambda n, method, path, fate=fate: fate  # type: ignore[misc]
        with pytest.raises(CannotCreateError, match=f"^s3://bucket/x: AWS Error {why}"):
            open_target("s3://bucket/x")


@pytest.mark.parametrize("others", [("HEAD", "GET", "COPY"), ("GET", "COPY")])
@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_who_may_write_and_nothing_else_may_write(store: Store, data: bytes, others: tuple[str, ...]) -> None:
    store.fault = lambda n, method, path: 403 if method in others else None
    assert write(data, store.uri("x")) is None
    assert store.get("x") == data


@pytest.mark.parametrize("others", [(), ("HEAD", "GET")])
def test_who_may_not_write_is_denied_before(store: Store, others: tuple[str, ...]) -> None:
    """With nothing sent; in each directory it is asked once."""
    store.fault = lambda n, method, path: 403 if method in ("PUT", "POST", "COPY", *others) else None
    with pytest.raises(CannotCreateError, match=r"^s3://bucket/d/x: AWS Error ACCESS_DENIED"):
        open_target(store.uri("d/x"))
    store.fault = lambda n, method, path: None
    forget()
    store.requests.clear()
    for name in ("d/x", "d/y", "e/x"):
        with open_target(store.uri(name)):
            pass
    assert [path for method, path in store.requests if method == "COPY"] == ["/bucket/d/x", "/bucket/e/x"]
    assert (store.names(), store.written()) == ([], [])


def test_nowhere_to_keep_it(store: Store, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no spool can be made"):
        open_target(store.uri("x"), spool_dir=str(tmp_path / "nosuch"))
    with open_target(store.uri("x"), spool_dir=str(tmp_path)) as target:
        target.write(SMALL)
        assert list(tmp_path.iterdir()) == []  # it has no name


def test_azure_is_not_written() -> None:
    with pytest.raises(UsageError, match="can't be written"):
        open_target("abfs://c@account.dfs.core.windows.net/x")


SCRIPT = """
import sys
from normcli.errors import OutputError
from normcli.io.outputs import open_target

with open_target("s3://bucket/x") as target:
    target.write(bytes(17 << 20))
    target.prepare()
print("begun")
"""


def test_a_stream_that_was_begun_is_not_published_when_python_ends(store: Store) -> None:
    """What is collected is closed, and what is closed is published."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, timeout=60, check=True)
    assert done.stdout == b"begun\n"
    assert store.get("x") is None
    assert any("partNumber=1&" in path for _, path in store.requests)
    assert not any("?uploadId=" in path for _, path in store.requests)
