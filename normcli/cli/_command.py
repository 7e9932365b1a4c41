"""A command whose flags are found in the folders: those of the formats, and those of the method that -m names."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from normcli import registry
from normcli.cli import HELP

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

METHOD = "method_option_"  # how the parameters of a method's options are called inside
FORMAT = "format_option_"  # and those of the formats'; one flag where several have an option of one name


class Place(click.Path):
    """A path, or the URI of an object unless `far` is no; of a file:// URI, its path. Whether it can be read is found
    out by reading it."""

    def __init__(self, *, far: bool = True) -> None:
        super().__init__(allow_dash=True, readable=False)
        self.far = far

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from normcli.io import stores

        path = stores.plain(os.fsdecode(super().convert(value, param, ctx)))
        if stores.is_uri(path) and not self.far:
            self.fail(f"{path} is not on this machine", param, ctx)
        return path


PLACE, NEAR = Place(), Place(far=False)


class Entry(click.ParamType[str]):
    """A name in a folder. What is none is refused where it is used, with all the names."""

    def __init__(self, room: str) -> None:
        self.room = room
        self.name = room.removesuffix("s")

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(n) for n in registry.names(self.room) if n.startswith(incomplete)]


class Format(Entry):
    """The name of a format that there is; csv.gz is csv."""

    def __init__(self) -> None:
        super().__init__("formats")

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from normcli import formats

        if formats.bare(value) not in registry.names("formats"):
            flag = param.opts[0] if param else ""
            raise click.UsageError(f"{flag} {value}: none of {', '.join(registry.names('formats'))}", ctx)
        return value


class Word(click.Choice[str]):
    """What a flag may say more, which may be left out: the first word is meant then. Whatever follows the flag is taken
    for it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in self.choices and param is not None:
            flag, words = param.opts[0], list(self.choices)
            what = f"none of {', '.join(words)}; put {flag} behind INPUT, or write {flag}={words[0]}"
            raise click.UsageError(f"{flag} {value}: {what}", ctx)
        return super().convert(value, param, ctx)


class WithOptions(click.Command):
    """The flags of the formats, and of the method where the command takes -m: the line is read twice, the first
    time to find the method. Formats are loaded only where a word may be a flag of theirs, or help shows them."""

    def __init__(self, *args: Any, examples: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"context_settings": HELP})
        self.examples = examples

    @property
    def takes_method(self) -> bool:
        return any(p.name == "method" for p in self.params)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        own = super().get_params(ctx)
        formats = self._of_formats() if ctx.meta.get("normcli.formats", True) else ()
        return [*own[:-1], *formats, *_of_method(ctx.meta.get("normcli.method")), own[-1]]

    def _of_formats(self) -> Iterator[click.Parameter]:
        from normcli import formats
        from normcli.cli._flags import flags
        from normcli.jobs.facts import OUTPUT
        from normcli.jobs.format_options import needs_of

        kinds = [formats.record(n).options for n in registry.names("formats")]
        writes = any(p.name == "output" for p in self.params)
        for name, flag in {str(f.name): f for kind in kinds for f in flags(kind, FORMAT)}.items():
            if writes or OUTPUT not in needs_of(name.removeprefix(FORMAT)):
                yield flag

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words = {word.partition("=")[0] for word in args if word.startswith("--") and word != "--"}
        for formats in (True,) if ctx.resilient_parsing else (False, True):
            ctx.meta["normcli.formats"] = formats
            ctx.meta["normcli.method"] = self._method_in(args, formats=formats)
            if words.issubset(word for p in self.get_params(ctx) for word in (*p.opts, *p.secondary_opts)):
                break
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as e:
            having = methods_with(e.option_name) if self.takes_method else []
            if not having:
                raise
            method = ctx.meta.get("normcli.method")
            whose = f"{method} has no option {e.option_name}" if method else f"{e.option_name} needs -m"
            raise click.UsageError(f"{whose}; it is an option of {', '.join(having)}", ctx) from None

    def _method_in(self, args: Sequence[str], *, formats: bool) -> str | None:
        if not self.takes_method:
            return None
        lenient: dict[str, Any] = {"ignore_unknown_options": True, "allow_extra_args": True, **HELP}
        first = click.Context(self, resilient_parsing=True, **lenient)
        first.meta["normcli.formats"] = formats
        with contextlib.suppress(click.UsageError):  # which the second reading will tell
            method: str | None = self.make_parser(first).parse_args(list(args))[0].get("method")
            return method
        return None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from normcli.cli._flags import flags

        ctx.meta["normcli.formats"] = True
        super().format_options(ctx, formatter)
        if self.takes_method and not ctx.meta.get("normcli.method"):
            with formatter.section("Methods and their options (-m METHOD --help says more)"):
                flags_of = {n: flags(registry.only("methods", n), METHOD) for n in registry.names("methods")}
                formatter.write_dl([(n, " ".join(f.opts[0] for f in fs) or "none") for n, fs in flags_of.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Examples"):
            for what, line in self.examples:
                formatter.write_text(f"{what}:")
                with formatter.indentation():
                    formatter.write_text(line)


def _of_method(name: str | None) -> Sequence[click.Parameter]:
    """The flags of a method's options; none where there is no such method."""
    from normcli.cli._flags import flags

    return flags(registry.only("methods", name), METHOD) if name in registry.names("methods") else ()


def methods_with(flag: str) -> list[str]:
    """The methods that have an option of that spelling."""
    from normcli.cli._flags import flags

    return [
        name
        for name in registry.names("methods")
        if any(flag in (*f.opts, *f.secondary_opts) for f in flags(registry.only("methods", name), METHOD))
    ]
