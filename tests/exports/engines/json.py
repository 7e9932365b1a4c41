"""Centres and scales, applied as the file says."""

import json

import numpy as np

from normcli.blocks.record import Array


def run(content: bytes, x: Array, outputs: int) -> Array:
    center, scale, gain, offset = _numbers(content)
    result: Array = (x - center) / scale * gain + offset
    return result


def bound(content: bytes, x: Array, expected: Array) -> Array:
    """(rows, outputs) what is stated: a rounding of the centre, in units of the scale, and two of the last place."""
    center, scale, gain, _ = _numbers(content)
    return rounded(center) / scale * np.abs(gain) + 4.0 * rounded(expected)


def rounded(x: Array) -> Array:
    """How far a rounding moves a value at most."""
    return np.spacing(np.abs(x)) / 2.0


def _numbers(content: bytes) -> list[Array]:
    columns = json.loads(content)["columns"].values()
    return [
        np.array([np.nan if c[key] is None else c[key] for c in columns])
        for key in ("center", "scale", "gain", "offset")
    ]
