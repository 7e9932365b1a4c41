"""Fingerprints of data in memory, which nothing else tells from others when they are read again."""

from __future__ import annotations

import numpy as np
from xxhash import xxh3_128

from normcli import columns
from normcli.blocks.record import Array
from normcli.columns import Frame
from normcli.errors import BadRowError
from normcli.parameters import Parameters
from normcli.parameters.matrices import Matrices


def fingerprint(parameters: Parameters, frame: Frame, texts: Frame) -> bytes:
    """Of what a fit reads of a chunk, the same in each of its passes; `texts` hold the keys. Empty where there is a
    fault, which measuring names."""
    matrices, weights = Matrices([frame], "missing"), list[Array]()
    try:
        for step in parameters.steps:
            matrices.read_remaining(step)
        if parameters.weights is not None:
            weights.append(columns.weights(frame, parameters.weights, integral=False))
        keys, codes = columns.keys(texts, parameters.by) if parameters.by else ((), np.empty(0, np.intp))
    except BadRowError:
        return b""
    hasher = xxh3_128(repr((frame.rows, keys)).encode("utf-8", "surrogatepass"))
    for values in (codes, *weights, *(x for block in matrices.read for x in block.columns)):
        hasher.update(np.ascontiguousarray(values).view(np.uint8).data)
    return hasher.digest()
