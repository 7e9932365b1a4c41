"""Method: what every file here offers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from normcli.errors import short
from normcli.stats import Statistic
from normcli.transforms import Transform

S = TypeVar("S", bound=Statistic)


@dataclass(frozen=True)
class States:
    """What the statistics of a method saw, by their class, and the names of the columns, for messages."""

    names: tuple[str, ...]
    of: Mapping[type[Statistic], Statistic]

    def __getitem__(self, kind: type[S]) -> S:
        return cast(S, self.of[kind])

    def which(self, where: NDArray[np.bool_]) -> list[str]:
        """Names of the columns where (groups, features) is true in any group."""
        return [n for n, hit in zip(self.names, np.any(where, axis=0), strict=True) if hit]


@dataclass(frozen=True, kw_only=True)
class Method:
    """A method is its options: its fields are the flags of the command line and `options` in the parameter file.

    The first line of a method's docstring is its formula; the rest says what a person should know of it.
    """

    invertible: ClassVar[str] = "yes"
    by_row: ClassVar[bool] = False  # only rows that miss no value take part
    shares: ClassVar[str] = ""
    source: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """Blanks; () learns nothing."""
        return ()

    def check(self) -> None:
        """Raises UsageError where options contradict each other."""

    def check_features(self, count: int) -> None:
        """Raises UsageError where options do not go with so many columns, or a list's so many values."""

    def learn(self, states: States) -> Transform:
        """The transform. Raises BadDataError, naming columns, where the data are unfit for the method."""
        raise NotImplementedError


def listed(names: list[str]) -> str:
    """Names for a message: the first 20, each cut where it is very long, then how many more."""
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(map(short, names[:20])) + more
