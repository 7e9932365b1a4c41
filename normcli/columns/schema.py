"""Columns by name and type: what a schema says, and which of them are chosen."""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from normcli import suggestions
from normcli.errors import BadDataError, NotNumericError, printable, short

if TYPE_CHECKING:
    import pyarrow as pa

NUMBER = re.compile(r"u?int(8|16|32|64)|float(16|32|64)|decimal(32|64|128|256)\(\d+, -?\d+\)")
VECTOR = re.compile(r"(list|large_list|fixed_size_list)<(float16|float32|float64)>(?:\[(\d+)\])?")
GLOB = re.compile(r"[*?\[]")
_ARROW_NAMES = {"double": "float64", "float": "float32", "halffloat": "float16"}


@dataclass(frozen=True)
class Field:
    """A column: its name, and its type as Arrow calls it, with the floats by their width. A column without a value is
    of type null, going by the sample where that is of a text file."""

    name: str
    type: str

    @property
    def is_number(self) -> bool:
        return NUMBER.fullmatch(self.type) is not None

    @property
    def may_be_number(self) -> bool:
        """Whether nothing in it is known to be none."""
        return self.is_number or self.type == "null"

    @property
    def list_of(self) -> str | None:
        """The type of the floats in a column of lists of them, which may be a feature matrix by itself."""
        found = VECTOR.fullmatch(self.type)
        return found[2] if found else None

    @property
    def list_size(self) -> int | None:
        """How long all its lists are, where the type says so."""
        found = VECTOR.fullmatch(self.type)
        return int(found[3]) if found and found[3] else None


Schema = tuple[Field, ...]


def arrow_fields(schema: pa.Schema) -> Schema:
    """An Arrow schema as ours. A dictionary of numbers is numbers; an extension that nobody registered is no number,
    whatever it is stored as."""
    return tuple(Field(f.name, arrow_name(f)) for f in schema)


def arrow_name(field: pa.Field) -> str:
    import pyarrow as pa

    extension = (field.metadata or {}).get(b"ARROW:extension:name")
    if extension is not None and not isinstance(field.type, pa.BaseExtensionType):
        return f"extension<{extension.decode('utf-8', 'replace')}>"
    inner = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    named = _ARROW_NAMES.get(str(inner), str(inner))
    if isinstance(inner, pa.ListType | pa.LargeListType | pa.FixedSizeListType) and pa.types.is_floating(
        inner.value_type
    ):
        kind, size = named.partition("<")[0], named.rpartition(">")[2]
        return f"{kind}<{_ARROW_NAMES[str(inner.value_type)]}>{size}"
    return named if inner is field.type or Field("", named).is_number else str(field.type)


def select(
    schema: Schema,
    include: Sequence[str],
    exclude: Sequence[str],
    *,
    unseen: bool = False,
    indexes: Collection[str] = (),
) -> tuple[str, ...]:
    """The chosen columns' names, in the input's order; with `unseen`, those of an input without any value, too.
    Raises BadDataError where a selector finds nothing. A column of lists is chosen by its name alone, and one of the
    `indexes` by a selector alone."""
    chosen = {f.name for f in schema if f.is_number and f.name not in indexes}
    if unseen and all(f.type == "null" for f in schema):
        chosen = {f.name for f in schema}
    if include:
        chosen = set().union(*(_matching(schema, s, numbers=True) for s in include))
    chosen -= matched(schema, exclude)
    names = tuple(f.name for f in schema if f.name in chosen)
    if not names and schema and all(f.type == "null" for f in schema):
        what = f"there is no value in the first rows, or no row at all; the columns are {described(schema)}"
        raise BadDataError(what, "did the command that made it fail?")
    if not names:
        hint = "-c takes an index of pandas" if indexes else ""
        raise BadDataError(f"no numeric column is selected; the columns are {described(schema)}", hint)
    return names


def _matching(schema: Schema, selector: str, *, numbers: bool) -> set[str]:
    """Names that one -c or -x selects; with `numbers`, a glob takes only numeric columns and a name must be one."""
    types = {f.name: f for f in schema}
    found: set[str] = set()
    for part in parts(selector, types):
        if part in types:
            hits = {part}
        else:
            hits = {n for n, f in types.items() if fnmatchcase(n, part) and (f.is_number or not numbers)}
        if not hits:
            there = [n for n, f in types.items() if f.may_be_number or f.list_of or not numbers]
            what = f"no {'numeric ' if numbers else ''}column is called '{printable(part)}'"
            raise BadDataError(what, suggestions.hint(part, there) if len(types) > 1 else "")
        for name in hits:
            field = types[name]
            if numbers and not field.may_be_number and not field.list_of:
                raise NotNumericError(name, types[name].type)
        found |= hits
    return found


def parts(selector: str, there: Container[str]) -> list[str]:
    """The names and globs in a selector: itself, where a column is called so, else what stands between commas."""
    return [selector] if selector in there else selector.split(",")


def names_in(selector: str, there: Container[str]) -> list[str]:
    """The names in a selector of columns some of which are `there`, without its globs."""
    return [part for part in parts(selector, there) if part in there or not GLOB.search(part)]


def matched(schema: Schema, selectors: Sequence[str]) -> set[str]:
    """Names that any of the selectors matches, whatever is in the columns. Raises BadDataError where one does not."""
    return set().union(*(_matching(schema, s, numbers=False) for s in selectors))


def described(schema: Schema) -> str:
    """Names and types, for a message."""
    more = f" and {len(schema) - 20} more" if len(schema) > 20 else ""
    return ", ".join(f"{short(f.name)} ({f.type})" for f in schema[:20]) + more
