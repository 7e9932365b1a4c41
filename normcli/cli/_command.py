"""Base classes of commands: parameter types, parsing of the command line, errors, help."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from normcli import registry, suggestions
from normcli.cli import HELP
from normcli.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

METHOD = "method_option_"  # prefix of the parameter names of a method's options
FORMAT = "format_option_"  # and of the formats'; one flag for an option that several formats have
TARGET = "target_option_"  # and of the targets of exports
ORIGIN = "origin_option_"  # and of the programs that imports are from


class Place(click.Path):
    """A path, or the URI of an object if `far`; a file:// URI becomes its path. Whether it exists is not checked."""

    def __init__(self, *, far: bool = True) -> None:
        super().__init__(allow_dash=True, readable=False)
        self.far = far

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from normcli.jobs import locations

        path = locations.plain(os.fsdecode(super().convert(value, param, ctx)))
        if locations.is_uri(path) and not self.far:
            self.fail(f"{path} is not on this machine", param, ctx)
        return path


PLACE, NEAR = Place(), Place(far=False)


class Entry(click.ParamType[str]):
    """The name of an entry of a registry. An unknown name is refused where it is used, with suggestions."""

    def __init__(self, room: str) -> None:
        self.room = room
        self.name = room.removesuffix("s")

    def names(self) -> Iterable[str]:
        """The names for completion."""
        return registry.names(self.room)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(n) for n in self.names() if n.startswith(incomplete)]


class Format(Entry):
    """The name of a format; csv.gz is csv. Raises UsageError for an unknown one."""

    def __init__(self) -> None:
        super().__init__("formats")

    def names(self) -> Iterable[str]:
        from normcli.jobs.format_options import format_names

        return format_names()

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from normcli.jobs.values import format_name

        if format_name(value):
            flag = param.opts[0] if param else ""
            near = suggestions.question(value, self.names())
            raise UsageError(f"{flag} {value}: no such format", near or suggestions.of_room(value, "formats"))
        return value


