"""The options of formats on a command line: which are given, and for which of the formats that are read and written."""

from __future__ import annotations

from typing import Any

from normcli import registry
from normcli.cli._command import FORMAT, given
from normcli.cli._flags import extra
from normcli.errors import UsageError


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
            self._check({format} if self._written is None else self._written)
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

    def _check(self, written: set[str]) -> None:
        modules = {n: registry.load("formats", n) for n in registry.names("formats")} if self._given else {}
        for field in self._given:
            flag = "--" + field.replace("_", "-")
            having = [n for n, module in modules.items() if field in module.Options.__dataclass_fields__]
            about = extra(modules[having[0]].Options, field)
            on, places = about.get("on"), {"reading": self._read, "writing": written}
            if not written and (on == "writing" or "for" in about):
                raise UsageError(f"{flag} is for -o OUTPUT")
            used = places[on] if on else self._read | written
            if not used & set(having):
                what = {"reading": "read", "writing": "written"}.get(on or "", "used")
                raise UsageError(
                    f"{flag} is an option of {', '.join(having)}, and what is {what} here is {', '.join(sorted(used))}",
                    about.get("hint", ""),
                )
            text = sorted(n for n in written if not modules[n].magic)
            if about.get("for") == "binary" and text:
                raise UsageError(f"{flag} is for Parquet or Arrow output, and what is written here is {text[0]}")
