"""Parameter files that were damaged, or made to do harm: refused in words, or found to say what they said before."""

import json
import pickle
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from normcli.errors import BadParametersError
from normcli.parameters import file as params
from tests.cli.conftest import Workspace
from tests.robustness.mutations import OF_BYTES, OF_CONTENT, transplanted
from tests.robustness.parameter_files import all_written
from tests.robustness.parameter_uses import put_to_use

Note = Callable[[str, object], None]
LONGEST = 2500  # characters of a refusal
PATIENCE = 30.0  # seconds that a small file may take, on a machine that has other things to do


def refusal(data: bytes, *, allow_edited: bool) -> str | None:
    """Why it was refused; None where it was not. Any other error goes on: it would be a bug."""
    said = None
    try:
        params.read(data, allow_edited=allow_edited)
    except BadParametersError as e:
        said = str(e)
    assert said is None or (said.startswith("$") and said.isprintable() and len(said) < LONGEST), said
    return said


def of(name: str, old: bytes, new: bytes) -> bytes:
    """A file of ours with something else in one place."""
    data = all_written()[name]
    assert old in data
    return data.replace(old, new, 1)


def seeds(short: int, long: int) -> list[Any]:
    """A few for every day, and many for make soak."""
    return [*range(short), *(pytest.param(i, marks=pytest.mark.soak) for i in range(short, long))]


