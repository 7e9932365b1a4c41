"""The options of formats: which are given, and for which of the formats that are read and written."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args

from normcli import formats, registry
from normcli.errors import UsageError
from normcli.io import compression
from normcli.jobs.facts import BINARY, FORMAT_OPTION, OUTPUT, need
from normcli.needs import Need

if TYPE_CHECKING:
    from normcli.jobs.requests import Reads


def flag_of(name: str, value: Any) -> str:
    """How the command line spells an option of a format."""
    flag = name.rstrip("_").replace("_", "-")
    return f"--no-{flag}" if value is False else f"--{flag}"


@cache
def format_option_names() -> frozenset[str]:
    """Those of all formats."""
    kinds: list[Any] = [formats.record(n).options for n in registry.names("formats")]
    return frozenset(name for kind in kinds for name in kind.__struct_fields__)


@cache
def needs_of(name: str) -> tuple[Need, ...]:
    """What an option of formats needs: that output is written, where it is of that; a format that has it. Raises
    UsageError where none has."""
    kinds: dict[str, Any] = {n: formats.record(n).options for n in registry.names("formats")}
    having = [n for n, kind in kinds.items() if name in kind.__struct_fields__]
    if not having:
        raise UsageError(f"{flag_of(name, None)}: no format has this option")
    extra = _extra(kinds[having[0]], name)
    writes, binary = extra.get("on") == "writing" or "for" in extra, extra.get("for") == "binary"
    used = need(FORMAT_OPTION + name, f"an option of {', '.join(having)}", extra.get("hint", ""))
    return (*([OUTPUT] if writes else []), used, *([BINARY] if binary else []))


def format_names() -> list[str]:
    """What an option may call a format: text ones compressed, too."""
    codecs = [codec.suffix for codec in compression.CODECS]
    return [n + s for n in registry.names("formats") for s in ("", *([] if formats.signature(n).binary else codecs))]


def group_of(name: str) -> Literal["input", "output"]:
    """Where help lists an option of formats."""
    return "output" if OUTPUT in needs_of(name) else "input"


def topic_of(name: str) -> str | None:
    """The topic of help that explains an option of formats, where its name alone is listed elsewhere."""
    kinds: list[Any] = [formats.record(n).options for n in registry.names("formats")]
    return _extra(next(kind for kind in kinds if name in kind.__struct_fields__), name).get("topic")


@cache
def _extra(options: type, field: str) -> dict[str, str]:
    """What is said of an option besides its description."""
    from msgspec import Meta

    annotation = registry.annotations(options)[field]
    return next((m.extra for m in get_args(annotation)[1:] if isinstance(m, Meta) and m.extra), {})


class FormatOptions:
    """Those of each format in use, made once.

    An option's `Meta.extra` says what it is `on`, if it is not on both: reading or writing; what output it is `for`, if
    that must be binary; a `hint` where it has no effect; and the `topic` of help that explains it, where it is rare.
    """

    def __init__(
        self, request: Reads, read: set[str], written: set[str] | None, dialect: Iterable[tuple[str, Any]] = ()
    ) -> None:
        """`read` are the formats of inputs known so far; `written` those of outputs, None for that of the first input.
        Text is read in a `dialect`, unless the options of the request give another one."""
        self._request, self._read, self._written = request, read, written
        self._options, self._dialect = request.format_options, tuple(dialect)
        self._checked = False

    def reading(self, format: str) -> Any:
        """The options for an input of a format, None where there are none. Raises UsageError, the first time, for
        options of formats that are not in use."""
        self._read.add(format)
        if not self._checked:
            written = {format} if self._written is None else self._written
            self._request.check_needs(**self._lacking(written))
            self._checked = True
        return formats.options(format, self._dialect, self._options.items())

    def writing(self, format: str) -> Any:
        """The options for an output of a format, None where there are none. Raises UsageError where they contradict
        each other."""
        return formats.options(format, self._options.items())

    @property
    def dialect(self) -> formats.Dialect:
        """What a parameter file keeps of those that are given."""
        return formats.dialect(self._options)

    def _lacking(self, written: set[str]) -> dict[str, str]:
        """What those that are given may need, and is not there."""
        lacking = {} if written else {"data written": ""}
        if not any(map(formats.is_text, self._read)):
            lacking["text"] = f"what is read here is {', '.join(sorted(self._read))}"
        text = sorted(n for n in written if formats.is_text(n))
        if text:
            lacking["binary output"] = f"what is written here is {text[0]}"
        places = {"reading": ("read", self._read), "writing": ("written", written)}
        kinds = {n: formats.record(n).options for n in registry.names("formats")} if self._options else {}
        for name in self._options:
            having = {n for n, kind in kinds.items() if name in kind.__struct_fields__}
            on = _extra(kinds[min(having)], name).get("on", "")
            what, used = places.get(on, ("used", self._read | written))
            if not used & having:
                lacking[FORMAT_OPTION + name] = f"what is {what} here is {', '.join(sorted(used))}"
        return lacking
