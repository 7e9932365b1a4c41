"""Errors of the estimator: those of normcli that are ValueErrors, too, as scikit-learn's are."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from normcli.api.spelling import reword
from normcli.errors import NormcliError, UsageError


def as_value_error(kind: type[NormcliError]) -> type[NormcliError]:
    """The class of errors that are of a kind, and ValueErrors."""
    if kind.__name__ not in _KINDS:
        _KINDS[kind.__name__] = _both(kind, ValueError)
    return _KINDS[kind.__name__]


_KINDS: dict[str, type[NormcliError]] = {}  # by the name of the kind


def _both(kind: type[NormcliError], other: type[Exception]) -> type[NormcliError]:
    body: Any = {"__module__": kind.__module__, "__doc__": kind.__doc__, "__reduce__": _reduce}
    return type(kind.__name__, (kind, other), body)


def _reduce(error: NormcliError) -> Any:
    return _rebuilt, (type(error).__mro__[1], error.args)


def _rebuilt(kind: type[NormcliError], args: tuple[Any, ...]) -> NormcliError:
    return as_value_error(kind)(*args)


@contextmanager
def value_errors() -> Iterator[None]:
    """Inside, errors of normcli are ValueErrors, too, and call arguments by their names."""
    try:
        yield
    except NormcliError as e:
        reword(e)
        if isinstance(e, ValueError):
            raise
        raise as_value_error(type(e))(*e.args).with_traceback(e.__traceback__) from None


@contextmanager
def counted(rows: int, columns: int) -> Iterator[None]:
    """Inside, what goes wrong with a single row or column says that there is one, as scikit-learn's errors do."""
    try:
        yield
    except NormcliError as e:
        singles = [f"n_{what} = 1" for what, count in (("samples", rows), ("features", columns)) if count == 1]
        if not singles:
            raise
        raise as_value_error(type(e))(f"{e.message}: {', '.join(singles)}", e.hint) from None


def fault(message: str, hint: str = "") -> NormcliError:
    """An error of a request, that is a ValueError."""
    return as_value_error(UsageError)(message, hint)


def not_fitted(name: str) -> NormcliError:
    """The error of an estimator that is not fitted yet: also scikit-learn's, for whoever has that."""
    message = f"This {name} instance is not fitted yet. Call 'fit' with appropriate arguments before using it."
    if "sklearn" not in sys.modules:
        return fault(message)
    from sklearn.exceptions import NotFittedError

    return _both(UsageError, NotFittedError)(message)
