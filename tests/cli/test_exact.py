"""--exact: input that can be read again is, and other input is refused unless it is kept."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from normcli.errors import BadDataError
from normcli.io.inputs import Input
from normcli.jobs.reading import Readers
from normcli.jobs.requests.fit import FitRequest
from normcli.jobs.results import FitResult
from normcli.jobs.run import Run
from normcli.pipeline import SILENT
from tests.cli.conftest import Workspace

ROWS = 20_000
X = np.random.default_rng(0).standard_cauchy((ROWS, 2))
TEXT = b"a,b\n" + b"".join(b"%r,%r\n" % (a, b) for a, b in X.tolist())


def learned(path: Path) -> dict[str, Any]:
    (transform,) = json.loads(path.read_bytes())["steps"][0]["learned"].values()
    return dict(transform)


def test_quantiles_are_numpys_whatever_the_inputs_and_threads(workspace: Workspace) -> None:
    (workspace / "all.csv").write_bytes(TEXT)
    lines = TEXT.splitlines(keepends=True)
    for part in range(3):
        (workspace / f"part{part}.csv").write_bytes(b"".join([lines[0], *lines[1 + part :: 3]]))
    workspace.succeeds("fit", "all.csv", "-m", "robust", "--exact", "-p", "one.json", "--threads", "1")
    workspace.succeeds("fit", "all.csv", "-m", "robust", "--exact", "-p", "two.json", "--threads", "3")
    workspace.succeeds("fit", "part0.csv", "part1.csv", "part2.csv", "-m", "robust", "--exact", "-p", "parts.json")
    assert (workspace / "one.json").read_bytes() == (workspace / "two.json").read_bytes()
    low, middle, high = np.quantile(X, [0.25, 0.5, 0.75], axis=0)
    for name in ("one.json", "parts.json"):
        each = learned(workspace / name)["columns"].values()
        assert [c["center"] for c in each] == middle.tolist()
        assert [c["scale"] for c in each] == (high - low).tolist()
    assert b"accuracy" not in workspace.succeeds("inspect", "one.json").out
    workspace.succeeds("fit", "all.csv", "-m", "robust", "-p", "sketch.json")
    assert (
        b"accuracy the rank of a quantile is off by less than 0.10%" in workspace.succeeds("inspect", "sketch.json").out
    )


def test_a_pipe_is_refused_before_it_is_read(workspace: Workspace) -> None:
    done = workspace.run("fit", "-m", "quantile", "--exact", "-p", "p.json", stdin=TEXT)
    assert done.code == 2
    assert "<stdin> can be read only once" in done.errors[0]
    assert not (workspace / "p.json").exists()


def test_what_is_kept_for_the_output_can_be_read_again(workspace: Workspace) -> None:
    (workspace / "all.csv").write_bytes(TEXT)
    workspace.succeeds("fit", "all.csv", "-m", "quantile", "--exact", "-p", "one.json")
    workspace.succeeds("apply", "all.csv", "-p", "one.json", "-o", "one.csv")
    workspace.succeeds("fit", "-m", "quantile", "--exact", "-p", "two.json", "-o", "two.csv", stdin=TEXT)
    assert (workspace / "one.json").read_bytes() == (workspace / "two.json").read_bytes()
    assert (workspace / "one.csv").read_bytes() == (workspace / "two.csv").read_bytes()


def test_beside_a_step_of_batches_they_are_the_same(workspace: Workspace) -> None:
    """Batches run on over all inputs; the further pass has none."""
    (workspace / "all.csv").write_bytes(TEXT)
    steps = (
        '[[steps]]\nmethod = "robust"\ncolumns = ["a"]\noptions = { exact = true }\n',
        '[[steps]]\nmethod = "batch"\n',
    )
    (workspace / "plan.toml").write_text("".join(steps) + 'columns = ["b"]\n')
    workspace.succeeds("fit", "all.csv", "--plan", "plan.toml", "-p", "both.json")
    workspace.succeeds("fit", "--plan", "plan.toml", "-p", "kept.json", "-o", "kept.csv", stdin=TEXT)
    for name, method, column in (("one.json", ("robust", "--exact"), "a"), ("two.json", ("batch",), "b")):
        workspace.succeeds("fit", "all.csv", "-m", *method, "-c", column, "-p", name)
    alone = [json.loads((workspace / name).read_bytes())["steps"][0] for name in ("one.json", "two.json")]
    assert json.loads((workspace / "both.json").read_bytes())["steps"] == alone
    assert json.loads((workspace / "kept.json").read_bytes())["steps"] == alone


@pytest.mark.parametrize("when", ["before", "while"])
def test_an_input_that_changes_between_passes_is_refused(when: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(TEXT)
    request = FitRequest()
    run = Run(request, FitResult("fit"), SILENT)
    readers = Readers(run, request, [Input(str(path), "x.csv")], example="")
    for _, reader in readers:
        list(reader.chunks())
        reader.close()
    again = readers.reopened()
    if when == "while":
        next(again)
    path.write_bytes(TEXT + b"1,2\n")
    with pytest.raises(BadDataError, match=r"x\.csv: was changed"):
        next(again)
