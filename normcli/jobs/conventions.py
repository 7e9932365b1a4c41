"""What other programs do by default where a method leaves a choice: the options of a method that --like sets, unless
they are given. A method that a program has not is absent, as is one whose convention no option says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from normcli import registry
from normcli.errors import UsageError

if TYPE_CHECKING:
    from normcli.methods import Method

CONVENTIONS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "sklearn": {  # StandardScaler divides by n, PCA by n − 1
        "zscore": {"ddof": 0},
        "minmax": {"range": (0.0, 1.0)},
        "maxabs": {},
        "robust": {"quantiles": (0.25, 0.75)},
        "unit": {"norm": "l2"},
        "quantile": {"resolution": 1000, "distribution": "uniform"},
        "power": {},
        "decorrelate": {"ddof": 1},
        "whiten": {"kind": "pca", "ddof": 1},
    },
    "spark": {  # StandardScaler has withMean false, and the corrected sample standard deviation
        "zscore": {"ddof": 1, "center": False},
        "minmax": {"range": (0.0, 1.0)},
        "maxabs": {},
        "unit": {"norm": "l2"},
    },
    "r": {"zscore": {"ddof": 1}, "decorrelate": {"ddof": 1}},  # scale(), prcomp()
    "pandas": {"zscore": {"ddof": 1}},  # (df - df.mean()) / df.std()
    "torch": {  # torch.std is unbiased; layers divide by √(biased variance + eps)
        "zscore": {"ddof": 1},
        "unit": {"norm": "l2"},
        "batch": {"eps": 1e-5, "momentum": 0.1, "start": "torch"},
        "layer": {"eps": 1e-5},
        "group": {"eps": 1e-5},
        "instance": {"eps": 1e-5},
    },
}


def conventional_options(program: str | None, method: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a method by its name, and those that a program sets, if there is one. Raises UsageError where
    there is no method, or none of this name in that program."""
    if not isinstance(program, str) or program not in CONVENTIONS:  # none, or what its request refuses
        return dict(options)
    if not isinstance(method, str):
        raise UsageError("--like is for -m METHOD, a method by its name, whose options it sets")
    if method in registry.names("methods") and method not in CONVENTIONS[program]:
        raise UsageError(f"--like {program}: not of {method}", f"it is of {', '.join(CONVENTIONS[program])}")
    return {**CONVENTIONS[program].get(method, {}), **options}


def noted(program: str | None, method: Method, note: str) -> str:
    """The note of a fit, which says what it was like, and which of these options are others."""
    if program is None:
        return note
    conventions = CONVENTIONS[program].get(registry.name_of(method), {})
    same = [name for name, value in conventions.items() if getattr(method, name) == value]
    phrase = f"like {program}"
    if same:
        phrase += f": {_options(method, same)}"
    if len(same) < len(conventions):
        phrase += f", but {_options(method, [name for name in conventions if name not in same])}"
    return f"{note} ({phrase})" if note else phrase


def _options(method: Method, names: Sequence[str]) -> str:
    return ", ".join(f"{name.replace('_', '-')} {_spelled(getattr(method, name))}" for name in names)


def _spelled(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return " ".join(f"{v:g}" for v in value) if isinstance(value, tuple) else str(value)
