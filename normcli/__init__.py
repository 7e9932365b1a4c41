"""normcli normalizes data sets larger than memory: fit in one pass, apply as a stream, undo.

From Python: `fit(path, method)` gives a Plan, `apply(plan, path, output)` writes normalized data; `read` and `write`
are the parameter file's bytes; `check(plan, path)` compares new data with the fitted; `fit_blocks` fits matrices in
memory. They are loaded when first used.
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["apply", "check", "fit", "fit_blocks", "read", "write"]


def __getattr__(name: str) -> Any:
    if name in ("read", "write"):
        from normcli import params

        return getattr(params, name)
    if name in ("apply", "check", "fit", "fit_blocks"):
        from normcli import library

        return getattr(library, name)
    raise AttributeError(f"module 'normcli' has no attribute {name!r}")
