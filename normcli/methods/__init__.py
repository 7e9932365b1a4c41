"""Method: what every file here offers."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self, TypeVar, cast, final

import numpy as np
from msgspec import Meta, Struct
from msgspec.structs import FieldInfo, fields, replace
from numpy.typing import NDArray

from normcli import needs
from normcli.blocks.record import Array
from normcli.errors import UsageError, short
from normcli.stats import Statistic
from normcli.transforms import Terms, Transform

S = TypeVar("S", bound=Statistic)

# An option with one number for all columns, or one for each; on the command line, a file of numbers.
Numbers = float | Annotated[tuple[float, ...], Meta(min_length=1)]
Scaler = tuple[str, Mapping[str, Any]]  # a class of scikit-learn, and arguments


class States(Struct, frozen=True):
    """The states of a method's statistics, by class; and for messages, the names of the columns, and whether they are
    the values of a list, which cannot be excluded."""

    names: tuple[str, ...]
    of: Mapping[type[Statistic], Statistic]
    of_list: bool = False

    def __getitem__(self, kind: type[S]) -> S:
        return cast(S, self.of[kind])

    def which(self, where: NDArray[np.bool_]) -> list[str]:
        """Names of the columns where (groups, features) is true in any group."""
        return [n for n, hit in zip(self.names, np.any(where, axis=0), strict=True) if hit]

    def hint(self, *ways: str) -> str:
        """A hint about columns: exclude them, if possible, or one of these ways."""
        return ", or ".join([*([] if self.of_list else ["leave columns out with -x"]), *ways])


class Method(Struct, frozen=True, kw_only=True):
    """A method is its options: its fields are the flags of the command line and `options` in the parameter file.

    The first line of a method's docstring is its formula; the rest says what a person should know of it.
    """

    invertible: ClassVar[str] = "yes"
    by_row: ClassVar[bool] = False  # only rows that miss no value take part
    learns_all_groups: ClassVar[bool] = False  # `learn` takes the states of all groups, else of one group
    element_wise: ClassVar[bool] = False  # each value by itself, whatever its row
    shares: ClassVar[str] = ""  # a small drawing of the table: equal letters share what is learned or measured
    source: ClassVar[str] = ""  # the paper or book that it comes from
    aliases: ClassVar[tuple[str, ...]] = ()  # what else people call it, in small letters
    example: ClassVar[str] = ""  # how a person would use it; else fitted to data.csv with its defaults
    per_column: ClassVar[tuple[str, ...]] = ()  # options that are one number, or one for each column
    learns_without: ClassVar[tuple[type[Statistic], ...]] = ()  # whose state may be unknown

    @property
    def scaler(self) -> Scaler | None:
        """The class of scikit-learn that can hold the centre and scale that a method learns, or what it fills in, and
        its arguments; None where none computes them."""
        return None

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """Blank statistics; () for methods that learn nothing from data."""
        return ()

    @final
    def check(self, explicit: Collection[str] | None = None) -> None:
        """Raises UsageError where options contradict each other, or an `explicit` one has no effect; by default those
        that differ from their defaults are explicit."""
        self.check_options()
        kind: Any = type(self)
        options = [
            f.name for f in fields(self) if (f.name in explicit if explicit is not None else not _is_default(self, f))
        ]
        needs.check(((_flag(name), needs.of_field(kind, name)) for name in options), self)

    def check_options(self) -> None:
        """Raises UsageError where options contradict each other. Old files may have options without effect."""

    def check_features(self, count: int) -> None:
        """Raises UsageError if options do not suit this number of features."""

    def outputs(self, names: Sequence[str]) -> tuple[str, ...]:
        """Names of the output columns; if their number depends on data, as many as possible."""
        return tuple(names)

    def runs(self, count: int) -> int:
        """The number of equal runs of columns within which the order of columns does not matter."""
        return 1

    def reorder(self, order: Sequence[int]) -> Self:
        """The method for the same columns in this order."""
        values = {name: value for name in self.per_column if isinstance(value := getattr(self, name), tuple)}
        return replace(self, **{name: tuple(value[j] for j in order) for name, value in values.items()})

    @property
    def outputs_known(self) -> bool:
        """Whether the number of output columns is independent of the data."""
        return True

    def doubts(self, states: States, learned: Transform) -> Iterator[str]:
        """Warnings about the parameters learned from all rows."""
        yield from ()

    def terms(self, states: States, learned: Transform) -> Terms:
        """Learned parameters of one group by their common names."""
        return learned.terms()

    def learn(self, states: States) -> Transform:
        """The fitted transform. Raises BadDataError, naming columns, if the data are unfit for the method."""
        raise NotImplementedError


def beside(option: str, what: str, has_use: Callable[[Any], bool] = bool) -> dict[str, tuple[needs.Need, ...]]:
    """The `extra` of an option that has an effect only with certain values of another; `what` is as in Need."""

    def instead(method: Method) -> str | None:
        return None if has_use(getattr(method, option)) else f"this is {spelled(method, option)}"

    return {"needs": (needs.Need(what, instead),)}


def _is_default(method: Method, option: FieldInfo) -> bool:
    return bool(getattr(method, option.name) == option.default)


def _flag(option: str) -> str:
    return f"--{option.rstrip('_').replace('_', '-')}"


def spelled(method: Method, option: str) -> str:
    """An option's value for a message."""
    value, flag = getattr(method, option), _flag(option)
    if value is None and next(f.default for f in fields(method) if f.name == option) is not None:
        return f"with {flag} none"  # which is not the default
    if value is None or isinstance(value, bool):
        return f"{'with' if value else 'without'} {flag}"
    return f"with {flag} {' '.join(map(str, value)) if isinstance(value, tuple) else value}"


def listed(names: list[str]) -> str:
    """Names for a message: the first 20, each cut where it is very long, then how many more."""
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(map(short, names[:20])) + more


def per_column(numbers: Numbers, count: int, flag: str) -> Array:
    """(count,) values of an option: one number for all, or one for each. Raises UsageError if the lengths differ."""
    if isinstance(numbers, tuple) and len(numbers) != count:
        raise UsageError(f"{flag}: {len(numbers)} numbers for {count} columns")
    return np.array(np.broadcast_to(numbers, count), np.float64)
