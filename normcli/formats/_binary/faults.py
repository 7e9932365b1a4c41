"""Errors of pyarrow, in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from normcli.errors import BadDataError, printable, raise_shortage
from normcli.io.sources import Source

DAMAGED = "was it copied whole?"
WITHOUT = "write the file without it"


def first_line(error: Exception) -> str:
    """What an error says, as far as one line goes."""
    return printable(str(error).strip().split("\n")[0])


@contextmanager
def reading(source: Source, what: str) -> Iterator[None]:
    """Errors of pyarrow for an input that it can't read, in our words."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as e:
        raise_shortage(e)
        if fault := source.fault(e):
            raise fault from None
        if isinstance(e, NotImplementedError):
            raise BadDataError(f"{source.name}: {what} with what is not read: {first_line(e)}", WITHOUT) from None
        if "crypt" in str(e):
            raise BadDataError(
                f"{source.name}: {what} with encrypted columns, which are not read", "decrypt it"
            ) from None
        why = f": {e}" if type(e) is ValueError else ""  # which is ours; pyarrow's have types of their own
        raise BadDataError(f"{source.name}: not a sound {what}{why}", DAMAGED) from None


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Errors of pyarrow for columns that it can't write, in our words."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as e:
        raise_shortage(e)
        if isinstance(e, OSError) and e.errno:  # the system's
            raise
        raise BadDataError(f"the columns can't be written as {what}: {first_line(e)}", "another --to may") from None


def in_place(source: Source) -> Any:
    """What pyarrow reads at any position, open as long as the source is. Raises OutputError, OSError."""
    import pyarrow as pa

    place = source.in_place()
    if not isinstance(place, str):
        return place
    file = pa.OSFile(place)
    source.handles.append(file)
    return file
