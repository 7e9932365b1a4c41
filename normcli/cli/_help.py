"""How the help of a command is laid out: what it is for, examples, and its options by group, the common ones first."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
}  # of the groups of a request's options, in this order
TERM = 22  # characters of an option's spelling, beside which there is what it does


def write_examples(formatter: click.HelpFormatter, examples: Iterable[tuple[str, str]]) -> None:
    """What each does as a comment, and the line, as it stands: it is made to be copied."""
    with formatter.section("Examples"):
        for about, line in examples:
            formatter.write(f"  # {about}\n  {line}\n")


def write_rows(formatter: click.HelpFormatter, rows: Iterable[tuple[str, str]], *, widest: int) -> None:
    """Terms, and what they are beside them; below one that is wider than `widest` characters."""
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
    """One paragraph."""
    margin = " " * formatter.current_indent
    lines = _wrapped(text, formatter.width - formatter.current_indent)
    formatter.write("".join(f"{margin}{line}\n" for line in lines))


def _wrapped(text: str, width: int) -> list[str]:
    """Words are whole, for they are copied, and looked for."""
    return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False)


def write_options(
    formatter: click.HelpFormatter,
    options: Iterable[click.Option],
    groups: Mapping[str, str | None],
    topics: Mapping[str, str] | None = None,
    *,
    rest: str,
) -> None:
    """Each below the title of its group; one of which none is known below that of `rest`, a group or a title. Of those
    that one of the `topics` explains, only the names are there, behind all others."""
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
                write_text(formatter, f"and, as normcli help {topic} says: {' '.join(flags)}")


def write_more(formatter: click.HelpFormatter, more: Sequence[str]) -> None:
    """Where there is more to read."""
    formatter.write_paragraph()
    if more:
        formatter.write_text(f"More: normcli help {' | '.join(more)}")
    formatter.write_text(URL)


def spelled(option: click.Option) -> str:
    """How an option is written, with what it takes."""
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
    """What an option does, as a sentence without its end; what it is by default, where its help does not say so."""
    from normcli.cli._command import Format

    text = (option.help or "").removesuffix(".")
    default = option.default if option.show_default else None
    if isinstance(option.type, Format) and option.name == "from_":
        text += f": {', '.join(registry.names('formats'))}"
    marks = [f"  [default: {default}]"] * (default is not None) + ["  [required]"] * option.required
    first = text[:1].upper() if text.partition(" ")[0].isalpha() else text[:1]  # float32 is a name
    return first + text[1:] + "".join(marks)


def plain(text: str) -> Iterator[tuple[str, str]]:
    """The blocks of a text in Markdown, each with its kind: heading, list (of definitions), code, or text."""
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
    """Headings, paragraphs, definitions (``- `term`: what it is``) and code, indented by four."""
    for kind, block in plain(text):
        formatter.write_paragraph()
        if kind == "heading":
            formatter.write(f"{block}\n")
        elif kind == "code":
            formatter.write("\n".join(line[2:] for line in block.splitlines()) + "\n")
        elif kind == "list":
            items = [" ".join(item.split()) for item in block[2:].split("\n- ")]
            rows = [(term.strip("`"), about) for term, _, about in (item.partition(": ") for item in items)]
            with formatter.indentation():
                write_rows(formatter, [(term, about.replace("`", "")) for term, about in rows], widest=TERM)
        else:
            write_text(formatter, block.replace("`", ""))
