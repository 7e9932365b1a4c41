"""The features of an estimator: what scikit-learn calls X, checked as its own estimators do, in its words."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from normcli.columns import arrow_fields
from normcli.estimator.faults import fault
from normcli.formats._memory import of_numpy, tables
from normcli.formats._memory.tables import Table

MISMATCH = "The feature names should match those that were passed during fit.\n"
SHOWN = 5  # names of features in a message


class Features:
    """X as a table: `names` of its columns, None where they have none; and how many `rows`."""

    def __init__(self, data: Any, owner: str) -> None:
        """`owner` is what messages call the estimator. Raises ValueError; TypeError for sparse data."""
        if hasattr(data, "tocsr"):
            what = f"Sparse data was passed for X, but dense data is required by {owner}. Use '.toarray()'."
            raise TypeError(what)
        self.names: list[str] | None = None
        kind = tables.kind_of(data)
        if kind is None or kind == "numpy":
            matrix = _matrix(data)
            self.table: Table = of_numpy.named(matrix, [f"x{j}" for j in range(matrix.shape[1])])
            self.order: Literal["C", "F"] = "F" if matrix.flags.f_contiguous and not matrix.flags.c_contiguous else "C"
        else:
            self.table, self.order = tables.table_of(data), "F"
            self.names = _text_labels(data, self.table)
        self.rows, self.count = self.table.rows, len(self.table.schema.names)
        for number, what in ((self.count, "feature"), (self.rows, "sample")):
            if number == 0:
                shape = (self.rows, self.count)
                raise fault(
                    f"Found array with 0 {what}(s) (shape={shape}) while a minimum of 1 is required by {owner}."
                )

    def columns(self) -> list[str]:
        """What the table calls its columns."""
        return list(self.table.schema.names)

    def check_numeric(self) -> None:
        """Raises ValueError for a column that holds anything but numbers, or nothing at all."""
        for f in arrow_fields(self.table.schema):
            if not f.may_be_number:
                what = f"could not convert column '{f.name}' to float: it is {f.type}"
                raise fault(what, "a ColumnTransformer selects columns")

    def check(self, names: Sequence[str] | None, count: int, owner: str) -> None:
        """Whether these are the features of a fit. Raises ValueError; warns where only one of them has names."""
        if self.names is not None and names is None:
            warnings.warn(f"X has feature names, but {owner} was fitted without feature names", stacklevel=4)
        elif self.names is None and names is not None:
            what = f"X does not have valid feature names, but {owner} was fitted with feature names"
            warnings.warn(what, stacklevel=4)
        elif self.names is not None and names is not None and self.names != list(names):
            raise fault(MISMATCH + _difference(self.names, list(names)))
        if self.count != count:
            raise fault(f"X has {self.count} features, but {owner} is expecting {count} features as input.")


def _difference(names: list[str], fitted: list[str]) -> str:
    unknown, missing = sorted(set(names) - set(fitted)), sorted(set(fitted) - set(names))
    text = ""
    for title, some in (
        ("Feature names unseen at fit time:\n", unknown),
        ("Feature names seen at fit time, yet now missing:\n", missing),
    ):
        if some:
            text += title + "".join(f"- {name}\n" for name in some[:SHOWN]) + ("- ...\n" if len(some) > SHOWN else "")
    return text or "Feature names must be in the same order as they were in fit.\n"


def _text_labels(data: Any, table: Table) -> list[str] | None:
    """The names of columns; None where none is text. Raises TypeError where some are, and others are not."""
    labels = list(getattr(data, "columns", table.schema.names)) if hasattr(data, "iloc") else table.schema.names
    texts = sum(isinstance(label, str) for label in labels)
    if 0 < texts < len(labels):
        kinds = sorted({type(label).__qualname__ for label in labels})
        what = "Feature names are only supported if all input features have string names, but your input has "
        raise TypeError(f"{what}{kinds} as feature name / column name types.")
    return list(labels) if texts else None


def _matrix(data: Any) -> NDArray[Any]:
    """(rows, columns) floats, or integers. Raises ValueError, TypeError."""
    if tables.is_lazy(data):
        raise fault(f"{type(data).__name__} is no table in memory", tables.COLLECT)
    if np.ma.is_masked(data):
        raise fault("Masked arrays are not supported", of_numpy.UNMASK)
    array = np.asarray(data)
    if array.dtype.names:
        raise fault("Structured arrays are not supported", of_numpy.UNSTRUCTURED)
    if array.dtype.kind == "c":
        raise fault("Complex data not supported", "of numbers, real ones are")
    if array.dtype.kind not in "iuf" or array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    if array.ndim == 1:
        what = f"Expected 2D array, got 1D array instead:\narray={array}.\nReshape your data"
        raise fault(f"{what} either using array.reshape(-1, 1) for a feature or array.reshape(1, -1) for a sample.")
    if array.ndim != 2:
        raise fault(f"Found array with dim {array.ndim}, while dim <= 2 is required. Reshape your data.")
    return array


def weights_of(values: Any, rows: int) -> NDArray[np.float64] | None:
    """(rows,) weights, one for all or one each; None for none. Raises ValueError."""
    if values is None:
        return None
    weights = np.asarray(values, np.float64)
    if weights.size and not weights.any():
        raise fault("Sample weights must contain at least one non-zero number.")
    if weights.ndim == 0:
        return np.full(rows, float(weights))
    if weights.ndim != 1:
        raise fault(f"Sample weights must be 1D array or scalar, got {weights.ndim}D array.")
    if len(weights) != rows:
        raise fault(f"sample_weight.shape == {weights.shape}, expected {(rows,)}!")
    return weights
