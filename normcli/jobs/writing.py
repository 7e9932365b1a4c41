"""The output of a job: one file or stream, or a directory with a file for each input."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from normcli import __version__, columns, formats, pipeline
from normcli.errors import BadDataError, CannotCreateError, UsageError, open_error, printable, replaced
from normcli.io import inputs, outputs, stores
from normcli.jobs import paths
from normcli.jobs.requests import Writes
from normcli.parameters import Form, FrameTransform

if TYPE_CHECKING:
    from normcli.columns import Frame
    from normcli.drift import DriftMonitor
    from normcli.formats import Description, LateColumn, Reader, Writer
    from normcli.io.checks import Checks
    from normcli.io.inputs import Input
    from normcli.io.manifest import Manifest
    from normcli.io.outputs import Target
    from normcli.io.stores.publishing import Publisher
    from normcli.jobs.resuming import Files
    from normcli.jobs.run import Run
    from normcli.parameters import Parameters
    from normcli.pipeline import Part, Work, Written
    from normcli.pipeline.spool import Spool

Pairs = Iterable[tuple["Input", "Reader"]]


class Outputs(Struct, frozen=True):
    """Outputs: data after a transform. Columns that the fit did not have may be `extra`; data marked as normalized by
    the same parameters may be normalized `repeatedly`; and `options` are those of a format. Inputs may be measured by
    a watch, too."""

    request: Writes
    transform: FrameTransform
    options: Callable[[str], Any]
    extra: bool = True
    repeatedly: bool = False
    watch: DriftMonitor | None = None

    def into(self, target: Target, to: str, first: tuple[Input, Reader], pairs: Pairs) -> Iterator[Part]:
        """All inputs, one after the other, into one target. Raises UsageError for a terminal that can't show it."""
        if formats.is_binary(to) and os.isatty(target.fd):
            what = f"{target.name} is a terminal, and {to} is binary"
            raise UsageError(what, "-o FILE writes a file, --to csv writes text")
        input, description = first[0], self._needing(first[1]).description
        blank, digests = self._blank_and_digests(to, input, description)
        work = self._work(to, description, blank, digests)

        def parts() -> Iterator[Part]:
            for input, reader in ((input, self._needing(reader)) for input, reader in pairs):
                description = reader.description
                input_blank, input_digests = self._blank_and_digests(to, input, description)
                pipeline.check_same(description, blank, input_blank)
                if input_digests != digests:
                    raise BadDataError(f"{description.name}: was not normalized by the same parameters as the first")
                input_work = self._work(
                    to, description, columns.ordered_as(input_blank, blank), digests, first=work.writer
                )
                measuring = replace(input_work, keys=input.keys, measuring=_measuring(self.watch, reader))
                late = partial(self._on_late_column, self.watch)
                doubt = pipeline.doubt(self.transform, description, to)
                yield pipeline.Part(reader, measuring, watch=self.watch, late=late, doubt=doubt)

        return parts()

    def in_memory(self, input: Input, reader: Reader) -> tuple[tuple[str, ...], Part, Any]:
        """Tables in memory: the columns of what becomes of them, in order; the part that makes the normalized ones; and
        the Arrow schema of these. Raises BadDataError where the columns do not go with the transform."""
        reader = self._needing(reader)
        description = reader.description
        digests = self._digests(self.transform, description)
        output = pipeline.output_frame(self.transform, description, only=self.request.only)
        names, gives = output.names, set(self.transform.gives())
        blank = output.select([n for n in names if n in gives])
        work = self._work(description.format, description, blank, digests)
        watch = self.watch
        work = replace(work, measuring=_measuring(watch, reader))
        needed = (
            *self.transform.needs(),
            *self.transform.parameters.by,
            *(work.measuring.numbers() if work.measuring else ()),
        )
        part = pipeline.Part(
            reader, work, needed, watch=watch, late=partial(self._on_late_column, watch),
            doubt=pipeline.doubt(self.transform, description, description.format),
        )  # fmt: skip
        assert work.writer is not None
        return names, part, work.writer.schema  # type: ignore[attr-defined]

    def check_passing(self, to: str, description: Description) -> None:
        """Raises BadDataError for a column that the output has no place for, before anything is learned of it."""
        transform = self.transform_for(to, description)
        blank = pipeline.passing_frame(transform, description, only=self.request.only)
        pipeline.check_writable(to, description, blank, transform.lists)

    def below(self, files: Files, pairs: Pairs) -> Iterator[Part]:
        """Each input into its own file, which is reported to `files` when it is complete; with its own watch, unless
        batches run on from input to input."""
        together = self.watch is not None and self.watch.measuring.unfitted_multiple > 1
        for input, reader in pairs:
            path, watch = files.paths[input], None if together else self.watch and self.watch.blank()
            part = replace(self, watch=watch or self.watch).part(input, path, reader)
            complete, begin = partial(files.complete, input, watch), partial(files.reach, input)
            yield replace(part, begin=begin, complete=complete)

    def part(self, input: Input, path: str, reader: Reader) -> Part:
        """An input into its own file."""
        reader = self._needing(reader)
        description = reader.description
        to = formats.of_output(self.request.to, path, description.format)
        blank, digests = self._blank_and_digests(to, replace(input, keys=()), description)
        work = replace(self._work(to, description, blank, digests), measuring=_measuring(self.watch, reader))
        opening = partial(open_below, path, self.request.spool_dir)
        doubt = pipeline.doubt(self.transform, description, to)
        late = partial(self._on_late_column, self.watch)
        return pipeline.Part(reader, work, output=opening, watch=self.watch, late=late, doubt=doubt)

    def manifest(
        self, *, contents: bool = False, checks: Checks | None = None, resumes: bool = False
    ) -> Manifest:  # fmt: skip
        """That of the output directory, for the parameters and the options that a finished file depends on. Inputs may
        be told apart by their `contents`; `checks` look at files elsewhere. Raises NoInputError where a run that
        `resumes` can't read that of a store."""
        import hashlib
        import json

        from normcli.io.checks import Checks
        from normcli.io.manifest import Manifest

        assert self.request.output is not None
        shape = self.request.shape() | {"version": __version__, "plan": self.transform.parameters.digest}
        fingerprint = hashlib.sha256(json.dumps(shape, sort_keys=True, default=str).encode()).hexdigest()
        return Manifest(self.request.output, fingerprint, contents, checks or Checks(), resumes)

    def transform_for(self, to: str, description: Description) -> FrameTransform:
        """The transform, with the form of the output of an input. Raises UsageError for digits of binary numbers."""
        form = self.transform.form
        if form.digits is not None and formats.is_binary(to) and not formats.is_text(to):
            raise UsageError(f"--precision is for text, and what is written here is {to}", "--dtype float32 is smaller")
        beside = bool(form.suffix) and not self.transform.inverse and not self.request.only
        texts = beside and formats.spell_alike(to, description.format)
        form = replace(form, text=formats.is_text(to), texts=texts)
        return replace(self.transform, form=form)

    def _needing(self, reader: Reader) -> Reader:
        """An input of which the columns of the transform are needed."""
        needs, by = self.transform.needs(), self.transform.parameters.by
        return reader.described_as(pipeline.needing(reader.description, needs, by))

    def _blank_and_digests(self, to: str, input: Input, description: Description) -> tuple[Frame, tuple[str, ...]]:
        """A frame of no rows as an input's output will have them, and the digests it will carry. Raises
        BadDataError where the input does not go with the transform."""
        transform = self.transform_for(to, description)
        digests = self._digests(transform, description)
        blank = pipeline.output_frame(transform, description, only=self.request.only)
        pipeline.check_writable(to, description, blank, transform.gives())
        return columns.with_texts(blank, input.keys), digests

    def _digests(self, transform: FrameTransform, description: Description) -> tuple[str, ...]:
        """Those that an output will carry. Raises BadDataError where the input does not go with the transform."""
        pipeline.check_columns(transform, description, extra=self.extra)
        return pipeline.digests_after(transform, description, repeatedly=self.repeatedly)

    def _on_late_column(self, watch: DriftMonitor | None, column: LateColumn, where: str) -> None:
        """A column that only late rows have. Raises BadDataError where columns unknown to the fit are refused."""
        if not self.extra:
            pipeline.check_late(self.transform, column, where)
        if watch is not None:
            watch.add_late(column, where)

    def _work(
        self, to: str, description: Description, blank: Frame, digests: tuple[str, ...], *, first: Writer | None = None
    ) -> Work:
        """The work on an input's rows; in an output shared with earlier inputs, with the writer of the `first`."""
        writer = formats.writer(to, description, blank, self.options(formats.bare(to)), digests, first=first)
        transform, request = self.transform_for(to, description), self.request
        return pipeline.written_by(writer, blank, transform, infinite=request.infinite, skip=request.skips)


