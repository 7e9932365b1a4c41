"""The command's place of work, as its own tests have it."""

from tests.cli.conftest import desk

__all__ = ["desk"]
