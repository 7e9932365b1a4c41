"""Inputs that the workers of a cluster read: which can be, how workers open them, and where they write."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from normcli import registry
from normcli.errors import ClusterError, UsageError, printable
from normcli.io import sources, stores
from normcli.io.checks import Version, digest_here, version_here
from normcli.io.parts import StorageCheck, Token, open_part
from normcli.jobs import paths
from normcli.jobs.reading import reader_of
from normcli.pipeline import Distance, memory
from normcli.pipeline.distance import FEW
from normcli.pipeline.parts import Part
from normcli.pipeline.remote_inputs import RemoteInputs, RemoteReader
from normcli.pipeline.spans import Span, SpanLimits

if TYPE_CHECKING:
    from normcli.engines import Cluster, Share
    from normcli.formats import Reader
    from normcli.io.inputs import Input
    from normcli.io.outputs import Target
    from normcli.io.sources import Source
    from normcli.jobs.format_options import FormatOptions
    from normcli.jobs.reading import Readers
    from normcli.jobs.requests import Reads
    from normcli.jobs.resuming import Files
    from normcli.jobs.run import Run
    from normcli.jobs.writing import Outputs
    from normcli.parameters import Parameters
    from normcli.pipeline import Progress, Written


def connect(request: Any, inputs: list[Input]) -> Cluster | None:
    """The cluster that a request names; None for a dry run. Raises UsageError for what no cluster can do, ClusterError
    where none answers."""
    flag = _spelled(request)
    for input in inputs:
        path = input.path
        if path is None or (not stores.is_uri(path) and os.path.exists(path) and not os.path.isfile(path)):
            what = f"{flag}: {input.name} can be read here alone"
            raise UsageError(what, "put it in a file that all workers can read")
    output = getattr(request, "output", None)
    if request.command == "fit" and output:
        raise UsageError(f"{flag}: -o needs all data in one place", "fit with -p alone, then apply")
    if request.command == "apply" and not paths.is_directory(output):
        what = f"{flag}: each worker writes files of its own, and -o names no directory"
        raise UsageError(what, "-o DIRECTORY/ has a file for each INPUT")
    if request.dry_run:
        return None
    if not isinstance(request.engine, str):
        existing: Cluster = request.engine
        return existing
    kind: Any = registry.only("engines", request.engine)
    cluster: Cluster = kind.connect(request.scheduler, insecure=request.insecure_scheduler)
    return cluster


def _spelled(request: Any) -> str:
    return f"--engine {request.engine if isinstance(request.engine, str) else registry.name_of(request.engine)}"


def remote_inputs(
    run: Run[Any, Any], cluster: Cluster, parameters: Parameters, readers: Readers, files: Files | None = None
) -> RemoteInputs:
    """All inputs for the workers of a cluster, to be measured by parameters, or to be written to their `files`. Raises
    UsageError for batches that run on from one input to the next."""
    if files is None:
        _check_batches(run.request, parameters, readers)

    def spans() -> Iterator[Span]:
        for input in list(readers.inputs):
            target = None if files is None else files.paths[input]
            path = _absolute(str(input.path))
            yield Span(input, path, target and _absolute(target), printable(target or ""), input.size or _size(path))

    def leave_out(span: Span) -> None:
        readers.leave_out(span.input)

    request = run.request
    limits = SpanLimits(request.most_rejects, request.threads, request.max_memory)
    opening = SpanReader(request.local(), readers.options, cluster.worker)
    versions = {input: reader.source.version for input, reader in readers.opened}
    return RemoteInputs(cluster, spans, opening, readers.first.description, limits, leave_out, versions)


def _check_batches(request: Any, parameters: Parameters, readers: Readers) -> None:
    """Raises UsageError where batches run on from one input to the next."""
    if len(readers.inputs) > 1 and any(s.unfitted_multiple > 1 for s in parameters.steps):
        names = ", ".join(dict.fromkeys(registry.name_of(m) for m in parameters.methods))
        what = f"{_spelled(request)}: the batches of {names} run on from one INPUT to the next"
        raise UsageError(what, "one INPUT, or --engine threads")


def _absolute(path: str) -> str:
    return path if stores.is_uri(path) else os.path.abspath(path)


def distance(readers: Readers) -> Distance:
    """How far there is to go on a cluster. Of many inputs, sizes are not asked for."""
    inputs = readers.inputs
    sizes = [input.size or _size(_absolute(str(input.path))) for input in inputs[: FEW + 1]]
    return Distance.of_sizes([*sizes, *[0] * (len(inputs) - len(sizes))], readers.first)


def _size(path: str) -> int:
    """Bytes of a file; 0 where only a worker can say."""
    try:
        return 0 if stores.is_uri(path) else os.stat(path).st_size
    except OSError:
        return 0


class SpanReader(Struct, frozen=True):
    """Opens inputs on a worker, by the options of a run; `worker` says what messages call that."""

    request: Reads
    options: FormatOptions
    worker: Callable[[], str]

    def source(self, span: Span, share: Share) -> Source:
        room = memory.of_input(share.max_memory)
        return sources.open_source(span.path, keys=span.input.keys, room=room, spelling=span.input.path)

    def reader(self, source: Source) -> Reader:
        return reader_of(self.request, self.options, source)


class SpanPart(Struct, frozen=True):
    """The output of an input on a worker, written to a temporary part beside its final place."""

    outputs: Outputs
    run: str

    def __call__(self, span: Span, reader: Reader) -> Part:
        assert span.target is not None
        watch = self.outputs.watch and self.outputs.watch.blank()  # that of all is shared by spans
        part = replace(self.outputs, watch=watch).part(span.input, span.target, reader)
        spool_dir = self.outputs.request.spool_dir
        opening: Callable[[], Target] = partial(open_part, span.shown, span.target, self.run, spool_dir=spool_dir)
        return replace(part, output=opening)


class File(Struct, frozen=True):
    """One that a worker is to look at."""

    path: str
    name: str
    load: int = 0  # bytes; 0: not known


def digests(cluster: Cluster, paths: Sequence[str]) -> Iterator[str | None]:
    """Of files or objects, each read by a worker; None of one that it can't read."""
    files = (File(_absolute(path), printable(path), _size(_absolute(path))) for path in paths)
    return cluster.map_spans(_digest, files)


