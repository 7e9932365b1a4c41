"""--run-report: what a run was and did, for whoever watches over it; also of a run that failed."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from normcli.errors import NormcliError
    from normcli.jobs.results import Result


class RunReport:
    """The report of this process: the `result` of its job, as far as it has come, and how it ended."""

    result: Result | None
    error: str | None  # the last message
    started: float  # in seconds since 1970
    clock: float  # then, of one that is never set

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """A run starts now."""
        self.result, self.error, self.started, self.clock = None, None, time.time(), time.monotonic()

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
        if path:
            from normcli.jobs import run_metrics, run_reports  # noqa: F401  while there is memory for it
        self.result = result

    def end(self, code: int, error: str | None = None) -> NormcliError | None:
        """Writes the report, once; what went wrong in doing that, if anything did."""
        result, self.result = self.result, None
        if result is None or result.run_report is None:
            return None
        data = self._data(result, result.run_report, code, error)
        from normcli.errors import NormcliError
        from normcli.io import outputs

        try:
            with outputs.open_target(result.run_report) as target:
                target.write(data)
                target.commit()
        except NormcliError as e:
            return type(e)(f"--run-report {e.message}", e.hint)
        return None

    def _data(self, result: Result, path: str, code: int, error: str | None) -> bytes:
        import json

        from normcli.jobs.run_metrics import SUFFIX, metrics
        from normcli.jobs.run_reports import report_of, text

        seconds = time.monotonic() - self.clock
        report = report_of(result, code, error, started=self.started, seconds=seconds)
        if not path.endswith(SUFFIX):
            return json.dumps(report, ensure_ascii=True, allow_nan=False).encode() + b"\n"
        name = text(os.path.basename(path).removesuffix(SUFFIX))
        return metrics(report, name, _before(path), started=self.started)


run_report = RunReport()


def _before(path: str) -> bytes:
    """What the file holds; nothing where it can't be read, or is a pipe or device."""
    from normcli.jobs.run_metrics import LARGEST

    if not os.path.isfile(path):
        return b""
    try:
        with open(path, "rb") as file:
            return file.read(LARGEST)
    except OSError:
        return b""
