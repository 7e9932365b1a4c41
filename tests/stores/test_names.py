"""What URIs name: as paths would, in a tree of directories of the same names."""

import os
import posixpath
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normcli.errors import NoInputError, UsageError
from normcli.io import inputs, stores
from normcli.io.stores import _filesystems
from tests.store import Store

KEYS = ("b.csv", "a/z.csv", "a.csv", "a-/c.csv", "a-/é ü.csv", "a/b/c.csv", "a/b/d.csv", ".h/x.csv", "a/.h/x.csv",
        "_tmp.csv", ".x.csv", "notes.txt", "[x].csv", "deep/1/2/3.csv")  # fmt: skip


def known(path: str) -> bool:
    return path.endswith(".csv")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory called bucket, in which s3:// is thought to be."""
    from pyarrow import fs

    for key in KEYS:
        path = tmp_path / "bucket" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a\n1\n")
    here = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    monkeypatch.setattr(_filesystems, "place", lambda uri: (here, uri.partition("://")[2].rstrip("/")))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(name: str, prefix: str) -> Any:
    stores._lookup.cache_clear()
    try:
        all_ = inputs.find([name], known)
    except NoInputError:
        return None
    except UsageError:
        return "twice"
    read = [(str(i.path).removeprefix(prefix), i.relative, i.keys) for i in all_.inputs]
    return read, sorted((path.removeprefix(prefix), why) for path, why in all_.left)


DIRECTORIES = st.sampled_from(["*", "**", "a", "a*", "?", "[ab]", ".h", ".*", "1"])
LAST = st.sampled_from(["*", "a", "a*", "b", ".*", "*.csv", "c.csv", "x.csv", "[[]x].csv", "?"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(DIRECTORIES, max_size=3), last=LAST)
def test_patterns_and_directories_mean_what_they_mean_here(tree: Path, pieces: list[str], last: str) -> None:
    name = "/".join(["bucket", *pieces, last])
    there = found(f"s3://{name}", "s3://")
    if stores.has_magic(name) or os.path.lexists(name):  # what is not there is told when it is opened
        assert there == found(name, "")
    if os.path.isdir(name):
        assert found(f"s3://{name}/", "s3://") == there


def test_two_stars_at_the_end_are_all_objects(tree: Path) -> None:
    shown = [k for k in KEYS if not any(part.startswith(".") for part in k.split("/"))]
    read, _ = found("s3://bucket/**", "s3://bucket/")
    assert [r[0] for r in read] == sorted(shown, key=os.fsencode)


def test_order_and_what_is_left(tree: Path) -> None:
    read, left = found("s3://bucket", "s3://bucket/")
    assert [r[1] for r in read] == sorted((r[1] for r in read), key=os.fsencode)
    assert left == [
        *((name, "hidden") for name in (".h", ".x.csv", "_tmp.csv", "a/.h")),
        ("notes.txt", "unknown suffix"),
    ]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("x.csv", "x.csv"),
        ("file:///a%20b/%C3%A9.csv", "/a b/é.csv"),
        ("file://localhost/x", "/x"),
        ("file:///%FF", "/\udcff"),
        ("s3://b/a%20b?.csv", "s3://b/a%20b?.csv"),
        ("abfss://c@account.dfs.core.windows.net/x", "abfss://c@account.dfs.core.windows.net/x"),
        ("S3://b/X.csv", "s3://b/X.csv"),
        ("s3://b/.../..x/y./.csv", "s3://b/.../..x/y./.csv"),
    ],
)
def test_plain_names(name: str, path: str) -> None:
    assert stores.plain(name) == path == stores.plain(path)


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("s3://bucket/x.csv?region=eu-west-1", "after a \\?"),
        ("s3://bucket//x.csv", "is empty"),
        ("s3:///x.csv", "is empty"),
        ("s3://bucket/x/../in.csv", "is \\. or \\.\\."),
        ("s3://bucket/./in.csv", "is \\. or \\.\\."),
        ("gs://bucket/x/..", "is \\. or \\.\\."),
        ("s3://bucket/../*.csv", "is \\. or \\.\\."),
        ("https://example.org/x.csv", "is not known"),
        ("file://elsewhere/x.csv", "no file of this machine"),
        ("s3://key:SECRET@bucket/x.csv", "with credentials"),
        ("gs://SECRET@bucket/x.csv", "with credentials"),
        ("abfs://c:SECRET@account/x.csv", "with credentials"),
        ("abfs://c@account/x.csv?sas_token=SECRET", "after a \\?"),
    ],
)
def test_what_is_refused(uri: str, why: str) -> None:
    """Secrets are not told again."""
    with pytest.raises(UsageError, match=why) as caught:
        stores.plain(uri)
    assert "SECRET" not in str(caught.value)