def versions(cluster: Cluster, uris: Sequence[str]) -> Iterator[Version | None]:
    """Of objects, each asked for by a worker; None of one that it may not see."""
    return cluster.map_spans(_version, (File(uri, printable(uri)) for uri in uris))


def _digest(file: File, share: Share) -> str | None:
    return digest_here(file.path, share.is_wanted)


def _version(file: File, share: Share) -> Version | None:
    return version_here(file.path)


def write(
    run: Run[Any, Any], remote: RemoteInputs, outputs: Outputs, readers: Readers, files: Files, progress: Progress
) -> Generator[Written]:
    """Each input into a file of its own, of which `files` learns when it is complete. Raises UsageError where what is
    measured on the way runs on from one to the next, CannotCreateError."""
    from normcli.drift import restored
    from normcli.pipeline.span_work import WriteSpan
    from normcli.pipeline.work import Work

    if outputs.watch is not None:
        _check_batches(run.request, outputs.watch.measuring, readers)
    parameters, directory = outputs.transform.parameters, _absolute(str(run.request.output))
    token = Token(directory, frozenset(os.path.dirname(_absolute(path)) for path in files.paths.values()))
    run.close_at_end(token)
    token.open()
    ready = StorageCheck(token.path, token.word)
    sent = replace(outputs, request=run.request.local(), watch=outputs.watch and outputs.watch.blank())
    task = WriteSpan(remote.open, remote.first, parameters, False, remote.limits, SpanPart(sent, token.run), token.path)

    def part(span: Span, reader: RemoteReader) -> Part:
        done, watch = reader.done, None
        if outputs.watch is not None and done.watch is not None:
            watch = restored(outputs.watch.blank(), done.watch)
        return Part(
            reader, Work(frozenset()), begin=partial(files.reach, span.input),
            complete=partial(files.complete, span.input, watch), doubt=done.doubt, absent=lambda name: None,
        )  # fmt: skip

    return _resumable(remote.write(progress, task, part, ready=ready, watch=outputs.watch))


def _resumable(written: Generator[Written]) -> Generator[Written]:
    """The same; where the cluster is lost, the hint says what becomes of the files that are complete."""
    try:
        yield from written
    except ClusterError as e:
        raise ClusterError(e.message, f"{e.hint}; apply --resume goes on") from e
