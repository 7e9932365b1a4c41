"""The parameter file: written the same, read strictly, and never believed where anything is off."""

import copy
import json
import pickle
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema
import msgspec
import numpy as np
import pytest
from msgspec.structs import fields, replace

from normcli import api, registry
from normcli.blocks.block import Block
from normcli.errors import BadParametersError, NormcliError
from normcli.parameters import Parameters
from normcli.parameters import file as params
from normcli.parameters.file import _reading
from normcli.parameters.json_schema import schema
from tests.conftest import longer
from tests.least_options import least

# Numbers, a constant, a column with nothing in it, gaps, text, and names that a path must not trip over.
COLUMN_WISE = "id,a.b,none,größe\nx,1,,5\ny,2,,NA\nz,4.5,,5\n,8,,5\n"
BY_ROW = "id,a.b,c,größe\nx,1,5,0.1\ny,2,3,NA\nz,4.5,7,-3\nw,8,4,1e-3\nv,-2,-6,2.5\nu,3,3,-1\n"


def needed(name: str) -> dict[str, Any]:
    """The options that a method can't do without; each is 1."""
    return {f.name: 1 for f in fields(registry.only("methods", name)) if f.default is f.default_factory}


VARIANTS: dict[str, dict[str, Any]] = {name: needed(name) for name in registry.names("methods")} | {
    "minmax -1 1 clip": {"range": (-1.0, 1.0), "clip": True},
    "zscore unscaled": {"scale": False},
    "unit l1": {"norm": "l1"},
    "unit 3.5": {"norm": 3.5},
    "decorrelate 2": {"components": 2, "prefix": "größe."},
    "whiten pca 0.9": {"kind": "pca", "components": 0.9},
    "whiten pca-cor": {"kind": "pca-cor", "ddof": 1},
    "whiten zca-cor": {"kind": "zca-cor", "shrinkage": 0.1},
    "whiten cholesky": {"kind": "cholesky", "eps": 0.25},
    "weight l1": {"norm": "l1", "gain": (2.0, -0.5, 3.0)},
    "weight row": {"axis": "row", "norm": 3.5, "gain": -2.0},
    "weight max": {"norm": "max"},
    "power given": {"lambda_": (0.5, 1.0, 0.0)},
    "whiten rank 2": {"rank": 2, "shrinkage": "oas"},
}

Path_ = tuple[str | int, ...]


@cache
def fitted(variant: str) -> Parameters:
    kind: Any = registry.only("methods", variant.split()[0])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        path.write_text(BY_ROW if kind.by_row else COLUMN_WISE, "utf-8")
        include = () if kind.by_row else ("a.b", "none", "größe")
        method = msgspec.convert(dict.fromkeys(least(kind), 1) | VARIANTS[variant], kind)
        return api.fit(path, method, columns=include, note="of a test")


@cache
def written(variant: str) -> bytes:
    return params.write(fitted(variant))


