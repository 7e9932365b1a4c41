"""CutCounts: how new values lie among the fitted ones."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from normcli.blocks.block import Block
from normcli.blocks.cuts import ColumnCuts
from normcli.blocks.record import Array, per_group
from normcli.drift.raw_columns import Distributions, columns_of, lengths, ways
from normcli.parameters import Parameters, Step
from normcli.stats import ColumnStatistic


class CutCounts(ColumnStatistic, frozen=True):
    """The number of present values of each column, and of those less than, and at most, each of its `cuts`, which
    ascend: of one group, of all rows. A column whose cuts are None is not counted."""

    count: Array = per_group("feature", holds="count")
    less: Array = per_group("feature", "cut", holds="count")
    most: Array = per_group("feature", "cut", holds="count")
    cuts: ColumnCuts = ColumnCuts()

    def of(self, block: Block) -> Self:
        below = self.cuts.below(block)
        return replace(self, count=below.total[None], less=below.less[None], most=below.most[None])

    def _merge(self, other: Self) -> Self:
        sums = (getattr(self, name) + getattr(other, name) for name in self.axes())
        return replace(self, **dict(zip(self.axes(), sums, strict=True)))

    @property
    def extents(self) -> dict[str, int]:
        return {"cut": self.cuts.width}


class Counting(Struct, frozen=True):
    """How the values of input columns are counted: by `steps`, of which the first `more` count those columns that the
    others, which measure anyway, do not read as they are in the data. `places` are the index of the step that counts a
    column, and those of its features."""

    steps: tuple[Step, ...]
    more: int
    places: dict[str, tuple[int, list[int]]]

    @classmethod
    def of(cls, parameters: Parameters, steps: Sequence[Step], distributions: Distributions) -> Self:
        """Of the columns that have a distribution; `steps` are those of the parameters with what they measure."""
        cuts = {name: c.at for name, c in distributions.cuts.items()}
        at = {n: i for n, (i, before) in ways(parameters).items() if n in cuts and not before}
        at = {n: i for n, i in at.items() if not steps[i].method.by_row}  # which leaves rows out
        steps = [_counting(step, {n: cuts[n] for n in at if at[n] == i}) for i, step in enumerate(steps)]
        more = [
            _counting(_reading(names, length), cuts)
            for names, length in _matrices(parameters, [n for n in cuts if n not in at])
        ]
        places = {n: (i + len(more), _features(steps[i], n)) for n, i in at.items()}
        places |= {n: (i, _features(step, n)) for i, step in enumerate(more) for n in step.columns}
        return cls((*more, *steps), len(more), places)


def _reading(names: tuple[str, ...], length: int | None) -> Step:
    """A step that measures nothing of columns, and leaves out no row."""
    from normcli.methods.center import Center  # which most checks don't need

    return Step(Center(), names, length=length, statistics_override=())


def _counting(step: Step, cuts: Mapping[str, Array]) -> Step:
    """A step that also counts those of its columns that have cuts."""
    if not cuts:
        return step
    statistic = CutCounts(cuts=ColumnCuts(tuple(map(cuts.get, columns_of(step)))))
    return replace(step, statistics_override=(*step.blanks, statistic))


def _matrices(parameters: Parameters, names: Sequence[str]) -> Iterator[tuple[tuple[str, ...], int | None]]:
    """Columns of numbers together, and each of lists with their length."""
    of_lists = lengths(parameters)
    numbers = tuple(n for n in names if n not in of_lists)
    if numbers:
        yield numbers, None
    yield from (((n,), of_lists[n]) for n in names if n in of_lists)


def _features(step: Step, column: str) -> list[int]:
    return [j for j, name in enumerate(columns_of(step)) if name == column]
