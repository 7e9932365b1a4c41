"""What makes two processes compute the same bits: versions of what computes, and a probe of how it does."""

import hashlib
import sys
from functools import cache
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from normcli import __version__, kernel
from normcli.kernel import matrix

Reason = tuple[str, str]  # why a worker is left out, and what to do about it; empty where it works

NO_REASON: Reason = "", ""
COMOMENTS = "co-moments by"  # a fact
KERNEL = "built without a C compiler, or NORMCLI_KERNEL=off? normcli --version -v tells, there and here"
SAME = "the same versions and the same kind of processor give the same bytes"
LIBRARIES = ("numpy", "polars", "pyarrow")
ROWS, COLUMNS = 257, 67  # of the probe: whole runs of every vector width, and a rest


def facts(*, comoments: bool) -> dict[str, str]:
    """What has to be the same wherever a part of a result is computed. Of the native kernel that is whether it computes
    `comoments`, if there are any: the rest it computes to the same bits as numpy and polars."""
    return _facts(("numpy" if kernel.comoments_lack() else "the native kernel") if comoments else "")


@cache
def _facts(comoments: str) -> dict[str, str]:
    """`comoments`: by what they are computed; empty where there are none."""
    from importlib.metadata import version

    libraries = {name: version(name) for name in LIBRARIES}
    python = ".".join(map(str, sys.version_info[:2]))
    code = f"{__version__} ({_code()})"
    by = {COMOMENTS: comoments} if comoments else {}
    return {"normcli": code, "Python": python, **libraries, **by, "arithmetic": _probe(comoments=bool(by))}


def difference(here: dict[str, str], other: dict[str, str]) -> Reason:
    """What differs, in words that follow a worker's name."""
    names = [name for name in {**here, **other} if here.get(name) != other.get(name)]
    versions = [f"{n} {other.get(n, 'none')} and not {here.get(n, 'none')}" for n in names if n != "arithmetic"]
    if not names:
        return NO_REASON
    return (
        f"has {', '.join(versions) or 'a processor that adds or multiplies in another order'}",
        KERNEL if COMOMENTS in names else SAME,
    )


def difference_from(driver: dict[str, str]) -> Reason:
    """What differs here from the facts of a driver."""
    return difference(driver, facts(comoments=COMOMENTS in driver))


def _code() -> str:
    """A digest of this package: between releases, a version says little."""
    top, digest = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(top.rglob("*.py")):
        digest.update(str(path.relative_to(top)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def _probe(*, comoments: bool) -> str:
    """A digest of sums, products, logarithms, powers and square roots of fixed numbers, and of their co-moments:
    libraries choose how to compute them by the processor."""
    x = np.modf(np.outer(np.arange(1.0, ROWS + 1), np.sqrt(np.arange(2.0, COLUMNS + 2))))[0] + 1e-3
    x = np.asfortranarray(x)
    with threadpool_limits(1, "blas"):
        results = (
            x.sum(axis=0), x.sum(axis=1), np.add.reduceat(x[:, 0], [0, 64, 200]), x.T @ x, x @ x[:COLUMNS], x[:, 3] @ x,
            np.log1p(x), np.log(x), np.exp(x), x**1.37, np.sqrt(x), np.arcsinh(x), np.linalg.norm(x, axis=1),
        )  # fmt: skip
    moments = (matrix.comoments(tuple(x.T), None, len(x), x[0]) or ()) if comoments else ()
    digest = hashlib.sha256()
    for result in (*results, *moments):
        digest.update(np.ascontiguousarray(result).data)
    return digest.hexdigest()[:16]
