"""The house: who may import whom, and that the folders are the registries."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jsonschema
import pytest

import normcli
from tests.conftest import longer

HOME = Path(normcli.__file__).parent

# Each room and the rooms that it imports from, besides errors and the registry: those above come first.
NEXT = {
    "__main__": {"cli"},
    # names, loaded when they are used
    "__init__": {"estimator", "api", "jobs", "pipeline", "engines", "drift", "parameters", "methods"},
    "estimator": {"api", "parameters", "formats", "methods", "columns"},
    "api": {"jobs", "pipeline", "engines", "drift", "parameters", "formats", "methods", "columns", "io", "blocks"},
    "cli": {"jobs", "formats", "methods", "kernel", "limits"},  # what a run does, and what describes its options
    "jobs": {
        "exports",
        "imports",
        "reports",
        "pipeline",
        "engines",
        "drift",
        "parameters",
        "formats",
        "methods",
        "columns",
        "io",
        "limits",
        "needs",
    },
    "exports": {"parameters", "transforms", "stats", "blocks"},
    "imports": {"parameters", "formats", "columns", "methods", "transforms", "stats", "io", "blocks"},
    "reports": {"drift", "parameters", "transforms", "stats", "blocks", "limits"},
    "pipeline": {"engines", "drift", "parameters", "formats", "methods", "columns", "stats", "io", "blocks"},
    "engines": {"kernel"},
    "drift": {"parameters", "formats", "methods", "columns", "transforms", "stats", "blocks", "limits"},
    "limits": set(),
    "parameters": {"formats", "methods", "columns", "transforms", "stats", "io", "blocks"},
    "formats": {"columns", "io", "kernel"},
    "methods": {"transforms", "stats", "blocks", "needs"},
    "columns": {"blocks", "kernel"},
    "stats": {"kernel", "blocks"},
    "transforms": {"blocks"},
    "blocks": {"kernel"},
    "kernel": set(),
    "io": set(),
    "needs": set(),
    "suggestions": set(),
    "registry": set(),
    "caching": set(),
    "errors": set(),
}
SCRIPTS = {"kernel/build.py", "kernel/tables.py"}
ANYWHERE = {"caching", "errors", "registry", "suggestions"}


@dataclass(frozen=True)
class Import:
    """One module that a file imports, and where."""

    file: str
    line: int
    module: str
    at_once: bool  # when the file itself is imported

    @property
    def top(self) -> str:
        return self.module.split(".")[0]

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


def room(name: str) -> str:
    """Of a file or a module below the package."""
    return re.split(r"[./]", name.removesuffix(".py"))[0]


@cache
def trees() -> dict[str, ast.Module]:
    return {str(p.relative_to(HOME)): ast.parse(p.read_text()) for p in sorted(HOME.rglob("*.py"))}


def modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert node.level == 0, "imports say where from in full"
    assert node.module is not None
    if node.module == "normcli":
        return [f"normcli.{alias.name}" for alias in node.names if not alias.name.startswith("__")]
    return [node.module]


def only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def found(file: str, tree: ast.AST, at_once: bool = True) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (Import(file, node.lineno, module, at_once) for module in modules(node))
        else:
            later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or only_for_types(node)
            yield from found(file, node, at_once and not later)


@cache
def imports() -> tuple[Import, ...]:
    return tuple(i for file, tree in trees().items() for i in found(file, tree))


# -- imports -----------------------------------------------------------------------------------------------------
def test_every_file_belongs_to_a_room() -> None:
    assert {room(file) for file in trees()} == set(NEXT)


def test_rooms_import_only_what_lies_below_them() -> None:
    wrong = [
        i.place
        for i in imports()
        if i.top == "normcli"
        and room(i.module.removeprefix("normcli.")) not in {room(i.file), *NEXT[room(i.file)], *ANYWHERE}
    ]
    assert wrong == []


def test_rooms_are_in_order() -> None:
    """No circle, and no import upwards."""
    order = list(NEXT)
    assert [(a, b) for a in order for b in NEXT[a] if order.index(b) <= order.index(a)] == []


def test_nobody_imports_the_command_line() -> None:
    assert [i.place for i in imports() if i.module.startswith("normcli.cli") and room(i.file) != "cli"] == [
        i.place for i in imports() if i.file == "__main__.py" and i.top == "normcli"
    ]


def test_each_library_has_its_place() -> None:
    """polars in columns and the formats; pyarrow in the stores, too; click on the command line."""
    places: tuple[tuple[str, Callable[[str], bool]], ...] = (
        ("polars", lambda file: room(file) in ("columns", "formats")),
        ("pyarrow", lambda file: room(file) in ("columns", "formats", "imports") or file.startswith("io/stores/")),
        ("dask", lambda file: room(file) == "engines"),
        ("distributed", lambda file: room(file) == "engines"),
        ("concurrent", lambda file: file.startswith("io/stores/")),
        ("click", lambda file: room(file) == "cli"),
        ("threading", lambda file: room(file) in ("engines", "io", "kernel", "pipeline", "formats", "cli")),
        ("signal", lambda file: room(file) == "cli" or file == "__main__.py"),
    )
    for library, allowed in places:
        assert [i.place for i in imports() if i.top == library and not allowed(i.file)] == []


def test_kinds_of_frames_are_known_to_the_formats_that_make_them_alone() -> None:
    """All others know what every kind can: another one is a file in columns, and a format that gives it."""
    kinds = re.compile(r"normcli\.columns\.\w+_frame")
    assert [i.place for i in imports() if kinds.fullmatch(i.module) and room(i.file) != "formats"] == []


def test_large_libraries_are_imported_where_they_are_needed() -> None:
    """Not with the file that may need them: what reads text need not wait for pyarrow."""
    slow = {"dask", "distributed", "polars", "pyarrow", "bz2", "lzma"}
    assert [i.place for i in imports() if i.top in slow and i.at_once] == []


def test_nothing_below_the_command_line_prints_or_exits() -> None:
    ends = {"print", "input", "exit", "sys.exit", "os._exit", "sys.stdout.write", "sys.stderr.write"}
    wrong = [
        f"{file}:{node.lineno}"
        for file, tree in trees().items()
        if room(file) not in ("cli", "__main__") and file not in SCRIPTS
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ends
    ]
    assert wrong == []


# -- words -------------------------------------------------------------------------------------------------------
VAGUE = set[str]().union(
    ("made", "found", "seen", "told", "kept", "asked", "given", "said", "gone"),
    ("there", "each", "own", "others", "whole", "again", "like", "at_once", "recipe", "choice"),
)
ROOMS = {
    "cli",
    "columns",
    "io",
    "jobs",
    "stats",
    "api",
    "blocks",
    "drift",
    "engines",
    "errors",
    "formats",
    "methods",
    "needs",
    "parameters",
    "pipeline",
    "registry",
    "reports",
    "suggestions",
    "kernel",
    "transforms",
}
STAY = {
    ("transforms/affine.py", "whole"),  # a setting in parameter files
    ("errors.py", "ReaderGoneError"),
    ("api/__init__.py", "like"),  # as on the command line: --like
    ("jobs/requests/fit.py", "like"),
}


def names(tree: ast.AST) -> Iterator[str]:
    """Names that a file gives: of variables, arguments, fields, functions and classes."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(asname=str(name)) | ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield name


