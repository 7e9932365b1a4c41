"""How text spells its fields where that is not as RFC 4180 has it, and the way from one spelling to the other.

What is read is respelled before rows are cut, and what was encoded is spelled back, so that all between them knows
nothing but RFC 4180. Nothing is lost on the way: quotes, and line ends that are CR alone, change places with those of
RFC 4180, and each sequence that is escaped has a code of its own, which begins with MARK.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from normcli import columns
from normcli.caching import cached_property
from normcli.errors import BadRowError, printable

if TYPE_CHECKING:
    import polars as pl

MARK = "\x1a"  # substitute: begins a code; itself it is spelled by one
EDGE = MARK + "f\n"  # is spelled by nothing, and has the field that begins with it quoted
DIFFERENT = "which readers take for different things"
OF_ESCAPED = {"\n": "n", "\r": "c", '"': "Q", MARK: "b"}


class Dialect(Struct, frozen=True, dict=True):
    """A spelling of rows, of which the characters are of ASCII and differ."""

    separator: str = ","
    quote: str | None = '"'
    escape: str | None = None  # stands before a character that means itself
    comment: str = ""  # begins a line that is no row
    spaced: bool = False  # spaces before a field are none of it
    padded: bool = False  # fields that lack at the end of a row are empty
    trailing: bool = False  # a separator stands at the end of each row
    returns: bool = False  # a line ends in CR alone

    @property
    def is_plain(self) -> bool:
        """Whether nothing has to be respelled."""
        return not (self.swaps or self.codes)

    # -- text
    @cached_property
    def swaps(self) -> dict[str, str]:
        """Characters that change places with those of RFC 4180."""
        pairs = [("\r", "\n")] if self.returns else []
        pairs += [(self.quote, '"')] if self.quote and self.quote != '"' else []
        return {a: b for x, y in pairs for a, b in ((x, y), (y, x))}

    @cached_property
    def codes(self) -> dict[str, str]:
        """The code of each sequence that has one, once characters have changed places."""
        if not (self.escape or self.quote is None or self.comment or self.spaced):
            return {}
        codes = {MARK: MARK + "r"} | ({} if self.quote else {'"': MARK + "q"})
        if self.escape:
            import string

            code_of = {c: c for c in (*string.punctuation, " ", "\t")}
            code_of |= {**OF_ESCAPED, self.separator: "d", self.escape: "e"}
            codes |= {self.escape + c: MARK + code for c, code in code_of.items()}
        return codes

    @cached_property
    def _table(self) -> bytes | None:
        return bytes.maketrans("".join(self.swaps).encode(), "".join(self.swaps.values()).encode()) or None

    def swapped(self, data: bytes) -> bytes:
        """With characters in each other's places."""
        return data.translate(self._table) if self.swaps else data

    def coded(self, data: bytes) -> bytes:
        """Swapped text as RFC 4180 has it, with a code for each sequence that has one; none is cut at the end."""
        begins = {sequence[0].encode() for sequence in self.codes}
        if any(byte in data for byte in begins):
            codes = {sequence.encode(): code.encode() for sequence, code in self.codes.items()}
            data = _any_of(self.codes).sub(lambda match: codes[match[0]], data)
        return data

    def spelled(self, data: bytes) -> bytes:
        """Text that was respelled, or encoded as RFC 4180, in the spelling of the dialect."""
        if self.codes and MARK.encode() in data:
            sequences = {code.encode(): s.encode() for s, code in self.codes.items()} | {EDGE.encode(): b""}
            data = re.sub(b"\x1a(?:f\n|.)", lambda match: sequences[match[0]], data, flags=re.DOTALL)
        return self.swapped(data)

    def keeps_length(self, data: bytes) -> bool:
        """Whether respelled text is as long as it was, as far as it shows: not where a byte has a code by itself, and
        comments do not show."""
        return not self.comment and all(code.encode() not in data for s, code in self.codes.items() if len(s) == 1)

    def lines(self, data: bytes, end: int | None = None) -> int:
        """How many line ends respelled text has, those that are escaped among them."""
        escaped = data.count(b"\x1an", 0, end) if self.escape else 0
        return data.count(b"\n", 0, end) + escaped

    # -- values that are read
    @cached_property
    def _meanings(self) -> dict[str, str]:
        """What respelled text says for what is meant, codes first."""
        codes = {code: sequence[-1] for sequence, code in self.codes.items()}
        return {code: self.swaps.get(c, c) for code, c in codes.items()} | self.swaps

    def meant(self, field: str) -> str:
        """What a respelled field means."""
        if self.is_plain:
            return field
        return re.sub("|".join(map(re.escape, self._meanings)), lambda match: self._meanings[match[0]], field)

    def all_meant(self, frame: pl.DataFrame, data: bytes) -> pl.DataFrame:
        """What the respelled columns of `data` mean."""
        swapped = self.swaps and any(c.encode() in data for c in ('"', *self.swaps) if c not in "\r\n")
        if not swapped and (not self.codes or MARK.encode() not in data):
            return frame
        before, after = list(self._meanings), list(self._meanings.values())
        return _of_texts(frame, lambda text: text.str.replace_many(before, after, leftmost=True))

    def doubtful(self, field: str, missing: frozenset[str]) -> str | None:
        """What is wrong with escapes in a respelled field. One before a letter or a digit is a line end, a tab, null or
        nothing, as readers go; but a word that means missing may have it."""
        word = field.strip(" \t")
        if not self.escape or (self.escape in word and word in missing):
            return None
        _, escape, after = field.partition(self.escape)
        if escape:
            what = f"before '{printable(after[:1])}'" if after else "at the end of a field"
            return f"'{escape}' {what}, {DIFFERENT}"
        if MARK in field and (meant := self.meant(word)) in missing and self.escape in meant:
            return f"'{printable(meant)}', escaped, could not be distinguished from the word that means missing"
        return None

    def any_doubtful(self, frame: pl.DataFrame, data: bytes, missing: frozenset[str]) -> bool:
        """Whether a field is among the respelled columns of `data`."""
        if not self.escape or (self.escape.encode() not in data and b"\x1ae" not in data):
            return False
        import polars as pl

        texts = [s.alias("") for s in frame if s.dtype == pl.String]
        signs = [self.escape, MARK + "e"] if any(self.escape in word for word in missing) else [self.escape]
        words = (word for s in texts for word in s.filter(s.str.contains_any(signs).fill_null(value=False)))
        return any(self.doubtful(word, missing) for word in words)

    # -- values that are written
    @cached_property
    def _hidden(self) -> dict[str, str]:
        """What is encoded for characters of a value."""
        hidden = self.swaps | {c: code for c, code in self.codes.items() if len(c) == 1}
        if self.escape:
            special = (self.escape, '"') if self.quote else (self.escape, self.separator, "\n", "\r")
            hidden |= {self.swaps.get(c, c): self.codes[self.escape + c] for c in special}
        return hidden

    def encodable(self, frame: pl.DataFrame, missing: frozenset[str]) -> pl.DataFrame:
        """Rows that are in the dialect once they are encoded as RFC 4180 has it, then `spelled`. Raises BadRowError for
        what can't be without quotes."""
        import polars as pl

        before, after = list(self._hidden), list(self._hidden.values())
        words = [word for word in missing if self.escape and self.escape in word]
        alone = frame.width == 1 and not self.trailing
        changed: dict[str, pl.Series] = {}
        for j, (name, text) in enumerate(columns.all_series(frame).items()):
            changed[name] = text
            if text.dtype == pl.String:
                text = text if self.quote else text.set(text == "", None)
                hidden = text.str.replace_many(before, after, leftmost=True) if before else text
                edge = self._is_edge(text, first=j == 0)
                if self.quote and self.escape:  # bare, not all readers know it
                    edge |= text.str.contains_any([self.quote, self.escape]).fill_null(value=False)
                changed[name] = ((EDGE if self.quote else MARK) + hidden).zip_with(edge, hidden)
                if words:
                    changed[name] = text.zip_with(
                        text.str.strip_chars(" \t").is_in(words).fill_null(value=False), changed[name]
                    )
            if not self.quote:
                self._check_bare(name, text, first=j == 0, alone=alone)
        if self.trailing:
            changed[max(changed, key=len) + "_"] = pl.Series([None] * frame.height, dtype=pl.String)
        elif alone and self.quote:
            changed = {n: s.cast(pl.String).fill_null("") for n, s in changed.items()}
        return columns.text_frame(changed)

    def _is_edge(self, text: pl.Series, *, first: bool) -> pl.Series:
        """Where a value begins as none may that is bare."""
        edge = text.str.starts_with(" ") & self.spaced
        if first and self.comment:
            edge |= text.str.starts_with(self.comment)
        return edge.fill_null(value=False)

    def _check_bare(self, name: str, text: pl.Series, *, first: bool, alone: bool) -> None:
        """Raises BadRowError for the first value of a column that only quotes could hold."""
        import polars as pl

        bad = text.is_null() & alone
        if text.dtype == pl.String and not self.escape:
            bad |= text.str.contains_any([self.separator, "\n", "\r"]).fill_null(value=False)
            bad |= self._is_edge(text, first=first)
        if bad.any():
            row = int(bad.arg_max() or 0)
            shown = f"'{printable(str(text[row] or '')[:80])}' in column '{printable(name)}'"
            raise BadRowError(
                row,
                f"{shown} can't be written without quotes",
                "--quote takes it" if alone else "--quote or --escape takes it",
            )


def _any_of(sequences: dict[str, str]) -> re.Pattern[bytes]:
    """The longest first."""
    return re.compile(b"|".join(re.escape(s.encode()) for s in sorted(sequences, key=len, reverse=True)))


def _of_texts(frame: pl.DataFrame, change: Callable[[pl.Series], pl.Series]) -> pl.DataFrame:
    import polars as pl

    pairs = columns.all_series(frame).items()
    return columns.text_frame({n: change(s) if s.dtype == pl.String else s for n, s in pairs})
