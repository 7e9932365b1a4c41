"""The same input gives the same bytes: whatever the threads, the run, and whether it came from a file or a pipe."""

import io
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import run


def wide(rows: int, columns: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    return rng.normal(size=(rows, 7)) @ rng.normal(size=(7, columns)) + rng.normal(size=(rows, columns))


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 MB of rows: several blocks, a column with gaps, quoted text with line ends."""
    path = tmp_path_factory.mktemp("same") / "data.csv"
    rng = np.random.default_rng(3)
    out = io.StringIO()
    out.write("id,a,b,c,text\n")
    block = "".join(
        f'{i},{rng.normal()!r},{rng.normal() * 1e6!r},{"" if i % 3 else i / 7!r},"x{i}\n, y"\n' for i in range(20_000)
    )
    for _ in range(13):
        out.write(block)
    path.write_text(out.getvalue())
    return path


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("same") / "wide.parquet"
    columns = {f"x{j}": x for j, x in enumerate(wide(6_000, 300).T)}
    pq.write_table(pa.table(columns), path, row_group_size=4_001)
    return path


def fitted(path: Path, *options: str, threads: int, way: str) -> bytes:
    """The parameter file of one fit, by way of a file, of standard input from it, or of a pipe."""
    words = ("fit", *options, "-qq", "--threads", str(threads))
    with path.open("rb") as file:
        given = {"file": subprocess.DEVNULL, "redirected": file, "pipe": path.read_bytes()}[way]
        return normcli(*words, *([path] if way == "file" else []), stdin=given)


def normcli(*words: str | Path, stdin: Any = subprocess.DEVNULL) -> bytes:
    """Standard output of a process."""
    done = run(*words, cwd=Path("/"), stdin=stdin, process=True)
    assert done.code == 0, done.err
    return done.out


def test_csv_fit_is_the_same_bytes(csv: Path) -> None:
    made = {
        fitted(csv, "-m", "zscore", threads=threads, way=way)
        for threads, way in [(1, "file"), (2, "file"), (3, "file"), (2, "file"), (3, "pipe"), (1, "redirected")]
    }
    assert len(made) == 1
    assert len(made.pop()) > 1000


def test_whitening_300_columns_is_the_same_bytes(parquet: Path) -> None:
    made = {
        fitted(parquet, "-m", "whiten", threads=threads, way=way)
        for threads, way in [(1, "file"), (2, "file"), (3, "file"), (2, "pipe")]
    }
    assert len(made) == 1
    assert len(made.pop()) > 1_000_000


def test_applied_output_is_the_same_bytes(csv: Path, parquet: Path, tmp_path: Path) -> None:
    for data, options in ((csv, ["-m", "zscore"]), (parquet, ["-m", "whiten", "--kind", "pca"])):
        params = tmp_path / "p.json"
        params.write_bytes(fitted(data, *options, threads=2, way="file"))
        outputs = set()
        for threads in (1, 3):
            out = tmp_path / f"out{threads}{data.suffix}"
            normcli("apply", data, "-p", params, "-o", out, "--threads", str(threads), "-qq")
            outputs.add(out.read_bytes())
        assert len(outputs) == 1


def test_parts_agree_with_the_whole(csv: Path) -> None:
    """Another cut of the same rows agrees to the last digits, though not to the last bit."""
    from normcli import fit
    from normcli.methods.zscore import ZScore

    one = fit(csv, ZScore()).steps[0].summary()
    other = fit(csv, ZScore(), block_size=99_991).steps[0].summary()
    assert np.array_equal(one["count"], other["count"])
    np.testing.assert_allclose(other["std"], one["std"], rtol=1e-14)
    assert np.all(np.abs(one["mean"] - other["mean"]) <= 1e-14 * np.maximum(np.abs(one["mean"]), one["std"]))
