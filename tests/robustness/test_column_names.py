"""A column's name is data: whatever text it is, the result is that of the same data with plain names."""

import csv
import io
import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli import formats, registry
from normcli.io.sources import open_source
from tests import inside
from tests.conftest import examples, longer
from tests.formats import files
from tests.formats.files import takes
from tests.tables import table_of

NAMES = [  # that libraries take for their own, for patterns, for paths, or that we might
    "value", "variable", "index", "literal", "len", "count", "row_nr", "row_index", "*", "^a$", "^.*$", "^x", "", "$",
    "column_0", "column_1", "column_2", "field_0", "f0", "__index_level_0__", "0", "1", "1.5", "nan", "NA", "null",
    "None", "true", "name", "list", "item", "element", "key_value", "map", "struct", "date", "a.b", "[0]", "v[0]",
    "columns", "schema", "type", "rows", "min", "mean", "moments", "affine", "keys", "by", "weights", "digest",
    "\0rest", "\0hidden", "\0hidden\0", "\0original x", "\0", "x\0", "-c", "--", "-", "a,b", "[a]", "?", "#", "%s", "~",
    " ", "\t", "\n", "\r\n", '"', '""', "'", "\\", "/", "{}", "{", "é", "e\u0301", "\ufeff", "\ufeffx", "\x1a", "\x85",
    "\u2028", "🦀", "literal_0", "_duplicated_0", "all", "col", "x_z", "n" * 3000,
]  # fmt: skip
PLAIN = [f"plain {letter}" for letter in "abcdefghijk"]  # no name is in another one
KINDS = [kind for kind in registry.names("formats") if files.takes(kind, pa.table({"t": ["x"]}))]  # and texts
ROWS = [  # a key, two columns of numbers, one of text, weights, five of numbers, lists
    ("u", 1.5, 2, "p", 1.0, 0.5, 9, 1.25, 4, 0.0, [1.0, 2.0]),
    ("v", 2.5, 3, "q, r", 2.0, 1.5, 5, -2.0, 8, 6.0, [0.5, -1.0]),
    ("u", -4.0, 7, "", 1.0, 2.5, 1, 1.5, 3, 1.5, [3.0, 0.25]),
    ("v", 0.25, 11, "NA", 3.0, 7.0, 2, 0.75, 1, 2.5, [1.0, 1.0]),
]


def width(*kinds: str) -> int:
    """How many columns there are: text between delimiters has no lists."""
    lists = pa.table({"l": pa.nulls(1, pa.list_(pa.float64()))})
    return len(PLAIN) - (not all(takes(kind, lists) for kind in kinds))


def write(path: Path, names: Sequence[str]) -> None:
    """The rows, their columns called so, as the suffix says."""
    kind = path.suffix[1:]
    rows = [row[: len(names)] for row in ROWS]
    if kind in ("csv", "tsv"):
        with path.open("w", newline="", encoding="utf-8") as file:
            delimiter = "\t" if kind == "tsv" else ","
            csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([names, *rows])
    elif kind == "ndjson":
        path.write_text("".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows))
    else:
        columns = map(pa.array, zip(*rows, strict=True))
        table = pa.Table.from_arrays(list(columns), names=list(names))
        files.write(table, path)


def read(path: Path) -> Any:
    """All that a file says, as plain values."""
    kind = path.suffix[1:]
    if kind == "json":
        document = json.loads(path.read_bytes())
        return {k: v for k, v in document.items() if k not in ("digest", "inputs")}  # which differ as the names do
    if kind in ("csv", "tsv"):
        text = io.StringIO(path.read_bytes().decode(), newline="")
        return list(csv.reader(text, delimiter="\t" if kind == "tsv" else ","))
    if kind == "ndjson":
        lines = path.read_bytes().decode().split("\n")[:-1]
        return [json.loads(line, object_pairs_hook=lambda pairs: list(map(list, pairs))) for line in lines]
    table = table_of(files.opened(kind, open_source(path)))
    return [table.column_names, list(map(str, table.schema.types)), [c.to_pylist() for c in table.columns]]