def document(variant: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(written(variant))
    return made


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


def refusal(data: bytes, *, allow_edited: bool = True) -> str:
    with pytest.raises(BadParametersError) as caught:
        params.read(data, allow_edited=allow_edited)
    return str(caught.value.message)


each = pytest.mark.parametrize("variant", VARIANTS)


# -- writing and reading back ------------------------------------------------------------------------------------
@each
def test_what_was_read_is_written_the_same(variant: str) -> None:
    data = written(variant)
    assert params.write(params.read(data)) == data


@each
def test_a_plan_that_was_read_does_the_same(variant: str) -> None:
    old = fitted(variant)
    new = params.read(written(variant))
    assert [s.columns for s in new.steps] == [s.columns for s in old.steps]
    assert [s.method for s in new.steps] == [s.method for s in old.steps]
    assert (new.rows, new.skipped, new.schema, new.note) == (old.rows, old.skipped, old.schema, old.note)
    block = Block.of(np.random.default_rng(1).exponential(size=(20, len(old.steps[0].columns))))
    for a, b in zip(old.steps, new.steps, strict=True):
        np.testing.assert_array_equal(a.fitted(block), b.fitted(block))
        for x, y in zip((*a.states, a.fitted), (*b.states, b.fitted), strict=True):
            for name in type(x).axes():
                np.testing.assert_array_equal(getattr(x, name), getattr(y, name))


@each
def test_equal_plans_give_equal_bytes(variant: str) -> None:
    assert params.write(copy.deepcopy(fitted(variant))) == written(variant)
    assert params.write(fitted.__wrapped__(variant)) == written(variant)


@each
def test_the_file_is_made_for_people(variant: str) -> None:
    """One line per column, no time, no path, no host, no sign of a zero."""
    data = written(variant).decode()
    assert data.isascii() or "größe" in data
    assert data.endswith('"\n}\n')
    assert "-0.0," not in data.replace("-0.0001", "")
    for name in fitted(variant).steps[0].columns:
        assert sum(line.strip().startswith(f'"{name}": {{') for line in data.splitlines()) >= 1
    sketches = ["sketches"] if fitted(variant).learns else []
    keys = ["format", "version", "note", "rows", "skipped", "inputs", "schema", "steps", *sketches, "digest"]
    assert list(json.loads(data)) == keys
    assert json.loads(data)["note"] == "of a test"


def test_symmetric_matrices_are_their_lower_triangle_a_row_a_line() -> None:
    products = document("whiten")["steps"][0]["statistics"]["comoments"]["products"]
    assert [len(row) for row in products] == [1, 2, 3]
    for row in products:
        assert f"\n      {json.dumps(row)}" in written("whiten").decode()


def test_layout_is_free_and_content_is_not() -> None:
    """The digest is of what the file says, not of its spaces."""
    value = document("zscore")
    for indent in (None, 0, 4):
        loose = json.dumps(value, indent=indent, ensure_ascii=True).encode()
        assert params.write(params.read(loose)) == written("zscore")
    value["note"] = "of another test"
    assert refusal(text(value), allow_edited=False).startswith("$.digest: ")


def test_the_digest() -> None:
    value = document("zscore")
    assert value["digest"].startswith("sha256:")
    assert len({document(v)["digest"] for v in VARIANTS}) == len(VARIANTS)
    wrong = value | {"digest": "sha256:" + "0" * 64}
    assert refusal(text(wrong), allow_edited=False).startswith("$.digest: ")
    assert params.write(params.read(text(wrong), allow_edited=True)) == written("zscore")
    assert refusal(text({k: v for k, v in value.items() if k != "digest"})).startswith("$.digest: ")
    assert refusal(text(value | {"digest": 5})).startswith("$.digest: ")


@cache
def checker() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema())


def test_the_schema_is_one() -> None:
    checker().check_schema(schema())


@each
def test_files_are_valid_by_the_schema(variant: str) -> None:
    checker().validate(document(variant))


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    for path, value in (
        (("version",), 2),
        (("rows",), -1),
        (("extra",), 1),
        (("steps", 0, "method"), "nosuch"),
        (("steps", 0, "options", "ddof"), -1),
        (("steps", 0, "options", "nosuch"), 1),
        (("steps", 0, "learned", "affine", "columns", "a.b", "scale"), 0),
        (("steps", 0, "statistics", "moments", "columns", "a.b", "count"), -1),
        (("steps", 0, "statistics", "moments", "columns", "a.b", "mean"), "1"),
        (("digest",), "md5:0"),
    ):
        changed = put(document("zscore"), path, value)
        assert not checker().is_valid(changed), path


# -- JSON and its loopholes --------------------------------------------------------------------------------------
def swapped(old: str, new: str, variant: str = "zscore") -> bytes:
    data = written(variant).decode()
    assert old in data
    return data.replace(old, new, 1).encode()


