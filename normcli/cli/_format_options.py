"""The options of formats on a command line: which are given, and for which of the formats that are read and written."""

from __future__ import annotations

from typing import Any

from normcli import registry
from normcli.cli._command import FORMAT, given
from normcli.cli._flags import extra
from normcli.cli._needs import DATA, OUTPUT, check_needs, need
from normcli.needs import Need

BINARY = need("binary output", "for Parquet or Arrow output")


def needs_of(options: type, field: str, having: list[str]) -> tuple[Need, ...]:
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

    def __init__(self, values: dict[str, Any], read: set[str], written: set[str] | None) -> None:
        """`read` are the formats that are known to be read so far; `written` those that are, None if that is what the
        first input is."""
        self._given, self._read, self._written = given(values, FORMAT), read, written
        self._made: dict[str, Any] = {}
        self._checked = False

    def reading(self, format: str) -> Any:
        """For an input of a format, None where nothing is said of it. Raises UsageError, the first time, for what is
        said of formats that are not in use."""
        self._read.add(format)
        if not self._checked:
            written = {format} if self._written is None else self._written
            check_needs(**self._lacking(written))
            self._checked = True
        return self.writing(format)

    def writing(self, format: str) -> Any:
        """For an output of a format, None where nothing is said of it. Raises UsageError where what is said of it makes
        no sense."""
        if format not in self._made:
            kind = registry.load("formats", format).Options
            own = {field: value for field, value in self._given.items() if field in kind.__dataclass_fields__}
            self._made[format] = kind(**own) if own else None
            if own:
                self._made[format].check()
        return self._made[format]

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
