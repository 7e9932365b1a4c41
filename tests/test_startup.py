"""What a run loads, and what it does without: most of the time of a small one goes into imports."""

import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from normcli import kernel
from normcli.formats import is_text
from tests.formats.files import NAMELESS, NAMES, suffix, takes, write

# Leaves as the command does, and says what has been loaded until then.
LIST = """
import os, sys
leave = os._exit
os._exit = lambda code: leave(code or os.write(1, "\\n".join(["", *sys.modules]).encode()) * 0)
from normcli.__main__ import main
main()
"""
HOUSE = Path(kernel.__file__).parents[1]
DATACLASSES = {
    *("drift/watching.py", "formats/_binary/seal.py", "io/manifest.py"),
    *("io/outputs.py", "io/stores/parts.py", "io/stores/targets.py"),
}
LIBRARIES = {"numpy", "polars", "pyarrow", "msgspec", "rich", "pandas", "backports"}
OF_TEXT = {"csv": {"polars"}, "tsv": {"polars"}}  # and of any other text both
UNUSED = {
    *("jobs.update", "jobs.resuming", "jobs.previewing", "api", "drift", "pipeline.rebatch"),
    *(
        "parameters.restoring",
        "parameters.error_bounds",
        "parameters.targets",
        "parameters.alignment",
        "parameters.json_schema",
        "columns.fixed",
        "columns.storage",
    ),
    *("io.manifest", "io.stores._filesystems", "io.stores.reading", "io.stores.writing", "formats._layers"),
}  # by a simple fit or apply
OF_CHECK = {"drift", "drift.comparing", "drift.document", "drift.watching", "stats.outside", "stats.running"}


def loaded_by(*words: str, where: Path | None = None) -> set[str]:
    """The modules of a run of the command."""
    return {*loaded_in_order(*words, where=where)}


def loaded_in_order(*words: str, where: Path | None = None) -> list[str]:
    """The modules of a run of the command, the first imported first."""
    env = os.environ | ({"PYTHONPATH": f"{where}"} if where else {})
    done = subprocess.run(
        [sys.executable, "-c", LIST, *words], capture_output=True, timeout=60, check=True, cwd=where, env=env
    )
    return done.stdout.decode().split("\n")


def ours_by(*words: str, where: Path) -> set[str]:
    """The packages that a run imports until it imports polars or pyarrow, which import much by themselves."""
    loaded = [*loaded_in_order(*words, where=where)]
    first = next((i for i, name in enumerate(loaded) if re.match(r"_?(polars|pyarrow)\b|_polars", name)), len(loaded))
    return {name.partition(".")[0] for name in loaded[:first]}


def libraries(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules} & LIBRARIES


