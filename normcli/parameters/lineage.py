"""What becomes of columns on their way through steps, one after the other: told by their names alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class ColumnLineage:
    """Where the steps begin and where they end."""

    needs: tuple[str, ...]  # columns of the data that steps take
    origins: Mapping[str, tuple[str, ...]]  # what there is instead after all steps, and the needed columns it is from
    clashes: tuple[str, ...]  # names that a step gives though what an earlier one gave, and no step took, has them

    @classmethod
    def of(cls, steps: Iterable[tuple[Sequence[str], Sequence[str]]]) -> ColumnLineage:
        """Of steps by the columns that each takes, and those that it gives instead."""
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
            now |= {n: here.get(n, every_origin) for n in gives}  # what keeps its name stays where it is
        return cls(tuple(dict.fromkeys(needs)), now, tuple(dict.fromkeys(clashes)))

    @property
    def gives(self) -> tuple[str, ...]:
        return tuple(self.origins)

    @cached_property
    def bundles(self) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
        """Needed columns, and what is from just these: few pairs, where there may be thousands of columns."""
        bundles: dict[int, list[str]] = {}
        for name, origins in self.origins.items():
            bundles.setdefault(id(origins), []).append(name)
        return tuple((self.origins[names[0]], tuple(names)) for names in bundles.values())

    def after(self, columns: Sequence[str]) -> dict[str, list[str]]:
        """What is given, by the column among those `there` after which it comes: the last that it is from."""
        following: dict[str, list[str]] = {}
        at = {n: i for i, n in enumerate(columns)}
        for origins, names in self.bundles:
            following.setdefault(max(origins, key=at.__getitem__), []).extend(names)
        return following

    @cached_property
    def places(self) -> dict[str, str]:
        """For each given column, the needed one where it stands: its own, or the first that it is from."""
        needs = set(self.needs)
        return {name: name if name in needs else origins[0] for name, origins in self.origins.items()}

    def sources(self, at: Mapping[str, int]) -> dict[str, str]:
        """For each needed column, where it stands when it is restored: at what has its name, else at that of all that
        it is in whose number is the least."""
        sources = {n: n for n in self.needs if n in self.origins}
        for origins, names in self.bundles:
            first = min(names, key=at.__getitem__)
            for n in (n for n in origins if n not in self.origins):
                sources[n] = min(sources.get(n, first), first, key=at.__getitem__)
        return sources
