"""normcli normalizes data sets larger than memory: fit in one pass, apply as a stream, undo.

From Python, as on the command line: `fit(path, method)` learns parameters, `apply(params, path, output)` writes
normalized data, `check(params, path)` compares new data with the fitted, `describe(path)` shows what is in columns,
`report(params)` a fit in pictures; `merge` and `relearn` need no data; `load` and `save` are for parameter files,
`read` and `write` for their bytes; `fit_blocks` fits matrices in memory. Data are paths, or tables in memory;
`Normalizer` is an estimator with scikit-learn's conventions. What a run says while it goes are `Events`; what it
refuses is a `NormcliError`, of a class for each kind. The classes that functions take and return are here, too. All are
loaded when first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from normcli.api import (
        apply,
        check,
        describe,
        export,
        fit,
        fit_blocks,
        import_parameters,
        load,
        merge,
        relearn,
        report,
        save,
    )
    from normcli.drift import Comparison
    from normcli.engines.dask import Dask
    from normcli.errors import (
        BadDataError,
        BadParametersError,
        CannotCreateError,
        ClusterError,
        DriftError,
        EmptyInputError,
        LockedError,
        NoFormulaError,
        NoInputError,
        NormcliError,
        NormcliWarning,
        NotInvertibleError,
        NotNumericError,
        OutputError,
        ShortageError,
        UsageError,
    )
    from normcli.estimator import Normalizer
    from normcli.jobs.results import (
        ApplyResult,
        CheckResult,
        DescribeResult,
        ExportResult,
        FitResult,
        ImportResult,
        MergeResult,
        ReportResult,
    )
    from normcli.methods import Method
    from normcli.parameters import Parameters, Step
    from normcli.parameters.file import read, write
    from normcli.parameters.plan import PlanStep
    from normcli.pipeline import Events
    from normcli.pipeline.data_profile import DataProfile

__version__ = "0.1.0"
__all__ = [
    "ApplyResult",
    "BadDataError",
    "BadParametersError",
    "CannotCreateError",
    "CheckResult",
    "ClusterError",
    "Comparison",
    "Dask",
    "DataProfile",
    "DescribeResult",
    "DriftError",
    "EmptyInputError",
    "Events",
    "ExportResult",
    "FitResult",
    "ImportResult",
    "LockedError",
    "MergeResult",
    "Method",
    "NoFormulaError",
    "NoInputError",
    "Normalizer",
    "NormcliError",
    "NormcliWarning",
    "NotInvertibleError",
    "NotNumericError",
    "OutputError",
    "Parameters",
    "PlanStep",
    "ReportResult",
    "ShortageError",
    "Step",
    "UsageError",
    "apply",
    "check",
    "describe",
    "export",
    "fit",
    "fit_blocks",
    "import_parameters",
    "load",
    "merge",
    "read",
    "relearn",
    "report",
    "save",
    "write",
]
HOMES = {
    "read": "parameters.file",
    "write": "parameters.file",
    "Comparison": "drift",
    "Dask": "engines.dask",
    "DataProfile": "pipeline.data_profile",
    "Events": "pipeline",
    "Method": "methods",
    "Normalizer": "estimator",
    "Parameters": "parameters",
    "PlanStep": "parameters.plan",
    "Step": "parameters",
}  # errors are of errors, results of jobs.results, others of api


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'normcli' has no attribute {name!r}")
    from importlib import import_module

    home = HOMES.get(name, "api")
    if name.endswith(("Error", "Warning")):
        home = "errors"
    elif name.endswith("Result"):
        home = "jobs.results"
    return getattr(import_module(f"normcli.{home}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
