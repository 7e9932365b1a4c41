"""The inputs of a job: which they are, and opening them one after the other, with the options of their formats."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from normcli import formats
from normcli.errors import EmptyInputError, UsageError, printable
from normcli.io import inputs, sources
from normcli.io.inputs import Input
from normcli.jobs import paths
from normcli.jobs.format_options import FormatOptions
from normcli.jobs.requests import Reads
from normcli.pipeline import memory

NAME, MEMORY = "<memory>", "arrows"  # what data in memory are called, and the format that they are most like

if TYPE_CHECKING:
    from normcli.formats import Description, Reader
    from normcli.formats._memory.reader import Tables
    from normcli.io.inputs import Listing
    from normcli.io.sources import Source
    from normcli.jobs.run import Run


def find(run: Run[Any, Any], request: Reads) -> list[Input]:
    """The inputs that a request means. Raises UsageError, NoInputError."""
    if request.tables is not None:
        return [in_memory(run, request, request.tables)]
    names = list(request.input)
    if request.files_from is not None:
        listed = inputs.listed_in(run.source(request.files_from).rest(), zero=request.null)
        if not listed and not names:
            raise UsageError(f"--files-from {request.files_from}: names no file")
        names += listed

    def known(path: str) -> bool:
        return bool(request.from_ or formats.by_suffix(path))

    search = inputs.find(names, known)
    report_left_out(run, search)
    run.result.inputs = [i.path or "-" for i in search.inputs]
    paths.check_inputs(request, run.result, search.inputs)
    output = getattr(request, "output", None)
    if output not in (None, "-") and inputs.would_read(search.inputs, output, known):
        raise UsageError(f"-o {output} lies in a directory that is read: the next run would take it for an INPUT")
    return search.inputs


def in_memory(run: Run[Any, Any], request: Reads, data: Tables) -> Input:
    """Data in memory, as an input. Raises UsageError for what is for bytes alone."""
    if request.from_ is not None:
        raise UsageError("--from is for files: data in memory have no format")
    run.result.inputs = [NAME]
    return Input(None, NAME, tables=data)


def report_left_out(run: Run[Any, Any], search: Listing) -> None:
    """What is no input, though it was found."""
    for path, why in search.left:
        run.detail(f"left out {path}: {why}")
    if search.left:
        reasons = Counter(why for _, why in search.left)
        some = ", ".join(f"{why} ({n:,})" for why, n in reasons.items())
        run.info(f"{len(search.left):,} left out: {some}; -v names them")


def check_repeatable(input_list: list[Input], what: str) -> None:
    """Raises UsageError, of what reads more than once, for an input that can be read only once."""
    for input in input_list:
        if input.tables is not None:
            if not input.tables.repeats:
                what = f"{what} reads the data more than once, and an iterator gives them once"
                raise UsageError(what, "a list of tables does, or an object whose __iter__ begins anew")
        elif input.path is None or (os.path.exists(input.path) and not os.path.isfile(input.path)):
            raise UsageError(
                f"{what} reads the data more than once, and {input.name} can be read only once: put it in a file first",
                "-o OUTPUT, which keeps what was read, does, too",
            )


class Readers:
    """Readers of the inputs, each opened when its turn comes; `first` at once, for it says which columns there are. It
    is the first input with a value in its first rows, or else the first of all. One that is empty, and was not named
    itself, is left out: it goes from `inputs` to `empty`."""

    def __init__(
        self, run: Run[Any, Any], request: Reads, input_list: list[Input], *, to: str | None = None, example: str,
        directory: bool = False, writes: bool = True, dialect: Iterable[tuple[str, Any]] = (),
    ) -> None:  # fmt: skip
        """`to` is the format of the output, None for that of each input; with a `directory`, each has its own output.
        Text is read in the `dialect` of a parameter file, unless the request gives another one. `example` is a command
        with a file, for hints where data would have to be typed."""
        self.inputs, self._request, self._example, self._directory = list(input_list), request, example, directory
        self._run = run
        self._alone = len(input_list) == 1
        self.empty: list[Input] = []
        run.result.empty = self.empty
        read = {request.from_} if request.from_ else {f for i in input_list if (f := formats.by_suffix(i.path))}
        same = read if read and directory else None
        written = ({to} if to else same) if writes else set()
        bare = written and {formats.bare(f) for f in written}
        self.options = FormatOptions(request.local(), {formats.bare(f) for f in read}, bare, dialect)
        self._waiting = iter(input_list)
        self._identities: dict[Input, tuple[object, ...]] = {}  # of inputs when they were opened first
        self.opened: list[tuple[Input, Reader]] = []
        if not self._open_next():
            where = ", ".join(dict.fromkeys(str(i.top or i.path) for i in self.empty))
            what = f"{printable(where)}: every file in it is empty"
            raise EmptyInputError(what, "did the command that made them fail?")
        while not _has_values(self.opened[-1][1]) and self._open_next():
            continue
        self.first_input, self.first = self.opened[-1] if _has_values(self.opened[-1][1]) else self.opened[0]
        for text in self.first.description.notices:
            run.notice(text)

    def __iter__(self) -> Iterator[tuple[Input, Reader]]:
        """Once only."""
        return map(self._typed_as_first, chain(self.opened, filter(None, map(self._open_any, self._waiting))))

    def _typed_as_first(self, pair: tuple[Input, Reader]) -> tuple[Input, Reader]:
        """Into one output all inputs go with the types of the first."""
        input, reader = pair
        if self._directory:
            return pair
        return input, reader.described_as(reader.description.typed_as(self.first.description))

    def describe_first(self, description: Description) -> None:
        """Replaces the description of the first input."""
        before, self.first = self.first, self.first.described_as(description)
        self.opened = [(input, self.first if reader is before else reader) for input, reader in self.opened]

    def reopened(self) -> Iterator[Reader]:
        """All inputs once more, after they were read. Raises BadDataError for one that was changed meanwhile."""
        for input in self.inputs:
            if input.tables is not None:
                yield self._open(input)[1]
                continue
            sources.check_unchanged(str(input.path), self._identities[input])
            yield self._open(input)[1]
            sources.check_unchanged(str(input.path), self._identities[input])

    def _open_next(self) -> bool:
        pair = next(filter(None, map(self._open_any, self._waiting)), None)
        if pair is not None:
            self.opened.append(pair)
        return pair is not None

    def _open_any(self, input: Input) -> tuple[Input, Reader] | None:
        """None for an input that is left out. Raises EmptyInputError for one that was named."""
        try:
            return self._open(input)
        except EmptyInputError:
            if not input.implicit:
                raise
            self.leave_out(input)
            return None

    def leave_out(self, input: Input) -> None:
        """There is nothing in an input."""
        self.inputs.remove(input)
        self.empty.append(input)

    def _open(self, input: Input) -> tuple[Input, Reader]:
        room = memory.of_input(self._request.max_memory)
        if input.tables is not None:
            return input, self._memory_reader(input.tables, room)
        source = self._run.source(input.path, example=self._example, keys=input.keys, room=room)
        try:
            with self._run.waiting(source):
                return input, self._reader(input, source)
        except BaseException:
            source.close()
            raise

    def _memory_reader(self, data: Tables, room: int) -> Reader:
        request = self._request
        if request.skips:
            raise UsageError("--on-bad-row skip is for text, and the data are in memory")
        self.options.reading(MEMORY)
        keeps = request.command == "apply" and getattr(request, "output", None) is None
        return data.reader(room=room, block_size=request.block_size, keeps=keeps)

    def _reader(self, input: Input, source: Source) -> Reader:
        request = self._request
        self._identities.setdefault(input, source.identity)
        paths.check_source(request, source, alone=self._alone)
        return reader_of(request, self.options, source)


def reader_of(request: Reads, options: FormatOptions, source: Source) -> Reader:
    """A reader for an open input, of its format and with its options. Raises UsageError, BadDataError."""
    format = formats.of_source(source, request.from_)
    record = formats.record(format)
    if request.skips and record.binary:
        raise UsageError(f"--on-bad-row skip is for text, and {source.name} is {format}")
    more: dict[str, Any] = {"skip": True} if request.skips else {}
    if request.block_size is not None:
        more["block_size"] = request.block_size
    return record.open(source, options.reading(format), **more)


def _has_values(reader: Reader) -> bool:
    """Whether there is a value in the first rows."""
    return any(f.type != "null" for f in reader.description.schema)
