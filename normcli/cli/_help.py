"""Layout of the help of a command: summary, examples, and options by group, the common ones first."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import zip_longest

import click

from normcli import registry
from normcli.cli import URL

TITLES = {
    "learn": "What to learn",
    "apply": "What to apply",
    "drift": "Drift",
    "columns": "Columns",
    "input": "Input",
    "output": "Output",
    "updating": "Updating",
    "safety": "Safety",
    "resources": "Resources",
    "messages": "Messages",
}  # titles of the groups of options, in the order of help
NO_BREAK = "\u00a0"  # a space without a line break
TERM = 22  # width in characters of the column of options


def write_examples(formatter: click.HelpFormatter, examples: Iterable[tuple[str, str]]) -> None:
    """Writes examples, each with a comment; the command line is not wrapped, so that it can be copied."""
    with formatter.section("Examples"):
        for about, line in examples:
            formatter.write(f"  # {about}\n  {line}\n")


def write_rows(formatter: click.HelpFormatter, rows: Iterable[tuple[str, str]], *, widest: int) -> None:
    """Writes terms with their descriptions beside them, or below a term wider than `widest` characters."""
    margin = " " * formatter.current_indent
    rows = list(rows)
    first = min(max(len(term) for term, _ in rows), widest) + 2
    width = max(formatter.width - formatter.current_indent - first, 20)
    for term, about in rows:
        lines = _wrapped(about, width)
        if len(term) > first - 2:
            lines.insert(0, "")
        lines = [
            f"{margin}{part:{first}}{line}".rstrip() for part, line in zip_longest([term], lines or [""], fillvalue="")
        ]
        formatter.write("\n".join(lines) + "\n")


def write_text(formatter: click.HelpFormatter, text: str) -> None:
    """Writes one paragraph."""
    margin = " " * formatter.current_indent
    lines = _wrapped(text, formatter.width - formatter.current_indent)
    formatter.write("".join(f"{margin}{line}\n" for line in lines))


def _wrapped(text: str, width: int) -> list[str]:
    """Wraps text without breaking words, which are copied and searched for, or a default."""
    marks = (mark for mark in re.findall(r"\[default: [^\]]+\]", text) if len(mark) <= width)
    unbroken = reduce(lambda line, mark: line.replace(mark, mark.replace(" ", NO_BREAK)), marks, text)
    lines = textwrap.wrap(unbroken, width, break_on_hyphens=False, break_long_words=False)
    return [line.replace(NO_BREAK, " ") for line in lines]


def write_options(
    formatter: click.HelpFormatter,
    options: Iterable[click.Option],
    groups: Mapping[str, str | None],
    topics: Mapping[str, str] | None = None,
    *,
    rest: str,
) -> None:
    """Writes options by group, with the title of the group; those without a group below `rest`, a group or a title.
    Options explained by one of the `topics` are listed by name only, at the end."""
    rows: dict[str, list[tuple[str, str]]] = {}
    rare: dict[str, dict[str, list[str]]] = {}
    for option in options:
        group, topic = groups.get(str(option.name)) or rest, (topics or {}).get(str(option.name))
        if topic is None:
            rows.setdefault(group, []).append((spelled(option).ljust(TERM), described(option)))
        else:
            rare.setdefault(group, {}).setdefault(topic, []).append(max(option.opts, key=len))
    order = ["learn", *(group for group in rows if group not in TITLES), *TITLES]
    for group in sorted(rows, key=order.index):
        with formatter.section(TITLES.get(group, group)):
            write_rows(formatter, rows[group], widest=TERM)
            for topic, flags in rare.get(group, {}).items():
                write_text(formatter, f"and, see normcli help {topic}: {' '.join(flags)}")


def write_more(formatter: click.HelpFormatter, more: Sequence[str]) -> None:
    """Writes references to help topics and the URL."""
    formatter.write_paragraph()
    if more:
        formatter.write_text(f"More: normcli help {' | '.join(more)}")
    formatter.write_text(URL)


def spelled(option: click.Option) -> str:
    """The flags of an option and its metavar."""
    flags = sorted(option.opts, key=len)
    if option.secondary_opts:
        flags = ["/".join((*flags, *option.secondary_opts))]
    return ", ".join(flags) + _taken(option)


def _taken(option: click.Option) -> str:
    from normcli.cli._command import Word

    words = getattr(option.type, "choices", None)
    what = option.metavar or ("|".join(words) if words else str(option.type.name).upper())
    if option.is_flag or option.count:
        return ""
    return f"[={what}]" if isinstance(option.type, Word) else f" {what}"


def described(option: click.Option) -> str:
    """The help of an option without a final full stop, with its default unless the text contains it."""
    from normcli.cli._command import Format

    text = (option.help or "").removesuffix(".")
    default = option.default if option.show_default else None
    if isinstance(option.type, Format) and option.name == "from_":
        text += f": {', '.join(registry.names('formats'))}"
    marks = [f"  [default: {default}]"] * (default is not None) + ["  [required]"] * option.required
    first = text[:1].upper() if text.partition(" ")[0].isalpha() else text[:1]  # float32 is a name
    return first + text[1:] + "".join(marks)


def plain(text: str) -> Iterator[tuple[str, str]]:
    """The blocks of a Markdown text, each with its kind: heading, list (of definitions), code, or text."""
    for block in text.strip().split("\n\n"):
        if block.startswith("#"):
            yield "heading", block.lstrip("# ")
        elif block.startswith("- `"):
            yield "list", block
        elif block.startswith("    "):
            yield "code", block
        else:
            yield "text", " ".join(block.split())


def write_markdown(formatter: click.HelpFormatter, text: str) -> None:
    """Writes headings, paragraphs, definitions (``- `term`: description``) and code, which is indented by four."""
    for kind, block in plain(text):
        formatter.write_paragraph()
        if kind == "heading":
            formatter.write(f"{block}\n")
            continue
        with formatter.indentation():
            if kind == "code":
                formatter.write(f"{block}\n")
            elif kind == "list":
                with formatter.indentation():
                    write_rows(formatter, _definitions(block), widest=TERM)
            else:
                write_text(formatter, block.replace("`", ""))


def _definitions(block: str) -> Iterator[tuple[str, str]]:
    for item in block[2:].split("\n- "):
        term, _, about = " ".join(item.split()).partition(": ")
        yield term.strip("`"), about.replace("`", "")