def is_vague(name: str) -> bool:
    """Whether a name in snake_case or CamelCase has one of these words in it."""
    snake = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    return any(f"_{word}_" in f"_{snake}_" for word in VAGUE)


@pytest.mark.parametrize("name", ["made", "_each", "AT_ONCE", "SeenStates", "whole_rows", "ReaderGoneError"])
def test_participles_and_pronouns_are_vague(name: str) -> None:
    assert is_vague(name)


def test_names_say_what_a_thing_is() -> None:
    """No past participle and no pronoun, in the rooms that hold to it."""
    vague = {
        (file, name) for file, tree in trees().items() if room(file) in ROOMS for name in names(tree) if is_vague(name)
    }
    assert vague == STAY


# -- the folder is the registry ----------------------------------------------------------------------------------
METHOD = '''
"""Division."""

from typing import Annotated

from msgspec import Meta

from normcli.methods import Method, States
from normcli.stats import Statistic
from normcli.stats.totals import Totals
from normcli.transforms import Transform
from normcli.transforms.quotients import Quotients


class DivideBy(Method, frozen=True, kw_only=True):
    """x / (times · total)

    Shares.
    """

    times: Annotated[float, Meta(gt=0, description="how often the total")] = 2.0

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return (Totals(),)

    def learn(self, states: States) -> Transform:
        return Quotients(divisor=self.times * states[Totals].total)
'''
STATISTIC = '''
"""Sums."""

from typing import Self

from msgspec.structs import replace

from normcli.blocks.block import Column
from normcli.blocks.record import Array, per_group
from normcli.stats import ColumnStatistic


class Totals(ColumnStatistic, frozen=True):
    """Sum of each column."""

    total: Array = per_group("feature")

    def column(self, x: Column) -> tuple[Array, ...]:
        return (x.total(x.weighted(x.values)),)

    def _merge(self, other: Self) -> Self:
        return replace(self, total=self.total + other.total)
'''
TRANSFORM = '''
"""Division."""

from normcli.blocks.block import Block
from normcli.blocks.record import Array, per_group
from normcli.transforms import Transform


class Quotients(Transform, frozen=True):
    """y = x / divisor."""

    divisor: Array = per_group("feature", holds="positive")

    def _normalized(self, block: Block) -> Array:
        return block.values / self.divisor[0]

    def inverse(self, block: Block) -> Array:
        return block.values * self.divisor[0]
'''
FORMAT = '''
"""Record batches in base64, one a line, behind their schema."""

from base64 import b64decode, b64encode

from msgspec import Struct

from normcli.formats import Format
from normcli.formats._binary import dictionaries, schemas
from normcli.formats._binary.description import BatchDescription
from normcli.formats._binary.faults import reading
from normcli.formats._binary.reader import BatchReader


class Options(Struct, frozen=True, kw_only=True):
    """None so far."""

    def check(self):
        """Nothing to contradict."""


class Reader(BatchReader):
    """All of it at once."""

    what = "toy"

    def __init__(self, source, options, *, block_size=None):
        import pyarrow as pa

        super().__init__(source, block_size)
        with reading(source, self.what):
            magic, schema, *lines = source.rest().split(b"\\n")
            if not lines or lines.pop():
                raise ValueError("it is cut short")
            self._lines = [b64decode(line, validate=True) for line in lines]
            arrow = pa.ipc.read_schema(pa.py_buffer(b64decode(schema, validate=True)))
            self.description = BatchDescription.of(arrow, **self._known())

    def chunks(self, needed=None):
        for batch in self._batches():
            yield from self._blocks(batch, self._rows)

    def _samples(self, name):
        return (batch.column(name) for batch in self._batches())

    def _batches(self):
        import pyarrow as pa

        with reading(self.source, self.what):
            for line in self._lines:
                yield pa.ipc.read_record_batch(pa.py_buffer(line), self.description.arrow)


class Writer(Struct, frozen=True):
    """A line a batch."""

    in_parts = False
    delimiter = None
    grouping = None
    schema: object

    @classmethod
    def for_input(cls, description, blank, options, digests):
        return cls(schemas.output_schema(blank, digests))

    @classmethod
    def refused(cls, blank):
        return ()

    def following(self, description, blank):
        return schemas.following(self, self.schema, description, blank)

    def encode(self, frame):
        batch = dictionaries.encoded(frame.to_arrow(self.schema), self.schema)
        return b64encode(batch.serialize()) + b"\\n"

    def open(self, file):
        file.write(b"\\x01TOY\\n" + b64encode(self.schema.serialize()) + b"\\n")
        return Sink(file)


class Sink(Struct):
    """Lines as they come."""

    file: object

    def write(self, piece):
        self.file.write(piece)

    def close(self):
        """Nothing is held back."""


FORMAT = Format(suffixes=(".toy",), binary=True, magic=b"\\x01TOY\\n", options=Options, reader=Reader, writer=Writer)
'''
COMMAND = '''
"""normcli greet: say hello."""

import click


@click.command()
def command() -> None:
    """Say hello."""
    click.echo("hello")
'''


