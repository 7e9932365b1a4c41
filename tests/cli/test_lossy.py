"""fill, winsorize and clip as commands: keys, warnings, and what their inverse leaves."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.cli.conftest import Workspace

TABLE = b"k,a\nx,1\nx,\ny,4\nz,\ny,7\n"


def test_a_key_without_a_value_is_filled_by_that_of_all_rows(workspace: Workspace) -> None:
    workspace.succeeds("fit", "-m", "fill", "--by", "k", "-p", "p.json", stdin=TABLE)
    out = workspace.succeeds("apply", "-p", "p.json", stdin=TABLE).out
    assert out == b"k,a\nx,1.0\nx,1.0\ny,4.0\nz,4.0\ny,7.0\n"


def test_a_column_without_a_value_stays_missing_and_is_warned_of(workspace: Workspace) -> None:
    table = b"a,b\n1,\n,\n3,\n"
    ended = workspace.succeeds("fit", "-m", "fill", "-c", "a,b", "-p", "p.json", "-o", "-", stdin=table)
    assert ended.out == b"a,b\n1.0,\n2.0,\n3.0,\n"
    assert "no value in b" in ended.err


def test_a_column_that_becomes_constant_is_warned_of(workspace: Workspace) -> None:
    table = b"a\n" + b"0\n" * 300 + b"9\n"
    ended = workspace.succeeds("fit", "-m", "winsorize", "-p", "p.json", stdin=table)
    assert "the quantiles are the same in a: all values become one" in ended.err


def test_filled_and_held_values_are_restored_as_they_are_if_that_is_accepted(workspace: Workspace) -> None:
    pq.write_table(pa.table({"a": [1.0, None, 3.0, 50.0]}), workspace / "a.parquet")
    plan = '[[steps]]\nmethod = "fill"\noptions = { with = 2 }\n[[steps]]\nmethod = "clip"\noptions = { high = 9 }\n'
    (workspace / "plan.toml").write_text(plan)
    workspace.succeeds("fit", "a.parquet", "--plan", "plan.toml", "-p", "p.json", "-o", "z.parquet")
    error = workspace.fails(2, "apply", "z.parquet", "-p", "p.json", "--inverse", "-o", "r.parquet")
    assert "can't be undone" in error
    assert "--lossy" in error
    workspace.succeeds("apply", "z.parquet", "-p", "p.json", "--inverse", "--lossy", "-o", "r.parquet")
    np.testing.assert_allclose(pq.read_table(workspace / "r.parquet")["a"], [1.0, 2.0, 3.0, 9.0], rtol=1e-15)
    assert "--lossy is for --inverse" in workspace.fails(2, "apply", "z.parquet", "-p", "p.json", "--lossy")
