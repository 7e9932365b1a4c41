"""The options that a method can't do without."""

from msgspec.structs import fields

ONE_OF = {"Clip": ["high"]}  # methods that take at least one of several options, and one of them


def least(kind: type) -> list[str]:
    """Names of the fields of a method's class."""
    return [*(f.name for f in fields(kind) if f.required), *ONE_OF.get(kind.__name__, [])]