@dataclass(frozen=True)
class House:
    """A copy of the package with a few files more, and none changed."""

    path: Path

    def run(self, *args: str, stdin: str = "") -> str:
        env = os.environ | {"PYTHONPATH": str(self.path), "PYTHONDONTWRITEBYTECODE": ""}
        line = [sys.executable, "-m", "normcli", *args]
        done = subprocess.run(
            line, cwd=self.path, env=env, input=stdin, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout if done.returncode == 0 else f"{done.returncode}: {done.stderr}"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    path = tmp_path_factory.mktemp("house")
    copy = path / "normcli"
    shutil.copytree(HOME, copy)  # with its bytecode, so that no run compiles it
    (copy / "methods" / "divide_by.py").write_text(METHOD.lstrip())
    (copy / "stats" / "totals.py").write_text(STATISTIC.lstrip())
    (copy / "transforms" / "quotients.py").write_text(TRANSFORM.lstrip())
    (copy / "cli" / "greet.py").write_text(COMMAND.lstrip())
    (copy / "formats" / "toy.py").write_text(FORMAT.lstrip())
    return House(path)


def test_adding_a_method_is_adding_a_file(house: House) -> None:
    assert re.search(r"^divide-by +x / \(times · total\) +yes +--times$", house.run("methods"), re.MULTILINE)
    assert "--times" in house.run("methods", "divide-by")
    shown = house.run("fit", "-m", "divide-by", "--help")
    assert "--times NUMBER" in shown
    assert "How often the total" in shown
    assert "divide-by" in house.run("fit", "--help")
    assert "divide-by" in house.run("fit", "-m", "zscore", "--times", "2")
    assert house.run("fit", "-m", "divide-by", "--times", "-1").startswith("2: ")


def test_and_all_commands_know_it(house: House) -> None:
    fitted = house.run("fit", "-m", "divide-by", "--times", "0.5", stdin="a,b\n1,2\n3,6\n")
    document = json.loads(fitted)
    assert document["steps"][0]["options"] == {"times": 0.5}
    assert document["steps"][0]["statistics"] == {"totals": {"columns": {"a": {"total": 4.0}, "b": {"total": 8.0}}}}
    (house.path / "p.json").write_text(fitted)
    assert "divide-by (times 0.5)" in house.run("inspect", "p.json")
    applied = house.run("apply", "-p", "p.json", stdin="a,b\n1,2\n")
    assert applied == "a,b\n0.5,0.5\n"
    assert house.run("apply", "-p", "p.json", "--inverse", stdin=applied) == "a,b\n1,2\n"
    schema = jsonschema.Draft202012Validator(json.loads(house.run("inspect", "--json-schema")))
    schema.validate(document)
    document["steps"][0]["options"]["times"] = 0
    assert not schema.is_valid(document)
    document["steps"][0]["options"] = {"nosuch": 0}
    assert not schema.is_valid(document)
    (house.path / "p.json").write_text(fitted.replace('"total": 4.0', '"total": "4"'))
    assert "$.steps[0].statistics.totals.columns.a.total: " in house.run("inspect", "p.json")


def test_adding_a_format_is_adding_a_file(house: House) -> None:
    (house.path / "t.csv").write_text("a,b\nx,1\ny,3\n")
    house.run("fit", "t.csv", "-m", "minmax", "-p", "toy.json", "-o", "t.toy")
    assert (house.path / "t.toy").read_bytes().startswith(b"\x01TOY\n")
    assert house.run("apply", "t.toy", "-p", "toy.json", "--inverse", "--to", "csv") == "a,b\nx,1\ny,3\n"
    assert "already" in house.run("apply", "t.toy", "-p", "toy.json", "--to", "csv")


@pytest.mark.parametrize("laws", ["toy and (again or each_other or pickled or record)", *longer("toy")])
def test_a_new_format_is_tested_before_a_test_is_edited(laws: str, house: House) -> None:
    tests, there = Path(__file__).parent, house.path / "tests"
    skipped = shutil.ignore_patterns("data", "benchmarks")
    shutil.copytree(tests, there, ignore=skipped, dirs_exist_ok=True)
    shutil.copy(tests.parent / "pyproject.toml", house.path)
    words = ["tests/formats/test_format_contract.py", "-vv", "-k", laws, "-n", "0", "-p", "no:cacheprovider"]
    env = {n: v for n, v in os.environ.items() if not n.startswith("PYTEST")} | {"PYTHONPATH": str(house.path)}
    line = [sys.executable, "-m", "pytest", *words]
    done = subprocess.run(line, cwd=house.path, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    for law in ("what_is_written_is_read_again[toy]", "formats_become_each_other[csv-toy]", "can_be_pickled[toy]"):
        assert re.search(rf"{re.escape(law)} PASSED", done.stdout), done.stdout


def test_adding_a_command_is_adding_a_file(house: House) -> None:
    assert re.search(r"^  greet +Say hello", house.run("--help"), re.MULTILINE)
    assert house.run("greet") == "hello\n"


def test_a_file_that_begins_with_an_underscore_is_no_entry(house: House) -> None:
    (house.path / "normcli" / "methods" / "_hidden.py").write_text(METHOD.lstrip())
    assert "hidden" not in house.run("methods")
