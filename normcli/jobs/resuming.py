"""The files of an output directory: what an earlier run has completed counts as if it were made now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from normcli import drift
from normcli.drift import DriftMonitor
from normcli.io.inputs import Input
from normcli.io.manifest import Manifest
from normcli.io.outputs import Target
from normcli.pipeline import Progress, Tally


class Finished(Struct, frozen=True):
    """The counts of a finished file's input and the state of its watch, which the gates need."""

    tally: Tally
    watch: DriftMonitor | None

    @property
    def notes(self) -> dict[str, Any]:
        """As plain values, for the manifest."""
        return {"tally": asdict(self.tally), "watch": self.watch and drift.document(self.watch)}

    @classmethod
    def of(cls, notes: dict[str, Any], watch: DriftMonitor | None) -> Finished | None:
        """From an entry of a manifest; None where it is incomplete. A `watch`, if there is one, is blank."""
        try:
            return cls(msgspec.convert(notes["tally"], Tally), watch and drift.restored(watch, notes["watch"]))
        except (ValueError, TypeError, KeyError, msgspec.MsgspecError):
            return None


class Files:
    """A file for each input. Those that are finished are counted in the order of inputs, also by the watch, if there is
    one: a resumed run gets the same verdict as one without interruption."""

    def __init__(self, paths: dict[Input, str], manifest: Manifest, watch: DriftMonitor | None = None) -> None:
        self.paths, self._manifest, self._watch = paths, manifest, watch
        self._origins = dict(zip(paths, manifest.origins([str(i.path) for i in paths]), strict=True))
        self._turns = {input: turn for turn, input in enumerate(paths)}
        self._finished: dict[Input, Finished] = {}  # in the order of the inputs, without those that were counted
        self._progress = Progress()

    def unfinished(self, *, strict: bool) -> list[Input]:
        """The inputs whose files are not finished. A `strict` run writes files with warnings again. Reads the existing
        files. Raises NoInputError."""
        entries = self._manifest.finished({path: self._origins[input] for input, path in self.paths.items()})
        for input, path in self.paths.items():
            entry = entries.get(path)
            finished = Finished.of(entry, self._watch and self._watch.blank()) if entry else None
            if finished and not (strict and finished.tally.warnings):
                self._finished[input] = finished
        return [input for input in self.paths if input not in self._finished]

    def begin(self, progress: Progress) -> None:
        """Sets the progress that finished files are counted in."""
        self._progress = progress

    def reach(self, input: Input | None = None) -> None:
        """Counts what is finished before an input whose turn has come, or all that is. Between them may be inputs that
        were left out, which have no file."""
        turn = len(self._turns) if input is None else self._turns[input]
        while self._finished and self._turns[first := next(iter(self._finished))] < turn:
            finished = self._finished.pop(first)
            self._progress.add_finished(finished.tally)
            self._see(finished.watch)

    def complete(self, input: Input, watch: DriftMonitor | None, target: Target) -> Callable[[], None]:
        """Counts a file that is written. What it returns notes that it is in place, and raises CannotCreateError,
        OutputError. It is not noted if some of its rows were rejected, so that a later run reports them, too."""
        finished = Finished(self._progress.output, watch)
        self._see(watch)

        def note() -> None:
            if not finished.tally.rejected:
                assert target.digest is not None
                self._manifest.add(self.paths[input], self._origins[input], target.count, target.digest, finished.notes)

        return note

    def settle(self, target: Target) -> None:
        """Before a file is put in place: that is made to survive a power loss together with others."""
        target.settle = self._manifest.settle

    def finish(self) -> None:
        """All files are in place; they survive a power loss, and are known to be complete. Raises CannotCreateError,
        OutputError."""
        self._manifest.finish()

    def close(self) -> None:
        """No more files are completed."""
        self._manifest.close()

    def _see(self, watch: DriftMonitor | None) -> None:
        if self._watch is not None and watch is not None:
            self._watch.merge(watch)
