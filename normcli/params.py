"""The parameter file: strict JSON for people, for git and for machines; its reading, writing and schema.

`columns` is what a person reads, `learned` what apply uses, `statistics` the exact state from which files can be
merged, updated and learned again. How a record lies in the file is read off its fields: one line per column where
all of them are per column, a symmetric matrix as its lower triangle. null stands where nothing was learned.
"""

import dataclasses
import hashlib
import json
import typing
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import msgspec
import numpy as np

from normcli import registry
from normcli.columns import Field
from normcli.errors import BadParametersError, UsageError, printable
from normcli.methods import Method
from normcli.plan import Plan, Step
from normcli.record import Array, Axes, Record, symmetric
from normcli.sources import open_source

VERSION = 1
LARGEST = 1 << 30  # bytes; 5,000 whitened columns stay below
TOP = ("format", "version", "rows", "skipped", "schema", "steps", "digest")
STEP = ("method", "options", "columns", "learned", "statistics")


# -- writing -----------------------------------------------------------------------------------------------------
def write(plan: Plan) -> bytes:
    """The file of a fitted plan; equal plans give equal bytes."""
    body = _body(plan)
    return f'{body[:-2]},\n "digest": "{_digest(body)}"\n}}\n'.encode()


def sealed(plan: Plan) -> Plan:
    """The plan with the digest that its file has."""
    return dataclasses.replace(plan, digest=_digest(_body(plan)))


def _body(plan: Plan) -> str:
    """The file but for its digest."""
    document: dict[str, Any] = {"format": "normcli", "version": VERSION}
    if plan.note:
        document["note"] = plan.note
    document |= {
        "rows": plan.rows,
        "skipped": plan.skipped,
        "schema": [{"name": f.name, "type": f.type} for f in plan.schema],
        "steps": [_step(s, plan.types) for s in plan.steps],
    }
    body = "".join(_laid(document))
    try:
        body.encode()
    except UnicodeEncodeError:
        raise UsageError("a name, a prefix or a note is not text in UTF-8") from None
    return body


def _digest(body: str) -> str:
    """Of a document without its digest, laid out as we do: other spaces in a file make no other digest."""
    return "sha256:" + hashlib.sha256(body.encode()).hexdigest()


def _step(step: Step, types: dict[str, str]) -> dict[str, Any]:
    return {
        "method": registry.name_of(step.method),
        "options": options(step.method),
        **({} if step.length is None else {"list": step.columns[0]}),
        "columns": described(step, types),
        "learned": {registry.name_of(step.fitted): _plain(step.fitted, step.features)},
        "statistics": {registry.name_of(s): _plain(s, step.features) for s in step.states},
    }


def options(method: Method) -> dict[str, Any]:
    """A method's options as plain values."""
    return _builtins(method)


def _builtins(value: Any) -> dict[str, Any]:
    """Options or settings as JSON has them: without tuples."""
    plain: dict[str, Any] = msgspec.to_builtins(value)
    return {k: list(v) if isinstance(v, tuple) else v for k, v in plain.items()}


