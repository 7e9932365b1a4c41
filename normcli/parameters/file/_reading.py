"""Reading of parameter files: everything is validated before anything is used."""

import json
import re
import typing
from collections import Counter
from contextlib import closing
from typing import Any, NoReturn

from msgspec import structs

from normcli.columns import Field
from normcli.errors import BadParametersError, Scarce, UsageError, lacking, printable, short, size
from normcli.formats._keeping import Dialect, checked
from normcli.io.sources import Source, open_source
from normcli.parameters import Parameters, Rules, Unseen
from normcli.parameters.file import _keys
from normcli.parameters.file._layout import CONTENT, LARGEST, TOP, VERSION, Lines, digest_of, laid
from normcli.parameters.file._steps import read_steps
from normcli.parameters.file._values import check_keys, count, fail, of_kind, typed

FIT_HINT = "a parameter file is what fit -p writes"
COPY_HINT = "was it copied whole?"
EDIT_HINT = "was it edited or damaged? fit again, or take a copy"
OPTIONAL = ("note", "dialect", "by", "weights", "unseen", "min_count", "sketches", "categories", "keys")
MOST_BEFORE_ROWS = 1 << 18  # bytes: a note is as long as an argument may be
BEGINNING = re.compile(
    rb'\s*\{\s*"format":\s*"normcli",\s*"version":\s*\d+,\s*(?:"note":\s*"(?:[^"\\]|\\.)*",\s*)?"rows":\s*(\d{1,18}),'
)


def rows_of(path: str) -> int:
    """The number of rows in a parameter file, read from its first bytes only, as a file may be large; 0 if it is not
    a parameter file, or has another layout."""
    try:
        with open(path, "rb") as file:
            match = BEGINNING.match(file.read(MOST_BEFORE_ROWS))
    except OSError:
        return 0
    return int(match[1]) if match else 0


def read_file(path: str, *, example: str, allow_edited: bool = False, largest: int = LARGEST) -> Parameters:
    """The parameters in a file of at most `largest` bytes, or on standard input for `-`. Raises NormcliError."""
    with closing(open_source(path, example=example)) as source:
        try:
            text = _content(source, min(largest, LARGEST))
            if not text:
                raise BadParametersError("is empty", "did the command that made it fail?")
            return read(text, allow_edited=allow_edited)
        except BadParametersError as e:
            raise BadParametersError(f"{source.name}: {e.message}", e.hint or EDIT_HINT) from None


def _content(source: Source, largest: int) -> bytes:
    """All bytes of a source; one that is known to be too large is not read."""
    parts = list[bytes]()
    if (source.size or 0) <= largest:
        while source.count <= largest and (part := source.read(1 << 20)):
            parts.append(part)
    if max(source.count, source.size or 0) > largest:
        if largest == LARGEST:
            raise BadParametersError(f"$: is larger than {size(LARGEST)}", "fewer columns or keys")
        what = f"{source.name}: is larger than {size(largest)}, for which there is memory"
        if isinstance(largest, Scarce):
            raise lacking(largest, what)
        raise UsageError(what, "--max-memory says how much there is")
    return b"".join(parts)


def read(text: bytes, *, allow_edited: bool = False) -> Parameters:
    """Parameters from the bytes of a file. Raises BadParametersError with the JSON path of the first fault,
    UsageError for what is not bytes."""
    if not isinstance(text, bytes | bytearray):
        raise UsageError("read takes the bytes of a parameter file", "load reads a file")
    document = _parse(text)
    del text  # which may be very long
    if document.get("format") != "normcli":
        raise BadParametersError("$.format: not a normcli parameter file", FIT_HINT)
    if type(document.get("version")) is not int or document["version"] != VERSION:
        _fail_version(document.get("version"))
    check_keys(document, TOP, "$", optional=OPTIONAL)
    schema = tuple(
        typed(Field, f, f"$.schema[{i}]") for i, f in enumerate(of_kind(list, document["schema"], "$.schema"))
    )
    for i, f in enumerate(schema):
        if f.type.startswith(("int", "uint", "float", "decimal")) and not f.is_number:
            fail(f"$.schema[{i}].type", f"'{f.type}' is no type of numbers")
    if len({f.name for f in schema}) < len(schema):
        fail("$.schema", "a name is there twice")
    types = {f.name: f.type for f in schema}
    steps = of_kind(list, document["steps"], "$.steps")
    if not steps:
        fail("$.steps", "there is none")
    parameters = Parameters(
        read_steps(steps, schema),
        schema,
        count(document["rows"], "$.rows"),
        count(document["skipped"], "$.skipped"),
        of_kind(str, document.get("note", ""), "$.note"),
        _read_inputs(document["inputs"], "$.inputs"),
        digest=of_kind(str, document["digest"], "$.digest"),
        by=_read_names(document.get("by", []), "$.by"),
        weights=_read_weights(document.get("weights"), types),
        rules=_read_rules(document),
        dialect=_read_dialect(document.get("dialect", {}), "$.dialect"),
    )
    if "sketches" in document:
        parameters = _with_sketches(parameters, document["sketches"], "$.sketches")
        document["sketches"] = Lines(document["sketches"])
    if "categories" in document:
        from normcli.parameters.file import _categories  # here, for few files have any

        parameters = structs.replace(parameters, categories=_categories.read(document["categories"], "$.categories"))
        document["categories"] = Lines(document["categories"])
    if ("keys" in document) != bool(parameters.by):
        fail("$.keys", "there must be keys where there is something to group by, and nowhere else")
    if parameters.by:
        parameters = _keys.read(document["keys"], parameters)
        document["keys"] = Lines(document["keys"])
    try:
        parameters.check_rules()
    except UsageError as e:
        fail("$.unseen", e.message)
    try:
        digest = digest_of(laid({k: v for k, v in document.items() if k != "digest"}))
    except ValueError:
        fail("$", "a number beyond a float")
    if parameters.digest != digest and not allow_edited:
        raise BadParametersError(
            "$.digest: does not match the content: the file was edited or damaged", "--allow-edited accepts it"
        )
    return structs.replace(parameters, digest=digest)


