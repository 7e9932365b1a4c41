"""The way in: whatever happens, even to the imports, there is one message and one of the documented exit codes."""

import contextlib
import os
import signal
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line and leaves at once: nothing that is stuck in a library or a pipe keeps us."""
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
        short = isinstance(e, ImportError | MemoryError) or "start new thread" in what
        code = 74 if short else 70
        why = "too little memory" if short else "this is a bug"
        with contextlib.suppress(OSError):
            os.write(2, f"normcli: error: {what} ({why} or a broken installation)\n".encode())
    os._exit(code)


if __name__ == "__main__":
    main()
