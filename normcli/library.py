"""normcli from Python: the command line's work, with values in place of flags."""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from normcli import columns, formats, outputs, params, pipeline, sources
from normcli.block import Block
from normcli.columns import Infinite
from normcli.engines.threads import Threads, available
from normcli.methods import Method
from normcli.pipeline import Progress
from normcli.plan import Plan, Seen, Step, merged

Path = str | os.PathLike[str]


def fit(
    path: Path,
    method: Method,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    infinite: Infinite = "error",
    note: str = "",
    format: str | None = None,
    options: Any = None,
    block_size: int | None = None,
    threads: int | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> Plan:
    """Learns a method's parameters from a file.

    `include` and `exclude` are selectors as of -c and -x, `options` a format's. `block_size` is bytes of text or rows
    of a binary file; other than the default it changes last bits. Raises NormcliError.
    """
    reader = _reader(path, format, options, block_size)
    names = columns.select(reader.schema, include, exclude)
    engine = Threads(threads or available())
    progress = Progress(warn=warn)
    with threadpool_limits(1, "blas"):
        plan = pipeline.fit(reader, method, engine, names=names, infinite=infinite, note=note, progress=progress)
    return params.sealed(plan)