BROKEN: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "a list": lambda: b"[]",
    "a number": lambda: b"1",
    "null": lambda: b"null",
    "an empty object": lambda: b"{}",
    "half of it": lambda: written("zscore")[:900],
    "more behind it": lambda: written("zscore") + b"{}",
    "not UTF-8": lambda: written("zscore").replace("größe".encode(), b"gr\xf6\xdfe"),
    "UTF-16": lambda: written("zscore").decode().encode("utf-16"),
    "NUL": lambda: written("zscore") + b"\0",
    "a pickle": lambda: pickle.dumps(fitted("zscore")),
    "a pickle that would run": lambda: b"cos\nsystem\n(S'exit 1'\ntR.",
    "a key twice": lambda: swapped('"rows": 4,', '"rows": 4, "rows": 4,'),
    "a key twice deep down": lambda: swapped('"count": 4,', '"count": 4, "count": 4,'),
    "a key twice, once escaped": lambda: swapped('"rows": 4,', '"rows": 4, "ro\\u0077s": 4,'),
    "NaN": lambda: swapped('"gain": 1.0', '"gain": NaN'),
    "Infinity": lambda: swapped('"gain": 1.0', '"gain": Infinity'),
    "-Infinity": lambda: swapped('"offset": 0.0', '"offset": -Infinity'),
    "100,000 lists": lambda: b"[" * 100_000 + b"]" * 100_000,
    "100,000 objects": lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "100,000 lists inside": lambda: swapped('"note": "of a test"', '"note": ' + "[" * 100_000 + "]" * 100_000),
    "900 lists inside": lambda: swapped('"note": "of a test"', '"note": ' + "[" * 900 + "]" * 900),
    "5,000 digits": lambda: swapped('"rows": 4', '"rows": ' + "9" * 5_000),
    "a comment": lambda: swapped('"rows": 4,', '"rows": 4, // rows\n'),
    "a comma too many": lambda: swapped('"rows": 4,', '"rows": 4,,'),
    "a leading zero": lambda: swapped('"rows": 4,', '"rows": 04,'),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_not_strict_json(what: str) -> None:
    data = BROKEN[what]()
    for allow_edited in (False, True):
        message = refusal(data, allow_edited=allow_edited)
        assert message.startswith("$")
        assert message.isprintable()
        assert len(message) < 500


def test_a_place_without_end_is_cut_in_the_message() -> None:
    for path in (("steps", 0, "options"), ("steps", 0, "learned"), ("steps", 0, "columns")):
        assert len(refusal(text(put(document("zscore"), path, {"n" * 100_000: 1})))) < 2500


@pytest.mark.parametrize("variant", ["zscore", "decorrelate 2", "whiten rank 2", "batch", "robust"])
def test_a_whole_number_has_64_bits(variant: str) -> None:
    """No more could be compared with what is counted."""
    for path, value in nodes(document(variant)):
        if type(value) is int and (path[-1] in ("rows", "skipped") or "options" in path):
            assert refusal(text(put(document(variant), path, 2**63))).startswith("$"), path


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400, "1" + "0" * 4_000, "NaN", "Infinity"])
def test_no_number_is_beyond_a_float(number: str) -> None:
    """Wherever one stands."""
    for variant in ("zscore", "minmax -1 1 clip", "unit 3.5", "whiten cholesky"):
        for path, value in nodes(document(variant)):
            if isinstance(value, float):
                mark = "a number is to stand here"
                data = text(put(document(variant), path, mark)).replace(f'"{mark}"'.encode(), number.encode())
                assert refusal(data).startswith("$"), path


def test_a_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_reading, "LARGEST", len(written("zscore")))
    params.read(written("zscore"))
    assert refusal(written("zscore") + b" ").startswith("$: more than")


