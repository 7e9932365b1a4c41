"""ColumnLineage: the origins of columns through successive steps, derived from names alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from normcli.caching import cached_property


class ColumnLineage(Struct, frozen=True, dict=True):
    """Input columns of a sequence of steps, and the origins of their output columns."""

    needs: tuple[str, ...]  # input columns, from the data
    origins: Mapping[str, tuple[str, ...]]  # of each output column: the input columns that it is computed from
    clashes: tuple[str, ...]  # outputs of a step with the name of an earlier output that no step has consumed

    @classmethod
    def of(cls, steps: Iterable[tuple[Sequence[str], Sequence[str]]]) -> ColumnLineage:
        """Of steps, each as its input and its output columns."""
        needs: list[str] = []
        now: dict[str, tuple[str, ...]] = {}
        clashes: list[str] = []
        for takes, gives in steps:
            needs += [n for n in takes if n not in now]
            here = {n: now.get(n, (n,)) for n in takes}
            apart = {id(origins): origins for origins in here.values()}  # columns from the same share the tuple
            every_origin = tuple(dict.fromkeys(n for origins in apart.values() for n in origins))
            clashes += [n for n in gives if n in now and n not in here]
            for name in here.keys() & now.keys() - set(gives):
                del now[name]
            now |= {n: here.get(n, every_origin) for n in gives}  # a column that keeps its name keeps its origins
        return cls(tuple(dict.fromkeys(needs)), now, tuple(dict.fromkeys(clashes)))

    @property
    def gives(self) -> tuple[str, ...]:
        """Output columns."""
        return tuple(self.origins)

    @cached_property
    def bundles(self) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
        """Input columns, and the output columns computed from exactly these: few pairs even for many columns."""
        bundles: dict[int, list[str]] = {}
        for name, origins in self.origins.items():
            bundles.setdefault(id(origins), []).append(name)
        return tuple((self.origins[names[0]], tuple(names)) for names in bundles.values())

    def after(self, columns: Sequence[str]) -> dict[str, list[str]]:
        """Output columns, by the one of `columns` after which they are inserted: the last of their origins."""
        following: dict[str, list[str]] = {}
        at = {n: i for i, n in enumerate(columns)}
        for origins, names in self.bundles:
            following.setdefault(max(origins, key=at.__getitem__), []).extend(names)
        return following

    @cached_property
    def places(self) -> dict[str, str]:
        """For each output column, the input column whose position it takes: of the same name, else its first origin."""
        needs = set(self.needs)
        return {name: name if name in needs else origins[0] for name, origins in self.origins.items()}

    def sources(self, at: Mapping[str, int]) -> dict[str, str]:
        """For each input column, the output column whose position it takes when restored: of the same name, else the
        one with the least position `at` among those computed from it."""
        sources = {n: n for n in self.needs if n in self.origins}
        for origins, names in self.bundles:
            first = min(names, key=at.__getitem__)
            for n in (n for n in origins if n not in self.origins):
                sources[n] = min(sources.get(n, first), first, key=at.__getitem__)
        return sources
