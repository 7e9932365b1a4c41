"""Large states on a cluster of two worker processes, which merge them: the bytes and the words of one machine."""

from pathlib import Path
from typing import Any

import pytest

import normcli
from normcli.engines import _dask_handles, _dask_states
from tests import cluster
from tests.cli.conftest import Workspace
from tests.cli.test_cluster import on, run, write_tables
from tests.conftest import longer
from tests.engines.test_dask import state_of


@pytest.fixture
def here(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with a directory of tables, one of them empty. Any state is large, and there are checkpoints often.
    Only the driver knows."""
    monkeypatch.setattr(_dask_states, "LARGE", 0)
    monkeypatch.setattr(_dask_handles, "MERGES", 3)
    monkeypatch.setattr(_dask_handles, "MERGES_OF_THREAD", 0)
    write_tables(workspace.path / "in")
    return workspace


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of states that came to the driver, one by one."""
    counts, data = list[int](), _dask_states.States.data

    def counted(states: Any, handle: Any) -> bytes:
        counts.append(handle.count)
        return data(states, handle)

    monkeypatch.setattr(_dask_states.States, "data", counted)
    return counts


WAYS = [
    "whiten", "robust --exact", "zscore --by name",
    *longer("whiten --kind pca", "decorrelate", "quantile", "robust", "robust --by name", "power"),
]  # fmt: skip


@pytest.mark.parametrize("words", WAYS)
def test_the_same_is_learned(here: Workspace, two: cluster.Cluster, fetched: list[int], words: str) -> None:
    line = ["fit", "in", "-m", *words.split(), "-c", "x,y,z,w"]
    first = run(here, *line, "-p", "one.json")
    (here / "one.json").rename(here / "first.json")
    assert run(here, *line, "-p", "one.json", *on(two)) == first
    assert (here / "one.json").read_bytes() == (here / "first.json").read_bytes()
    passes = 2 if "--exact" in words else 1
    assert passes <= len(fetched) <= 3 * passes  # and not once for each input


@pytest.mark.parametrize("words", ["whiten", "zscore --by name", *longer("robust --exact", "quantile", "power")])
def test_the_same_is_learned_of_shards(
    here: Workspace, two: cluster.Cluster, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    line = ["fit", "in", "-m", *words.split(), "-c", "x,y,z,w", "-p"]
    here.succeeds(*line, "one.json")
    monkeypatch.setattr(_dask_states, "SHARD", 500)
    here.succeeds(*line, "many.json", *on(two))
    assert (here / "one.json").read_bytes() == (here / "many.json").read_bytes()


@pytest.mark.parametrize("by_key", [False, True])
def test_a_check_says_the_same_and_its_statistics_stay(
    here: Workspace, two: cluster.Cluster, fetched: list[int], by_key: bool
) -> None:
    here.succeeds("fit", "in", "-m", "zscore", "-c", "x,y,z,w", "-p", "p.json", *(["--by", "name"] if by_key else []))
    for words in (["in"], ["in/1.csv", "in/4.csv", "--json"]):
        line = ["check", *words, "-p", "p.json", "--min-rows", "1", *(["--by-key"] if by_key else [])]
        said = run(here, *line)
        assert said[0] in (0, 1)
        assert run(here, *line, *on(two)) == said
    assert len(fetched) == 1 + 2  # a checkpoint, and the total of each run once


def test_segments_of_an_input_are_merged_before_inputs_and_nothing_stays(here: Workspace, two: cluster.Cluster) -> None:
    from distributed import Client

    inputs = [here / "in/0.csv", here / "in/1.csv"]
    one = normcli.fit(inputs, "decorrelate", columns=["x", "w"], block_size=30)
    client = Client(two.address, set_as_default=False)
    engine = normcli.Dask(client)
    many = normcli.fit(inputs, "decorrelate", columns=["x", "w"], block_size=30, engine=engine)
    assert many.digest == one.digest
    assert state_of(engine) == []
    client.close()


def test_an_update_goes_on_and_leaves_out_what_was_counted(here: Workspace, two: cluster.Cluster) -> None:
    said = {}
    for name, words in (("one", []), ("many", on(two))):
        here.succeeds("fit", "in/0.csv", "in/4.csv", "-m", "whiten", "-c", "x,y,w", "-p", f"{name}.json", *words)
        said[name] = here.run("fit", "in", "--update", "-p", f"{name}.json", *words).warnings
    assert (here / "one.json").read_bytes() == (here / "many.json").read_bytes()
    assert said["one"] == said["many"]
    assert any("was counted already" in warning for warning in said["many"])


def test_the_first_error_is_that_of_one_machine_and_nothing_stays(here: Workspace, two: cluster.Cluster) -> None:
    from distributed import Client

    for n, text in ((5, "later"), (3, "first")):
        path = here / f"in/{n}.csv"
        path.write_text(path.read_text() + f"a,{text},1,1,1\n")
    assert run(here, "fit", "in", "-m", "whiten", "-c", "x,y,w", "-p", "p.json", *on(two)) == run(
        here, "fit", "in", "-m", "whiten", "-c", "x,y,w", "-p", "p.json"
    )
    client = Client(two.address, set_as_default=False)
    engine = normcli.Dask(client)
    with pytest.raises(normcli.NormcliError, match="first"):
        normcli.fit(here / "in", "whiten", columns=["x", "y", "w"], engine=engine)
    assert state_of(engine) == []
    client.close()


def test_a_worker_that_dies_in_a_merge_changes_nothing(
    here: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_dask_handles, "TOGETHER", 2)
    marks = tmp_path / "marks"
    marks.mkdir()
    here.succeeds("fit", "in", "-m", "whiten", "-c", "x,y,w", "-p", "one.json")
    with cluster.running(0) as made:
        for _ in range(3):
            made.add(fake={"dies": "merges", "marks": str(marks), "times": "2"})
        here.succeeds("fit", "in", "-m", "whiten", "-c", "x,y,w", "-p", "many.json", *on(made))
    assert (here / "one.json").read_bytes() == (here / "many.json").read_bytes()
    assert len(list(marks.iterdir())) == 2
