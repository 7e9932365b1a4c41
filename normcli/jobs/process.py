"""Setup and teardown of a process that runs any job."""

from normcli.io.outputs import STDOUT, flush, remove_temporaries

__all__ = ["STDOUT", "flush", "load_libraries", "remove_temporaries"]


def load_libraries() -> None:
    """Those that work on data, ahead of it."""
    from normcli.columns.loading import load

    load()
