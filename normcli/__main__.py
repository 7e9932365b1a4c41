"""The way in: whatever happens, even to the imports, there is one message and one of the documented exit codes."""

import contextlib
import errno
import gc
import os
import signal
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line and leaves at once: nothing that is stuck in a library or a pipe keeps us."""
    gc.set_threshold(100_000)  # imports allocate much and leave no garbage
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        from normcli.cli._process import run

        code = run()
    except BaseException as e:
        if os.environ.get("NORMCLI_DEBUG"):
            import traceback

            traceback.print_exc()
        what = ascii(f"{type(e).__name__}: {e}")[1:-1]
        code, why = (74, "too little memory") if _is_short(e) else (70, "this is a bug or a broken installation")
        with contextlib.suppress(OSError):
            os.write(2, f"normcli: error: {what} ({why})\n".encode())
    os._exit(code)


def _is_short(error: BaseException) -> bool:
    """Whether there is too little memory, also to load what would say so. Of an error without one set, Python says that
    it is a SystemError."""
    if isinstance(error, MemoryError | SystemError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    try:
        from normcli.cli._guard import shortage

        return shortage(error) is not None
    except (ImportError, MemoryError):
        return "failed to map" in str(error)


if __name__ == "__main__":
    main()
