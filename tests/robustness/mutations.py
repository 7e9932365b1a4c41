"""Seeded damage: to the bytes of a file, to its text, and to what it says."""

import copy
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Place = tuple[dict[str, Any] | list[Any], Any]  # a holder, and where in it

TOKENS = [
    b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"1" + b"0" * 400, b"9" * 5000, b"0x10", b"01", b"+1",
    b".5",
    b"1.", b"1e5", b"-0.0", b"5e-324", b"1.7976931348623157e308", b"null", b"true", b"false", b"{}", b"[]", b'""',
    b"''",
    b'"\\ud800"', b'"\\u0000"', b'"\\x1b"', b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\x1b[31m", b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"//x\n", b"/*x*/", b",", b":", b'"', b"{", b"}", b"[", b"]", b"\\", b"[" * 2000, b'{"a":' * 2000, b"\xe2\x80\xae",
    b'"rows": 4, ', b'"$ref": 1, ', b'"__class__": "os.system", ', b"\r", b"\x85", b"\xe2\x80\xa8",
]  # fmt: skip
NAMES = [
    "a", "a.b", "x", "", "\0", "\x1b[31m", "[/markup]", "../../etc/passwd", "=cmd|' /C calc'!A0", "-o", "a\nb",
    "\u202e",
    "\u200b", "n" * 5000, "columns", "__proto__", "größe", "ﬁ", "e\u0301", "🦀", "pc1", "emb[0]", "shop", "steps",
]  # fmt: skip
NUMBERS: list[Any] = [
    0, 1, -1, 2, 3, 7, 0.0, -0.0, 0.5, -0.5, 1.5, 1e-300, 5e-324, 1e-160, 1e150, 1e160, 1e300, -1e300,
    1.7976931348623157e308,
    2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**30, 10**300, 10**400, -(2**63) - 1, 1 << 20, 4096, 1e16,
    0.1, 1e-16,
]  # fmt: skip
OTHERS: list[Any] = [None, True, False, {}, [], [[]], [None], [0.0], {"x": 1}, [[0.0]], ["a"], [1e300] * 3, [0.0] * 40]


def places(value: Any) -> Iterator[Place]:
    """Everything in a document, from outside to inside."""
    inner = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for key, v in inner:
        yield value, key
        yield from places(v)


# -- bytes and text ----------------------------------------------------------------------------------------------
def flipped(data: bytes, rng: random.Random) -> bytes:
    """One to three bits."""
    made = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)
    return bytes(made)