def described(step: Step, types: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What a person reads of each column."""
    said = step.summary()
    columns: dict[str, dict[str, Any]] = {}
    for j, name in enumerate(step.features):
        kind = types[name] if step.length is None else Field(name, types[step.columns[0]]).list_of
        entry: dict[str, Any] = {"type": kind}
        for key in ("count", "missing", "mean", "std", "min", "max"):
            if key in said:
                value = float(said[key][j]) + 0.0
                known = np.isfinite(value) and (
                    key in ("count", "missing") or "count" not in said or said["count"][j] > 0
                )
                entry[key] = (int(value) if key in ("count", "missing") else value) if known else None
        if "min" in entry:
            entry["constant"] = entry["min"] is not None and entry["min"] == entry["max"]
            if entry["constant"]:
                entry |= {"mean": entry["min"], "std": 0.0}
        columns[name] = entry
    return columns


def _plain(record: Record, names: Sequence[str]) -> dict[str, Any]:
    """A record of one group as JSON: its settings, and its arrays."""
    out = _builtins(record.settings())
    arrays = {n: (a, getattr(record, n)[0]) for n, a in record.axes().items()}
    if arrays and record.is_column_wise():
        each = {n: _listed(values, a) for n, (a, values) in arrays.items()}
        return out | {"columns": {name: {n: v[j] for n, v in each.items()} for j, name in enumerate(names)}}
    return out | {n: _listed(values, a) for n, (a, values) in arrays.items()}


def _listed(values: Any, axes: Axes) -> Any:
    """An array as nested lists: counts whole, zero without a sign, null where nothing is known."""
    if axes.symmetric:
        return [_listed(row[: i + 1], dataclasses.replace(axes, symmetric=False)) for i, row in enumerate(values)]
    known = np.isfinite(values)
    if axes.holds == "count" and known.all() and (values == np.rint(values)).all():
        return values.astype(int).tolist()
    unsigned: Any = values + 0.0 if known.all() else np.where(known, values + 0.0, None)
    return unsigned.tolist()


def _short(value: Any) -> bool:
    return not isinstance(value, dict | list) or (
        isinstance(value, list) and len(value) <= 4 and not any(isinstance(v, dict | list) for v in value)
    )


def _line(value: Any) -> str:
    """JSON on one line; long lists of numbers go through msgspec, which writes them ten times as fast."""
    if isinstance(value, list) and len(value) > 4 and all(type(v) is float for v in value):
        return msgspec.json.encode(value).decode().replace(",", ", ")
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


def _laid(value: Any, depth: int = 0) -> Iterator[str]:
    """JSON text: what holds no other container (an object: none but short lists) on one line, the rest broken."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if not any(isinstance(v, dict | list) for v in inner) or (isinstance(value, dict) and all(map(_short, inner))):
        yield _line(value)
        return
    pad, (left, right) = " " * (depth + 1), "{}" if isinstance(value, dict) else "[]"
    yield left
    entries = value.items() if isinstance(value, dict) else ((None, v) for v in value)
    for i, (k, v) in enumerate(entries):
        yield f"{',' if i else ''}\n{pad}" + (f"{json.dumps(k, ensure_ascii=False)}: " if k is not None else "")
        yield from _laid(v, depth + 1)
    yield f"\n{' ' * depth}{right}"


# -- reading -----------------------------------------------------------------------------------------------------
def read_file(path: str, *, example: str, allow_edited: bool = False) -> Plan:
    """The plan of a parameter file, or of one on standard input for `-`. Raises NormcliError."""
    source = open_source(path, example=example)
    try:
        parts = []
        while source.count <= LARGEST and (part := source.read(1 << 20)):
            parts.append(part)
        return read(b"".join(parts), allow_edited=allow_edited)
    except BadParametersError as e:
        raise BadParametersError(f"{source.name}: {e.message}", e.hint) from None


def read(text: bytes, *, allow_edited: bool = False) -> Plan:
    """The plan of a parameter file. Raises BadParametersError, with the path inside, where anything is off."""
    document = _parse(text)
    if document.get("format") != "normcli":
        _fail("$.format", "not a normcli parameter file")
    if type(document.get("version")) is not int or document["version"] != VERSION:
        _fail("$.version", f"{document.get('version')!r} is not {VERSION}, the one that is understood here")
    _keys(document, TOP, "$", optional=("note",))
    schema = tuple(_typed(Field, f, f"$.schema[{i}]") for i, f in enumerate(_a(list, document["schema"], "$.schema")))
    for i, f in enumerate(schema):
        if f.type.startswith(("int", "uint", "float", "decimal")) and not f.is_number:
            _fail(f"$.schema[{i}].type", f"'{f.type}' is no type of numbers")
    if len({f.name for f in schema}) < len(schema):
        _fail("$.schema", "a name is there twice")
    types = {f.name: f.type for f in schema}
    steps = _a(list, document["steps"], "$.steps")
    if not steps:
        _fail("$.steps", "there is none")
    plan = Plan(
        tuple(_read_step(s, f"$.steps[{i}]", types) for i, s in enumerate(steps)),
        schema,
        _count(document["rows"], "$.rows"),
        _count(document["skipped"], "$.skipped"),
        _a(str, document.get("note", ""), "$.note"),
        _a(str, document["digest"], "$.digest"),
    )
    for i, step in enumerate(plan.steps):
        for name in (n for n in step.columns if any(n in s.columns for s in plan.steps[:i])):
            _fail(f"$.steps[{i}]", f"column '{name}' belongs to a step before")
    try:
        found = _digest("".join(_laid({k: v for k, v in document.items() if k != "digest"})))
    except ValueError:
        _fail("$", "a number beyond a float")
    if plan.digest != found and not allow_edited:
        raise BadParametersError(
            "$.digest: does not go with the content: the file was edited or damaged", "--allow-edited accepts it"
        )
    return dataclasses.replace(plan, digest=found)


def _fail(at: str, what: str) -> NoReturn:
    raise BadParametersError(f"{printable(at)}: {printable(what)}")


def _parse(text: bytes) -> dict[str, Any]:
    """JSON without its loopholes: no key twice, no NaN, no bottomless nesting, no number without end."""
    if len(text) > LARGEST:
        _fail("$", f"more than {LARGEST >> 20} MB")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        out = dict(pairs)
        if len(out) != len(pairs):
            keys = [k for k, _ in pairs]
            raise ValueError(f"key {next(k for k in keys if keys.count(k) > 1)!r} is there twice")
        return out

    def refuse(word: str) -> NoReturn:
        raise ValueError(f"{word} is not JSON")

    try:
        document = json.loads(text.decode(), object_pairs_hook=unique, parse_constant=refuse)
        if b"\\ud" in text.lower():
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        _fail("$", "half a character in a text")
    except UnicodeDecodeError:
        _fail("$", "not JSON: not even text")
    except RecursionError:
        _fail("$", "not JSON that can be read: nested too deep")
    except ValueError as e:
        _fail("$", f"not JSON: {printable(str(e))}")
    return typing.cast(dict[str, Any], _a(dict, document, "$"))


def _a(kind: type, raw: Any, at: str) -> Any:
    if type(raw) is not kind:
        words = {dict: "an object", list: "a list", str: "text", int: "a whole number"}
        _fail(at, f"must be {words[kind]}")
    return raw


def _count(raw: Any, at: str) -> int:
    if _a(int, raw, at) < 0:
        _fail(at, "must not be negative")
    return int(raw)


def _keys(raw: dict[str, Any], wanted: Sequence[str], at: str, optional: Sequence[str] = ()) -> None:
    for name in wanted:
        if name not in raw:
            _fail(f"{at}.{name}", "missing")
    for name in raw:
        if name not in wanted and name not in optional:
            _fail(f"{at}.{name}", "unknown")


def _typed(kind: Any, raw: Any, at: str) -> Any:
    """`raw` as a dataclass: no field unknown, one without a default there, every number finite."""
    fields = {f.name: f for f in dataclasses.fields(kind)}
    required = [n for n, f in fields.items() if f.default is dataclasses.MISSING]
    _keys(_a(dict, raw, at), required, at, optional=tuple(fields))
    try:
        value = msgspec.convert(raw, kind)
    except msgspec.ValidationError as e:
        what, _, where = str(e).partition(" - at `$")
        _fail(at + where.rstrip("`"), what[:1].lower() + what[1:])
    for name in fields:
        numbers = getattr(value, name)
        for x in numbers if isinstance(numbers, tuple) else (numbers,):
            if isinstance(x, float) and not np.isfinite(x):
                _fail(f"{at}.{name}", "must be finite")
    return value


def _read_step(raw: Any, at: str, types: dict[str, str]) -> Step:
    _keys(_a(dict, raw, at), STEP, at, optional=("list",))
    method: Method = _typed(_entry("methods", raw["method"], f"{at}.method"), raw["options"], f"{at}.options")
    names = tuple(_a(dict, raw["columns"], f"{at}.columns"))
    if not names:
        _fail(f"{at}.columns", "there is none")
    try:
        method.check()
        method.check_features(len(names))
    except UsageError as e:
        _fail(f"{at}.options", e.message)
    columns = names
    if "list" in raw:
        columns = (_a(str, raw["list"], f"{at}.list"),)
        _check_list(columns[0], names, at, types)
    for name in columns:
        if name not in types:
            _fail(f"{at}.columns.{name}", "not in $.schema")
    blanks = {registry.name_of(s): s for s in method.statistics}
    statistics = _a(dict, raw["statistics"], f"{at}.statistics")
    _keys(statistics, tuple(blanks), f"{at}.statistics")
    states = tuple(_read_record(type(s), statistics[n], f"{at}.statistics.{n}", names) for n, s in blanks.items())
    learned = _a(dict, raw["learned"], f"{at}.learned")
    if len(learned) != 1:
        _fail(f"{at}.learned", "must hold one transform")
    ((kind, fields),) = learned.items()
    transform = _read_record(_entry("transforms", kind, f"{at}.learned"), fields, f"{at}.learned.{kind}", names)
    step = Step(method, columns, states, transform, len(names) if "list" in raw else None)
    _checkdescribed(step, raw["columns"], at, types)
    return step


def _check_list(column: str, names: Sequence[str], at: str, types: dict[str, str]) -> None:
    """What is in the lists of a column is called column[0], column[1] …, and there is as much as its type says."""
    field = Field(column, types.get(column, ""))
    if field.list_of is None:
        _fail(f"{at}.list", "not a column of lists in $.schema")
    if field.list_size not in (None, len(names)):
        _fail(f"{at}.columns", f"{len(names)} entries, not {field.list_size}")
    if list(names) != [f"{column}[{j}]" for j in range(len(names))]:
        _fail(f"{at}.columns", f"not {column}[0], {column}[1] …, in order")


def _entry(room: str, raw: Any, at: str) -> Any:
    name = _a(str, raw, at)
    if name not in registry.names(room):
        _fail(at, f"'{printable(name)}' is none of {', '.join(registry.names(room))}")
    return registry.only(room, name)


def _read_record(kind: type[Record], raw: Any, at: str, names: Sequence[str]) -> Any:
    axes = kind.axes()
    settings = [f.name for f in dataclasses.fields(kind) if f.name not in axes]
    column_wise = bool(axes) and kind.is_column_wise()
    _keys(_a(dict, raw, at), (*settings, *(["columns"] if column_wise else axes)), at)
    arrays: dict[str, Array] = {}
    if column_wise:
        rows = _a(dict, raw["columns"], f"{at}.columns")
        if tuple(rows) != tuple(names):
            _fail(f"{at}.columns", "not the columns of the step, in order")
        for name, row in rows.items():
            _keys(_a(dict, row, f"{at}.columns.{name}"), tuple(axes), f"{at}.columns.{name}")
        for n, a in axes.items():
            each = [_read_number(row[n], a, f"{at}.columns.{name}.{n}") for name, row in rows.items()]
            arrays[n] = np.array([each], np.float64)
    else:
        sizes = {"feature": len(names)}
        for n, a in axes.items():
            flat = np.array(_read_array(raw[n], a, a.dims, f"{at}.{n}", sizes), np.float64)
            arrays[n] = flat.reshape(1, *(sizes.get(d, 0) for d in a.dims))
    record = dataclasses.replace(_typed_settings(kind, {n: raw[n] for n in settings}, at), **arrays)
    fault = record.fault()
    if fault:
        _fail(f"{at}.{fault[0]}", fault[1])
    return record


def _typed_settings(kind: type[Record], raw: dict[str, Any], at: str) -> Any:
    """A blank record with these settings; each is checked by its annotation."""
    hints = typing.get_type_hints(kind, include_extras=True)
    values = {}
    for n, x in raw.items():
        try:
            values[n] = msgspec.convert(x, hints[n])
        except msgspec.ValidationError as e:
            _fail(f"{at}.{n}", str(e).lower())
        if isinstance(x, float) and not np.isfinite(x):
            _fail(f"{at}.{n}", "must be finite")
    return kind(**values)


def _read_array(raw: Any, axes: Axes, dims: tuple[str, ...], at: str, sizes: dict[str, int]) -> Any:
    if not dims:
        return _read_number(raw, axes, at)
    size = sizes.setdefault(dims[0], len(_a(list, raw, at)))
    if len(_a(list, raw, at)) != size:
        _fail(at, f"{len(raw)} entries, not {size}")
    if not axes.symmetric:
        return [_read_array(x, axes, dims[1:], f"{at}[{i}]", sizes) for i, x in enumerate(raw)]
    whole = np.zeros((size, size))
    for i, row in enumerate(raw):
        if len(_a(list, row, f"{at}[{i}]")) != i + 1:
            _fail(f"{at}[{i}]", f"{len(row)} entries, not {i + 1}")
        whole[i, : i + 1] = [_read_number(x, axes, f"{at}[{i}][{j}]") for j, x in enumerate(row)]
    return symmetric(whole)


def _read_number(raw: Any, axes: Axes, at: str) -> float:
    if raw is None and not np.isfinite(axes.empty):
        return axes.empty
    if type(raw) not in (int, float):
        _fail(at, "must be a number")
    try:
        value = float(raw)
    except OverflowError:
        value = float("inf")
    if not np.isfinite(value):
        _fail(at, "must be finite")
    if axes.holds == "positive" and not value > 0:
        _fail(at, "must be positive")
    if axes.holds in ("not negative", "count") and value < 0:
        _fail(at, "must not be negative")
    return value


def _checkdescribed(step: Step, raw: dict[str, Any], at: str, types: dict[str, str]) -> None:
    """What people read must be what the statistics say; and a column with values must have learned."""
    for name, entry in described(step, types).items():
        here = f"{at}.columns.{name}"
        _keys(_a(dict, raw[name], here), tuple(entry), here)
        for key, value in entry.items():
            if key in ("std", "count", "missing") and type(raw[name][key]) in (int, float) and raw[name][key] < 0:
                _fail(f"{here}.{key}", "must not be negative" if value == 0 else "must be positive")
            if type(raw[name][key]) is not type(value) or not _equal(raw[name][key], value):
                _fail(f"{here}.{key}", f"is not what statistics say ({value}); apply uses learned, not this")
    counts = step.summary().get("count")
    for field, axes in step.fitted.axes().items():
        values = getattr(step.fitted, field)[0]
        if not np.isfinite(axes.empty) and counts is not None:
            for name in (n for n, x, c in zip(step.features, values, counts, strict=True) if np.isnan(x) and c > 0):
                _fail(f"{at}.learned.{registry.name_of(step.fitted)}.columns.{name}.{field}", "must be a number")


def _equal(a: Any, b: Any) -> bool:
    return bool(a == b or (isinstance(a, float) and abs(a - b) <= 1e-9 * max(abs(a), abs(b))))
