"""Text in other dialects, against Python's csv module in the same: what is read, what is written, cut anywhere."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from normcli import api
from normcli.formats.csv import Options
from tests.conftest import examples
from tests.formats.conftest import identity, read, through_pipe

SPECIAL = "a1 ,;|\t\"'\\\n\r#é\x1af~^"
NUMBERS = st.sampled_from(["1", "2.5", "-3e4", "", "007"])


@dataclass(frozen=True)
class Spelling:
    """How a file is spelled, in our words; `line_end` is told from the file."""

    delimiter: str
    quote: str | None
    escape: str | None
    spaced: bool
    trailing: bool
    comment: str | None
    line_end: str
    titles: tuple[str, ...]

    @property
    def options(self) -> Options:
        return Options(
            delimiter=self.delimiter,
            quote=self.quote or "none",
            escape=self.escape or "none",
            skip_initial_space=self.spaced or None,
            trailing_delimiter=self.trailing or None,
            comment=self.comment or "none",
            skip_lines=len(self.titles),
        )

    def oracle(self, text: str) -> list[list[str]]:
        """Rows of a file without comments, as csv has them."""
        lines = io.StringIO(text, newline="")
        for _ in self.titles:
            line = lines.readline()
            assert line.endswith(self.line_end)
        how: dict[str, Any] = {"quotechar": self.quote} if self.quote else {"quoting": csv.QUOTE_NONE}
        rows = csv.reader(
            lines, strict=True, delimiter=self.delimiter, escapechar=self.escape, skipinitialspace=self.spaced, **how
        )
        return [row[:-1] if self.trailing else row for row in rows]

    def can_hold(self, field: str, *, first: bool) -> bool:
        if self.quote or self.escape:
            return True
        begins = (self.spaced and field.startswith(" ")) or (first and field.startswith(self.comment or "\0"))
        return not begins and not any(c in field for c in (self.delimiter, "\n", "\r"))


@st.composite
def spellings(draw: st.DrawFn) -> Spelling:
    delimiter = draw(st.sampled_from(",;|\t"))
    quote = draw(st.sampled_from(['"', "'", "~", None]))
    escape = draw(st.sampled_from([None, "\\", "^"]))
    comment = draw(st.sampled_from([None, "#", "##", "%a"]))
    titles = draw(st.sampled_from([(), ("a 'title\"",), ("one", "")]))
    line_end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    return Spelling(delimiter, quote, escape, draw(st.booleans()), draw(st.booleans()), comment, line_end, titles)


@st.composite
def spelled(draw: st.DrawFn, field: str, how: Spelling, *, first: bool) -> str:
    """A field of text in one of the ways to spell it."""
    special = {how.delimiter, "\n", "\r", *([how.quote] if how.quote else []), *([how.escape] if how.escape else [])}
    begins = (how.spaced and field.startswith(" ")) or (first and field.startswith(how.comment or "\0"))
    space = draw(st.sampled_from(["", " "])) if how.spaced and not first else ""
    bare = not begins and not any(c in special for c in field)
    if how.quote and (draw(st.booleans()) if bare or how.escape else True):
        doubled = how.quote * 2 if not how.escape or draw(st.booleans()) else how.escape + how.quote
        within = field.replace(how.escape, how.escape * 2) if how.escape else field
        return space + how.quote + within.replace(how.quote, doubled) + how.quote
    made = "".join(f"{how.escape}{c}" if c in special and how.escape else c for c in field)
    return space + (f"{how.escape}{made}" if begins else made)


@st.composite
def files(draw: st.DrawFn) -> tuple[Spelling, str, str]:
    """A spelling, a file in it, and the same without its comments."""
    how = draw(spellings())
    texts = st.text(SPECIAL, max_size=5)
    names = [draw(texts.filter(lambda t: how.can_hold(t, first=True))) + "0", "x", "b"]
    rows = []
    for _ in range(draw(st.integers(0, 6))):
        first, last = (draw(texts.filter(lambda t, f=f: how.can_hold(t, first=f))) for f in (True, False))  # type: ignore[misc]
        rows.append([first, draw(NUMBERS), last])
    lines, plain = [*how.titles], [*how.titles]
    for row in [names, *rows]:
        fields = [draw(spelled(field, how, first=j == 0)) for j, field in enumerate(row)]
        line = how.delimiter.join(fields) + how.delimiter * how.trailing
        if how.comment and draw(st.booleans()):
            lines.append(how.comment + draw(st.text(SPECIAL.replace("\n", "").replace("\r", ""), max_size=4)))
        lines.append(line)
        plain.append(line)
    return how, *("".join(line + how.line_end for line in each) for each in (lines, plain))


@given(files(), st.sampled_from([1, 7, 64, None]), st.booleans())
@settings(max_examples=examples(400, part=16), suppress_health_check=list(HealthCheck))
def test_read_as_csv_reads_it(made: tuple[Spelling, str, str], size: int | None, pipe: bool) -> None:
    """Whatever the dialect, however it is cut, and from wherever it comes."""
    how, text, plain = made
    expected = how.oracle(plain)
    source = through_pipe(text.encode(), (3, 1, 11), blocking=False) if pipe else text.encode()
    found = read(source, block_size=size, **asdict(how.options))
    assert [found.names, *found.rows] == expected


@given(files(), st.sampled_from([1, 64, None]))
@settings(max_examples=examples(160, part=16), suppress_health_check=list(HealthCheck))
def test_written_in_the_same_dialect(folder: Path, made: tuple[Spelling, str, str], size: int | None) -> None:
    """csv reads the same fields of all columns that are not selected; and so do we, by the same options."""
    how, text, plain = made
    there, out, back = folder / "d.csv", folder / "e.csv", folder / "f.csv"
    there.write_bytes(text.encode())
    expected = how.oracle(plain)
    api.apply(identity("x"), there, out, format_options=how.options, block_size=size)
    written = out.read_bytes()
    found = how.oracle(written.decode())
    assert [[row[0], row[2]] for row in found] == [[row[0], row[2]] for row in expected]
    api.apply(identity("x"), out, back, format_options=how.options, inverse=True)
    assert back.read_bytes() == written


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quote", ['"', "'", None])
@pytest.mark.parametrize("before", ["", "\n", '# it\'s "so"\n', "\n\n# it's\n"])
@given(st.lists(st.text("a\r\n,'\"\\", max_size=4), min_size=2, max_size=2), st.booleans())
@settings(max_examples=examples(16), suppress_health_check=list(HealthCheck))
def test_line_ends_are_told_by_the_first_that_is_neither_escaped_nor_in_quotes(
    line_end: str, quote: str | None, before: str, made: list[str], enclosed: bool
) -> None:
    """In a header as in rows, after blank lines and comments that hold whatever they hold."""
    how = Spelling(",", quote, "\\", False, False, "#", line_end, ())
    special = f",\r\n\\{quote or ''}"
    mark = quote if quote and enclosed else ""
    first, second = (mark + "".join(f"\\{c}" if c in special else c for c in text) + "0" + mark for text in made)
    plain = "".join(f"{row}{line_end}" for row in (f"{first},x", f"{second},1", "b,2"))
    source = before.replace("\n", line_end) + plain
    expected = how.oracle(plain)
    found = read(source.encode(), **asdict(how.options))
    assert [found.names, *found.rows] == expected
