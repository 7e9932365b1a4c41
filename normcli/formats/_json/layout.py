"""What all chunks of one input of NDJSON share."""

from __future__ import annotations

from typing import Literal, Self

from msgspec import Struct, field
from msgspec.structs import replace

from normcli.caching import cached_property
from normcli.columns import Field, Schema

Kind = Literal["integer", "float", "empty", "string", "bool", "list", "json"]

TYPES: dict[Kind, str] = {"integer": "int64", "float": "float64", "empty": "null", "list": "large_list<float64>"}


class Layout(Struct, frozen=True, dict=True):
    """Keys and what they hold, going by the first rows."""

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    sizes: dict[str, int] = field(default_factory=dict)  # of the lists of numbers, going by the first
    expected: frozenset[str] = frozenset()  # keys that the first rows do not have

    @cached_property
    def kind(self) -> dict[str, Kind]:
        return dict(zip(self.names, self.kinds, strict=True))

    @cached_property
    def positions(self) -> dict[str, int]:
        return {n: j for j, n in enumerate(self.names)}

    @property
    def schema(self) -> Schema:
        return tuple(Field(n, TYPES.get(k, k)) for n, k in zip(self.names, self.kinds, strict=True))

    def expecting(self, names: tuple[str, ...]) -> Self:
        """With keys that the first rows do not have, which are empty so far."""
        kinds = tuple[Kind, ...]("empty" for _ in names)
        expected = self.expected.union(names)
        return replace(self, names=(*self.names, *names), kinds=(*self.kinds, *kinds), expected=expected)
