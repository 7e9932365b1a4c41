"""The inputs of a command: which they are, and opening them one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import click

from normcli import registry
from normcli.cli._apart import check_apart
from normcli.cli._command import PLACE
from normcli.cli._needs import DATA, argument, need, option
from normcli.cli._outputs import is_directory
from normcli.cli._report import current
from normcli.errors import EmptyInputError, UsageError, printable

if TYPE_CHECKING:
    from normcli.cli._console import Console
    from normcli.formats import Reader
    from normcli.inputs import Found, Input

F = TypeVar("F", bound=Callable[..., Any])


def many(function: F) -> F:
    """The parameters that say what is read."""
    for parameter in (
        argument("input", nargs=-1, type=PLACE, needs=(DATA,)),
        option(
            "-0",
            "--null",
            is_flag=True,
            needs=(need("files_from", "for --files-from"),),
            help="Names in --files-from end with NUL, not with a line.",
        ),
        option(
            "--files-from",
            metavar="FILE",
            type=PLACE,
            needs=(DATA,),
            help="Read the names of INPUTs from a file, or -.",
        ),
    ):
        function = parameter(function)
    return function


def find(values: dict[str, Any], told: Console) -> list[Input]:
    """The inputs that a command line means. Raises UsageError, NoInputError."""
    from normcli import formats, inputs, sources

    names = list(values["input"])
    if values["files_from"]:
        listed = inputs.listed_in(sources.open_source(values["files_from"]).rest(), zero=values["null"])
        if not listed and not names:
            raise click.UsageError(f"--files-from {values['files_from']}: names no file")
        names += listed

    def known(path: str) -> bool:
        return bool(values["from_"] or formats.by_suffix(path))

    found = inputs.find(names, known)
    tell_left(found, told)
    if values["files_from"] == "-" and any(i.path is None for i in found.inputs):
        raise click.UsageError("both --files-from and INPUT are standard input")
    current.facts |= {"inputs": [i.path or "-" for i in found.inputs]}
    check_apart(values, (i.path for i in found.inputs if i.path is not None))
    output = values.get("output")
    if output not in (None, "-") and inputs.would_read(found.inputs, str(output), known):
        raise click.UsageError(f"-o {output} lies in a directory that is read: the next run would take it for an INPUT")
    return found.inputs


def tell_left(found: Found, told: Console) -> None:
    """What is no input, though it was found."""
    for path, why in found.left:
        told.detail(f"left out {path}: {why}")
    if found.left:
        some = ", ".join(f"{path} ({why})" for path, why in found.left[:3])
        told.summary(f"{len(found.left)} left out: {some}{' …' if len(found.left) > 3 else ''}")


def check_params(values: dict[str, Any], inputs: list[Input]) -> None:
    """Raises UsageError where the parameter file that is read is an INPUT, too, or both are standard input."""
    from normcli.inputs import below

    asked = [any(i.path is None for i in inputs), values["params"] == "-", values["files_from"] == "-"]
    if sum(asked) > 1:
        which = [n for n, a in zip(("INPUT", "-p", "--files-from"), asked, strict=True) if a]
        raise click.UsageError(f"both {' and '.join(which)} are standard input", click.get_current_context())
    if values["params"] != "-" and below(inputs, values["params"]):
        raise click.UsageError(f"-p {values['params']} is the INPUT")


def check_repeatable(inputs: list[Input], flag: str) -> None:
    """Raises UsageError for an input that can be read only once."""
    for each in inputs:
        if each.path is None or (os.path.exists(each.path) and not os.path.isfile(each.path)):
            raise click.UsageError(
                f"{flag} reads the data more than once, and {each.name} can be read only once: put it in a file first"
            )


class Readers:
    """Readers of the inputs, each opened when its turn comes; `first` at once, for it says which columns there are. It
    is the first input with a value in its first rows, or else the first of all. One that is empty, and was not named
    itself, is left out: it goes from `inputs` to `empty`."""

    def __init__(
        self,
        inputs: list[Input],
        values: dict[str, Any],
        *,
        to: str | None = None,
        writes: bool = True,
        dialect: Iterable[tuple[str, Any]] = (),
        example: str,
        notice: Callable[[str], None],
    ) -> None:
        """`to` is the format of what is written, where that is told and not what the inputs are; text is read in the
        `dialect` of a parameter file, unless the command line says another; `notice` says what should be known of the
        first."""
        from normcli import formats
        from normcli.cli._format_options import FormatOptions

        self.inputs, self._values, self._example = list(inputs), values, example
        self.empty: list[Input] = []
        current.facts |= {"inputs": self._named(current.facts.get("inputs", [])), "inputs_empty": self._left}
        read = {values["from_"]} if values["from_"] else {f for i in inputs if (f := formats.by_suffix(i.path))}
        same = read if read and is_directory(values["output"]) else None
        written = ({to} if to else same) if writes else set()
        self.options = FormatOptions(
            values, {formats.bare(f) for f in read}, written and {formats.bare(f) for f in written}, dialect
        )
        self._waiting = iter(inputs)
        self._identities: dict[Input, tuple[object, ...]] = {}  # of inputs when they were opened first
        self.opened: list[tuple[Input, Reader]] = []
        if not self._open_next():
            where = ", ".join(dict.fromkeys(str(i.top or i.path) for i in self.empty))
            raise EmptyInputError(
                f"{printable(where)}: every file in it is empty", "did the command that made them fail?"
            )
        while all(f.type == "null" for f in self.opened[-1][1].schema) and self._open_next():
            continue
        telling = self.opened[-1] if any(f.type != "null" for f in self.opened[-1][1].schema) else self.opened[0]
        self.first_input, self.first = telling
        for text in self.first.notices:
            notice(text)

    def __iter__(self) -> Iterator[tuple[Input, Reader]]:
        """Once only."""
        return map(self._alike, chain(self.opened, filter(None, map(self._open_any, self._waiting))))

    def _alike(self, pair: tuple[Input, Reader]) -> tuple[Input, Reader]:
        """Into one output all inputs go with the types of the first."""
        if not is_directory(self._values["output"]):
            pair[1].inferred |= {n: t for n, t in self.first.inferred.items() if n in pair[1].inferred}
        return pair

    def _named(self, paths: list[str]) -> Callable[[], list[str]]:
        """Paths of inputs, for the report, once it is known which of them are empty."""

        def read() -> list[str]:
            empty = set(self._left())
            return [path for path in paths if path not in empty]

        return read

    def _left(self) -> list[str]:
        return [str(i.path) for i in self.empty]

    def again(self) -> Iterator[Reader]:
        """All inputs once more, after they were read. Raises BadDataError for one that was changed meanwhile."""
        from normcli.sources import check_unchanged

        for each in self.inputs:
            check_unchanged(str(each.path), self._identities[each])
            yield self._open(each)[1]
            check_unchanged(str(each.path), self._identities[each])

    def _open_next(self) -> bool:
        pair = next(filter(None, map(self._open_any, self._waiting)), None)
        if pair is not None:
            self.opened.append(pair)
        return pair is not None

    def _open_any(self, each: Input) -> tuple[Input, Reader] | None:
        """None for an input that is left out. Raises EmptyInputError for one that was named."""
        try:
            return self._open(each)
        except EmptyInputError:
            if not each.implicit:
                raise
            self.inputs.remove(each)
            self.empty.append(each)
            return None

    def _open(self, each: Input) -> tuple[Input, Reader]:
        from normcli import formats, memory, sources

        source = sources.open_source(each.path, example=self._example)
        source.keys, source.room = each.keys, memory.of_input(self._values["max_memory"])
        self._identities.setdefault(each, source.identity)
        format = formats.of_source(source, self._values["from_"])
        module = registry.load("formats", format)
        skip = {"skip": True} if self._values["on_bad_row"] == "skip" else {}
        if skip and module.magic:
            raise UsageError(f"--on-bad-row skip is for text, and {source.name} is {format}")
        made: Reader = module.Reader(source, self.options.reading(format) or module.Options(), **skip)
        return each, made
