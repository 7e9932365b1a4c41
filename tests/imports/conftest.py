"""The workspace of tests of the command line, for imports."""

from tests.cli.conftest import workspace

__all__ = ["workspace"]