def _measuring(watch: DriftMonitor | None, reader: Reader) -> Parameters | None:
    """The parameters by which an input is measured for a watch; None where there is no watch, or nothing to measure."""
    if watch is None:
        return None
    measuring, _ = watch.of_input(reader)
    return measuring if measuring.learns else None


def transform_of(
    request: Writes, parameters: Parameters, constants: Sequence[str] = (), *, inverse: bool = False
) -> FrameTransform:
    """The transform of a request, for any output format; the `constants` are left out, but for originals."""
    limits = (request.limit[0] + 0.0, request.limit[1] + 0.0) if request.limit else None  # never −0
    fill = None if request.fill is None else request.fill + 0.0
    form = Form(request.dtype, request.column_suffix or "", limits=limits, fill=fill, digits=request.precision)
    return FrameTransform(parameters, form, inverse, frozenset(() if form.suffix else constants))


def check_output(run: Run[Any, Any], request: Writes) -> None:
    """Raises UsageError for an output file whose suffix is that of a format that is not written; warns of one that is
    not that of what will be written."""
    output = request.output
    if output in (None, "-") or paths.is_directory(output):
        return
    try:
        formats.check_output(request.to, output)
    except UsageError as e:
        raise UsageError(f"-o {e.message}", "--to FORMAT says what a file of another name is to hold") from None
    if claim := formats.contradicted(request.to, output):
        run.warning(f"-o {printable(str(output))}: --to {request.to} is written, though the suffix says {claim}")


