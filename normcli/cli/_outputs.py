"""The output of a command: one file or stream, or a directory with a file for each input."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from normcli import __version__
from normcli.cli._apart import check_apart
from normcli.cli._command import NEAR, PLACE, Format
from normcli.cli._keys import RULES
from normcli.cli._needs import DATA, OUTPUT, SPOOL, option
from normcli.errors import BadDataError, CannotCreateError, UsageError, open_error, printable
from normcli.limits import Limits

if TYPE_CHECKING:
    from normcli.columns import Frame
    from normcli.drift import Watch
    from normcli.formats import LateColumn, Reader, Writer
    from normcli.inputs import Input
    from normcli.manifest import Manifest
    from normcli.outputs import Target
    from normcli.pipeline import Part, Work
    from normcli.plan import Form, Plan
    from normcli.resuming import Files

F = TypeVar("F", bound=Callable[..., Any])
Pairs = Iterable[tuple["Input", "Reader"]]

# what a finished file does not depend on, or the plan's digest tells
INDIFFERENT = {
    *RULES,
    *(each.name for each in fields(Limits)),
    "check",
    "rejects",
    "report",
    "dry_run",
    "input",
    "files_from",
    "null",
    "params",
    "output",
    "resume",
    "spool_dir",
    "threads",
    "max_memory",
    "quiet",
    "verbose",
    "werror",
}


def written(function: F) -> F:
    """The options that say what is written."""
    for decorate in (
        option(
            "--column-suffix",
            needs=(DATA, OUTPUT),
            metavar="SUFFIX",
            callback=suffix,
            help="Keep the columns, and add the normalized ones after them, called NAME and SUFFIX; with --inverse, "
            "restore from those, which are dropped. Components (pc1 …) are added by their own names.",
        ),
        option(
            "--dtype",
            needs=(DATA, OUTPUT),
            type=click.Choice(("float32", "float64")),
            help="Of normalized columns; default: float32 where a column is, else float64. With --inverse, float64 "
            "takes what does not fit the original types, which are restored by default.",
        ),
        option("--only", is_flag=True, needs=(DATA, OUTPUT), help="Write the normalized columns alone."),
        option(
            "--to",
            needs=(DATA, OUTPUT),
            type=Format(),
            metavar="FORMAT",
            help="What OUTPUT is to be (csv.gz, .zst, .bz2, .xz: compressed text); else told by its suffix, else as "
            "INPUT; but no file called .xlsx, .json, .db or the like is written without it.",
        ),
        option(
            "--spool-dir",
            needs=(DATA, SPOOL),
            metavar="DIR",
            type=NEAR,
            envvar="NORMCLI_SPOOL_DIR",
            help="Where fit -o keeps what it has read, and what goes to an object store is completed, unnamed; "
            "default: TMPDIR, or where OUTPUT will be.",
        ),
        option(
            "-o",
            "--output",
            needs=(DATA,),
            metavar="OUTPUT",
            type=PLACE,
            help="A file, or a directory (it is one, or ends in /): there, a file for each INPUT.",
        ),
    ):
        function = decorate(function)
    return function


def suffix(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Raises BadParameter for one that makes no name, or that of the original."""
    if value == "":
        raise click.BadParameter("must not be empty", ctx, param)
    if value and value.encode("utf-8", "replace").decode() != value:
        raise click.BadParameter("must be UTF-8", ctx, param)
    return value


def check_form(values: dict[str, Any]) -> None:
    """Raises UsageError where a type is asked for that what is restored may not fit into."""
    if values["dtype"] == "float32" and values.get("inverse"):
        raise click.UsageError("--dtype float32 is not for --inverse: it restores the original types, or float64")


def check_suffix(values: dict[str, Any]) -> None:
    """Raises UsageError for an OUTPUT, a file, whose suffix means what is not written."""
    from normcli import formats

    if values["output"] not in (None, "-") and not is_directory(values["output"]):
        try:
            formats.check_output(values["to"], values["output"])
        except UsageError as e:
            raise UsageError(f"-o {e.message}", "--to FORMAT says what a file of another name is to hold") from None


def is_directory(output: str | None) -> bool:
    from normcli import inputs

    return output not in (None, "-") and (str(output).endswith("/") or inputs.is_directory(str(output)))