def commands(kind: str, to: str, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Uses of all columns: as numbers and as text, by key and by weight, chosen and left out, there and back."""
    key, x, y, _, weight, *more = names
    lists = more[5:]
    data, scalars = f"in.{kind}", ("-c", x, "-c", y)
    yield ("fit", data, "-m", "zscore", "-p", "z.json")
    yield ("apply", data, "-p", "z.json", "-o", f"z.{to}")
    yield ("apply", f"z.{to}", "-p", "z.json", "--inverse", "-o", f"back.{to}")
    yield ("check", data, "-p", "z.json", "--json", "--min-rows", "1")
    yield ("apply", data, "-p", "z.json", "--column-suffix", "_beside", "-o", f"s.{to}")
    yield ("apply", f"s.{to}", "-p", "z.json", "--column-suffix", "_beside", "--inverse", "-o", f"sback.{to}")
    yield ("apply", data, "-p", "z.json", "--only", "-o", f"only.{to}")
    yield ("fit", data, "-m", "center", *scalars, "-p", "o.json", "-o", f"o.{to}", "--column-suffix", "_beside")
    yield ("fit", data, "-m", "center", "-x", x, "-p", "x.json")
    yield ("fit", data, "-m", "center", "--by", key, "-p", "k.json", "-o", f"k.{to}")
    yield ("apply", data, "-p", "k.json", "-o", f"k2.{to}", "--check=warn")
    yield ("fit", data, "-m", "center", "--weights", weight, "-p", "w.json", "-o", f"w.{to}")
    yield ("fit", "--update", "-p", "w.json", data, "--recount")
    yield ("fit", data, "-m", "decorrelate", *scalars, "-p", "d.json", "-o", f"d.{to}", "--prefix", "component ")
    yield ("merge", "d.json", "d.json", "--allow-duplicates", "-o", "m.json")
    if lists:
        yield ("fit", data, "-m", "decorrelate", "-c", lists[0], "-p", "l.json", "-o", f"l.{to}")
    if formats.is_text(kind) and not formats.is_text(to):
        yield ("fit", data, "-m", "center", "-c", x, "--infer-types", "-p", "i.json", "-o", f"i.{to}")
    if "describe" in registry.names("cli"):
        yield ("describe", data, "--json")


def results(kind: str, to: str, names: Sequence[str]) -> dict[str, Any]:
    """What every command has written, by the name of its file, or said."""
    with inside.folder():
        write(Path(f"in.{kind}"), names)
        said = []
        for words in commands(kind, to, names):
            with redirect_stdout(io.StringIO()) as out:
                inside.run(*words)
            said.append(json.loads(out.getvalue() or "null"))
        files = {path.name: read(path) for path in Path().iterdir() if path.suffix != ".lock"}
    return files | {"said": said}


@cache
def of_plain(kind: str, to: str) -> dict[str, Any]:
    return results(kind, to, PLAIN[: width(kind, to)])


def renamed(value: Any, names: Sequence[str]) -> Any:
    """With names in place of the plain ones, wherever these are."""
    if isinstance(value, str):
        for plain, name in zip(PLAIN, names, strict=False):
            value = value.replace(plain, name)
        return value
    if isinstance(value, dict):
        return {renamed(k, names): renamed(v, names) for k, v in value.items()}
    return [renamed(v, names) for v in value] if isinstance(value, list) else value


def check(kind: str, to: str, names: Sequence[str]) -> None:
    """What comes of the data by plain names comes of them by others."""
    expected, found = of_plain(kind, to), results(kind, to, names)
    assert found.keys() == expected.keys()
    for file, content in found.items():
        assert content == renamed(expected[file], names), (file, names)


def placed(names: Sequence[str], count: int) -> Iterator[list[str]]:
    """The names, so many to a table."""
    for start in range(0, len(names), count):
        group = list(names[start : start + count])
        yield group + [f"other {j}" for j in range(count - len(group))]


@pytest.mark.parametrize("kind", KINDS)
def test_names_that_libraries_take_for_their_own(kind: str) -> None:
    """Several at a time."""
    some = NAMES if kind == "csv" else NAMES[:6] + NAMES[49:54]
    for names in placed(some, width(kind)):
        check(kind, kind, names)


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_every_name_in_every_place(kind: str) -> None:
    for name in NAMES:
        for place in range(width(kind)):
            names = [f"other {j}" for j in range(width(kind))]
            names[place] = name
            check(kind, kind, names)


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "to"), list(itertools.permutations(KINDS, 2)))
def test_names_from_one_format_into_another(kind: str, to: str) -> None:
    for names in placed(NAMES, width(kind, to)):
        check(kind, to, names)


SIGNS = st.sampled_from(list("ab.*^$[]{}()\\|+?\0\t\n\r\"',;:#%&/ -_0123é\u0301\ufeff\u2028🦀"))
GENERATED = st.text(SIGNS | st.characters(codec="utf-8"), max_size=8)


@pytest.mark.parametrize("kind", ["csv", "ndjson", *longer("tsv", "parquet", "arrow", "arrows")])
def test_any_name(kind: str) -> None:
    count = width(kind)

    @settings(max_examples=examples(16))
    @given(names=st.lists(GENERATED, min_size=count, max_size=count, unique=True))
    def of_names(names: list[str]) -> None:
        check(kind, kind, names)

    of_names()