def test_one_object_has_one_name() -> None:
    assert stores.resolved("gcs://b/x") == stores.resolved("gs://b/x")
    assert stores.resolved("abfss://c@a/x") == stores.resolved("abfs://c@a/x")
    assert stores.resolved("abfs://c@a.dfs.core.windows.net/x") == stores.resolved("abfs://c@a/x")
    assert stores.resolved("abfs://c@a.dfs.core.windows.net/x") != stores.resolved("abfs://c@b/x")


PIECES = st.lists(st.sampled_from(["", ".", "..", "...", ".x", "x", "y.csv", "?a="]), min_size=1, max_size=4)


@given(pieces=PIECES, scheme=st.sampled_from(["s3", "S3", "gs"]))
def test_a_name_that_is_taken_is_a_key_that_a_client_asks_for_as_it_is(pieces: list[str], scheme: str) -> None:
    key = "/".join(pieces)
    try:
        name = stores.plain(f"{scheme}://b/{key}")
    except UsageError:
        assert stores.unusable(f"{scheme}://b/{key}")
        return
    assert name == f"{scheme.lower()}://b/{key}"
    assert posixpath.normpath(f"/{key}").removeprefix("/") == key.removesuffix("/")


def test_stray_keys_are_left_out_of_a_prefix_and_of_patterns_and_told(store: Store) -> None:
    strays = ["stray//b.csv", "x/../c.csv", "./d.csv", "/lead.csv", "a.csv?b=1.csv"]
    for key in ("a.csv", "x/b.csv", *strays):
        store.put(f"in/{key}", b"a\n1\n")
    for name in ("s3://bucket/in", "s3://bucket/in/**", "S3://bucket/*"):
        read, left = found(name, "s3://bucket/in/")
        assert [r[0] for r in read] == ["a.csv", "x/b.csv"]
        assert sorted(path for path, _ in left) == sorted(strays)
    read, left = found("s3://bucket/in/**/*.csv", "s3://bucket/in/")
    assert [r[0] for r in read] == ["a.csv", "x/b.csv"]
    assert sorted(path for path, _ in left) == [".", "/", "a.csv?b=1.csv", "stray//", "x/.."]


@pytest.mark.parametrize("name", ["s3://bucket/in", "s3://bucket/in/*.csv", "s3://bucket/**/*.csv", "s3://bucket/*/*"])
def test_a_listing_tells_types_and_sizes_however_many_objects_there_are(name: str, store: Store) -> None:
    counts = []
    for number in range(2, 9, 3):
        store.put(f"in/{number}.csv", b"a\n" + b"1\n" * number)
        store.requests.clear()
        stores._lookup.cache_clear()
        all_ = inputs.find([name], known)
        counts.append(len(store.requests))
    assert [i.size for i in all_.inputs] == [2 + 2 * number for number in (2, 5, 8)]
    assert len(set(counts)) == 1


def test_the_size_of_an_object_is_known(store: Store) -> None:
    store.put("in/a.csv", b"a\n1\n")
    stores._lookup.cache_clear()
    for name in ("s3://bucket/in/a.csv", "s3://bucket/*/a.csv"):
        (only,) = inputs.find([name], known).inputs
        assert only.size == 4


def test_what_a_store_says_keeps_no_signature() -> None:
    said = "When reading 'x': Azure Error: [404]\n https://a.example/c/x?sv=1&sig=SECRET not found."
    assert _filesystems.reason(OSError(said)) == "Azure Error: [404] https://a.example/c/x not found"
