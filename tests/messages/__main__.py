"""`python -m tests.messages` writes table.txt anew, and says which places of the source it does not reach."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.messages import files
from tests.messages.running import TABLE, Place, noting, read, run, sites


def main() -> None:
    places: set[Place] = set()
    head, _, _ = TABLE.read_text().partition("\n## ")
    out = [head.rstrip()]
    with TemporaryDirectory() as directory:
        (Path(directory) / "files").mkdir()
        files.write(Path(directory) / "files")
        with noting(places):
            for title, entries in read(TABLE.read_text()).items():
                out.append(f"\n## {title}")
                for entry in entries:
                    entry.lines = run(entry.command, Path(directory) / "files", Path(directory) / "run")
                    out.append(f"\n{entry}")
    TABLE.write_text("\n".join(out) + "\n")
    every = sites()
    missing = {s: t for s, t in every.items() if not any(f == s[0] and s[1] <= n <= s[2] for f, n in places)}
    for (file, line, _), text in missing.items():
        sys.stdout.write(f"{file}:{line}: {text[:150]}\n")
    sys.stdout.write(f"{len(every) - len(missing)} of {len(every)} places\n")


if __name__ == "__main__":
    main()
