"""The parameter file: strict JSON for people, for git and for machines; its reading, writing and schema.

`columns` is what a person reads, `learned` what apply uses, `statistics` the exact state from which files can be
merged, updated and learned again. How a record lies in the file is read off its fields: one line per column where
all of them are per column, a symmetric matrix as its lower triangle. null stands where nothing was learned.
"""

from typing import TYPE_CHECKING, Any

from normcli.parameters.file._layout import CONTENT, LARGEST, STEP, TOP, VERSION
from normcli.parameters.file._values import typed
from normcli.parameters.file._writing import described, options, pieces, save, sealed, write

if TYPE_CHECKING:
    from normcli.parameters.file._reading import read, read_file, rows_of

__all__ = [
    "CONTENT",
    "LARGEST",
    "STEP",
    "TOP",
    "VERSION",
    "described",
    "options",
    "pieces",
    "read",
    "read_file",
    "rows_of",
    "save",
    "sealed",
    "typed",
    "write",
]


def __getattr__(name: str) -> Any:
    """Reading is imported when it is used: a fit only writes."""
    if name not in ("read", "read_file", "rows_of"):
        raise AttributeError(f"module 'normcli.parameters.file' has no attribute {name!r}")
    from normcli.parameters.file import _reading

    return getattr(_reading, name)
