"""Every kind of message: as in tests/messages/table.txt, which somebody has read aloud, and by the laws of all of them.
`python -m tests.messages` writes the table anew."""

import re
from pathlib import Path

import pytest

from tests.messages import files
from tests.messages.running import TABLE, Entry, noting, read, run, sites

SECTIONS = read(TABLE.read_text())
ENTRIES = [entry for entries in SECTIONS.values() for entry in entries]
SAID = [(entry, line) for entry in ENTRIES for line in entry.lines if not line.startswith("exit ")]
ERRORS = [(entry, line.removeprefix("error: ")) for entry, line in SAID if line.startswith("error: ")]

PYTHON = r"\b(None|True|False|NaN|\w+Error|\w+Exception|dict|str|bool|tuple|object at|repr)\b|<class|\bb'|`int`"
LIBRARIES = r"\b(polars|pyarrow|arrow::|msgspec|thrift|zlib|ComputeError|Invalid:|Expected|Errno|strerror)\b"
DIALECT = r"\b(told|tells|seen|see|sees|asked|asks)\b"
FACTS = {  # in other words than those that are used everywhere for the same fact
    "there is no such file": "No such file|does not exist|doesn't exist|not found",
    "there is no directory": "no such directory|Not a directory",
    "is missing": "Missing option|required",
    "no such …": "[Uu]nknown (option|method|command)|Invalid value",
    "is a directory": "Is a directory",
    "was copied whole": "corrupt",
}
LIBRARY_READS = re.compile("numpy.load reads it|pyarrow.orc")  # what reads a file that we do not
STEPLESS = (  # a verdict or an outcome, after which nothing is to be done, or what a list in it says
    "drift: ",
    "1 warning, and --werror",
    r"-\S+ is (not )?for ",  # and so is given in vain
    r"-\S+ is an option of ",
)
EXEMPT = {  # of the source, why no command of the table comes there
    "api/": "what Python alone can ask for: tests/test_api.py",
    "cli/_guard.py": "a limit of memory: tests/cli/test_limits.py",
    "cli/_process.py": "a full disk behind standard output: tests/cli/test_exit_codes.py",
    "engines/threads.py": "a limit of memory: tests/cli/test_limits.py",
    "errors.py": "a limit of memory or files: tests/cli/test_limits.py",
    "io/locks.py": "another run at the same time: tests/test_locks.py",
    "io/manifest.py": "system calls that fail: tests/robustness",
    "io/outputs.py": "system calls that fail: tests/robustness",
    "io/sources.py": "system calls that fail, and a terminal: tests/robustness, tests/cli/test_messages.py",
    "io/stores/": "an object store: tests/stores",
    "pipeline/spool.py": "system calls that fail: tests/robustness",
    "pipeline/memory.py": "keys beyond the memory: tests/test_memory.py",
}
REACHED = 0.75  # of all other places of the source


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("messages")
    files.write(made)
    return made


@pytest.mark.parametrize("title", SECTIONS)
def test_what_is_said_is_what_the_table_says(title: str, directory: Path, tmp_path: Path) -> None:
    new = [Entry(e.command, run(e.command, directory, tmp_path / "run")) for e in SECTIONS[title]]
    assert "\n\n".join(map(str, new)) == "\n\n".join(map(str, SECTIONS[title]))


def test_each_command_has_one_error_at_most_and_last() -> None:
    for entry in ENTRIES:
        kinds = [line.partition(": ")[0] for line in entry.lines[:-1]]
        failed = entry.lines[-1] != "exit 0"
        assert kinds.count("error") == failed, entry
        assert not failed or kinds[-1] == "error", entry


def test_no_message_speaks_of_python_or_libraries() -> None:
    for entry, line in SAID:
        for pattern in (PYTHON, LIBRARIES):
            bare = line if not LIBRARY_READS.search(line) else line.partition(" (")[0]
            bare = bare.replace("NaN,nan", "").replace("'a,b'", "")  # words that mean missing, and data
            assert not re.search(pattern, bare), entry


def test_no_message_is_in_a_dialect() -> None:
    for entry, line in SAID:
        assert not re.search(DIALECT, line), entry


def test_the_same_fact_has_the_same_words() -> None:
    for entry, line in SAID:
        for words, others in FACTS.items():
            assert not re.search(others, line), (entry, words)


def test_each_begins_with_where_or_what() -> None:
    """A file, an option, what may be given, or words; and it is no sentence with a full stop."""
    for entry, line in SAID:
        what = line.split(": ", 1)[1]
        assert re.match(r"[a-z0-9<'*\-/]|INPUT|PARAMS|OUTPUT", what), entry
        assert not what.rstrip(")").endswith("."), entry
        assert "  " not in what, entry
        assert what.count("(") == what.count(")"), entry


def test_each_error_says_what_to_do() -> None:
    for entry, line in ERRORS:
        assert re.search(r"\([^()]+(\([^()]*\)[^()]*)*\)$", line) or re.match("|".join(STEPLESS), line), entry


@pytest.mark.soak
def test_the_places_of_the_source_are_reached(directory: Path, tmp_path: Path) -> None:
    """By the commands of the table, but for what is exempt for a reason."""
    places: set[tuple[str, int]] = set()
    with noting(places):
        for entry in ENTRIES:
            run(entry.command, directory, tmp_path / "run")
    every = [s for s in sites() if not s[0].startswith(tuple(EXEMPT))]
    missing = [s for s in every if not any(f == s[0] and s[1] <= n <= s[2] for f, n in places)]
    assert len(missing) <= (1 - REACHED) * len(every), missing
