"""Requests: one frozen, keyword-only record per job, composed of what it reads, what it writes, and the resources that
it may use. A field declares what it needs to have an effect, and whether a finished file depends on it.

They are dataclasses, as structs of msgspec can have only one base with fields, and without the methods that nobody
needs: to compile one takes time at every start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from msgspec import Struct

from normcli import needs, registry
from normcli.errors import UsageError
from normcli.jobs.facts import CLUSTER, LEARNS, OUTPUT, ROWS, SKIP, SOME_REJECTS, SPOOL, TEXT, need
from normcli.jobs.format_options import flag_of, needs_of
from normcli.jobs.values import (
    Check,
    between,
    engine_name,
    format_name,
    interval,
    name_suffix,
    number,
    one_of,
    text,
    truth,
)
from normcli.needs import Need

if TYPE_CHECKING:
    from normcli.columns import Dtype, Infinite
    from normcli.engines import Cluster
    from normcli.formats._memory.reader import Tables


def option(
    default: Any,
    *flags: str,
    group: Group | None = None,
    topic: str | None = None,
    needs: tuple[Need, ...] = (),
    shapes: bool = False,
    check: Check | None = None,
) -> Any:
    """A field. `flags` are how the command line spells it, if not by its name, and `group` is where its help lists it,
    by its name alone if it is rare, and a `topic` of help explains it; with `shapes`, what is written to a file depends
    on it, which is not finished if it was written with another value. A value that is not the default has to pass the
    `check`."""
    metadata = {"flags": flags, "group": group, "topic": topic, "needs": needs, "shapes": shapes, "check": check}
    return field(default=default, metadata=metadata)


Group = Literal[
    "learn", "apply", "drift", "columns", "input", "output", "updating", "safety", "resources", "messages"
]  # in the order of help
KINDS: Mapping[Any, Check] = {
    "bool": truth,
    "str": text,
    "str | None": text,
    "int | None": between(1),
}  # of fields without a check, by annotation
UNSEEN = one_of("error", "global", "missing", "pass")


class Place(Struct, frozen=True):
    """A path of a request, and what the command line calls it."""

    flag: str
    path: str


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Request:
    """What is common to the requests of all jobs. `explicit` are the names of the options that were set, even to their
    default; if None, those whose value is not the default."""

    command: ClassVar[str]
    may_replace_input: ClassVar[bool] = False  # an output may be the only input
    may_replace: ClassVar[tuple[str, ...]] = ()  # flags of other files that are read, which an output may be, too
    topics: ClassVar[Mapping[str, str]] = {}  # of help, that explain options which are rare in this command alone
    # a file for what was done, and how the run ended
    run_report: str | None = option(None, group="messages")
    werror: bool = option(False, group="safety")  # warnings are errors
    explicit: frozenset[str] | None = None

    @classmethod
    @cache
    def options(cls) -> Mapping[str, Any]:
        """The metadata of the fields that are options, by name."""
        return {f.name: f.metadata for f in fields(cls) if f.metadata}

    @classmethod
    @cache
    def defaults(cls) -> Mapping[str, Any]:
        """The defaults of the options, by name."""
        return {f.name: f.default for f in fields(cls) if f.metadata}

    @classmethod
    def refusal(cls, name: str) -> str:
        """Why an option, or a format option, of another request of the same command is invalid in this one; empty where
        it is valid, or unknown to all."""
        return ""

    @classmethod
    def of_command(cls, command: str) -> Iterator[type[Request]]:
        """The requests that a command may make."""
        kinds: Iterator[type[Request]] = (
            registry.only("jobs.requests", name) for name in registry.names("jobs.requests")
        )
        yield from (kind for kind in kinds if kind.command == command)

    def set_names(self) -> frozenset[str]:
        """The names of the options that were given."""
        if self.explicit is not None:
            return self.explicit
        return frozenset(n for n, default in self.defaults().items() if getattr(self, n) != default)

    def explicit_value(self, name: str) -> Any:
        """The value of an option; None where it was not given, though it may have one."""
        return getattr(self, name) if name in self.set_names() else None

    def check_options(self) -> None:
        """Raises UsageError where an option has a value that it can't have, or is given without another one that it
        needs."""
        self._check_values()
        names = self.set_names()
        values = {name: getattr(self, name) for name in self.options()}
        lacking: dict[str, str | None] = {
            name: "" for name, value in values.items() if not value and not (value is False and name in names)
        }
        lacking |= {f"no {name}": "" for name in names if values.get(name)}
        if values.get("on_bad_row") != "skip":
            lacking["skip"] = ""
        self.check_needs(**lacking)

    def _check_values(self) -> None:
        for f in fields(self):
            value, check = getattr(self, f.name), f.metadata.get("check") or KINDS.get(f.type)
            wrong = check(value) if check and value != f.default else ""
            if wrong:
                raise UsageError(f"{self.spelled(f.name)} {value!r}: {wrong}")

    def check_needs(self, **lacking: str | None) -> None:
        """Raises UsageError for the first explicit option that needs something the run is `lacking`. The value of each
        such fact is what the run has instead, "" for nothing; None for a fact that holds."""
        needs.check(self.explicit_options(), lacking)

    def explicit_options(self) -> Iterator[tuple[str, tuple[Need, ...]]]:
        """The options that were given, as the command line calls them, and what each needs."""
        names = self.set_names()
        yield from ((self.spelled(name), about["needs"]) for name, about in self.options().items() if name in names)

    def spelled(self, name: str) -> str:
        """How the command line calls an option."""
        flags: tuple[str, ...] = self.options().get(name, {"flags": ()})["flags"]
        flag = name.rstrip("_").replace("_", "-")
        return flags[0] if flags else f"--{flag}"

    def reads(self) -> Iterator[Place]:
        """The files that are read, but for the data; standard input is none."""
        yield from ()

    def writes(self) -> Iterator[Place]:
        """What is written, and where, standard output by default, but for a report."""
        yield from ()

    def local(self) -> Self:
        """The part of the request that opens inputs, for workers: small, and can be pickled."""
        return self

    def shape(self) -> dict[str, Any]:
        """The options that a finished file depends on."""
        return {name: getattr(self, name) for name, about in self.options().items() if about["shapes"]}


def rare(command: str) -> dict[str, str]:
    """The topics that explain rare options of a command, by their names."""
    topics: dict[str, str] = {}
    for kind in Request.of_command(command):
        topics |= {n: about["topic"] for n, about in kind.options().items() if about["topic"]} | dict(kind.topics)
    return topics


def groups(command: str) -> dict[str, Group | None]:
    """Where the help of a command lists each of its options, by their names; none of it where it makes no request."""
    return {n: about["group"] for kind in Request.of_command(command) for n, about in kind.options().items()}


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Resources(Request):
    """What a run over data may use; no byte of a result depends on it."""

    threads: int | None = option(None, group="resources", check=between(1, 1024))  # workers; None: one for each CPU
    # bytes, about; None: four fifths of the available memory
    max_memory: int | None = option(None, group="resources", check=between(1))
    # a directory for temporary data; None: TMPDIR, or beside the output
    spool_dir: str | None = option(None, group="resources", needs=(SPOOL,))
    dry_run: bool = option(False, group="safety")  # only report what would be read and written


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Reads(Resources):
    """What is read: the paths, URIs, directories and globs of `input`, none for standard input, as `from_` says or what
    their names or contents do; `format_options` are those of formats, by name."""

    input: tuple[str, ...] = option((), "INPUT", group="input")
    tables: Tables | None = None  # data in memory, in place of INPUT
    files_from: str | None = option(None, group="input")  # a list of more of them
    null: bool = option(False, "-0", group="input", needs=(need("files_from", "for --files-from"),))
    from_: str | None = option(None, group="input", shapes=True, check=format_name)
    format_options: Mapping[str, Any] = field(default_factory=dict)
    infinite: Infinite = option(
        "error", "--inf", group="input", needs=(ROWS,), shapes=True, check=one_of("error", "missing")
    )
    on_bad_row: Literal["error", "skip"] = option(
        "error", group="input", needs=(ROWS, TEXT), shapes=True, check=one_of("error", "skip")
    )
    max_bad_rows: int | None = option(None, group="input", needs=(SKIP, ROWS), check=between(0))
    rejects: str | None = option(None, group="input", needs=(SKIP, ROWS))
    min_rows: int = option(0, group="safety", needs=(ROWS,), check=between(0))
    block_size: int | None = None  # bytes of text, or rows of a binary format, to a block; last digits depend on it

    @property
    def skips(self) -> bool:
        """Whether bad rows are left out."""
        return self.on_bad_row == "skip"

    @property
    def most_rejects(self) -> int:
        """How many rows may be left out."""
        return SOME_REJECTS if self.max_bad_rows is None else self.max_bad_rows

    def explicit_options(self) -> Iterator[tuple[str, tuple[Need, ...]]]:
        yield from super().explicit_options()
        yield from ((flag_of(name, value), needs_of(name)) for name, value in self.format_options.items())

    def reads(self) -> Iterator[Place]:
        yield from super().reads()
        if self.files_from is not None:
            yield Place("--files-from", self.files_from)

    def writes(self) -> Iterator[Place]:
        yield from super().writes()
        if self.rejects is not None:
            yield Place("--rejects", self.rejects)

    def shape(self) -> dict[str, Any]:
        return super().shape() | {"format_options": dict(self.format_options)}


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Writes(Reads):
    """What is written: a file, an object or a stream; or a directory, with a file for each input."""

    output: str | None = option(None, "-o", group="output")
    to: str | None = option(None, group="output", needs=(OUTPUT,), shapes=True, check=format_name)
    dtype: Dtype | None = option(None, group="output", needs=(OUTPUT,), shapes=True, check=one_of("float32", "float64"))
    column_suffix: str | None = option(None, group="output", needs=(OUTPUT,), shapes=True, check=name_suffix)
    only: bool = option(False, group="output", needs=(OUTPUT,), shapes=True)
    # what normalized or restored values are held within, in units of the output
    limit: tuple[float, float] | None = option(None, group="output", needs=(OUTPUT,), shapes=True, check=interval)
    # what is missing afterwards becomes that
    fill: float | None = option(None, group="output", needs=(OUTPUT,), shapes=True, check=number)
    # significant digits of normalized and restored floats in text
    precision: int | None = option(None, group="output", needs=(OUTPUT,), shapes=True, check=between(1, 17))
    drop_constant: bool = option(False, group="output", needs=(OUTPUT, LEARNS), shapes=True)

    def check_options(self) -> None:
        super().check_options()
        if self.limit and self.fill is not None and not self.limit[0] <= self.fill <= self.limit[1]:
            raise UsageError(f"--fill {self.fill:g} is not within --limit {self.limit[0]:g} {self.limit[1]:g}")


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class OnCluster(Request):
    """Where a run's data are read: by an `engine`, which is threads of this process, dask, or a cluster itself."""

    engine: str | Cluster = option("threads", group="resources", topic="cluster", check=engine_name)
    scheduler: str | None = option(None, group="resources", topic="cluster", needs=(CLUSTER,))  # its address
    insecure_scheduler: bool = option(False, group="resources", topic="cluster", needs=(CLUSTER,))

    def check_options(self) -> None:
        super().check_options()
        self.check_needs(cluster="" if self.engine == "threads" else None)

    def local(self) -> Self:
        params: dict[str, Any] = {"params": ""} if hasattr(self, "params") else {}
        return replace(self, engine="threads", scheduler=None, insecure_scheduler=False, **params)
