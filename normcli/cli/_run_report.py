"""--run-report: what a run was and did, as one JSON object, for whoever watches over it; also of a run that failed."""

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
    from normcli.jobs.results import Result


@dataclass
class RunReport:
    """The report of this process: the `result` of its job, as far as it has come, and how it ended."""

    result: Result | None = None
    error: str | None = None  # the last that was said
    started: float = field(default_factory=time.monotonic)

    def begin(self, result: Result) -> None:
        """Says of what it is to be. Raises CannotCreateError where it can't be put where it is wanted, before anything
        is done; a directory that is the run's output may have yet to be made."""
        from normcli.errors import CannotCreateError
        from normcli.io import outputs, stores

        path, output = result.run_report, result.output
        within = output and path and stores.resolved(path).startswith(stores.resolved(output) + os.sep)
        if path and path != "-" and not within and (os.path.isfile(path) or not os.path.exists(path)):
            try:
                with outputs.open_target(path):
                    pass
            except CannotCreateError as e:
                raise CannotCreateError(f"--run-report {e.message}", e.hint) from None
        self.result = result

    def end(self, code: int, error: str | None = None) -> NormcliError | None:
        """Writes the report, once; what went wrong in doing that, if anything did."""
        result, self.result = self.result, None
        if result is None or result.run_report is None:
            return None
        document = {"normcli": __version__, "exit_code": code, "error": error} | result.document()
        document |= {"warnings": result.warnings, "seconds": round(time.monotonic() - self.started, 3)}
        data = json.dumps({k: _printable(v) for k, v in document.items()}, ensure_ascii=True).encode() + b"\n"
        from normcli.errors import NormcliError
        from normcli.io import outputs

        try:
            with outputs.open_target(result.run_report) as target:
                target.write(data)
                target.commit()
        except NormcliError as e:
            return type(e)(f"--run-report {e.message}", e.hint)
        return None


run_report = RunReport()


def _printable(value: Any) -> Any:
    """Paths may hold bytes that are no text."""
    with contextlib.suppress(TypeError):
        return [os.fsencode(v).decode("utf-8", "backslashreplace") for v in value] if isinstance(value, list) else value
    return value