@dataclass(frozen=True)
class Outputs:
    """What a command line wants written, by which plan; `options` are those of a format. What is read for it may be
    shown to a watch."""

    values: dict[str, Any]
    plan: Plan
    options: Callable[[str], Any]
    watch: Watch | None = None

    @property
    def inverse(self) -> bool:
        return bool(self.values.get("inverse"))

    def into(self, target: Target, to: str, first: tuple[Input, Reader], pairs: Pairs) -> Iterator[Part]:
        """All inputs, one after the other, into one target."""
        from normcli import columns, formats, pipeline

        if formats.is_binary(to) and os.isatty(target.fd):
            raise click.UsageError(f"{to} to a terminal", click.get_current_context())
        blank, digests = self._like(to, *first)
        work = self._work(to, first[1], blank, digests)

        def parts() -> Iterator[Part]:
            for each, reader in pairs:
                here, done = self._like(to, each, reader)
                pipeline.check_same(reader, blank, here)
                if done != digests:
                    raise BadDataError(f"{reader.source.name}: was not normalized by the same parameters as the first")
                own = self._work(to, reader, columns.ordered_as(here, blank), digests, first=work.writer)
                measuring = replace(own, keys=each.keys, measuring=_measuring(self.watch, reader))
                late = partial(self._late, self.watch)
                doubt = pipeline.doubt(self.plan, reader, to, inverse=self.inverse)
                yield pipeline.Part(reader, measuring, watch=self.watch, late=late, doubt=doubt)

        return parts()

    def check_passing(self, to: str, reader: Reader) -> None:
        """Raises BadDataError for a column that the output has no place for, before anything is learned of it."""
        from normcli import pipeline

        plan = self.formed(to, reader)
        blank = pipeline.passing_frame(plan, reader, only=self.values["only"])
        pipeline.check_writable(to, reader, blank, plan.lists)

    def below(self, files: Files, pairs: Pairs) -> Iterator[Part]:
        """Each input into a file of its own, of which `files` is told when it is complete; with a watch of its own,
        unless what is measured runs on in batches from input to input."""
        from normcli import formats, pipeline, registry
        from normcli.spool import origin_of

        together = self.watch is not None and self.watch.measuring.unfitted_multiple > 1
        for each, reader in pairs:
            path, own = files.paths[each], None if together else self.watch and self.watch.blank()
            watch = own or self.watch
            to = formats.of_output(self.values["to"], path, registry.name_of(origin_of(reader)))
            blank, digests = self._like(to, replace(each, keys=()), reader)
            work = replace(self._work(to, reader, blank, digests), measuring=_measuring(watch, reader))
            opening, done = partial(open_below, path, self.values["spool_dir"]), partial(files.complete, each, own)
            doubt, late = pipeline.doubt(self.plan, reader, to, inverse=self.inverse), partial(self._late, watch)
            begin = partial(files.reach, each)
            yield pipeline.Part(
                reader, work, output=opening, begin=begin, done=done, watch=watch, late=late, doubt=doubt
            )

    def manifest(self) -> Manifest | None:
        """That of the output directory, for the plan and the options that what is written depends on; a directory of
        an object store has none."""
        from normcli import stores
        from normcli.manifest import Manifest

        if stores.is_uri(self.values["output"]):
            return None
        decides = {k: v for k, v in self.values.items() if k not in INDIFFERENT}
        told = json.dumps(decides | {"version": __version__, "plan": self.plan.digest}, sort_keys=True, default=str)
        made = hashlib.sha256(told.encode()).hexdigest()
        return Manifest(self.values["output"], made, contents=self.values.get("resume") == "digest")

    def formed(self, to: str, reader: Reader) -> Plan:
        """The plan, with the form that what comes of an input is to have."""
        from normcli import formats

        beside = self.values["column_suffix"] and not self.inverse and not self.values["only"]
        text = formats.is_text(to)
        return replace(self.plan, form=replace(self._form, text=text, texts=bool(beside) and copies(to, reader)))

    @property
    def _form(self) -> Form:
        from normcli.plan import Form

        return Form(self.values["dtype"], self.values["column_suffix"] or "")

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the columns that must be there."""
        return replace(self.plan, form=self._form).needs(inverse=self.inverse)

    def _like(self, to: str, each: Input, reader: Reader) -> tuple[Frame, tuple[str, ...]]:
        """What an input's output will be like, as a frame of no rows, and the digests it will carry. Raises
        BadDataError where the input does not go with the plan."""
        from normcli import columns, pipeline
        from normcli.spool import origin_of

        extra, again = not self.values.get("no_extra"), bool(self.values.get("again"))
        plan = self.formed(to, reader)
        pipeline.check_columns(plan, reader, inverse=self.inverse, extra=extra)
        digests = pipeline.digests_after(plan, reader, inverse=self.inverse, again=again)
        blank = pipeline.output_frame(plan, reader, inverse=self.inverse, only=self.values["only"])
        pipeline.check_writable(to, origin_of(reader), blank, plan.gives(inverse=self.inverse))
        return columns.with_texts(blank, each.keys), digests

    def _late(self, watch: Watch | None, column: LateColumn, where: str) -> None:
        """A column that only late rows have. Raises BadDataError where none may be that the fit did not see."""
        from normcli import pipeline

        if self.values.get("no_extra"):
            pipeline.check_late(replace(self.plan, form=self._form), column, where, inverse=self.inverse)
        if watch is not None:
            watch.add_late(column, where)

    def _work(
        self, to: str, reader: Reader, blank: Frame, digests: tuple[str, ...], *, first: Writer | None = None
    ) -> Work:
        """What is done with an input's rows; in an output that begins with others, by the writer of the `first`."""
        from normcli import formats, pipeline
        from normcli.spool import origin_of

        writer = formats.writer(to, origin_of(reader), blank, self.options(formats.bare(to)), digests, first=first)
        plan = self.formed(to, reader)
        return pipeline.written_by(
            writer, blank, plan, infinite=self.values["infinite"], inverse=self.inverse,
            skip=self.values["on_bad_row"] == "skip",
        )  # fmt: skip


