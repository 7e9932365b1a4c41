"""Process-level behaviour: descriptors, signals, exit codes. Lower layers do not depend on these."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NoReturn

import click

from normcli.cli import main
from normcli.cli._guard import catch_exits, is_limited, shortage
from normcli.cli._progress import line as progress
from normcli.cli._terminal import AUTO, colours, styled
from normcli.errors import NormcliError, OutputError, ReaderGoneError, UsageError, advice, printable, replaced
from normcli.jobs import process
from normcli.jobs.run_report_file import run_report

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from normcli.jobs.results import Result

USAGE, BUG = 2, 70
COMPLETE = "_NORMCLI_COMPLETE"  # set by a shell that requests completion
TELLING = 0.4  # seconds for the report of a run ended by a signal: its reader may be missing
LAST_WORDS = 0.1  # and for its line on standard error, which may be a full pipe
ended = threading.Lock()  # held by what ends the run: its end, or a signal
BLAS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS")


def run() -> int:
    """Runs the command line; returns the exit code."""
    _open_closed()
    os.environ.update(dict.fromkeys(BLAS, "1"))  # before numpy is imported: its threads would compete with ours
    # jemalloc takes the least memory; under a limit, its threads flood standard error, and it crashes by SIGSEGV
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system" if is_limited() else "jemalloc")
    # one arena, else each thread holds what it has used; which returns nothing, else each block is of fresh pages; and
    # without a thread that would, for it wakes ten thousand times a run
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "narenas:1,dirty_decay_ms:-1,background_thread:false")
    if is_limited():
        # polars: freed memory is available to all, and its crash message is one line, since a longer one needs memory
        os.environ.setdefault("_RJEM_MALLOC_CONF", "background_thread:false,narenas:1,retain:false")
        os.environ.setdefault("RUST_BACKTRACE", "0")
    elif "NORMCLI_MAX_MEMORY" in os.environ or any(word.startswith("--max-memory") for word in sys.argv):
        # polars: freed memory is returned immediately, for a tenth less memory in a tenth more time
        os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")
    if isinstance(sys.stdout, io.TextIOWrapper):
        bare, lines = io.BufferedWriter(Stdout(1, "w", closefd=False)), sys.stdout.line_buffering
        sys.stdout = io.TextIOWrapper(bare, sys.stdout.encoding, "backslashreplace", line_buffering=lines)
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")
    if not os.environ.get("NORMCLI_DEBUG"):
        warnings.simplefilter("ignore")  # of libraries: we report what users should know
    _return_memory()
    catch_exits(_end_for_library)
    _watch_signals()
    try:
        code = _called()
    except (ReaderGoneError, BrokenPipeError):
        _reported(128 + signal.SIGPIPE, "the reader of standard output went away")
        process.remove_temporaries()
        die_of(signal.SIGPIPE)
    return _reported(code, None)


def _called() -> int:
    """Runs the command and reports its error; returns the exit code."""
    colours.choose(AUTO)
    try:
        code = _invoked()
        sys.stdout.flush()
        with _of_stdout():
            process.flush(1)
        return code
    except (ReaderGoneError, BrokenPipeError):
        raise
    except click.ClickException as e:
        command = getattr(e, "ctx", None)
        _say(_in_our_words(e), f"try {command.command_path} --help" if command else "")
        return USAGE  # click uses 1 for some, which means drift here
    except NormcliError as e:
        return _failed(e, e.message, e.hint, e.code)
    except OSError as e:
        return _failed(e, f"input or output failed: {e.strerror or e}", advice(e), 74)
    except BaseException as e:
        lack = shortage(e)
        if lack:
            return _failed(e, lack, "more memory, or a higher ulimit", 74)
        what = f"{type(e).__name__}: {e}"
        return _failed(e, what, "this is a bug or a broken installation; NORMCLI_DEBUG=1 shows where", BUG)


def _in_our_words(error: click.ClickException) -> str:
    """The message of a click error in the form of other messages: the option, and its fault."""
    param = getattr(error, "param", None)
    if isinstance(error, click.MissingParameter) and param is not None:
        flag = f"{param.opts[0]} " if isinstance(param, click.Option) else ""
        return f"{flag}{param.make_metavar(error.ctx)} is missing"
    message = error.message if isinstance(error, click.BadParameter) and param is not None else error.format_message()
    message = re.sub(r"is not in the range (\d+)<=x<=(\d+)", r"must be from \1 to \2", message)
    message = re.sub(r"is not in the range x>=(\d+)", r"must be \1 or more", message)
    message = (message[:1].lower() + message[1:] if message[1:2].islower() else message).rstrip(".")
    return f"{param.opts[0]}: {message}" if isinstance(error, click.BadParameter) and param is not None else message


def _invoked() -> int:
    """Runs the command; returns 0, or the exit code that click raises."""
    try:
        if COMPLETE in os.environ:
            from normcli.cli._completion import answer

            answer(main)
        with main.make_context("normcli", sys.argv[1:]) as ctx:  # click's own main would exit with 1 for a closed pipe
            _invoke(ctx)
        return 0
    except click.exceptions.Exit as e:
        return e.exit_code
    except SystemExit as e:  # the end of shell completion
        return USAGE if e.code else 0  # 1 for an unknown shell


def _invoke(ctx: click.Context) -> None:
    """Runs the command. A usage error without a hint gets the --help of the command as hint, as in click."""
    try:
        main.invoke(ctx)
    except UsageError as e:
        if e.hint or type(e) is not UsageError:
            raise
        raise UsageError(e.message, f"try {ctx.command_path} {ctx.invoked_subcommand} --help") from e


def _end_for_library() -> None:
    """Handles the exit of the process by a library: prints a message, writes the report, removes temporary files."""
    what = "a library ended the run, as they do where there is too little memory"
    try:
        _say(what, "more memory, or a higher ulimit")
        _reported(74, what)
    finally:  # also if there is no memory for the message
        process.remove_temporaries()
        os._exit(74)


def _reported(code: int, error: str | None) -> int:
    """Writes the run report, if requested; returns the exit code, that of a failure if the report can't be written."""
    if not ended.acquire(blocking=False):
        threading.Event().wait()  # a signal is ending the process: exit code and report agree
    fault = run_report.end(code, error or run_report.error)
    if fault:
        _say(fault.message, fault.hint)
    return code or (fault.code if fault else 0)


