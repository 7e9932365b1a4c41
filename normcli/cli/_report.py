"""--report: what a run was and did, as one JSON object, for whoever watches over it; also of a run that failed."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from normcli import __version__

if TYPE_CHECKING:
    from normcli.errors import NormcliError


@dataclass
class Report:
    """One run's report. Facts are added as they become known; `end` writes it, once."""

    path: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    error: str | None = None  # the last that was said
    started: float = field(default_factory=time.monotonic)

    def begin(self, path: str | None, output: str | None) -> None:
        """Says where it is to be. Raises CannotCreateError where that is in vain, before anything is done; a directory
        that is the run's OUTPUT may have yet to be made."""
        from normcli import outputs, stores
        from normcli.errors import CannotCreateError

        within = output and path and stores.resolved(path).startswith(stores.resolved(output) + os.sep)
        if path and path != "-" and not within and (os.path.isfile(path) or not os.path.exists(path)):
            try:
                with outputs.open_target(path):
                    pass
            except CannotCreateError as e:
                raise CannotCreateError(f"--report {e.message}", e.hint) from None
        self.path = path

    def end(self, code: int, error: str | None = None) -> NormcliError | None:
        """Writes the report; what went wrong in doing that, if anything did."""
        path, self.path = self.path, None
        if path is None:
            return None
        told = {"normcli": __version__, "exit_code": code, "error": error} | FACTS | self.facts
        told |= {"warnings": self.warnings, "seconds": round(time.monotonic() - self.started, 3)}
        data = json.dumps({k: _shown(v) for k, v in told.items()}, ensure_ascii=True).encode() + b"\n"
        from normcli import outputs
        from normcli.errors import NormcliError

        try:
            with outputs.open_target(path) as target:
                target.write(data)
                target.commit()
        except NormcliError as e:
            return type(e)(f"--report {e.message}", e.hint)
        return None


FACTS: dict[str, Any] = dict.fromkeys(
    (
        "command",
        "method",
        "inputs",
        "inputs_empty",
        "params",
        "output",
        "digest",
        "rows_in",
        "rows_out",
        "rows_rejected",
        "bytes_in",
    )
)

current = Report()


def _shown(value: Any) -> Any:
    """Callables are asked now: they count while the run goes on."""
    made = value() if callable(value) else value
    with contextlib.suppress(TypeError):
        return [os.fsencode(v).decode("utf-8", "backslashreplace") for v in made] if isinstance(made, list) else made
    return made
