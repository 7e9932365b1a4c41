"""Results of jobs, also of those that fail: all that a summary or a run report contains."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from normcli.columns import Schema
    from normcli.drift import Comparison as Comparison
    from normcli.io.inputs import Input
    from normcli.io.sources import Source
    from normcli.io.transaction import Transaction
    from normcli.jobs.reading import Readers
    from normcli.parameters import Parameters
    from normcli.parameters.sketches import ColumnSketches
    from normcli.pipeline import Progress as Progress
    from normcli.pipeline.data_profile import ColumnProfile as ColumnProfile
    from normcli.pipeline.data_profile import DataProfile as DataProfile
    from normcli.pipeline.profile import ProfileState

# fields that no repr shows
LONG = {"progress", "source", "changes", "parameters", "sketches", "comparison", "profile", "state", "content", "page"}


class Preview(Struct, frozen=True):
    """What a dry run would do: read each input, into a file of its own where one is named, with these columns taking
    part and those left; and write these targets."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...] | None
    columns: Schema
    left: Schema
    targets: tuple[str, ...]
    passes: tuple[str, ...] = ()  # what each pass over the data learns, if there are several

    @property
    def taken(self) -> str:
        """The columns that take part, in words."""
        from normcli.columns import described

        return described(self.columns)

    @property
    def left_out(self) -> str:
        """Those that do not, in words."""
        from normcli.columns import described

        return described(self.left)

    @classmethod
    def of(
        cls, readers: Readers, names: Sequence[str], targets: tuple[str, ...], paths: Mapping[Input, str] | None = None
    ) -> Self:
        """What would be read, which columns take part, by `names`, and where it would go: into `paths`, one for each
        input, or the targets that are named."""
        schema, taken = readers.first.description.schema, set(names)
        return cls(
            inputs=tuple(input.name for input in readers.inputs),
            outputs=None if paths is None else tuple(paths[input] for input in readers.inputs),
            columns=tuple(f for f in schema if f.name in taken),
            left=tuple(f for f in schema if f.name not in taken),
            targets=targets,
        )


class Result(Struct):
    """A job's, filled while it runs, so that a job that fails or is ended has one, too. Paths are as they were given;
    what is not known yet is None."""

    command: str
    method: str | None = None
    inputs: list[str] | None = None
    empty: list[Input] | None = None  # inputs that were left out, for there is nothing in them
    params: str | None = None
    output: str | None = None
    digest: str | None = None
    rows_out: int | None = None
    progress: Progress | None = None
    source: Source | None = None  # of the first input
    warnings: list[str] = field(default_factory=list)
    run_report: str | None = None  # where it is wanted
    on_cluster: bool = False  # the workers of a cluster read the inputs
    preview: Preview | None = None  # of a dry run
    changes: Transaction | None = None  # what it replaces
    constants: tuple[str, ...] = ()  # constant columns that are left out of what is written

    def __repr__(self) -> str:
        """Without what was read, learned or compared, which is long."""
        short = (name for name in self.__struct_fields__ if name not in LONG)
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in short)})"

    @property
    def activity(self) -> str:
        """What it does, in a word, while it runs."""
        return self.command

    @property
    def rows_in(self) -> int | None:
        """Rows that were read, those that were rejected among them."""
        return None if self.progress is None else self.progress.rows + self.progress.rejected

    @property
    def rows_rejected(self) -> int | None:
        return None if self.progress is None else self.progress.rejected

    @property
    def bytes_in(self) -> int | None:
        if self.progress is None:
            return None
        return self.progress.count or (self.source.count if self.source else 0)


class FitResult(Result):
    """What was learned, of which columns, and which were left; where it went."""

    parameters: Parameters | None = None
    updated: bool = False  # whether more data were added to a fit
    rows: int = 0  # of this run
    columns: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()  # columns that nobody chose, and are called as codes are
    lists: tuple[str, ...] = ()  # columns of lists that are left, for nobody chose them
    rows_before: int = 0  # that the parameter file had counted which was replaced
    targets: tuple[str, ...] = ()
    pass_number: tuple[int, int] | None = None  # which pass over the data this is, of how many, if there are several
    reading: int = 1  # which of the pass this is; there are several for exact quantiles
    pass_seconds: tuple[float, ...] = ()  # how long each took that has ended
    pass_start: float = 0.0  # of this one, in seconds by a clock that is never set

    def begin_pass(self, number: int, count: int) -> None:
        """The pass over the data begins that is this `number`, from 1."""
        self.pass_number, self.reading, self.pass_start = (number, count), 1, time.monotonic()

    def end_pass(self) -> float:
        """The pass has ended. Returns how many seconds it took."""
        seconds = time.monotonic() - self.pass_start
        self.pass_seconds += (seconds,)
        return seconds

    @property
    def activity(self) -> str:
        if self.parameters is not None:
            return "normalizing"  # the same data
        words = ["fitting"]
        if self.pass_number is not None:
            words.append("pass {} of {}".format(*self.pass_number))
        if self.reading > 1:
            words.append(f"reading {self.reading}")
        return ", ".join(words)


class Judged(Result):
    """What was compared with the data that were fitted."""

    comparison: Comparison | None = None

    @property
    def activity(self) -> str:
        return "checking"

    @property
    def drift(self) -> bool | None:
        """The verdict; None where there is none."""
        return None if self.comparison is None else self.comparison.drift


class ApplyResult(Judged):
    """What was normalized, or restored, and where it went."""

    inverse: bool = False
    columns: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()

    @property
    def activity(self) -> str:
        return "restoring" if self.inverse else "normalizing"


class CheckResult(Judged):
    """How new data compare with those that were fitted."""

    parameters: Parameters | None = None
    sketches: ColumnSketches | None = None  # of the new data, where they were sketched


class ReportResult(CheckResult):
    """The page on a fit, and on how new data compare with it."""

    page: str | None = None
    targets: tuple[str, ...] = ()

    @property
    def activity(self) -> str:
        return "reporting"


class DescribeResult(Result):
    """The profile of the columns of data; None after a dry run."""

    profile: DataProfile | None = None
    state: ProfileState | None = None  # that the profile is of
    rows_before: int = 0  # of the parameter file that is replaced
    targets: tuple[str, ...] = ()

    @property
    def activity(self) -> str:
        return "describing"


class ExportResult(Result):
    """What was written, and where."""

    content: bytes = b""
    targets: tuple[str, ...] = ()


class ImportResult(Result):
    """What was imported, and what it is here."""

    what: str = ""
    parameters: Parameters | None = None
    rows_before: int = 0
    targets: tuple[str, ...] = ()


class MergeResult(Result):
    """What the files have learned together."""

    parameters: Parameters | None = None
    rows_before: int = 0
    targets: tuple[str, ...] = ()

    @property
    def rows_in(self) -> int | None:
        return None if self.parameters is None else self.parameters.rows