def _with_sketches(parameters: Parameters, raw: Any, at: str) -> Parameters:
    from normcli.parameters.file import _sketches  # here, for older files do without

    return structs.replace(parameters, sketches=_sketches.read(raw, parameters.passes.columns, at))


def _fail_version(version: Any) -> NoReturn:
    """Raises BadParametersError that says what reads a file of another version."""
    if type(version) is int and version > VERSION:
        what = f"was written by a newer normcli, as version {short(str(version), 20)}; this one reads {VERSION}"
        raise BadParametersError(f"$.version: {what}", "update normcli, or fit with this one")
    fail("$.version", f"must be {VERSION}")


def _read_inputs(raw: Any, at: str) -> tuple[str, ...]:
    for i, digest in enumerate(of_kind(list, raw, at)):
        if not CONTENT.fullmatch(of_kind(str, digest, f"{at}[{i}]")):
            fail(f"{at}[{i}]", "is no digest")
    return tuple(raw)


def _read_dialect(raw: Any, at: str) -> Dialect:
    try:
        return checked(of_kind(dict, raw, at))
    except UsageError as e:
        where, _, what = e.message.partition(": ")
        fail(at + where, what)


def _read_names(raw: Any, at: str) -> tuple[str, ...]:
    """Names of columns, which need not be in the schema, as directories can be keys."""
    for i, name in enumerate(of_kind(list, raw, at)):
        of_kind(str, name, f"{at}[{i}]")
    if len(set(raw)) < len(raw):
        fail(at, "a name is there twice")
    return tuple(raw)


def _read_weights(raw: Any, types: dict[str, str]) -> str | None:
    if raw is not None and of_kind(str, raw, "$.weights") not in types:
        fail("$.weights", "not in $.schema")
    return typing.cast(str | None, raw)


def _read_rules(document: dict[str, Any]) -> Rules:
    rules = {name: document[name] for name in ("unseen", "min_count") if name in document}
    if rules and "by" not in document:
        fail(f"$.{next(iter(rules))}", "there is nothing to group by")
    if rules.get("unseen", "error") not in typing.get_args(Unseen):
        fail("$.unseen", f"must be one of {', '.join(typing.get_args(Unseen))}")
    least = count(rules["min_count"], "$.min_count") if "min_count" in rules else None
    return Rules().override(rules.get("unseen"), least)


def _parse(text: bytes) -> dict[str, Any]:
    """Strict JSON: no duplicate keys, no NaN, bounded nesting and numbers."""
    if len(text) > LARGEST:
        fail("$", f"more than {LARGEST >> 20} MB")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        out = dict(pairs)
        if len(out) != len(pairs):
            often = Counter(k for k, _ in pairs)
            raise ValueError(f"key '{short(next(k for k in often if often[k] > 1))}' is there twice")
        return out

    def refuse(word: str) -> NoReturn:
        raise ValueError(f"{word} is not JSON")

    try:
        document = json.loads(text.decode(), object_pairs_hook=unique, parse_constant=refuse)
        if re.search(rb"\\u[dD]", text):
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        fail("$", "an unpaired surrogate in a string")
    except UnicodeDecodeError:
        raise BadParametersError("$: not JSON: not UTF-8", FIT_HINT) from None
    except RecursionError:
        fail("$", "not JSON that can be read: nested too deep")
    except json.JSONDecodeError as e:
        hint = COPY_HINT if b'"normcli"' in text[:64] else FIT_HINT
        raise BadParametersError(f"$: not JSON: line {e.lineno}, column {e.colno}", hint) from None
    except ValueError as e:
        fail("$", f"not JSON: {printable(str(e))}")
    return typing.cast(dict[str, Any], of_kind(dict, document, "$"))
