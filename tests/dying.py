"""Workers that die, as by a shortage of memory, at a stage of what they do with an input; and slow ones."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any


def slow(seconds: float) -> None:
    """Has this process rest before each span."""
    from normcli.pipeline.span_work import SpanWork

    work = SpanWork.__call__

    def late(*args: Any) -> Any:
        time.sleep(seconds)
        return work(*args)

    SpanWork.__call__ = late  # type: ignore[method-assign]


def arm(dies: str, marks: str, times: str = "3", only: str = "") -> None:
    """Has this process die where it comes to a stage, as long as fewer than so many have: each for a file of its own,
    or all for `only` one. Each leaves a mark, whose name is a number, so that no two die as the last one."""
    from normcli.engines import _worker_states
    from normcli.jobs import remote
    from normcli.pipeline import span_work

    def die(name: str) -> None:
        if name != (only or name) or (not only and name in [mark.read_text() for mark in Path(marks).iterdir()]):
            return
        for number in range(int(times)):
            with suppress(FileExistsError), Path(marks, str(number)).open("x") as mark:
                mark.write(name)
                mark.flush()
                os.kill(os.getpid(), signal.SIGKILL)

    def after(function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            if stage == dies:
                die(current[-1] if current else "")
            return result

        return wrapped

    _worker_states.merge = after(_worker_states.merge, "merges")
    current: list[str] = []
    opening = remote.SpanReader.source

    def opened(self: Any, span: Any, share: Any) -> Any:
        current.append(os.path.basename(span.path))
        return opening(self, span, share)

    remote.SpanReader.source = after(opened, "opens")  # type: ignore[method-assign]
    span_work._threads = after(span_work._threads, "reads")  # type: ignore[assignment]
    span_work.WriteSpan.run = after(span_work.WriteSpan.run, "writes")  # type: ignore[method-assign]
    span_work.detach = after(span_work.detach, "has written")  # type: ignore[attr-defined]
    span_work.WriteSpan.do = after(span_work.WriteSpan.do, "has detached")  # type: ignore[method-assign]
