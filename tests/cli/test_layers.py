"""Normalization layers from the command line."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Workspace


def test_numbers_for_each_channel_come_from_a_file_once(workspace: Workspace) -> None:
    """They, not its name, are in the parameter file."""
    (workspace / "gamma.json").write_text("[1, 2.5, -3]")
    workspace.succeeds("fit", "table.csv", "-m", "layer", "--gamma", "gamma.json", "--beta", "0.5", "-p", "p.json")
    (workspace / "gamma.json").unlink()
    step = json.loads((workspace / "p.json").read_bytes())["steps"][0]
    assert step["options"]["gamma"] == [1.0, 2.5, -3.0]
    assert "gamma.json" not in (workspace / "p.json").read_text()
    out = workspace.succeeds("apply", "table.csv", "-p", "p.json", "--only", "--to", "csv").out
    got = np.loadtxt(out.decode().splitlines(), delimiter=",", skiprows=1)
    x = np.array([[1, 2.5, 7], [2, 3.5, 1], [4, -1.25, 3], [8, 0.5, 2], [16, 9.75, 11], [3, 4.5, 5]])
    z = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(got, z * [1, 2.5, -3] + 0.5, rtol=1e-12)


@pytest.mark.parametrize(
    ("method", "option"), [("batch", "momentum"), ("batch-renorm", "rmax"), ("batch-renorm", "dmax")]
)
def test_none_is_a_value_where_it_is_not_the_default(workspace: Workspace, method: str, option: str) -> None:
    workspace.params(method)
    kept = json.loads((workspace / "p.json").read_bytes())["steps"][0]
    workspace.succeeds("fit", "table.csv", "-m", method, f"--{option}", "none", "-p", "n.json")
    found = json.loads((workspace / "n.json").read_bytes())["steps"][0]
    assert kept["options"][option] is not None
    assert found["options"] == kept["options"] | {option: None}
    message = workspace.fails(65, "merge", "p.json", "n.json", "--allow-duplicates")
    assert f"with --{option} none" in message
    assert "NUMBER|none" in workspace.fails(2, "fit", "table.csv", "-m", method, f"--{option}", "some")


@pytest.mark.soak
@pytest.mark.parametrize(
    "options",
    ["zscore --target-std 2 --no-scale", "zscore --target-mean 1 --no-center", "batch --mean-only --norm l1"],
)
def test_options_that_contradict_each_other_are_refused(workspace: Workspace, options: str) -> None:
    assert " with --" in workspace.fails(2, "fit", "table.csv", "-m", *options.split())


@pytest.mark.parametrize(
    ("text", "code", "why"),
    [
        (b"[1, 2]", 2, "holds 2 numbers, not 3"),
        (b"[1, 2, NaN]", 65, "not a JSON list of numbers"),
        (b"[1, 2, 1e999]", 65, "g.json"),
        (b"[]", 2, "must be a list of length >= 1"),
        (b'{"a": 1}', 65, "not a JSON list of numbers"),
        (b"\xff", 65, "not a JSON list of numbers"),
        (b"", 65, "not a JSON list of numbers"),
    ],
)
def test_what_is_no_list_of_numbers_is_refused(workspace: Workspace, text: bytes, code: int, why: str) -> None:
    (workspace / "g.json").write_bytes(text)
    assert why in workspace.fails(code, "fit", "table.csv", "-m", "layer", "--gamma", "g.json", "-p", "p.json")
    assert not (workspace / "p.json").exists()


def test_what_is_wrong_with_the_columns_is_told_before_data_is_read(workspace: Workspace) -> None:
    assert "--channels" in workspace.fails(2, "fit", "table.csv", "-m", "instance")
    assert "one value" in workspace.fails(2, "fit", "table.csv", "-m", "instance", "--channels", "3")
    assert "one value" in workspace.fails(2, "fit", "table.csv", "-m", "layer", "-c", "a")
    assert "does not divide 3" in workspace.fails(2, "fit", "table.csv", "-m", "group", "--groups", "2")
    assert "nosuch.json" in workspace.fails(2, "fit", "table.csv", "-m", "rms", "--gamma", "nosuch.json")


@pytest.mark.parametrize("options", ["layer --gamma g.json", "group --groups 2", "layer --channels 2", "layer"])
def test_relearning_checks_options_against_the_columns(workspace: Workspace, options: str) -> None:
    (workspace / "g.json").write_text("[1, 2]")
    workspace.succeeds("fit", "table.csv", "-m", "zscore", "-p", "p.json", "-c", "a" if options == "layer" else "a,b,c")
    workspace.fails(2, "fit", "--relearn", "p.json", "-m", *options.split(), "-p", "q.json")


def test_lists_are_rows_too(workspace: Workspace) -> None:
    x = np.random.default_rng(1).normal(size=(5, 6))
    table = pa.table({"id": range(5), "v": pa.array(x.tolist(), pa.list_(pa.float32(), 6))})
    pq.write_table(table, workspace / "v.parquet")
    workspace.succeeds(
        "fit", "v.parquet", "-c", "v", "-m", "instance", "--channels", "2", "-p", "p.json", "-o", "z.parquet"
    )
    made = pq.read_table(workspace / "z.parquet")
    parts = x.astype(np.float32).astype(np.float64).reshape(5, 2, 3)
    z = (parts - parts.mean(axis=2, keepdims=True)) / np.sqrt(parts.var(axis=2, keepdims=True) + 1e-5)
    np.testing.assert_allclose(np.array(made["v"].to_pylist()), z.reshape(5, 6), rtol=1e-6, atol=1e-7)
    assert made["id"].to_pylist() == list(range(5))
    assert "one value" in workspace.fails(2, "fit", "v.parquet", "-c", "v", "-m", "instance", "--channels", "6")


# -- batches -----------------------------------------------------------------------------------------------------
def column(path: Path, name: str = "a") -> list[float]:
    return [float(row[name]) for row in csv.DictReader(path.read_text().splitlines())]


def standardized(*batches: list[float]) -> list[float]:
    return [(x - np.mean(b)) / np.sqrt(np.var(b) + 1e-5) for b in batches for x in b]


@pytest.fixture
def two(workspace: Workspace) -> tuple[str, str]:
    """Five rows and two; their names."""
    (workspace / "one.csv").write_text("a,w\n1,x\n2,x\n4,x\n8,x\n16,x\n")
    (workspace / "two.csv").write_text("w,a\ny,3\ny,7\n")
    return "one.csv", "two.csv"


def test_batches_run_on_over_inputs_into_one_output(workspace: Workspace, two: tuple[str, str]) -> None:
    workspace.succeeds("fit", *two, "-m", "batch", "--batch-size", "3", "-p", "p.json")
    step = json.loads((workspace / "p.json").read_bytes())["steps"][0]
    assert step["statistics"]["running"]["columns"]["a"]["updates"] == 2  # of three rows, and of four
    workspace.succeeds("apply", *two, "-p", "p.json", "--training", "-o", "z.csv")
    np.testing.assert_allclose(column(workspace / "z.csv"), standardized([1, 2, 4], [8, 16, 3, 7]), rtol=1e-12)
    assert [row["w"] for row in csv.DictReader((workspace / "z.csv").read_text().splitlines())] == ["x"] * 5 + ["y"] * 2


@pytest.mark.soak
def test_in_a_directory_each_input_has_batches_of_its_own(workspace: Workspace, two: tuple[str, str]) -> None:
    workspace.succeeds("fit", *two, "-m", "batch", "--batch-size", "3", "-p", "p.json")
    done = workspace.succeeds("apply", *two, "-p", "p.json", "--training", "-o", "out/")
    assert "7 rows of 2 inputs" in done.err
    np.testing.assert_allclose(column(workspace / "out/one.csv"), standardized([1, 2, 4], [8, 16]), rtol=1e-12)
    np.testing.assert_allclose(column(workspace / "out/two.csv"), standardized([3, 7]), rtol=1e-12)
    assert (workspace / "out/two.csv").read_text().startswith("w,a\ny,")


def test_fit_and_apply_in_one_is_the_two(workspace: Workspace, two: tuple[str, str]) -> None:
    workspace.succeeds("fit", *two, "-m", "batch", "--batch-size", "3", "-p", "p.json", "-o", "z.csv")
    workspace.succeeds("fit", *two, "-m", "batch", "--batch-size", "3", "-p", "q.json")
    workspace.succeeds("apply", *two, "-p", "q.json", "-o", "y.csv")
    assert (workspace / "p.json").read_bytes() == (workspace / "q.json").read_bytes()
    assert (workspace / "z.csv").read_bytes() == (workspace / "y.csv").read_bytes()
    workspace.succeeds("apply", "z.csv", "-p", "p.json", "--inverse", "-o", "x.csv")
    assert column(workspace / "x.csv") == [1, 2, 4, 8, 16, 3, 7]


@pytest.mark.soak
def test_beside_the_originals_and_without_bad_rows(workspace: Workspace, two: tuple[str, str]) -> None:
    workspace.succeeds("fit", *two, "-m", "batch", "--batch-size", "3", "-p", "p.json")
    (workspace / "bad.csv").write_text("a,w\n1,x\nno,x\n2.0,x\n4,x\n8,x\n16,x\n")
    flags = ("--column-suffix", "_n", "--on-bad-row", "skip", "--rejects", "r.ndjson")
    workspace.succeeds("apply", "bad.csv", "-p", "p.json", "--training", *flags, "-o", "z.csv")
    rows = list(csv.DictReader((workspace / "z.csv").read_text().splitlines()))
    assert [row["a"] for row in rows] == ["1", "2.0", "4", "8", "16"]
    np.testing.assert_allclose(column(workspace / "z.csv", "a_n"), standardized([1, 2, 4], [8, 16]), rtol=1e-12)
    (reject,) = map(json.loads, (workspace / "r.ndjson").read_text().splitlines())
    assert "no" in str(reject)


def test_training_is_refused_where_it_means_nothing(workspace: Workspace, parquet: str) -> None:
    workspace.params("zscore", name="z.json")
    workspace.params("batch", name="b.json")
    assert "--training" in workspace.fails(2, "apply", "table.csv", "-p", "z.json", "--training")
    assert "--inverse" in workspace.fails(2, "apply", "table.csv", "-p", "b.json", "--training", "--inverse")


def test_what_was_normalized_in_training_says_that_running_statistics_can_not_undo_it(
    workspace: Workspace, parquet: str
) -> None:
    workspace.params("batch")
    workspace.succeeds("apply", parquet, "-p", "p.json", "--training", "-o", "t.parquet")
    assert "training" in workspace.fails(65, "apply", "t.parquet", "-p", "p.json", "--inverse", "-o", "x.parquet")
    assert "already" in workspace.fails(65, "apply", "t.parquet", "-p", "p.json", "--training", "-o", "x.parquet")


def test_a_single_row_is_too_few_to_learn_from(workspace: Workspace) -> None:
    message = workspace.fails(65, "fit", "-m", "batch", stdin=b"a\n1\n")
    assert "no batch has two values in a" in message


def test_methods_say_what_options_take(workspace: Workspace) -> None:
    said = workspace.succeeds("methods", "batch-instance").out.decode()
    assert "--norm l2|l1 " in said
    assert "--momentum NUMBER|none " in said
    (line,) = (line for line in said.splitlines() if "--channels INT" in line)
    assert line.endswith("[required]")
