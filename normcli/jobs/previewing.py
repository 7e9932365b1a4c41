"""What a run would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from normcli.jobs.results import Preview

if TYPE_CHECKING:
    from normcli.inputs import Input
    from normcli.jobs.reading import Readers


def preview(
    readers: Readers, names: Sequence[str], targets: tuple[str, ...], paths: Mapping[Input, str] | None = None
) -> Preview:
    """What would be read, which columns take part, by `names`, and where it would go: into `paths`, one for each
    input, or the targets that are named."""
    schema, taken = readers.first.schema, set(names)
    return Preview(
        inputs=tuple(each.name for each in readers.inputs),
        outputs=None if paths is None else tuple(paths[each] for each in readers.inputs),
        columns=tuple(f for f in schema if f.name in taken),
        left=tuple(f for f in schema if f.name not in taken),
        targets=targets,
    )
