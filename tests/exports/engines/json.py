"""Centres and scales, applied as the file says."""

import json

import numpy as np

from normcli.blocks.record import Array


def run(content: bytes, x: Array, outputs: int) -> Array:
    columns = json.loads(content)["columns"].values()
    center, scale, gain, offset = (
        np.array([np.nan if c[key] is None else c[key] for c in columns])
        for key in ("center", "scale", "gain", "offset")
    )
    result: Array = (x - center) / scale * gain + offset
    return result