def paths_below(run: Run[Any, Any], request: Writes, input_list: list[Input]) -> dict[Input, str]:
    """The file of each input in the directory that the output is. Raises UsageError."""
    directory = request.output
    assert directory is not None
    if nameless := next((i for i in input_list if i.path is None), None):
        what = "standard input has" if nameless.is_standard else "data in memory have"
        raise UsageError(f"{what} no name that a file in {printable(directory)} could have")
    suffix, old = formats.suffix_of(request.to) if request.to else None, formats.suffixes()
    targets = inputs.targets(input_list, directory, lambda relative: inputs.renamed(relative, old, suffix))
    paths.check_targets(request, run.result, targets)
    if stores.is_uri(directory):
        from normcli.io.stores import writing as far

        far.check(next(iter(targets), directory), directory)  # whether that can be is better known now
    return dict(zip(input_list, targets, strict=True))


def as_input(first: Reader, target: Target) -> str:
    """The format of an output of which nothing else is known: that of the first input, or what a pipe gets for it."""
    name = first.description.format
    is_file = stat.S_ISREG(os.fstat(target.fd).st_mode)
    return name if is_file else formats.signature(name).on_pipe or name


def open_below(path: str, spool_dir: str | None) -> Target:
    """A file in a directory that is made where it is not there."""
    import hashlib

    try:
        if not stores.is_uri(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
    except OSError as e:
        raise open_error(CannotCreateError, printable(os.path.dirname(path)), e) from None
    target = outputs.open_target(path, spool_dir=spool_dir)
    target.hashed = hashlib.sha256()
    return target


def spool_for(request: Writes, input_list: list[Input], first: Reader, to: str | None) -> Spool:
    """A spool for data until all rows are read. Raises OutputError where there is no room."""
    import tempfile

    from normcli.pipeline.spool import Spool

    output = str(request.output)
    beside = output if paths.is_directory(output) else os.path.dirname(os.path.realpath(output))
    directory = beside if output != "-" and os.path.isdir(beside) else tempfile.gettempdir()
    expected = None
    if first.description.unit == "B" and all(i.path is not None and os.path.isfile(i.path) for i in input_list):
        expected = sum(os.path.getsize(str(i.path)) for i in input_list)  # numbers take about as much as their text
    binary = to is not None and not formats.is_text(to)
    texts = bool(request.column_suffix) and not request.only and not binary
    where = request.spool_dir or os.environ.get("TMPDIR") or directory
    return Spool(where, expected, texts=texts, delimiter=_copied(request, first.description, to))


def _copied(request: Writes, description: Description, to: str | None) -> str | None:
    """The delimiter of text that comes out as it stands but for its numbers, of a fit; None where none may."""
    same = to is None or formats.bare(to) == description.format
    if not same or request.column_suffix or request.dtype == "float32" or description.keys or description.inferred:
        return None
    return description.delimiter


def put_in_place(run: Run[Any, Any], written: Generator[Written], files: Files, *before: Target | None) -> int:
    """Ends each input's own output, one of `files`, and puts it in place, the targets `before` with the first; how many
    files were replaced. Raises BadDataError where a warning forbids it, CannotCreateError, OutputError."""
    from normcli.io.stores.publishing import Publisher

    with closing(written), Publisher(run.changes) as publisher:
        for output in written:
            assert output.part is not None
            assert output.target is not None
            with ExitStack() as stack:
                stack.enter_context(output.target)
                _check_warnings(run, output.part, publisher)
                output.sink.close()
                files.settle(output.target)
                complete = output.part.complete(output.target)
                stack.pop_all()
            publisher.put(output.target, complete, *before)
            before = ()
    files.finish()
    return publisher.count


def _check_warnings(run: Run[Any, Any], part: Part, publisher: Publisher) -> None:
    """Before an output is put in place. Raises BadDataError where a warning forbids it."""
    if run.warnings_are_errors:
        publisher.wait()
        count, name = publisher.count, part.reader.description.name
        run.check_warnings(replaced(count) + (f", that of {name} was not" if count else ""))
