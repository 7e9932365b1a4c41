"""Going on after a run into a directory of a store was ended: as in a directory of this machine."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from normcli.io import journal
from normcli.io.manifest import NAME
from tests.cli.conftest import TABLE, Workspace, ending, environment
from tests.conftest import longer
from tests.store import MANIFEST, Store, set_back

FILES = 8
LINES = 3  # in a batch of the manifest


@dataclass(frozen=True)
class Tree:
    """Tables of which a directory of a store is made; and what is there after a run that nothing disturbs."""

    workspace: Workspace
    store: Store
    whole: dict[str, bytes]

    def apply(self, *more: str, to: str = "out/") -> str:
        return self.workspace.succeeds("apply", "-p", "p.json", "in", "-o", self.store.uri(to), *more).err

    def resumed(self, *more: str) -> int:
        """How many files a run that goes on finds complete, and does not write again; then all are as they should
        be."""
        complete, before = self.complete(), len(self.store.requests)
        said = self.apply("--resume", *more)
        assert f"{len(complete)} of {FILES} complete, {FILES - len(complete)} left" in said
        changed = {path for method, path in self.store.requests[before:] if method in ("PUT", "DELETE")}
        assert not {f"/bucket/out/{name}" for name in complete} & changed
        assert self.store.files("out/") == self.whole
        assert len(self.manifest()) <= 1
        return len(complete)

    def settles(self) -> None:
        """Two runs have written the same files: one may say of a file what is so of that of the other one, which is
        made once more, and never again."""
        self.apply("--resume")
        assert self.resumed() == FILES

    def complete(self) -> set[str]:
        """The names of files that the manifest says are complete, and that are there as it says."""
        digests: dict[str, str] = {}
        for key in self.manifest():
            for line in (self.store.get(key) or b"").splitlines():
                entry = json.loads(line)
                digests[entry["output"]] = entry["digest"].removeprefix("sha256:")
        there = self.store.files("out/")
        alike = {name for name, data in self.whole.items() if there.get(name) == data}
        return {name for name in alike if digests.get(name) == hashlib.sha256(self.whole[name]).hexdigest()}

    def manifest(self) -> list[str]:
        return [key for key in self.store.names() if key.startswith(f"out{MANIFEST}") and not key.endswith("/")]


@pytest.fixture
def tree(workspace: Workspace, store: Store, monkeypatch: pytest.MonkeyPatch) -> Tree:
    monkeypatch.setattr(journal, "LINES", LINES)
    monkeypatch.setattr(journal, "SECONDS", 60.0)
    workspace.params()
    (workspace / "in").mkdir()
    for number in range(FILES):
        (workspace / "in" / f"{number}.csv").write_bytes(TABLE + b"x,%d,1,2\n" % number)
    workspace.succeeds("apply", "-p", "p.json", "in", "-o", "whole/")
    whole = {path.name: path.read_bytes() for path in (workspace / "whole").iterdir() if path.name != NAME}
    return Tree(workspace, store, whole)


def test_what_is_complete_is_left_and_what_is_not_is_made(tree: Tree) -> None:
    assert "0 of 8 complete" in tree.apply("--resume")
    assert len(tree.manifest()) == 1
    assert tree.resumed() == FILES
    tree.store.put("out/0.csv", b"replaced")
    tree.store.put("out/1.csv", tree.whole["1.csv"].replace(b"1", b"2"))  # of the same size
    tree.store._ask("DELETE", "/bucket/out/2.csv")
    assert tree.resumed() == FILES - 3
    assert tree.resumed("--threads", "1") == FILES
    (tree.workspace / "in" / "3.csv").write_bytes(TABLE)
    assert "7 of 8 complete" in tree.apply("--resume")


def test_by_content_a_touched_input_is_the_same_and_an_output_is_read(tree: Tree) -> None:
    tree.apply("--resume=digest")
    os.utime(tree.workspace / "in" / "0.csv")
    tree.store.put("out/1.csv", tree.whole["1.csv"])  # another version of the same content
    tree.store.put("out/2.csv", tree.whole["2.csv"].replace(b"1", b"2"))
    assert "7 of 8 complete" in tree.apply("--resume=digest")
    assert "0 of 8 complete" in tree.apply("--resume=stat")
    assert tree.store.files("out/") == tree.whole


def test_other_parameters_or_options_make_all_anew(tree: Tree) -> None:
    tree.apply()
    assert "0 of 8 complete" in tree.apply("--resume", "--only")
    tree.workspace.params("minmax")
    assert "0 of 8 complete" in tree.apply("--resume", "--only")


def test_inputs_of_a_store_are_known_by_their_version(tree: Tree) -> None:
    for name, data in tree.whole.items():
        tree.store.put(f"in/{name}", data)
    line = ("apply", "-p", "p.json", tree.store.uri("in/"), "-o", tree.store.uri("out/"), "--resume")
    tree.workspace.succeeds(*line)
    tree.store.put("in/3.csv", tree.whole["4.csv"])
    assert "7 of 8 complete" in tree.workspace.succeeds(*line).err
    assert "8 of 8 complete" in tree.workspace.succeeds(*line).err


# -- what ends a run ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("fate", ["cut", *longer("lost")])
@pytest.mark.parametrize("last", [7, 12, 17, 24, *longer(*(n for n in range(40) if n not in (7, 12, 17, 24)))])
def test_ended_at_any_request_and_resumed_is_as_if_undisturbed(tree: Tree, last: int, fate: str) -> None:
    """No request arrives after the last one, nor its answer, as where the machine loses power."""
    tree.apply("--only")  # which leaves files and a manifest of other options
    begun = len(tree.store.requests)
    tree.store.fault = lambda n, method, path: None if n < begun + last else fate if n == begun + last else "cut"
    tree.workspace.run("apply", "-p", "p.json", "in", "-o", tree.store.uri("out/"))
    tree.store.fault = lambda n, method, path: None
    tree.resumed()
    assert tree.resumed() == FILES


KILLED = f"""
import sys
from normcli.io import journal
from normcli.__main__ import main
journal.LINES, journal.SECONDS = {LINES}, 60.0
sys.exit(main())
"""


@pytest.mark.parametrize(
    "death",
    [(MANIFEST, 2, 3), *longer((MANIFEST, 1, 0), (MANIFEST, 3, 6), ("/out/4.csv", 1, 3), ("/out/7.csv", 1, 6))],
)
@pytest.mark.parametrize("arrives", [False, *longer(True)])
def test_killed_while_an_object_is_put(tree: Tree, death: tuple[str, int, int], arrives: bool) -> None:
    """Of the manifest, where its files are there already, or of the output. It arrives after that, or never."""
    where, turn, complete = death
    turns, line = iter(range(1, 99)), ["apply", "-p", "p.json", "in", "-o", tree.store.uri("out/")]

    def kill(n: int, method: str, path: str) -> str | None:
        if method == "PUT" and where in path and next(turns) == turn:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return "lost" if arrives else "cut"
        return None

    tree.store.fault = kill
    words = [sys.executable, "-c", KILLED, *line]
    process = subprocess.Popen(words, cwd=tree.workspace.path, env=environment())
    with ending(process):
        assert process.wait() == -signal.SIGKILL
    tree.store.fault = lambda n, method, path: None
    assert len(tree.complete()) == min(FILES, complete + LINES * (arrives and where == MANIFEST))
    tree.resumed()


def test_parts_of_a_run_on_a_cluster_that_died_yesterday_are_removed(tree: Tree) -> None:
    old, new = [[f"out/.normcli-{run * 16}.tmp", f"out/.normcli-{run * 16}-{16 * '1'}.part"] for run in "de"]
    for key in (*old, *new):
        tree.store.put(key, b"x")
    for key in old:
        set_back(key, hours=25)
    tree.apply("--resume")
    assert [key for key in tree.store.names() if key.endswith((".tmp", ".part"))] == sorted(new)
    for key in new:
        tree.store._ask("DELETE", f"/bucket/{key}")


def test_of_a_run_that_ends_with_an_error_all_files_are_known(tree: Tree) -> None:
    (tree.workspace / "in" / "5.csv").write_bytes(TABLE + b"x,oops,1,2\n")
    tree.workspace.fails(65, "apply", "-p", "p.json", "in", "-o", tree.store.uri("out/"))
    (tree.workspace / "in" / "5.csv").write_bytes(TABLE + b"x,5,1,2\n")
    assert tree.resumed() == 5


# -- what the manifest says --------------------------------------------------------------------------------------
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "torn": lambda data: data[: len(data) // 2],
    "no lines": lambda data: b"",
    "no text": lambda data: b"\xff\x00" + data[2:],
    "others": lambda data: b'3\n{}\n{"output": []}\n{"output": "0.csv"}\n' + data,
    "no versions": lambda data: data.replace(b'"version"', b'"virtue"'),
    "other versions": lambda data: data.replace(b'"etag": "', b'"etag": "0'),
    "other digests": lambda data: data.replace(b"sha256:", b"sha256:0"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_manifest_costs_no_more_than_the_lines_that_are(tree: Tree, damage: str) -> None:
    tree.apply()
    (key,) = tree.manifest()
    tree.store.put(key, DAMAGES[damage](tree.store.get(key) or b""))
    tree.apply("--resume")
    assert tree.store.files("out/") == tree.whole
    assert "8 of 8 complete" in tree.apply("--resume")


def test_an_object_that_two_runs_say_is_theirs_is_made_anew(tree: Tree) -> None:
    """The second one has replaced it before the first one has asked for its version."""
    tree.apply()
    (key,) = tree.manifest()
    lines = (tree.store.get(key) or b"").splitlines()
    entry = json.loads(lines[0]) | {"digest": "sha256:of another run"}
    tree.store.put(f"out{MANIFEST}0000-{16 * '0'}-000000.jsonl", json.dumps(entry).encode() + b"\n")
    assert "7 of 8 complete" in tree.apply("--resume")
    assert tree.resumed() == FILES


def test_a_manifest_that_can_not_be_had_stops_who_resumes_and_nobody_else(tree: Tree) -> None:
    tree.apply()
    before = tree.manifest()
    tree.store.fault = lambda n, method, path: (
        403 if "list-type" in path or (MANIFEST in path and method == "GET") else None
    )
    said = tree.workspace.fails(66, "apply", "-p", "p.json", "in", "-o", tree.store.uri("out/"), "--resume")
    assert said.startswith(f"s3://bucket/out/{NAME}: AWS Error ACCESS_DENIED")
    tree.apply()
    tree.store.fault = lambda n, method, path: None
    assert set(tree.manifest()) > set(before)
    tree.settles()


def test_a_dry_run_leaves_the_manifest(tree: Tree) -> None:
    tree.apply()
    before, begun = tree.manifest(), len(tree.store.requests)
    tree.workspace.succeeds("apply", "-p", "p.json", "in", "-o", tree.store.uri("out/"), "--resume", "--dry-run")
    assert tree.manifest() == before
    assert {method for method, _ in tree.store.requests[begun:]} <= {"GET", "HEAD", "COPY"}


def test_two_runs_at_once_do_not_meet(tree: Tree) -> None:
    """One begins, and ends, while the other one puts its fifth file."""
    began = iter([True])

    def other(n: int, method: str, path: str) -> None:
        if method == "PUT" and path.endswith("/out/5.csv") and next(began, False):
            line = ["apply", "-p", "p.json", "in", "-o", tree.store.uri("out/"), "--resume"]
            done.append(tree.workspace.start(*line).wait())

    tree.store.fault, done = other, list[int]()
    process = tree.workspace.start("apply", "-p", "p.json", "in", "-o", tree.store.uri("out/"))
    assert (process.wait(), done) == (0, [0])
    assert tree.store.files("out/") == tree.whole
    tree.settles()


@pytest.fixture(autouse=True)
def no_parts(store: Store) -> Iterator[None]:
    yield
    assert [key for key in store.names() if key.endswith((".tmp", ".part"))] == []
