"""The options of formats on a command line: which are given, and for which of the formats that are read and written."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from normcli import registry
from normcli.cli._command import FORMAT, given
from normcli.cli._flags import extra
from normcli.cli._needs import DATA, OUTPUT, check_needs, need
from normcli.formats import _keeping
from normcli.needs import Need

BINARY = need("binary output", "for Parquet or Arrow output")


@cache
def needs_of(options: type, field: str, having: tuple[str, ...]) -> tuple[Need, ...]:
    """What an option that these formats have needs, beside one of them."""
    about = extra(options, field)
    writes, binary = about.get("on") == "writing" or "for" in about, about.get("for") == "binary"
    used = need(FORMAT + field, f"an option of {', '.join(having)}", about.get("hint", ""))
    return (DATA, *([OUTPUT] if writes else []), used, *([BINARY] if binary else []))


class FormatOptions:
    """Those of each format in use, made once.

    An option's `Meta.extra` says what it is `on`, if it is not on both: reading or writing; what output it is `for`, if
    that must be binary; and a `hint` for who gives it in vain.
    """

    def __init__(
        self, values: dict[str, Any], read: set[str], written: set[str] | None, dialect: Iterable[tuple[str, Any]] = ()
    ) -> None:
        """`read` are the formats that are known to be read so far; `written` those that are, None if that is what the
        first input is. What is read is in a `dialect`, unless another one is given."""
        self._given, self._read, self._written = given(values, FORMAT), read, written
        self._dialect = tuple(dialect)
        self._checked = False

    def reading(self, format: str) -> Any:
        """For an input of a format, None where nothing is said of it. Raises UsageError, the first time, for what is
        said of formats that are not in use."""
        self._read.add(format)
        if not self._checked:
            written = {format} if self._written is None else self._written
            check_needs(**self._lacking(written))
            self._checked = True
        return _keeping.options(format, self._dialect, self._given.items())

    def writing(self, format: str) -> Any:
        """For an output of a format, None where nothing is said of it. Raises UsageError where what is said of it makes
        no sense."""
        return _keeping.options(format, self._given.items())

    @property
    def dialect(self) -> _keeping.Kept:
        """What a parameter file keeps of those that are given."""
        return _keeping.kept(self._given)

    def _lacking(self, written: set[str]) -> dict[str, str]:
        """What those that are given may need, and is not there."""
        from normcli import formats

        lacking = {} if written else {"data written": ""}
        if all(map(formats.magic_of, self._read)):
            lacking["text"] = f"what is read here is {', '.join(sorted(self._read))}"
        text = sorted(n for n in written if not formats.magic_of(n))
        if text:
            lacking["binary output"] = f"what is written here is {text[0]}"
        places = {"reading": ("read", self._read), "writing": ("written", written)}
        kinds = {n: formats.module(n).Options for n in registry.names("formats")} if self._given else {}
        for field in self._given:
            having = {n for n, kind in kinds.items() if field in kind.__dataclass_fields__}
            on = extra(kinds[min(having)], field).get("on", "")
            what, used = places.get(on, ("used", self._read | written))
            if not used & having:
                lacking[FORMAT + field] = f"what is {what} here is {', '.join(sorted(used))}"
        return lacking
