"""What pyarrow says, in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from normcli.errors import BadDataError, printable, raise_shortage
from normcli.io.sources import Source


def first_line(error: Exception) -> str:
    """What an error says, as far as one line goes."""
    return printable(str(error).strip().split("\n")[0])


@contextmanager
def reading(source: Source, what: str) -> Iterator[None]:
    """What pyarrow says of an input that it can't read, in our words."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as e:
        raise_shortage(e)
        if fault := source.fault(e):
            raise fault from None
        raise BadDataError(f"{source.name}: not a sound {what}: {first_line(e)}") from None


@contextmanager
def writing(what: str) -> Iterator[None]:
    """What pyarrow says of columns that it can't write, in our words."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as e:
        raise_shortage(e)
        if isinstance(e, OSError) and e.errno:  # the system's
            raise
        raise BadDataError(f"the columns can't be written as {what}: {first_line(e)}") from None
