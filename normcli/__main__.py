"""The way in: whatever happens, even to the imports, there is one message and one of the documented exit codes."""

import os
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line and leaves at once: nothing that is stuck in a library or a pipe keeps us."""
    try:
        from normcli.cli._process import run

        code = run()
    except BaseException as e:
        os.write(2, f"normcli: error: {type(e).__name__}: {e}\n".replace("\n", " ").encode() + b"\n")
        code = 70
    os._exit(code)


if __name__ == "__main__":
    main()
