"""Reading NDJSON."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Protocol

from msgspec import Struct

from normcli.errors import BadDataError, printable
from normcli.formats._json.chunk import Chunk
from normcli.formats._json.description import JsonDescription
from normcli.formats._json.layout import TYPES, Kind, Layout
from normcli.formats._json.members import SPACE, LineCheck, Number, kind, line_hint, members, shown
from normcli.formats._text import cutting, inferring, reader
from normcli.formats._text.cutting import Rows
from normcli.io.sources import Source


class JsonOptions(Protocol):
    """What options the reader goes by."""

    @property
    def infer_types(self) -> bool: ...


class Sample(Struct, frozen=True):
    """The keys of the first lines, each after the one that it follows where it first comes, with their values that are
    not null and the places of these; and whether there are other lines."""

    values: dict[str, list[tuple[int, Any]]]
    complete: bool


class JsonReader(reader.TextReader):
    """An NDJSON input; its columns are the keys of its first rows."""

    description: JsonDescription

    def __init__(
        self, source: Source, options: JsonOptions, *, block_size: int | None = None, skip: bool = False
    ) -> None:
        super().__init__(source, block_size=block_size, skip=skip)
        sample = self._sample()
        values = {n: [v for _, v in pairs] for n, pairs in sample.values.items()}
        kinds: dict[str, Kind] = {n: kind(v, skip=skip) for n, v in values.items()}
        sizes = {n: next(len(v) for v in values[n] if type(v) is list) for n, k in kinds.items() if k == "list"}
        layout = Layout(tuple(kinds), tuple(kinds.values()), sizes)
        doubts: dict[str, str] = {}
        not_numbers: dict[str, str] = {}
        for name in kinds:
            self._doubt(name, kinds[name], sample.values[name], doubts, not_numbers)
        self.description = JsonDescription(
            layout=layout,
            complete=sample.complete,
            schema=layout.schema,
            first_byte=self._first_byte(),
            doubts=doubts,
            not_numbers=not_numbers,
            inferred={n: _inferred(kinds[n], v) for n, v in values.items()} if options.infer_types else {},
            **self._known(),
        )

    def list_size(self, name: str) -> int:
        size = self.description.layout.sizes[name]
        if not size:
            what = f"{self.source.name}: there is an empty list in column '{printable(name)}'"
            raise BadDataError(what, f"-x {printable(name)} leaves it out")
        return size

    def _cut(self) -> Iterator[Rows]:
        check = partial(cutting.check_length, hint="each line is a row")
        return cutting.cut(self.source, size=self.description.mark, quotes=False, check=check)

    def _chunk(self, rows: Rows) -> Chunk:
        return Chunk(self.description.layout, rows.data)

    def _sample(self) -> Sample:
        """Of the first lines. Raises BadDataError for one that is bad, unless those are skipped."""
        cutting.begin(self.source)
        head = self._head(lambda data: data.lstrip(SPACE).count(b"\n"), 1, SPACE, what="is empty")
        complete = len(head) < reader.SAMPLE[0]
        lines = (head if complete else head[: head.rfind(b"\n") + 1] or head).split(b"\n")
        check, rows = LineCheck(frozenset(), finite=False), 0
        values: dict[str, list[tuple[int, Any]]] = {}
        order: list[str] = []
        for place, line in enumerate(lines):
            what = check.fault(line)
            if what and not self._skip:
                raise BadDataError(f"{self._place(place)}: {what}", line_hint(what, line))
            if what or not line.strip(SPACE):
                continue
            before = None
            row = list(members(line))
            for name, value in row:
                if name not in values:
                    after = next((n for n, _ in row if n in values), None) if before is None else None
                    values[name] = []
                    _insert(order, name, before, after)
                values[name] += [(place, value)] if value is not None else []
                before = name
            rows += 1
            if rows == reader.SAMPLE[1]:
                complete = False
                break
        return Sample({n: values[n] for n in order}, complete)

    def _doubt(
        self, name: str, kind: Kind, values: list[tuple[int, Any]], doubts: dict[str, str], not_numbers: dict[str, str]
    ) -> None:
        """Says what in a column is no number; and whether it may be a mistake that it is left out: it has no value yet,
        or half of them are numbers."""
        other_values = [(p, v) for p, v in values if not isinstance(v, Number)]
        if kind == "empty":
            doubts[name] = self._is_empty(name)
        elif kind not in TYPES:
            (place, value), column = other_values[0], f"column '{printable(name)}'"
            not_numbers[name] = f"{self._place(place)}: {shown(value)} in {column} is not a number"
            if kind == "json" and 2 * len(other_values) <= len(values):
                what = f"{shown(value)} in it is not a number (-x {printable(name)} if that is right)"
                doubts[name] = f"{self._place(place)}: {column} is left out: {what}"


def _insert(order: list[str], name: str, before: str | None, after: str | None) -> None:
    """Inserts a key into the order of all keys: right behind the one `before` it in its row; where there is none, right
    in front of the first known one `after` it; else at the end."""
    if before is not None and before != order[-1]:  # of a hundred thousand, there is no need to look for the last
        order.insert(order.index(before) + 1, name)
    elif before is None and after is not None:
        order.insert(order.index(after), name)
    else:
        order.append(name)


def _inferred(kind: Kind, values: list[Any]) -> inferring.Type:
    """The type of values of a kind: only strings are days or moments, and nothing else."""
    import polars as pl

    if kind not in ("integer", "float", "string"):
        return "bool" if kind == "bool" else "string"
    inferred = inferring.inferred(pl.Series(list(map(str, values)), dtype=pl.String))
    return inferred if (inferred in inferring.TIMES) == (kind == "string") else "string"
