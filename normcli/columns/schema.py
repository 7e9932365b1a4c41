"""Schemas: columns by name and type, and their selection."""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from msgspec import Struct

from normcli import suggestions
from normcli.errors import BadDataError, NotNumericError, printable, short

if TYPE_CHECKING:
    import pyarrow as pa

NUMBER = re.compile(r"u?int(8|16|32|64)|float(16|32|64)|decimal(32|64|128|256)\(\d+, -?\d+\)")
VECTOR = r"(list|large_list|fixed_size_list)<(float16|float32|float64)>(?:\[(\d+)\])?"
GLOB = re.compile(r"[*?\[]")
_TEXT = r"(?:large_)?(string|binary)(?:_view)?"
_TEMPORAL = r"(date|time|timestamp|duration)(?:32|64)?\[.*?(, tz=.*)?\]"
_LIST = r"(?:large_|fixed_size_)?list(?:_view)?<(?:(?:item|element): )?(.*?)(?: not null)?>(?:\[\d+\])?"
_DICTIONARY = r"dictionary<values=(.*), indices=.*>"
OPAQUE = b"normcli:opaque"  # in the metadata of a field: the type, in its library, of a column that Arrow can't hold
_ARROW_NAMES = {"double": "float64", "float": "float32", "halffloat": "float16"}


class Field(Struct, frozen=True):
    """A column: its name and its Arrow type, with floats named by their width. A column without a value has type null;
    for a text file, by its sample."""

    name: str
    type: str

    @property
    def is_number(self) -> bool:
        """Whether its type is numeric."""
        return NUMBER.fullmatch(self.type) is not None

    @property
    def may_be_number(self) -> bool:
        """Whether its type is numeric, or unknown because it has no value."""
        return self.is_number or self.type == "null"

    @property
    def is_opaque(self) -> bool:
        """Whether Arrow has no type for its values, which only the library of its table can pass on."""
        return self.type.startswith("opaque<")

    @property
    def list_of(self) -> str | None:
        """The float type of the elements of a column of lists, which may be a feature matrix; None for other types."""
        match = re.fullmatch(VECTOR, self.type)
        return match[2] if match else None

    @property
    def list_size(self) -> int | None:
        """The length of its lists, if it is part of the type."""
        match = re.fullmatch(VECTOR, self.type)
        return int(match[3]) if match and match[3] else None


Schema = tuple[Field, ...]


def arrow_fields(schema: pa.Schema) -> Schema:
    """Converts an Arrow schema. A dictionary of numbers is numeric; an unregistered extension type is not, whatever its
    storage."""
    return tuple(Field(f.name, arrow_name(f)) for f in schema)


def arrow_name(field: pa.Field) -> str:
    """The name of a field's type (`Field.type`)."""
    import pyarrow as pa

    metadata = field.metadata or {}
    if OPAQUE in metadata:
        return f"opaque<{metadata[OPAQUE].decode()}>"
    extension = metadata.get(b"ARROW:extension:name")
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


def general_name(kind: str) -> str:
    """The name of a type that all formats share: without the layout of text and lists, and the unit of times."""
    if match := re.fullmatch(_TEXT, kind):
        return match[1]
    if match := re.fullmatch(_TEMPORAL, kind):
        return f"{match[1]} with zone" if match[2] else match[1]
    if match := re.fullmatch(_LIST, kind):
        return f"list<{general_name(match[1])}>"
    if match := re.fullmatch(_DICTIONARY, kind):
        return f"dictionary<{general_name(match[1])}>"
    return _ARROW_NAMES.get(kind, kind)


def select(
    schema: Schema,
    include: Sequence[str],
    exclude: Sequence[str],
    *,
    unseen: bool = False,
    indexes: Collection[str] = (),
) -> tuple[str, ...]:
    """The names of the selected columns, in the order of the input; with `unseen`, also those of an input without any
    value. A column of lists is selected only by its full name, one of the `indexes` only by a selector. Raises
    BadDataError if a selector matches nothing or no column is selected, NotNumericError."""
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
    """The names that one -c or -x selects; with `numbers`, a glob matches only numeric columns, and a name must be one.
    Raises BadDataError, NotNumericError."""
    types = {f.name: f for f in schema}
    names: set[str] = set()
    for part in parts(selector, types):
        if part in types:
            hits = {part}
        else:
            hits = {n for n, f in types.items() if fnmatchcase(n, part) and (f.is_number or not numbers)}
        if not hits:
            candidates = [n for n, f in types.items() if f.may_be_number or f.list_of or not numbers]
            fits = "matches" if GLOB.search(part) else "is called"
            what = f"no {'numeric ' if numbers else ''}column {fits} '{printable(part)}'"
            raise BadDataError(what, suggestions.hint(part, candidates) if len(types) > 1 else "")
        for name in hits:
            field = types[name]
            if numbers and not field.may_be_number and not field.list_of:
                raise NotNumericError(name, types[name].type)
        names |= hits
    return names


def parts(selector: str, names: Container[str]) -> list[str]:
    """The names and globs of a selector: the selector itself if a column has that name, else its parts between
    commas."""
    return [selector] if selector in names else selector.split(",")


def names_in(selector: str, names: Container[str]) -> list[str]:
    """The names in a selector, without its globs; `names` are those of known columns."""
    return [part for part in parts(selector, names) if part in names or not GLOB.search(part)]


def matched(schema: Schema, selectors: Sequence[str]) -> set[str]:
    """The names that any of the selectors matches, of any type. Raises BadDataError if one matches nothing."""
    return set().union(*(_matching(schema, s, numbers=False) for s in selectors))


def any_matched(names: Collection[str], selectors: Sequence[str]) -> set[str]:
    """The names that any of the selectors matches; a selector may match none."""
    alternatives = {part for selector in selectors for part in parts(selector, names)}
    globs = [part for part in alternatives if part not in names]
    return alternatives.intersection(names).union(*([n for n in names if fnmatchcase(n, glob)] for glob in globs))


def described(schema: Schema) -> str:
    """The names and types of a schema, for a message."""
    more = f" and {len(schema) - 20} more" if len(schema) > 20 else ""
    return ", ".join(f"{short(f.name)} ({f.type})" for f in schema[:20]) + more
