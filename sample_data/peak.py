"""Runs a command, and says on standard error how much memory it had at most: peak.py normcli fit data.csv …"""

import resource
import subprocess
import sys

UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in what the system counts ru_maxrss in


def main(words: list[str]) -> int:
    """The exit code of the command."""
    code = subprocess.run(words).returncode
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * UNIT
    print(f"peak memory of {words[0]}: {peak / 1e6:.0f} MB", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
