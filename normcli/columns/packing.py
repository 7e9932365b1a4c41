"""Frames as bytes that are kept for a while."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from normcli.columns.frames import Frame, is_polars, names, only, rows, text_frame


@dataclass(frozen=True)
class Packed:
    """What the bytes of a frame are. Of a polars frame they are the columns of floats without a null, one after the
    other as they lie in memory, then all others as uncompressed Arrow; of an Arrow one, all of it as a stream."""

    polars: bool
    names: tuple[str, ...]
    floats: tuple[str, ...]
    rows: int

    def unpacked(self, data: bytes) -> Frame:
        """The frame again; of a polars one, nothing is left in `data`."""
        if not self.polars:
            import pyarrow as pa

            return next(iter(pa.ipc.open_stream(data)))
        import polars as pl

        size, made = 8 * self.rows, {}
        for i, name in enumerate(self.floats):
            made[name] = pl.Series(np.frombuffer(data, np.float64, self.rows, i * size))
        if len(self.floats) < len(self.names):
            others = pl.read_ipc(memoryview(data)[len(self.floats) * size :].tobytes())
            made |= dict(zip((n for n in self.names if n not in made), others, strict=True))
        return text_frame({n: made[n] for n in self.names})


def packed(frame: Frame, buffer: io.BytesIO) -> tuple[Packed, list[memoryview]]:
    """How a frame is packed, and its bytes: pieces of memory, then what is put into an empty buffer."""
    if not is_polars(frame):
        import pyarrow as pa

        writer = pa.ipc.new_stream(buffer, frame.schema)
        writer.write_batch(frame)
        writer.close()  # never after a failure, which it would hide
        return Packed(False, (), (), rows(frame)), []
    import polars as pl

    floats = [s for s in frame if s.dtype == pl.Float64 and not s.null_count()]
    made = Packed(True, names(frame), tuple(s.name for s in floats), rows(frame))
    others = [n for n in made.names if n not in set(made.floats)]
    if others:
        only(frame, others).write_ipc(buffer, compression="uncompressed")
    return made, [np.ascontiguousarray(s.to_numpy()).view(np.uint8).data for s in floats]
