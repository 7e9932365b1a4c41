"""normcli help: explain a topic, or a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from normcli import registry, suggestions
from normcli.cli import _topics as topics
from normcli.cli._command import Plain
from normcli.errors import UsageError, printable

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

ORDER = 10
aliases = ("man", "usage", "topics", "docs")
EXAMPLES = (
    ("Every topic", "normcli help"),
    ("One of them", "normcli help exit-codes"),
    ("A command, as normcli fit --help does", "normcli help fit"),
)


class Topic(click.ParamType[str]):
    """The name of a topic, or of a command."""

    name = "topic"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(n) for n in (*topics.names(), *registry.names("cli")) if n.startswith(incomplete)]


@click.command(cls=Plain, examples=EXAMPLES)
@click.argument("topic", required=False, type=Topic())
def command(**values: Any) -> None:
    """Explain a topic, or a command; without one, list the topics."""
    from normcli.cli._help import write_markdown, write_rows

    name, formatter = values["topic"], click.get_current_context().make_formatter()
    if name is None:
        with formatter.section("Topics (normcli help TOPIC)"):
            write_rows(formatter, topics.summaries(), widest=30)
        formatter.write_paragraph()
        formatter.write_text("normcli COMMAND --help, or normcli help COMMAND, says all about a command.")
    elif name in topics.names():
        write_markdown(formatter, topics.text(name))
    else:
        candidates = [*topics.names(), *registry.names("cli")]
        method = name in registry.names("methods")
        what = f"normcli methods {name} says all about the method" if method else suggestions.hint(name, candidates)
        raise UsageError(f"help {printable(name)}: no such topic or command", what)
    click.echo(formatter.getvalue().rstrip("\n"))