def _span(data: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(len(data))
    return start, min(len(data), start + int(rng.paretovariate(0.7)))


def cut_out(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng)
    return data[:start] + data[end:]


def doubled(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng)
    return data[:end] + data[start:]


def moved(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng)
    rest, at = data[:start] + data[end:], rng.randrange(len(data))
    return rest[:at] + data[start:end] + rest[at:]


def truncated(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def token_put(data: bytes, rng: random.Random) -> bytes:
    """Between two bytes, or in place of some."""
    start, end = _span(data, rng)
    return data[:start] + rng.choice(TOKENS) + data[start if rng.random() < 0.5 else end :]


def value_swapped(data: bytes, rng: random.Random) -> bytes:
    """A number, word or text of the JSON by a token."""
    found = list(re.finditer(rb'-?\d[\d.eE+-]*|true|false|null|"[^"\n]*"', data))
    at = rng.choice(found)
    return data[: at.start()] + rng.choice(TOKENS) + data[at.end() :]


def line_moved(data: bytes, rng: random.Random) -> bytes:
    """A line is put elsewhere, twice, or in place of another."""
    lines = data.split(b"\n")
    line, at = rng.choice(lines), rng.randrange(len(lines))
    return b"\n".join([*lines[:at], line, *lines[at + rng.randrange(2) :]])


def encoded(data: bytes, rng: random.Random) -> bytes:
    """In another encoding, whole or from somewhere on."""
    name = rng.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1", "cp500", "utf-7"])
    text, at = data.decode(), rng.choice([0, rng.randrange(len(data))])
    return text[:at].encode() + text[at:].encode(name, "backslashreplace")


Bytes = Callable[[bytes, random.Random], bytes]
OF_BYTES: Mapping[str, Bytes] = {
    f.__name__: f
    for f in (flipped, cut_out, doubled, moved, truncated, token_put, value_swapped, line_moved, encoded)
}  # fmt: skip


# -- what it says ------------------------------------------------------------------------------------------------
def _anywhere(document: Any, rng: random.Random) -> Place:
    """Seldom one of the long lists' many."""
    found = list(places(document))
    some = [p for p in found if not (isinstance(p[1], int) and p[1] > 3)]
    return rng.choice(found if rng.random() < 0.2 else some)


def removed(document: Any, rng: random.Random) -> Any:
    holder, key = _anywhere(document, rng)
    del holder[key]
    return document


def replaced(document: Any, rng: random.Random) -> Any:
    holder, key = _anywhere(document, rng)
    holder[key] = copy.deepcopy(rng.choice(NUMBERS if rng.random() < 0.6 else NAMES if rng.random() < 0.4 else OTHERS))
    return document


def numbers_replaced(document: Any, rng: random.Random) -> Any:
    """One number, or all of one name, by one that is out of the ordinary, or by itself but for its last digits."""
    found = [p for p in places(document) if type(p[0][p[1]]) in (int, float)]
    if not found:
        return document
    holder, key = rng.choice(found)
    name = key if isinstance(key, str) and rng.random() < 0.3 else None
    new, factor = rng.choice(NUMBERS), rng.choice([None, None, -1, 2, 1 + 1e-12, 1e200, 1e-200])
    for h, k in found if name else [(holder, key)]:
        if k == key or not name:
            h[k] = new if factor is None or abs(h[k]) > 1e300 else h[k] * factor
    return document


def renamed(document: Any, rng: random.Random) -> Any:
    """A key, or one text wherever it stands, is called otherwise."""
    new = rng.choice(NAMES)
    if rng.random() < 0.5:
        objects = [v for h, k in places(document) if isinstance(v := h[k], dict) and v]
        chosen = rng.choice(objects)
        old = rng.choice(list(chosen))
        items = [(new if k == old else k, v) for k, v in chosen.items()]
        chosen.clear()
        chosen.update(items)
        return document
    texts = [h[k] for h, k in places(document) if isinstance(h[k], str)]
    old = rng.choice(texts)
    return json.loads(json.dumps(document).replace(json.dumps(old), json.dumps(new)))


def reordered(document: Any, rng: random.Random) -> Any:
    found = [v for h, k in places(document) if isinstance(v := h[k], dict | list) and len(v) > 1]
    chosen = rng.choice(found)
    if isinstance(chosen, list):
        rng.shuffle(chosen)
        return document
    items = rng.sample(list(chosen.items()), len(chosen))
    chosen.clear()
    chosen.update(items)
    return document


def swapped(document: Any, rng: random.Random) -> Any:
    """Two values change places."""
    (h, k), (i, j) = _anywhere(document, rng), _anywhere(document, rng)
    h[k], i[j] = copy.deepcopy(i[j]), copy.deepcopy(h[k])
    return document


def lengthened(document: Any, rng: random.Random) -> Any:
    """A list has an entry more, or less; all lists of that length have."""
    lists = [v for h, k in places(document) if isinstance(v := h[k], list) and v]
    if not lists:
        return document
    size, every = len(rng.choice(lists)), rng.random() < 0.5
    chosen = [v for v in lists if len(v) == size] if every else [rng.choice(lists)]
    less = rng.random() < 0.5
    for v in chosen:
        if less and v:
            v.pop()
        elif v:
            v.append(copy.deepcopy(v[-1]))
    return document


def options_changed(document: Any, rng: random.Random) -> Any:
    """Of a step, or a setting of what it learned: by what may pass for one."""
    step = rng.choice(document["steps"])
    records = [step["options"], *step["learned"].values(), *step["statistics"].values()]
    found = [
        (r, k) for r in records for k, v in r.items() if k != "columns" and not (isinstance(v, list) and len(v) > 9)
    ]
    if not found:
        return document
    holder, key = rng.choice(found)
    words = ["l1", "max", "pca", "zca-cor", "normal", "torch", "row", "auto", "none"]
    holder[key] = copy.deepcopy(rng.choice([*NUMBERS, *OTHERS, *words]))
    return document


Tree = Callable[[Any, random.Random], Any]
OF_CONTENT: Mapping[str, Tree] = {
    f.__name__: f
    for f in (removed, replaced, numbers_replaced, renamed, reordered, swapped, lengthened, options_changed)
}


def transplanted(document: Any, other: Any, rng: random.Random) -> Any:
    """Something out of another file, where that has it, or where something of its kind is."""
    mine = [(h, k) for h, k in places(document) if isinstance(h[k], dict | list)]
    holder, key = rng.choice(mine)
    same = [h[k] for h, k in places(other) if k == key or (isinstance(key, int) and isinstance(k, int))]
    holder[key] = copy.deepcopy(rng.choice(same)) if same else copy.deepcopy(other)
    return document