def entries(modules: set[str], room: str) -> set[str]:
    """The entries of a folder among them."""
    names = {name.removeprefix(f"normcli.{room}.") for name in modules if name.startswith(f"normcli.{room}.")}
    return {name.replace("_", "-") for name in names if not name.startswith("_")}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a table in each format, its parameters, and a pandas that whoever loads it fails by."""
    path = tmp_path_factory.mktemp("place")
    table = pl.DataFrame({"id": [1, 2, 3], "x": [0.5, None, 2.5], "y": [1.5, 2.0, 4.0], "name": ["a", "b", None]})
    for name in NAMES:
        texts = takes(name, table.select("name").to_arrow())
        write((table if texts else table.drop("name")).to_arrow(), path / f"t{suffix(name)}")
    (path / "pandas").mkdir()
    (path / "pandas" / "__init__.py").touch()
    loaded_by("fit", "t.csv", "-m", "zscore", "-p", "p.json", where=path)
    for name in NAMELESS:
        loaded_by("fit", f"t{suffix(name)}", "-m", "zscore", "-p", f"{name}.json", where=path)
    return path


@pytest.mark.parametrize("words", ["--help", "--version", ""])
def test_what_needs_no_data_loads_no_library(words: str) -> None:
    loaded = loaded_by(*words.split())
    assert "normcli.cli" in loaded
    assert libraries(loaded) == set()
    assert loaded & {"hashlib", "tempfile", "urllib.parse", "decimal", "normcli.columns"} == set()


MORE = 60  # modules beyond those of click: the time of help is that of its imports; tests/benchmarks measures it


def test_help_loads_little_more_than_click_and_no_command() -> None:
    click = subprocess.run(
        [sys.executable, "-c", "import click, sys; print(*sys.modules, sep='\\n')"], capture_output=True, check=True
    )
    loaded = loaded_by("--help")
    modules = {name for name in loaded if re.fullmatch(r"[\w.]+", name)}
    assert len(modules - set(click.stdout.decode().split())) < MORE
    assert entries(loaded, "cli") == set()


def test_a_table_needs_no_library_of_data() -> None:
    assert libraries(loaded_by("methods")) & {"polars", "pyarrow"} == set()


@pytest.mark.parametrize("command", ["fit", "apply", "check"])
@pytest.mark.parametrize("format", NAMES)
def test_a_run_loads_what_it_needs_alone(place: Path, command: str, format: str) -> None:
    params = f"{format if format in NAMELESS else 'p'}.json"
    own = {"fit": "-m zscore -p q.json", "apply": f"-p {params} -o out{suffix(format)}", "check": f"-p {params}"}
    loaded = loaded_by(command, f"t{suffix(format)}", *own[command].split(), "-q", where=place)
    of_text = {} if kernel.library() and format in OF_TEXT else OF_TEXT.get(format, {"polars", "pyarrow"})
    own_libraries = set(of_text) if is_text(format) else {"pyarrow"}
    assert libraries(loaded) == {"numpy", "msgspec"} | own_libraries
    assert entries(loaded, "formats") == {format}
    assert entries(loaded, "methods") == {"zscore"}
    of = entries(loaded, "stats")
    assert of - {"extrema", "moments", "quantiles"} == ({"running", "outside"} if command == "check" else set())
    unused = UNUSED - (OF_CHECK if command == "check" else set())
    assert {name.removeprefix("normcli.") for name in loaded} & unused == set()
    if not is_text(format):  # polars loads them itself
        writes_texts = (command, format) == ("apply", "parquet")  # in dictionaries, which compute takes apart
        spools = (command, format) == ("apply", "safetensors")  # by a temporary file
        slow = set() if spools else {"bz2", "lzma", "tempfile", "random"}
        slow |= set() if writes_texts else {"pyarrow.compute", "pyarrow.fs"}
        assert loaded & slow == set()


SLOW = {  # of the standard library, what takes some milliseconds and no run of a small file needs
    *("asyncio", "concurrent", "email", "http", "ipaddress", "logging", "multiprocessing", "pathlib", "socket", "ssl"),
    *("subprocess", "tempfile", "tomllib", "urllib", "zipfile"),
}


@pytest.mark.parametrize(
    ("words", "also"),
    [
        ("--help", {"hashlib", "decimal", "csv", "xxhash", "queue"}),
        ("methods", {"hashlib", "csv", "xxhash", "queue"}),
        ("inspect p.json", {"csv", "random"}),
        ("fit t.csv -m zscore -p q.json -q", {"bz2", "lzma", "random"}),
        ("fit t.ndjson -m zscore -p q.json -q", {"bz2", "lzma", "random"}),
        ("fit t.parquet -m zscore -p q.json -q", {"bz2", "lzma", "random", "csv"}),
        ("apply t.csv -p p.json -o out.csv -q", {"bz2", "lzma", "random"}),
        ("check t.csv -p p.json -q", {"bz2", "lzma", "random"}),
    ],
)
def test_what_is_not_needed_is_not_imported(place: Path, words: str, also: set[str]) -> None:
    assert ours_by(*words.split(), where=place) & (SLOW | also) == set()


# What a path imports beyond numpy, click and msgspec: packages, and how many modules of ours at most. Each takes 0.2 ms
# whatever is in it: whoever needs one more should first see whether it can wait until it is used.
OF_ANY = {"copy", "dataclasses", "fcntl", "fnmatch", "gc", "locale", "resource", "select", "shlex", "signal"}
OF_ANY |= {"unicodedata"}
OF_DATA = OF_ANY | {"hashlib", "json", "numpy", "queue", "heapq", "xxhash"}
PATHS = {
    "--help": (
        OF_ANY | {"click", "shutil", "zlib", "bz2", "lzma", "textwrap", "struct", "ctypes"},
        18,
    ),  # of shutil, by click
    "inspect p.json": (OF_DATA, 124),
    "fit t.csv -m zscore -p q.json -q": (OF_DATA | {"atexit", "zlib"}, 183),
    "apply t.csv -p p.json -o new.csv -q": (OF_DATA | {"atexit", "zlib"}, 181),
}


@pytest.mark.skipif(kernel.library() is None, reason="polars imports much by itself")
@pytest.mark.parametrize("words", PATHS)
def test_a_path_imports_these_and_no_more(place: Path, words: str) -> None:
    packages, most = PATHS[words]
    base = "click" if words == "--help" else "numpy, click, msgspec"
    code = f"import {base}, sys; print(*sys.modules)"
    known = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.decode().split()
    loaded = {name for name in loaded_by(*words.split(), where=place) if re.fullmatch(r"[a-z_]\w*(\.\w+)*", name)}
    ours = {name for name in loaded if name.partition(".")[0] == "normcli"}
    others = {
        name.partition(".")[0] for name in loaded - ours - {*known} if name in sys.stdlib_module_names or "." in name
    }
    public = {name for name in others if not name.startswith("_")}
    assert public - packages == set()
    assert len(ours) <= most


def test_dataclasses_are_only_what_can_be_no_struct() -> None:
    """Each compiles its methods at every start, for 0.4 ms: what help loads, what has several bases, or more than its
    fields."""
    text = {path: path.read_text() for path in HOUSE.rglob("*.py")}
    files = {str(path.relative_to(HOUSE)) for path, code in text.items() if "from dataclasses import dataclass" in code}
    assert {name for name in files if not name.startswith("jobs/requests/")} == DATACLASSES


@pytest.mark.parametrize("format", NAMES)
def test_a_description_loads_no_method(place: Path, format: str) -> None:
    loaded = loaded_by("describe", f"t{suffix(format)}", "-q", where=place)
    of_format = OF_TEXT.get(format, {"polars", "pyarrow"}) if is_text(format) else {"pyarrow"}
    assert libraries(loaded) - ({"pyarrow"} if format in OF_TEXT else set()) == {"numpy", "msgspec"} | of_format
    assert entries(loaded, "formats") == {format}
    assert entries(loaded, "methods") == set()
    assert entries(loaded, "stats") == {"extrema", "frequencies", "moments", "quantiles"}