# -- any damage --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", seeds(1, 70))
def test_damaged_bytes_are_refused_or_say_the_same(seed: int, record_property: Note) -> None:
    """1,000 a seed."""
    rng, files, tried = random.Random(f"bytes {seed}"), all_written(), Counter[str]()
    told = Counter[str]()
    whole, names = set(files.values()), [n for n, data in files.items() if len(data) < 20_000]
    for _ in range(1000):
        kind = rng.choice(list(OF_BYTES))
        data = OF_BYTES[kind](files[rng.choice(names)], rng)
        tried[f"parameter files, bytes {kind}"] += 1
        begun = time.perf_counter()
        if refusal(data, allow_edited=False) is None:
            assert params.write(params.read(data)) in whole, (kind, data)
        else:
            told[f"parameter files, bytes {kind}"] += 1
        assert time.perf_counter() - begun < PATIENCE, (kind, data)
    record_property("faults", {kind: [n, n - told[kind], told[kind], 0] for kind, n in tried.items()})


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("seed", seeds(1, 100))
def test_changed_content_is_refused_or_can_be_worked_with(seed: int, record_property: Note) -> None:
    """300 a seed: without --allow-edited by the digest at the latest; with it, whatever is accepted can be put to use,
    and what comes of that is written and read again."""
    rng, files, tried = random.Random(f"content {seed}"), all_written(), Counter[str]()
    told = Counter[str]()
    whole, names = set(files.values()), [n for n, data in files.items() if len(data) < 10_000]
    for i in range(300):
        kind = rng.choice([*OF_CONTENT, transplanted.__name__])
        document = json.loads(files[rng.choice(names)])
        for _ in range(rng.choice([1, 1, 2, 3])):
            if kind == transplanted.__name__:
                document = transplanted(document, json.loads(files[rng.choice(names)]), rng)
            else:
                document = OF_CONTENT[kind](document, rng)
        data = json.dumps(document, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
        tried[f"parameter files, content {kind}"] += 1
        if refusal(data, allow_edited=False) is None:
            assert params.write(params.read(data)) in whole, (kind, data)
            continue
        told[f"parameter files, content {kind}"] += 1
        if refusal(data, allow_edited=True) is None and i % 4 == 0:
            put_to_use(params.read(data, allow_edited=True))
            tried["parameter files, edited and put to use"] += 1
    record_property("faults", {kind: [n, n - told[kind], told[kind], 0] for kind, n in tried.items()})


@pytest.mark.parametrize("name", ["minmax", "robust", "whiten", "by zscore", "plan", "list zscore", "batch"])
def test_what_is_put_to_use_here_would_notice(name: str) -> None:
    """Every use of an undamaged file ends well but where the method can't."""
    ended = put_to_use(params.read(all_written()[name]))
    assert [use for use, no in ended.items() if no] == (["inverse"] if name == "plan" else [])
    assert set(ended) == {"apply", "inverse", "merge", "update"}


# -- made to do harm ---------------------------------------------------------------------------------------------
class Touching:
    """A pickle that does something when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def big_array(count: int) -> bytes:
    return b"[" + b"0," * count + b"0]"


HARM: dict[str, Callable[[], bytes]] = {
    "levels of nesting": lambda: b"[" * 100_000,
    "levels of objects": lambda: b'{"a":' * 100_000,
    "levels inside": lambda: of("zscore", b'"of a test"', b"[" * 100_000 + b"]" * 100_000),
    "5,000 digits": lambda: of("zscore", b'"rows": 4', b'"rows": ' + b"9" * 5_000),
    "a million digits": lambda: of("zscore", b'"rows": 4', b'"rows": ' + b"9" * 1_000_000),
    "300,000 keys": lambda: b"{" + b",".join(b'"%d":0' % i for i in range(300_000)) + b"}",
    "a key twice behind many": lambda: b"{" + b",".join(b'"%d":0' % min(i, 299_999) for i in range(300_001)) + b"}",
    "a key 300,000 times": lambda: b"{" + b",".join([b'"a":0'] * 300_000) + b"}",
    "a million numbers": lambda: b'{"format": "normcli", "version": 1, "rows": ' + big_array(1_000_000) + b"}",
    "100,000 steps": lambda: json.dumps(json.loads(all_written()["unit"]) | {"steps": [{}] * 100_000}).encode(),
    "30,000 columns that are not there": lambda: json.dumps(
        json.loads(all_written()["zscore"]) | {"schema": [{"name": f"c{i}", "type": "int64"} for i in range(30_000)]}
    ).encode(),
    "a million characters in a name": lambda: of("zscore", b'"a.b": {"type"', b'"%s": {"type"' % (b"n" * 10**6)),
    "a text without end": lambda: b'{"format": "' + b"x" * 10**6,
    "UTF-16": lambda: all_written()["zscore"].decode().encode("utf-16"),
    "UTF-32": lambda: all_written()["zscore"].decode().encode("utf-32"),
    "a mark of the byte order": lambda: b"\xef\xbb\xbf" + all_written()["zscore"],
    "half a character": lambda: of("zscore", b"of a test", b"\\ud800"),
    "half a character, raw": lambda: of("zscore", b"of a test", b"\xed\xa0\x80"),
    "NaN": lambda: of("zscore", b'"gain": 1.0', b'"gain": NaN'),
    "an infinite end": lambda: of("minmax", b'"ends": [0.0, 1.0]', b'"ends": [0.0, 1e999]'),
    "a method of ours that is none": lambda: of("zscore", b'"method": "zscore"', b'"method": "_column"'),
    "a method by its path": lambda: of("zscore", b'"method": "zscore"', b'"method": "../stats/moments"'),
    "nothing but zeros": lambda: bytes(1_000_000),
}  # fmt: skip


@pytest.mark.parametrize("what", HARM)
def test_what_would_do_harm_is_refused(what: str, record_property: Note) -> None:
    data = HARM[what]()
    for allow_edited in (False, True):
        begun = time.perf_counter()
        assert refusal(data, allow_edited=allow_edited) is not None
        assert time.perf_counter() - begun < PATIENCE
    record_property("faults", {"parameter files, made to do harm": [2, 0, 2, 0]})


def test_a_pickle_is_not_loaded(workspace: Workspace) -> None:
    (workspace / "p.json").write_bytes(pickle.dumps(Touching(workspace / "touched")))
    for line in (("inspect", "p.json"), ("apply", "table.csv", "-p", "p.json"), ("merge", "p.json", "p.json")):
        assert workspace.fails(65, *line).startswith("p.json: $: not JSON")
    assert not (workspace / "touched").exists()


@pytest.mark.parametrize("at", [(1, 0), (2, 1), (2, 2)])
def test_no_library_speaks_where_numbers_are_beyond_reason(at: tuple[int, int], workspace: Workspace) -> None:
    """One line of ours is all that there is on standard error."""
    document = json.loads((workspace / workspace.params("whiten")).read_bytes())
    document["steps"][0]["statistics"]["comoments"]["products"][at[0]][at[1]] *= 1e200
    (workspace / "e.json").write_text(json.dumps(document))
    done = workspace.run("merge", "e.json", "p.json", "--allow-duplicates", "--allow-edited", "-o", "m.json")
    assert done.code in (0, 65)
    assert len(done.lines) == 1
