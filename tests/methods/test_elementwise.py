"""asinh and log1p: numpy's functions, nothing learned, and undone."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from normcli.api import fit_blocks
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.methods import Method
from normcli.methods.asinh import Asinh
from normcli.methods.log1p import Log1p
from tests.cli.conftest import Workspace, workspace

__all__ = ["workspace"]

GREATEST = float(np.finfo(np.float64).max)


def there_and_back(method: Method, x: Array) -> tuple[Array, Array]:
    learned = fit_blocks(method, [], ["a", "b"]).fitted
    with np.errstate(over="ignore"):
        y = learned(Block.of(x))
        return y, learned.inverse(Block.of(y))


@example(x=np.array([[GREATEST, -GREATEST], [1.797e308, -1.797e308]]))
@given(x=arrays(np.float64, (5, 2), elements=st.floats(-GREATEST, GREATEST) | st.floats(-2, 2) | st.just(np.nan)))
def test_asinh(x: Array) -> None:
    y, back = there_and_back(Asinh(), x)
    np.testing.assert_array_equal(y, np.arcsinh(x))
    np.testing.assert_allclose(back, x, rtol=1e-12, atol=5e-324)


@example(x=np.array([[GREATEST, 1.797e308]]))
@given(x=arrays(np.float64, (5, 2), elements=st.floats(-0.999, GREATEST) | st.floats(-1e-5, 1e-5) | st.just(np.nan)))
def test_log1p(x: Array) -> None:
    y, back = there_and_back(Log1p(), x)
    np.testing.assert_array_equal(y, np.log1p(x))
    np.testing.assert_allclose(back, x, rtol=1e-12, atol=5e-324)
    assert not np.signbit(y[y == 0]).any()


def test_they_read_only_the_header(workspace: Workspace) -> None:
    (workspace / "x.csv").write_text("a,b\n")
    for method in ("asinh", "log1p"):
        workspace.succeeds("fit", "x.csv", "-m", method, "-c", "a", "-p", "p.json")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_what_has_no_logarithm_is_named_with_its_row_and_column(workspace: Workspace, suffix: str) -> None:
    (workspace / "good.csv").write_text("id,a,b\nx,1,2\n")
    (workspace / "x.csv").write_text("id,a,b\n" + "x,1,2\n" * 40 + "y,3,-1\nz,-5.5,0\n")
    workspace.succeeds("fit", "good.csv", "-m", "log1p", "-p", "p.json")
    if suffix == "parquet":
        import pyarrow.csv
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.csv.read_csv(workspace / "x.csv"), workspace / "x.parquet")
    place = "x.csv:42" if suffix == "csv" else "x.parquet: row 41"
    error = workspace.fails(65, "apply", f"x.{suffix}", "-p", "p.json", "-o", f"y.{suffix}")
    assert error.startswith(f"{place}: column 'b': there is no log1p of -1")


def test_what_is_beyond_a_float_on_the_way_back(workspace: Workspace) -> None:
    (workspace / "x.csv").write_text("a\n1\n800\n")
    workspace.succeeds("fit", "x.csv", "-m", "asinh", "-p", "p.json")
    assert "x.csv:3: " in workspace.fails(65, "apply", "x.csv", "-p", "p.json", "--inverse", "-o", "y.csv")
