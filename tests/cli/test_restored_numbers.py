"""What --inverse says of whole numbers: fractions, and what can't be told apart."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Workspace


def column(path: Path) -> list[str]:
    """The first, without its name."""
    with path.open(newline="") as file:
        return [row[0] for row in csv.reader(file)][1:]


def test_float64_takes_any(workspace: Workspace) -> None:
    (workspace / "given.csv").write_text("x\n1\n2\n3\n")
    (workspace / "made.csv").write_text("x\n-0.75\n0.0\n")
    workspace.succeeds("fit", "given.csv", "-m", "center", "-p", "p.json")
    told = workspace.fails(65, "apply", "made.csv", "-p", "p.json", "--inverse", "-o", "b.parquet")
    assert "made.csv:2: the result 1.25 in column 'x' is not a whole number" in told
    assert "--dtype float64" in told
    assert not (workspace / "b.parquet").exists()
    workspace.succeeds("apply", "made.csv", "-p", "p.json", "--inverse", "--dtype", "float64", "-o", "b.parquet")
    assert pq.read_table(workspace / "b.parquet").to_pydict() == {"x": [1.25, 2.0]}
    workspace.succeeds("apply", "made.csv", "-p", "p.json", "--inverse", "--dtype", "float64", "-o", "b.csv")
    assert (workspace / "b.csv").read_text() == "x\n1.25\n2.0\n"


# -- warnings ----------------------------------------------------------------------------------------------------
def test_those_that_float32_does_not_tell_apart_are_counted(workspace: Workspace) -> None:
    values = np.random.default_rng(1).integers(0, 10**9, 2000)
    (workspace / "given.csv").write_text("x,small\n" + "".join(f"{v},{v % 100}\n" for v in values))
    workspace.succeeds("fit", "given.csv", "-m", "zscore", "-p", "p.json")
    told = []
    for made in ("made.csv", "made.parquet"):
        workspace.succeeds("apply", "given.csv", "-p", "p.json", "--dtype", "float32", "-o", made)
        back = workspace.succeeds("apply", made, "-p", "p.json", "--inverse", "-o", "back.csv")
        (line,) = [w for w in back.err.splitlines() if "may be off" in w]
        count = int(line.split("warning: ")[1].split(" of 2,000 ")[0].replace(",", ""))
        wrong = sum(a != str(b) for a, b in zip(column(workspace / "back.csv"), values, strict=True))
        assert wrong <= count < 2000
        assert "'x'" in line
        told.append(count)
        (workspace / "back.csv").unlink()
        workspace.fails(65, "apply", made, "-p", "p.json", "--inverse", "-o", "back.csv", "--werror")
        assert not (workspace / "back.csv").exists()
    assert abs(told[0] - told[1]) < 20
    workspace.succeeds("apply", "given.csv", "-p", "p.json", "-o", "made.csv")
    back = workspace.succeeds("apply", "made.csv", "-p", "p.json", "--inverse", "-o", "back.csv", "--werror")
    assert (workspace / "back.csv").read_bytes() == (workspace / "given.csv").read_bytes()


@pytest.mark.parametrize(
    ("values", "method"),
    [([0, 10**9, 5 * 10**8], "minmax"), ([10**8, 2 * 10**8, 3 * 10**8], "center"), ([0, 2**30], "maxabs")],
)
def test_short_text_is_not_taken_for_float32(values: Sequence[int], method: str, workspace: Workspace) -> None:
    (workspace / "given.csv").write_text("x\n" + "".join(f"{v}\n" for v in values))
    workspace.succeeds("fit", "given.csv", "-m", method, "-p", "p.json", "-o", "made.csv")
    workspace.succeeds("apply", "made.csv", "-p", "p.json", "--inverse", "-o", "back.csv", "--werror")
    assert (workspace / "back.csv").read_bytes() == (workspace / "given.csv").read_bytes()


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("9223372036854775808\n1\n", True), ("1\n" * 1200 + "9223372036854775809\n", True), ("1e300\n1\n", False),
        ("12345678901234567890123456789012345678901234567890\n-5\n", True), ("9007199254740992\n1\n", False),
        ("9007199254740993\n1\n", True), ("1.5\n12345678901234567.0\n", False), ("NA\n9223372036854775808\n", True),
    ],
)  # fmt: skip
def test_whole_numbers_beyond_a_float_are_warned_of(text: str, warned: bool, workspace: Workspace) -> None:
    (workspace / "given.csv").write_text(f"x\n{text}")
    (workspace / "given.ndjson").write_text("".join(f'{{"x":{v if v != "NA" else "null"}}}\n' for v in text.split()))
    for name in ("given.csv", "given.ndjson"):
        done = workspace.succeeds("fit", name, "-m", "maxabs", "-p", "p.json")
        assert ("beyond 2^53" in done.err) is warned