# -- places inside -----------------------------------------------------------------------------------------------
def nodes(value: Any, at: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Everything in a document, with the way to it."""
    if at:
        yield at, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, v in inner:
        yield from nodes(v, (*at, key))


def put(value: Any, path: Path_, new: Any) -> Any:
    """The document with something else in one place; a function of what was there, if it is one."""
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    if new is DELETED:
        del holder[path[-1]]
    else:
        holder[path[-1]] = new(holder[path[-1]]) if callable(new) else new
    return value


DELETED = object()


def said(path: Path_) -> str:
    """A place as messages call it."""
    return "$" + "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in path)


EXPECTED: list[tuple[str, Path_, Any, str]] = [
    ("zscore", ("format",), "normcli2", "$.format"),
    ("zscore", ("format",), DELETED, "$.format"),
    ("zscore", ("version",), 2, "$.version"),
    ("zscore", ("version",), "1", "$.version"),
    ("zscore", ("version",), True, "$.version"),
    ("zscore", ("version",), 1.0, "$.version"),
    ("zscore", ("version",), DELETED, "$.version"),
    ("zscore", ("extra",), 1, "$.extra"),
    ("zscore", ("rows",), -1, "$.rows"),
    ("zscore", ("rows",), 4.0, "$.rows"),
    ("zscore", ("rows",), True, "$.rows"),
    ("zscore", ("skipped",), -1, "$.skipped"),
    ("zscore", ("note",), 5, "$.note"),
    ("zscore", ("schema",), {}, "$.schema"),
    ("zscore", ("schema", 1, "name"), "id", "$.schema"),
    ("zscore", ("schema", 1, "type"), 5, "$.schema[1].type"),
    ("zscore", ("schema", 1, "type"), DELETED, "$.schema[1].type"),
    ("zscore", ("schema", 1, "more"), 1, "$.schema[1].more"),
    ("zscore", ("steps",), [], "$.steps"),
    ("zscore", ("steps",), lambda s: s + s, "$.steps"),
    ("zscore", ("steps", 0), [], "$.steps[0]"),
    ("zscore", ("steps", 0, "method"), "nosuch", "$.steps[0].method"),
    ("zscore", ("steps", 0, "method"), "__init__", "$.steps[0].method"),
    ("zscore", ("steps", 0, "method"), "_column", "$.steps[0].method"),
    ("zscore", ("steps", 0, "method"), "os", "$.steps[0].method"),
    ("zscore", ("steps", 0, "method"), ["zscore"], "$.steps[0].method"),
    ("zscore", ("steps", 0, "method"), "maxabs", "$.steps[0].options.ddof"),
    ("zscore", ("steps", 0, "options", "ddof"), -1, "$.steps[0].options.ddof"),
    ("zscore", ("steps", 0, "options", "ddof"), True, "$.steps[0].options.ddof"),
    ("zscore", ("steps", 0, "options", "center"), 1, "$.steps[0].options.center"),
    ("zscore", ("steps", 0, "options", "nosuch"), 1, "$.steps[0].options.nosuch"),
    ("minmax", ("steps", 0, "options", "range"), [1.0, 0.0], "$.steps[0].options"),
    ("minmax", ("steps", 0, "options", "range"), [0.0], "$.steps[0].options.range"),
    ("unit", ("steps", 0, "options", "norm"), 0.5, "$.steps[0].options.norm"),
    ("unit", ("steps", 0, "options", "norm"), "l3", "$.steps[0].options.norm"),
    ("whiten", ("steps", 0, "options", "kind"), "nosuch", "$.steps[0].options.kind"),
    ("zscore", ("steps", 0, "columns", "a.b", "std"), -1.0, "$.steps[0].columns.a.b.std"),
    ("zscore", ("steps", 0, "columns", "a.b", "mean"), 99.0, "$.steps[0].columns.a.b.mean"),
    ("zscore", ("steps", 0, "columns", "a.b", "count"), 3, "$.steps[0].columns.a.b.count"),
    ("zscore", ("steps", 0, "columns", "a.b", "min"), DELETED, "$.steps[0].columns.a.b.min"),
    ("zscore", ("steps", 0, "columns", "a.b"), DELETED, "$.steps[0]"),
    ("zscore", ("steps", 0, "columns", "more"), {}, "$.steps[0].columns.more"),
    ("zscore", ("steps", 0, "learned"), {}, "$.steps[0].learned"),
    ("zscore", ("steps", 0, "learned", "nosuch"), {}, "$.steps[0].learned"),
    ("zscore", ("steps", 0, "learned"), {"nosuch": {}}, "$.steps[0].learned"),
    ("zscore", ("steps", 0, "learned", "affine", "gain"), "1", "$.steps[0].learned.affine.gain"),
    ("zscore", ("steps", 0, "learned", "affine", "clip"), 0, "$.steps[0].learned.affine.clip"),
    ("zscore", ("steps", 0, "learned", "affine", "ends"), [0.0], "$.steps[0].learned.affine.ends"),
    ("minmax", ("steps", 0, "learned", "affine", "ends"), ["0", "1"], "$.steps[0].learned.affine.ends"),
    *(
        ("zscore", ("steps", 0, "learned", "affine", "columns", "a.b", "scale"), bad, said_)
        for said_ in ["$.steps[0].learned.affine.columns.a.b.scale"]
        for bad in (0, 0.0, -0.0, -1, "1", True, None, [1.0], DELETED)
    ),
    ("zscore", ("steps", 0, "learned", "affine", "columns", "größe"), DELETED, "$.steps[0].learned.affine.columns"),
    ("zscore", ("steps", 0, "statistics", "moments"), DELETED, "$.steps[0].statistics.moments"),
    ("zscore", ("steps", 0, "statistics", "comoments"), {}, "$.steps[0].statistics.comoments"),
    ("zscore", ("steps", 0, "statistics", "moments", "columns", "a.b", "count"), -1, "$.steps[0].statistics.moments"),
    ("zscore", ("steps", 0, "statistics", "moments", "columns", "a.b", "count"), 4.5, "$.steps[0]."),
    ("whiten", ("steps", 0, "statistics", "comoments", "count"), 5.5, "$.steps[0]."),
    ("zscore", ("steps", 0, "statistics", "moments", "columns", "a.b", "squares"), -1, "$.steps[0].statistics.moments"),
    ("zscore", ("steps", 0, "statistics", "moments", "columns", "a.b", "mean"), None, "$.steps[0].statistics.moments"),
    ("whiten", ("steps", 0, "statistics", "comoments", "mean"), [1.0, 2.0], "$.steps[0].statistics.comoments.mean"),
    ("whiten", ("steps", 0, "statistics", "comoments", "products", 2), [1.0], "$.steps[0].statistics.comoments"),
    ("whiten", ("steps", 0, "learned", "linear", "scale"), lambda x: x[:2], "$.steps[0].learned.linear.scale"),
    ("whiten", ("steps", 0, "learned", "linear", "scale", 1), 0.0, "$.steps[0].learned.linear.scale[1]"),
    ("whiten", ("steps", 0, "learned", "linear", "spread", 1), -1.0, "$.steps[0].learned.linear.spread[1]"),
    ("whiten", ("steps", 0, "learned", "linear", "basis", 1), [1.0], "$.steps[0].learned.linear.basis[1]"),
    ("whiten", ("steps", 0, "learned", "linear", "basis", 1, 1), "x", "$.steps[0].learned.linear.basis[1][1]"),
    ("whiten", ("steps", 0, "learned", "linear", "rotation"), lambda x: x[:2], "$.steps[0].learned.linear.rotation"),
    ("whiten", ("steps", 0, "learned", "linear", "rotation"), [], "$.steps[0].learned.linear.rotation"),
]


@pytest.mark.parametrize(("variant", "path", "new", "place"), EXPECTED)
def test_a_refusal_names_the_place(variant: str, path: Path_, new: Any, place: str) -> None:
    message = refusal(text(put(document(variant), path, new)))
    assert message.startswith(place)
    assert ": " in message
    assert refusal(text(put(document(variant), path, new)), allow_edited=False).startswith(place)


def test_columns_in_another_order_are_other_columns() -> None:
    value = document("zscore")
    rows = value["steps"][0]["learned"]["affine"]["columns"]
    value["steps"][0]["learned"]["affine"]["columns"] = dict(reversed(rows.items()))
    assert refusal(text(value)).startswith("$.steps[0].learned.affine.columns: ")


@pytest.mark.parametrize("variant", registry.names("methods"))
def test_no_columns_are_no_parameters(variant: str) -> None:
    """Also where all the rest agrees that there is none."""

    def emptied(node: Any, key: str | int = "") -> Any:
        if isinstance(node, dict):
            return {k: {} if k == "columns" else emptied(v, k) for k, v in node.items()}
        if isinstance(node, list) and key not in ("range", "ends"):
            return [emptied(v) for v in node] if node and isinstance(node[0], dict) else []
        return node

    assert refusal(text(emptied(document(variant)))).startswith("$.")


# Files whose sizes agree with each other, and not with the columns.
SHAPES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no direction": lambda linear: linear.update(basis=[[], [], []], spread=[], rotation=[]),
    "no component": lambda linear: linear.update(rotation=[[], [], []]),
    "a component less": lambda linear: linear.update(rotation=[row[:2] for row in linear["rotation"]]),
    "a component more": lambda linear: linear.update(rotation=[[*row, 0.0] for row in linear["rotation"]]),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_sizes_that_do_not_go_with_the_columns(shape: str) -> None:
    value = document("whiten")
    SHAPES[shape](value["steps"][0]["learned"]["linear"])
    assert refusal(text(value)).startswith("$.steps[0].learned.linear")


SETTINGS: list[tuple[str, tuple[str, ...], Any]] = [
    ("unit 3.5", ("rows", "norm"), 0.0),
    ("unit 3.5", ("rows", "norm"), -2.0),
    ("unit 3.5", ("rows", "norm"), 0.5),
    ("zscore", ("affine", "gain"), 0.0),
    ("minmax", ("affine", "ends"), [1.0, 0.0]),
    ("minmax", ("affine", "ends"), [1.0, 1.0]),
    ("whiten pca 0.9", ("linear", "prefix"), ""),
]


@pytest.mark.parametrize(("variant", "path", "new"), SETTINGS)
def test_settings_with_which_nothing_can_be_computed(variant: str, path: tuple[str, ...], new: Any) -> None:
    value = put(document(variant), ("steps", 0, "learned", *path), new)
    assert refusal(text(value)).startswith(said(("steps", 0, "learned", *path)))


SKETCHES: list[tuple[str, Any, str]] = [
    ("sizes", lambda sizes: [[n + 1 for n in row] for row in sizes], "items"),
    ("items", lambda items: [row[1:] for row in items], "items"),
    ("sizes", lambda sizes: [[*row, *[0] * 53, 0.5] for row in sizes], "items"),
    ("sides", lambda sides: [[3] for _ in sides], "sides"),
    ("sides", lambda sides: [[0, 0, 1] for _ in sides], "sides"),
    ("exact", [[0.0, 1.0, 2.0]], "exact"),
    ("at", [0.5, 1.5], "at"),
    ("k", 64, "k"),
]


@pytest.mark.parametrize(("field", "new", "where"), SKETCHES)
def test_sketches_that_can_not_be(field: str, new: Any, where: str) -> None:
    place = ("steps", 0, "statistics", "quantiles")
    assert refusal(text(put(document("robust"), (*place, field), new))).startswith(said((*place, where)))


# -- every place, every kind of damage ---------------------------------------------------------------------------
def places(value: Any) -> Iterator[tuple[Path_, Any]]:
    """Everything in a document, but of long lists the beginning."""
    return (found for found in nodes(value) if not any(isinstance(key, int) and key > 1 for key in found[0]))


def damages(path: Path_, value: Any) -> Iterator[tuple[str, Any]]:
    """What may be put in a place instead."""
    yield "deleted", DELETED
    for name, new in (
        ("null", None),
        ("an object", {"x": {}}),
        ("a list", [[[]]]),
        ("true", True),
        ("text", "text"),
        ("minus one", -1),
        ("a half", 0.5),
        ("zero", 0),
        ("huge", 10**400),
        ("half a character", "\ud800\x1b[31m"),
    ):
        if new != value or type(new) is not type(value):
            yield name, new


def works(plan: Parameters) -> None:
    """Whatever the numbers: it can be shown, written and read again, applied and undone, without a bug of ours."""
    for step, there in zip(plan.steps, plan.schemas, strict=True):
        params.described(step, there)
        block = Block.of(np.ones((3, len(step.columns))))
        with np.errstate(all="ignore"):
            assert step.fitted(block).shape == (3, len(step.outputs))
            try:
                back = step.fitted.inverse(Block.of(np.ones((3, len(step.outputs)))))
                assert back.shape == (3, len(step.columns))
            except NormcliError:
                pass
    data = params.write(plan)
    assert params.write(params.read(data)) == data


# Each method, and variants with settings of other types.
CHANGED: list[Any] = ["unit 3.5", "whiten pca 0.9", "zscore", "batch"]
CHANGED += longer("minmax -1 1 clip", "decorrelate 2")
CHANGED += longer(*(name for name in registry.names("methods") if name not in CHANGED))


@pytest.mark.parametrize("variant", CHANGED)
def test_any_single_change_is_refused_or_changes_nothing(variant: str) -> None:
    """By the digest at the latest."""
    good, wrong = written(variant), []
    for path, value in places(document(variant)):
        for name, new in (d for d in damages(path, value) if d[0] in ("deleted", "null", "text", "a half")):
            try:
                plan = params.read(text(put(document(variant), path, new)))
            except BadParametersError as e:
                if not e.message.startswith("$"):
                    wrong.append((said(path), name, e.message))
            except Exception as e:
                wrong.append((said(path), name, repr(e)))
            else:
                if params.write(plan) != good:
                    wrong.append((said(path), name, "accepted"))
    assert wrong == []


def sound(path: Path_, value: Any, name: str) -> bool:
    """Whether such a change can make another sound file."""
    if name in ("an object", "a list", "half a character"):
        return name == "half a character" and path == ("digest",)
    if name == "huge":
        return False
    if isinstance(value, dict | list):
        return name == "deleted" or (name == "null" and path[-1] in ("ends", "limits"))
    if isinstance(value, int | float) and not isinstance(value, bool) and name == "true":
        return False
    return not (name == "minus one" and path[-1] in ("count", "missing", "scale", "spread", "squares", "std", "norm"))


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("variant", CHANGED)
def test_any_single_change_on_purpose_is_refused_or_works(variant: str) -> None:
    """With the digest out of the way, what is accepted must be sound."""
    wrong = []
    for path, value in places(document(variant)):
        for name, new in damages(path, value):
            try:
                plan = params.read(text(put(document(variant), path, new)), allow_edited=True)
                works(plan)
            except BadParametersError as e:
                if not e.message.startswith("$"):
                    wrong.append((said(path), name, e.message))
            except Exception as e:
                wrong.append((said(path), name, repr(e)))
            else:
                if not sound(path, value, name):
                    wrong.append((said(path), name, "accepted"))
    assert wrong == []


@pytest.mark.parametrize("variant", ["center", "unit"])
def test_any_single_byte_that_flips(variant: str) -> None:
    """Also a file that is damaged, not edited."""
    good, wrong = written(variant), []
    for i in range(len(good)):
        changed = good[:i] + bytes([good[i] ^ (1, 4, 32)[i % 3]]) + good[i + 1 :]
        try:
            plan = params.read(changed)
        except BadParametersError:
            continue
        except Exception as e:
            wrong.append((i, repr(e)))
        else:
            if params.write(plan) != good:
                wrong.append((i, "accepted"))
    assert wrong == []


def test_half_a_character_is_no_text() -> None:
    """JSON can hold one; no file and no table can."""
    data = written("center").replace(b'"note": "of a test"', b'"note": "\\ud800"')
    assert refusal(data).startswith("$")
    data = written("unit").replace(b'"norm": "l2"', b'"norm": "\\udfff"')
    assert refusal(data, allow_edited=False).startswith("$")


@pytest.mark.parametrize("note", ["", "plain", 'a "quote", a \\ and\na line', "\N{SNOWMAN}", "x" * 130_000])
@pytest.mark.parametrize("variant", ["zscore", "unit"])
def test_how_many_rows_a_file_has_counted_is_read_off_its_beginning(variant: str, note: str, tmp_path: Path) -> None:
    plan = replace(fitted(variant), note=note)
    text = params.write(plan)
    spaced = json.dumps(json.loads(text), indent=4, ensure_ascii=True).encode()
    for written in (text, spaced, text[:-3], json.dumps(json.loads(text)).encode()):
        (tmp_path / "p.json").write_bytes(written)
        assert params.rows_of(str(tmp_path / "p.json")) == plan.rows
    assert params.rows_of(str(tmp_path / "none")) == params.rows_of(str(tmp_path)) == 0
