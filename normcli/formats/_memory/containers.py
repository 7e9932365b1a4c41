"""Matrices as tables of a library, as scikit-learn's `set_output` wants them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

CONTAINERS = ("default", "pandas", "polars")


def contained(matrix: NDArray[Any], names: Sequence[str], container: str, origin: Any) -> Any:
    """A matrix (rows, columns) as a DataFrame of pandas, with the index of what it was computed from, if that has one;
    or of polars."""
    if container == "pandas":
        import pandas as pd

        index = origin.index if isinstance(origin, pd.DataFrame) else None
        return pd.DataFrame(matrix, index, list(names), copy=False)
    import polars as pl

    return pl.DataFrame({name: matrix[:, j] for j, name in enumerate(names)})
