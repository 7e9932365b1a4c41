"""Options of delimited text."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from normcli.errors import UsageError, printable
from normcli.formats._delimited import remedies
from normcli.formats._delimited.dialect import MARK, Dialect
from normcli.formats._delimited.notation import Notation
from normcli.formats._text import inferring

NONE = "none"
DIALECT = {"kept": "dialect"}  # of an option that a parameter file keeps
ANSWER = {"kept": "answer"}  # of one that is kept if given, no as well as yes
READ = {"on": "reading"}
RARE = {"topic": "formats"}  # of one that help lists by its name only


class DelimitedOptions(Struct, frozen=True, kw_only=True):
    """How delimited text is to be read, whatever its delimiter."""

    na_values: Annotated[
        str,
        Meta(
            description="mark missing",
            extra=DIALECT | READ,
        ),
    ] = ",".join(remedies.MISSING)
    decimal: Annotated[
        Literal[".", ","],
        Meta(
            description="what stands for the decimal point",
            extra=DIALECT,
        ),
    ] = "."
    thousands: Annotated[
        str,
        Meta(
            description="what may stand between thousands",
            extra=DIALECT | READ | RARE,
        ),
    ] = NONE
    infer_types: inferring.InferTypes = False
    header: Annotated[bool | None, Meta(description="the first row names the columns", extra=ANSWER)] = (
        None  # it does, with a doubt where all names are numbers
    )

    quote: Annotated[str, Meta(description="what stands around fields, or none", extra=DIALECT | RARE)] = '"'
    escape: Annotated[str, Meta(description="what makes text of a quote, as \\", extra=DIALECT | RARE)] = NONE
    comment: Annotated[str, Meta(description="what begins lines to leave out, as #", extra=DIALECT | READ | RARE)] = (
        NONE
    )
    skip_lines: Annotated[int, Meta(ge=0, description="lines before the header", extra=DIALECT | READ | RARE)] = 0
    skip_initial_space: Annotated[
        bool | None, Meta(description="spaces before a field are none of it", extra=DIALECT | READ | RARE)
    ] = None
    pad_rows: Annotated[
        bool | None, Meta(description="what a short row lacks is missing", extra=DIALECT | READ | RARE)
    ] = None
    trailing_delimiter: Annotated[
        bool | None, Meta(description="each row ends in a delimiter", extra=DIALECT | RARE)
    ] = None
    duplicate_names: Annotated[
        Literal["refuse", "number"],
        Meta(description="of columns; number: a, a_2", extra=DIALECT | READ | RARE),
    ] = "refuse"

    @property
    def headed(self) -> bool:
        return self.header is not False

    @property
    def dialect(self) -> Dialect:
        """How rows are spelled, where lines end as in RFC 4180."""
        return Dialect(
            self.separator,
            None if self.quote == NONE else self.quote,
            None if self.escape == NONE else self.escape,
            "" if self.comment == NONE else self.comment,
            bool(self.skip_initial_space),
            bool(self.pad_rows),
            bool(self.trailing_delimiter),
        )

    @property
    def separator(self) -> str:
        return "\t"

    @property
    def missing(self) -> frozenset[str]:
        return frozenset(remedies.words(self.na_values))

    @property
    def notation(self) -> Notation:
        return Notation(self.decimal, "" if self.thousands == NONE else self.thousands)

    def check(self) -> None:
        """Raises UsageError for what contradicts itself."""
        if '"' in self.na_values and any(c in self.na_values for c in "\r\n"):
            raise UsageError("--na-values: a line end among words in quotes")
        if self.thousands != NONE and (fault := self.notation.fault()):
            raise UsageError(f"--thousands '{printable(self.thousands)}': {fault}")
        taken = {self.separator: "the --delimiter", '"': "of RFC 4180"}
        for flag, value in (("quote", self.quote), ("escape", self.escape)):
            if value == NONE or (flag == "quote" and value == '"'):
                continue
            if len(value) != 1 or not value.isascii() or not value.isprintable() or value.isalnum() or value in "+-.: ":
                raise UsageError(f"--{flag} '{printable(value)}': one ASCII character that is in no number, or none")
            if value in taken:
                hint = "a quote in a quoted field is doubled, without --escape" if value == '"' else ""
                raise UsageError(f"--{flag} '{value}': is {taken[value]}, too", hint)
            taken[value] = f"the --{flag}"
        if self.skip_initial_space and self.separator == " ":
            raise UsageError("--skip-initial-space: the --delimiter is a space")
        first = self.comment[:1]
        if self.comment != NONE:
            if not first.isascii() or not first.isprintable() or first.isalnum() or first in "+-. ":
                what = "must begin with a character of ASCII that begins no number and no name"
                raise UsageError(
                    f"--comment '{printable(self.comment)}': {what}", "--comment none takes no line for one"
                )
            wrong = next((c for c in self.comment if c in taken or c in f"\r\n{MARK}"), None)
            if wrong is not None:
                of = f"is {taken[wrong]}, too" if wrong in taken else "is in no comment"
                raise UsageError(f"--comment '{printable(self.comment)}': '{printable(wrong)}' {of}")
