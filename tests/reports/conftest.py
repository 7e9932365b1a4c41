"""Fits of matrices in memory, with their sketches, and pages parsed as strictly as a browser is lenient."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import numpy as np

from normcli import api
from normcli.blocks.block import Block
from normcli.columns import Field
from normcli.methods import Method
from normcli.parameters import Parameters
from normcli.parameters.sketches import BLANK, ColumnSketches

VOID = {"meta", "br"}
ENDS_ITSELF = {"tr": {"tr"}, "td": {"tr", "td", "th"}, "th": {"tr", "td", "th"}, "li": {"li"}, "dt": {"dt", "dd"},
               "dd": {"dt", "dd"}}  # fmt: skip
FORBIDDEN = {"script", "link", "img", "iframe", "object", "embed", "base", "form", "image", "foreignobject", "animate"}


def sketches(matrix: np.ndarray, names: Sequence[str]) -> ColumnSketches:
    """Of the columns of a matrix."""
    return ColumnSketches(tuple(names), BLANK.of(Block.of(matrix)))


def fitted(matrix: Any, method: str | type[Method] | Method, names: Sequence[str] = ()) -> Parameters:
    """A fit of one block, with sketches."""
    values = np.asarray(matrix, np.float64)
    called = tuple(names) or tuple(f"x{j}" for j in range(values.shape[1]))
    step = api.fit_blocks(method, [values], called)
    schema = tuple(Field(name, "float64") for name in called)
    return Parameters((step,), schema, rows=len(values), sketches=sketches(values, called), digest="sha256:0")


class Page(HTMLParser):
    """A page: its tags, texts and pictures. Raises AssertionError for what is not well-formed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert not self.open, self.open
        self.pictures = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        while self.open and self.open[-1] in ENDS_ITSELF and tag in ENDS_ITSELF[self.open[-1]]:
            self.open.pop()
        assert len(dict(attrs)) == len(attrs), f"an attribute of {tag} is there twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "svg" in self.open, f"<{tag}/> ends itself in SVG alone"
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while self.open[-1] != tag and self.open[-1] in ENDS_ITSELF:
            self.open.pop()
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts.setdefault(tag, []).append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def text(self, tag: str) -> str:
        """All text in elements of that name."""
        return "".join(self.texts.get(tag, ()))


def checked(text: str) -> Page:
    """A page that has been held to what holds for all pages."""
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    page = Page(text)
    names = [tag for tag, _ in page.tags]
    assert FORBIDDEN.isdisjoint(names)
    assert not [(tag, a) for tag, attributes in page.tags for a in attributes if a.startswith("on") or a == "src"]
    links = [str(a[key]) for _, a in page.tags for key in ("href", "xlink:href") if key in a]
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(set(ids)) == len(ids)
    assert {f"#{name}" for name in ids} >= set(links)
    style = page.text("style")
    assert not re.search(r"url\(|@import|expression|https?:", style)
    for tag, attributes in page.tags:
        if tag == "svg":
            assert attributes["role"] == "img"
            assert attributes["aria-label"]
    for image in page.pictures:
        for element in image.iter():
            assert not re.search(r"nan|inf", element.get("d", ""))
            assert re.fullmatch(r"(?:[MmLlHhVvz]|-?\d+(?:\.\d)?|\.\d| )*", element.get("d", ""))
    return page
