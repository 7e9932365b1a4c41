"""Writes a CSV of at least so many bytes on standard output: sensors.py 1000000000.

4,000 rows of random numbers, which are always the same, over and over.
"""

import random
import sys

SENSORS = range(1, 13)


def main(size: int) -> None:
    """Ends early, without an error, where nobody reads on."""
    gauss = random.Random(1).gauss
    lines = (f"station{i % 50}," + ",".join(repr(gauss(10 * k, k)) for k in SENSORS) + "\n" for i in range(4000))
    rows = "".join(lines).encode()
    try:
        sys.stdout.buffer.write(("station," + ",".join(f"sensor{k}" for k in SENSORS) + "\n").encode())
        for _ in range(-(-size // len(rows))):
            sys.stdout.buffer.write(rows)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        sys.stderr.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