def _measuring(watch: Watch | None, reader: Reader) -> Plan | None:
    """By which plan an input is measured for a watch; None where there is no watch, or nothing to measure."""
    if watch is None:
        return None
    measuring, _ = watch.of_input(reader)
    return measuring if measuring.learns else None


def paths_below(values: dict[str, Any], inputs: list[Input]) -> dict[Input, str]:
    """The file of each input in the directory that OUTPUT is. Raises UsageError."""
    from normcli import formats, stores
    from normcli.inputs import renamed, targets
    from normcli.stores import writing

    directory, to = values["output"], values["to"]
    if any(i.path is None for i in inputs):
        raise click.UsageError(f"standard input has no name that a file in {printable(directory)} could have")
    suffix, old = formats.suffix_of(to) if to else None, formats.suffixes()
    made = targets(inputs, directory, lambda relative: renamed(relative, old, suffix))
    check_apart(values, made)
    if stores.is_uri(directory):
        writing.check(next(iter(made), directory), directory)  # whether that can be is better known now
    return dict(zip(inputs, made, strict=True))


def as_input(first: Reader, target: Target) -> str:
    """The format of an output of which nothing else is known: that of the first input, or what a pipe gets for it."""
    from normcli import formats, registry

    name = registry.name_of(first)
    is_file = stat.S_ISREG(os.fstat(target.fd).st_mode)
    return name if is_file else str(getattr(formats.module(name), "on_pipe", name))


def copies(to: str, reader: Reader) -> bool:
    """Whether a format writes text as it stands in an input: one of the same kind, delimited or not."""
    from normcli import formats
    from normcli.spool import origin_of

    theirs, ours = formats.module(formats.bare(to)).Reader, type(origin_of(reader))
    return formats.is_text(to) and (issubclass(theirs, ours) or issubclass(ours, theirs))


def open_below(path: str, spool_dir: str | None) -> Target:
    """A file in a directory that is made where it is not there."""
    from normcli import outputs, stores

    try:
        if not stores.is_uri(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
    except OSError as e:
        raise open_error(CannotCreateError, printable(os.path.dirname(path)), e) from None
    target = outputs.open_target(path, spool_dir=spool_dir)
    target.hashed = hashlib.sha256()
    return target
