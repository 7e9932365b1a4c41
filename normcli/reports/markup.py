"""Elements of HTML as text: escaping, names, tables, figures. HTML ends rows, cells and items by itself."""

from collections.abc import Iterable, Sequence
from html import escape

from normcli.errors import printable

LONG = 30  # characters of a name that may be cut


def escaped(text: str) -> str:
    """Any text as content or as the value of an attribute in quotes; control characters and stray surrogates are
    escaped as Python would."""
    return escape(printable(text))


def name_cell(name: str) -> str:
    """A name in its own direction of writing; a long one can be read where it is cut."""
    text = escaped(name)
    return f'<bdi title="{text}">{text}</bdi>' if len(name) > LONG else f"<bdi>{text}</bdi>"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, kind: str = "") -> str:
    """A table of escaped cells; the first of each row is its head. HTML ends rows and cells by itself."""
    head = "<tr>" + "".join(f"<th>{cell}" if cell else "<td>" for cell in heads) if heads else ""
    body = "".join(f"<tr><th>{row[0]}" + "".join(f"<td>{cell}" for cell in row[1:]) for row in rows)
    name = f' class="{kind}"' if kind else ""
    return f"<table{name}>{head}{body}</table>"


def wide(content: str) -> str:
    """What may be wider than the page, and is scrolled by itself."""
    return f'<div class="wide" tabindex="0">{content}</div>'


def behind(content: str) -> str:
    """A table behind a picture, which is opened where it is wanted."""
    return f"<details><summary>as a table</summary>{wide(content)}</details>"


def figure(image: str, caption: str, more: str = "", *, kind: str = "") -> str:
    """A picture with its caption, escaped, and what stands below it."""
    name = f' class="{kind}"' if kind else ""
    return f"<figure{name}>{image}<figcaption>{caption}</figcaption>{more}</figure>"