@contextlib.contextmanager
def _of_stdout() -> Iterator[None]:
    """Errors inside are those of standard output. Raises OutputError; BrokenPipeError if its reader went away."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as e:
        raise OutputError(f"{process.STDOUT}: writing failed: {e.strerror}", advice(e)) from None


class Stdout(io.FileIO):
    """Standard output as click and rich write to it, with our errors."""

    def write(self, data: ReadableBuffer, /) -> int:
        with _of_stdout():
            return super().write(data)


def _failed(error: BaseException, message: str, hint: str, code: int) -> int:
    if os.environ.get("NORMCLI_DEBUG"):
        import traceback

        traceback.print_exception(error)
    _say(message, hint)
    return code


def _say(message: str, hint: str) -> None:
    line = printable(" ".join(message.split()))
    run_report.error = line
    if hint:
        line += f" ({printable(' '.join(hint.split()))})"
    progress.end()
    with contextlib.suppress(OSError):
        error = styled("error:", 2, fg="red", bold=True)
        os.write(2, f"normcli: {error} {line}\n".encode("utf-8", "backslashreplace"))


def _open_closed() -> None:
    """Descriptors 0 to 2 that are closed are opened on /dev/null, the wrong way round, so that using one fails
    instead of reaching a file that happened to get its number."""
    for fd, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, mode)  # the lowest free number, which is fd
            if fd == 1:
                sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115  Python had none
            if fd == 2:
                sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115


def _return_memory() -> None:
    """Sets glibc to return large freed blocks to the system and to share one arena between threads: by default, it
    holds two and a half times the memory."""
    with contextlib.suppress(OSError, AttributeError):
        import ctypes

        libc = ctypes.CDLL(None)
        libc.mallopt(-8, 1)  # M_ARENA_MAX
        libc.mallopt(-1, 64 << 20)  # M_TRIM_THRESHOLD, bytes: memory freed between two blocks is reused for the next
        libc.mallopt(-3, 4 << 20)  # M_MMAP_THRESHOLD, bytes: the buffer of an encoded block of text is smaller


def _watch_signals() -> None:
    """Handles INT, TERM and HUP in a thread: a signal handler would wait for the main thread, which may be inside a
    library or a stalled pipe. Signals ignored at start stay ignored."""
    ending = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    watched = {s for s in ending if signal.getsignal(s) is not signal.SIG_IGN}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)  # ignored ones, too: a library may set a handler for them

    def wait() -> None:
        number = signal.sigwait(watched)
        result, mine = run_report.result, ended.acquire(blocking=False)
        what = _report_words(number, result)
        try:  # before files can no longer be created
            if mine:
                _within(TELLING, lambda: run_report.end(128 + number, what))
            else:
                time.sleep(TELLING)  # the run has ended by itself, and may write its report
        finally:
            process.remove_temporaries()
            if mine:
                _within(LAST_WORDS, lambda: _say(_last_words(number, result), ""))
            die_of(number)

    if watched:
        threading.Thread(target=wait, daemon=True).start()


def _within(seconds: float, function: Callable[[], object]) -> None:
    """Runs a function in a thread and waits at most `seconds`; exceptions are ignored."""

    def run() -> None:
        with contextlib.suppress(Exception):
            function()

    with contextlib.suppress(RuntimeError):  # no thread can be started
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(seconds)


def _last_words(number: int, result: Result | None) -> str:
    """The message of a run ended by a signal; one word if it was interrupted from the keyboard before any change."""
    by_hand = number == signal.SIGINT
    words = ["interrupted" if by_hand else f"ended by {signal.Signals(number).name}", *_left_behind(result)]
    return words[0] if by_hand and words[1:] == [replaced(0)] else "; ".join(words)


def _report_words(number: int, result: Result | None) -> str:
    """The error in the report of a run ended by a signal, with what has been replaced for good: the report is written
    while targets may still be replaced or restored."""
    words, changes = f"ended by {signal.Signals(number).name}", result.changes if result else None
    if changes is None or not changes.settled or not (changes.replaced or changes.cut_short):
        return words
    return "; ".join([words, *_left_behind(result)])


def _left_behind(result: Result | None) -> Iterator[str]:
    """The targets that an ended run has replaced, and its incomplete streams, as text."""
    if result is None or result.changes is None:
        return
    names, streams = result.changes.replaced, result.changes.cut_short
    if names or not streams:
        few = f"{' and '.join(names)} {'was' if len(names) == 1 else 'were'} written"
        yield few if 0 < len(names) < 3 else replaced(len(names))
    yield from (f"{name} is cut short" for name in streams)


def die_of(number: int) -> NoReturn:
    """Ends the process by the signal itself, so that a shell gets its status."""
    with contextlib.suppress(OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).signal(int(number), 0)  # Python's works in the main thread only; libraries set others
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    os._exit(128 + number)