class OneOf(click.Choice[str]):
    """One of a few words. Raises UsageError for any other."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in self.choices and param is not None:
            what = f"{param.opts[0]} {value}: is none of {', '.join(self.choices)}"
            raise UsageError(what, suggestions.question(value, self.choices) or self.otherwise(param))
        return super().convert(value, param, ctx)

    def otherwise(self, param: click.Parameter) -> str:
        """The hint for a value that resembles none of the words."""
        return ""


class Word(OneOf):
    """The optional value of a flag, by default the first word. The next word on the line is taken as the value."""

    def otherwise(self, param: click.Parameter) -> str:
        flag = param.opts[0]
        return f"put {flag} behind INPUT, or write {flag}={self.choices[0]}"


class LongOptions(dict[str, Any]):
    """Those of a parser of click, which looks for similar ones each time that it tries a short option as a long one,
    unless there are none. Suggestions are ours."""

    def __bool__(self) -> bool:
        return False


class Plain(click.Command):
    """A command with examples. A repeated option is an error; for an unknown one, similar options or the commands that
    have it are suggested."""

    def __init__(self, *args: Any, examples: Sequence[tuple[str, str]] = (), more: Sequence[str] = (), **kwargs: Any):
        """`more` are help topics that are named at the end of the help."""
        super().__init__(*args, **kwargs | {"context_settings": HELP, "options_metavar": "[OPTION]..."})
        self.examples, self.more = examples, more

    def make_parser(self, ctx: click.Context) -> Any:
        parser = super().make_parser(ctx)
        parser._long_opt = LongOptions(parser._long_opt)
        return parser

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        line = list(args)
        try:
            rest = super().parse_args(ctx, args)
        except click.NoSuchOption as e:
            raise self.no_such_option(e.option_name, ctx) from None
        if not ctx.resilient_parsing:
            order = self.make_parser(ctx).parse_args(line)[2]
            for param, count in Counter(order).items():
                if count > 1 and isinstance(param, click.Option) and _says_one_thing(param):
                    raise UsageError(f"{'/'.join((*param.opts, *param.secondary_opts))} is given more than once")
        return rest

    def no_such_option(self, flag: str, ctx: click.Context) -> UsageError:
        """The error for an unknown option."""
        from normcli.cli._mistakes import no_such_option

        return no_such_option(flag, self.get_params(ctx), str(ctx.info_name))

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from normcli.cli._help import write_examples, write_more

        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        write_examples(formatter, self.examples_in(ctx))
        self.format_options(ctx, formatter)
        write_more(formatter, self.more)

    def examples_in(self, ctx: click.Context) -> Sequence[tuple[str, str]]:
        """The examples of the help."""
        return self.examples

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from normcli.cli._help import write_options

        write_options(formatter, _options(self.get_params(ctx)), {}, rest="Options")


class WithOptions(Plain):
    """A command with the flags of the formats, and of the method if it takes -m: the line is parsed twice, first to
    find the method. Formats are imported only if a word may be one of their flags, or for help."""

    @property
    def takes_method(self) -> bool:
        """Whether the command has -m."""
        return any(p.name == "method" for p in self.params)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        params = super().get_params(ctx)
        formats = self._of_formats() if ctx.meta.get("normcli.formats", True) else ()
        return [*params[:-1], *formats, *_of_method(ctx.meta.get("normcli.method")), params[-1]]

    def _of_formats(self) -> Iterator[click.Parameter]:
        from normcli import formats
        from normcli.cli._flags import flags
        from normcli.jobs.facts import OUTPUT
        from normcli.jobs.format_options import needs_of

        kinds = [formats.record(n).options for n in registry.names("formats")]
        writes = any(p.name == "to" for p in self.params)
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
        return super().parse_args(ctx, args)

    def no_such_option(self, flag: str, ctx: click.Context) -> UsageError:
        having = methods_with(flag) if self.takes_method else []
        if not having:
            return super().no_such_option(flag, ctx)
        method = ctx.meta.get("normcli.method")
        whose = f"{method} has no option {flag}" if method else f"{flag} needs -m"
        return UsageError(f"{whose}; it is an option of {', '.join(having)}")

    def _method_in(self, args: Sequence[str], *, formats: bool) -> str | None:
        if not self.takes_method:
            return None
        lenient: dict[str, Any] = {"ignore_unknown_options": True, "allow_extra_args": True, **HELP}
        first = click.Context(self, resilient_parsing=True, **lenient)
        first.meta["normcli.formats"] = formats
        with contextlib.suppress(click.UsageError):  # reported when the line is parsed again
            method: str | None = self.make_parser(first).parse_args(list(args))[0].get("method")
            return method
        return None

    def examples_in(self, ctx: click.Context) -> Sequence[tuple[str, str]]:
        method = ctx.meta.get("normcli.method")
        if method not in registry.names("methods"):
            return self.examples
        kind: Any = registry.only("methods", method)
        example = kind.example or f"normcli fit data.csv -m {method} -p data.json"
        return (((kind.__doc__ or "").partition("\n")[0], example),)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from normcli.cli._help import write_options
        from normcli.jobs.format_options import group_of, topic_of
        from normcli.jobs.requests import groups, rare

        ctx.meta["normcli.formats"] = True
        method = ctx.meta.get("normcli.method")
        of: dict[str, str | None] = {**groups(str(ctx.info_name))}
        of |= dict.fromkeys((str(f.name) for f in _of_method(method)), f"Options of {method}")
        options = list(_options(self.get_params(ctx)))
        of |= {n: group_of(n.removeprefix(FORMAT)) for n in (str(o.name) for o in options) if n.startswith(FORMAT)}
        topics = {n: t for n in of if n.startswith(FORMAT) and (t := topic_of(n.removeprefix(FORMAT)))}
        topics |= rare(str(ctx.info_name))
        write_options(formatter, options, of, topics, rest="messages")
        if self.takes_method and not method:
            with formatter.section("Methods (normcli fit -m METHOD --help lists its options)"):
                formatter.write_text(", ".join(registry.names("methods")))


def _options(params: Iterable[click.Parameter]) -> Iterator[click.Option]:
    return (p for p in params if isinstance(p, click.Option) and not p.hidden)


def _says_one_thing(option: click.Option) -> bool:
    """Whether a repeated option could contradict itself."""
    return not (option.multiple or option.count or (option.is_flag and not option.secondary_opts))


def _of_method(name: str | None) -> Sequence[click.Parameter]:
    """The flags of a method's options; none if there is no such method."""
    from normcli.cli._flags import flags

    return flags(registry.only("methods", name), METHOD) if name in registry.names("methods") else ()


def methods_with(flag: str) -> list[str]:
    """The methods that have an option with that flag."""
    from normcli.cli._flags import flags

    return [
        name
        for name in registry.names("methods")
        if any(flag in (*f.opts, *f.secondary_opts) for f in flags(registry.only("methods", name), METHOD))
    ]
