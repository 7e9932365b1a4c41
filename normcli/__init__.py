"""normcli normalizes data sets larger than memory: fit in one pass, apply as a stream, undo.

From Python, as on the command line: `fit(path, method)` learns parameters, `apply(params, path, output)` writes
normalized data, `check(params, path)` compares new data with the fitted, `describe(path)` shows what is in columns,
`merge` and `relearn` need no data; `load` and `save` are for parameter files, `read` and `write` for their bytes;
`fit_blocks` fits matrices in memory. What a run
says while it goes are `Events`; what it refuses is a `NormcliError`, of a class for each kind. All are loaded when
first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from normcli.api import apply, check, describe, fit, fit_blocks, load, merge, relearn, save
    from normcli.engines.dask import Dask
    from normcli.errors import (
        BadDataError,
        BadParametersError,
        CannotCreateError,
        ClusterError,
        DriftError,
        EmptyInputError,
        LockedError,
        NoInputError,
        NormcliError,
        NormcliWarning,
        NotInvertibleError,
        NotNumericError,
        OutputError,
        ShortageError,
        UsageError,
    )
    from normcli.parameters.file import read, write
    from normcli.pipeline import Events

__version__ = "0.1.0"
__all__ = [
    "BadDataError",
    "BadParametersError",
    "CannotCreateError",
    "ClusterError",
    "Dask",
    "DriftError",
    "EmptyInputError",
    "Events",
    "LockedError",
    "NoInputError",
    "NormcliError",
    "NormcliWarning",
    "NotInvertibleError",
    "NotNumericError",
    "OutputError",
    "ShortageError",
    "UsageError",
    "apply",
    "check",
    "describe",
    "fit",
    "fit_blocks",
    "load",
    "merge",
    "read",
    "relearn",
    "save",
    "write",
]
HOMES = {
    "read": "parameters.file",
    "write": "parameters.file",
    "Events": "pipeline",
    "Dask": "engines.dask",
}  # errors are of errors, others of api


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'normcli' has no attribute {name!r}")
    from importlib import import_module

    home = "errors" if name.endswith(("Error", "Warning")) else HOMES.get(name, "api")
    return getattr(import_module(f"normcli.{home}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
