"""Building the native kernel: python -m normcli.kernel.build builds it where it stands, for an editable install.

The build hook of wheels (hatch_build.py) uses this file by its path, in an environment without any library: it imports
nothing but the standard library, and nothing of this package.
"""

from __future__ import annotations

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = runpy.run_path(str(HERE / "sources.py"))
LIBRARY, RECORD = SOURCES["LIBRARY"], SOURCES["RECORD"]
FLAGS = ("-O2", "-std=c11", "-ffp-contract=off", "-fPIC", "-shared", "-fvisibility=hidden")
COMPILERS = ("cc", "gcc", "clang")
OLDEST_GLIBC = (2, 17)  # that wheels can name: PEP 599
OLDEST_MACOS = "11.0"
OF_SYSTEM = re.compile(rb"libc\.so\.6|ld-linux[\w.-]*|libc\.musl-\w+\.so\.1|ld-musl-\w+\.so\.1")


class NoKernelError(Exception):
    """Why no kernel was built."""


def build(target: Path, here: Path = HERE) -> str:
    """Compiles the library, and writes its record beside it; the command that did. Raises NoKernelError."""
    command = compiler()
    with tempfile.TemporaryDirectory() as folder:
        tables = runpy.run_path(str(here / "tables.py"))
        (Path(folder) / "powers.h").write_text(tables["header"]())
        product = Path(folder) / LIBRARY
        sources = sorted(str(path) for path in here.glob("*.c"))
        # CFLAGS are those of other code: some would change results
        args = [*command, *FLAGS, f"-I{folder}", f"-I{here}", "-o", str(product), *sources]
        try:
            env = os.environ | {"MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS}
            done = subprocess.run(args, capture_output=True, text=True, errors="replace", check=False, env=env)
        except OSError as e:
            raise NoKernelError(f"{command[0]} can't be run: {e.strerror}") from None
        if done.returncode or not product.exists():
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            first = next((line for line in lines if "error" in line), lines[-1])
            raise NoKernelError(f"{shlex.join(command)} failed: {first}")
        library = product.read_bytes()
    _replace(target, library)
    _replace(target.with_name(RECORD), SOURCES["record"](library, str(here)))
    return shlex.join(command)


def _replace(target: Path, content: bytes) -> None:
    replacement = target.with_name(f"{target.name}.{os.getpid()}")  # a process may have the old one open
    replacement.write_bytes(content)
    replacement.replace(target)


def remove(folder: Path) -> None:
    """The library in a folder, and its record."""
    for name in (LIBRARY, RECORD):
        (folder / name).unlink(missing_ok=True)


def compiler() -> list[str]:
    """The command of the C compiler: that of NORMCLI_CC, or of CC, or the system's. Raises NoKernelError."""
    wanted = os.environ.get("NORMCLI_CC") or os.environ.get("CC") or ""
    if wanted == "none":
        raise NoKernelError("NORMCLI_CC=none")
    if wanted == "zig":
        return [sys.executable, "-m", "ziglang", "cc"]
    if wanted:
        return shlex.split(wanted)
    installed = next((name for name in COMPILERS if shutil.which(name)), None)
    if installed is None:
        raise NoKernelError("no C compiler: NORMCLI_CC=zig fetches one for the build")
    return [installed]


def platform(library: Path, general: str) -> str:
    """The platform in the tag of a wheel with this library, on a system whose `general` platform is linux_x86_64 or
    the like. On Linux it names the oldest C library that has all that the kernel asks for (PEP 600, PEP 656), if that
    asks for nothing else."""
    if general.startswith("macosx_"):  # for the processor of this machine alone, whatever this Python is for
        return f"macosx_{OLDEST_MACOS.replace('.', '_')}_{os.uname().machine}"
    data = library.read_bytes()
    needed = set(re.findall(rb"\0((?:lib|ld-)[\w+.-]*\.so[\w.]*)(?=\0)", data))
    if not general.startswith("linux_") or not all(OF_SYSTEM.fullmatch(name) for name in needed):
        return general
    machine = general.removeprefix("linux_")
    if any(b"musl" in name for name in needed):
        return f"musllinux_1_2_{machine}"
    if b"libc.so.6" not in needed:
        return general
    versions = [(int(major), int(minor)) for major, minor in re.findall(rb"\0GLIBC_(\d+)\.(\d+)", data)]
    major, minor = max([OLDEST_GLIBC, *versions])
    return f"manylinux_{major}_{minor}_{machine}"


def main() -> None:
    """Builds the library beside its sources, or says why there is none, which is no failure."""
    try:
        print(f"The native kernel was built by {build(HERE / LIBRARY)}.")
    except NoKernelError as e:
        remove(HERE)
        print(f"No native kernel was built, and text is read and written without it: {e}")


if __name__ == "__main__":
    main()
