"""The sources of the native kernel, and the library that is built from them: what loader and build know alike."""

import os
import zlib

FOLDER = os.path.dirname(os.path.abspath(__file__))
LIBRARY = "kernel.so"  # on macOS, too: nothing but ctypes loads it
RECORD = "kernel.so.digest"  # what the build wrote beside it


def digest(folder: str) -> str:
    """Of all sources of the kernel: a library of others is not to be loaded."""
    value = 0
    for name in sorted(os.listdir(folder)):
        if name.endswith((".c", ".h")) or name == "tables.py":
            with open(os.path.join(folder, name), "rb") as file:
                value = zlib.crc32(name.encode() + b"\0" + file.read(), value)
    return f"{value:08x}"


def record(library: bytes, folder: str) -> bytes:
    """What is to stand beside a library that was built from the sources in a folder: their digest, then its size and
    its own digest."""
    return f"{digest(folder)} {len(library)} {zlib.crc32(library):08x}\n".encode()


def fault(folder: str) -> str:
    """What is wrong with the library in a folder, before it is loaded: the system ends a process that loads one cut
    short. Empty where nothing is. Raises OSError."""
    with open(os.path.join(folder, LIBRARY), "rb") as file:
        right = record(file.read(), folder)
    try:
        with open(os.path.join(folder, RECORD), "rb") as file:
            stated = file.read()
    except FileNotFoundError:
        return f"has no {RECORD} beside it"
    if stated == right:
        return ""
    return "is damaged" if stated.split(b" ")[0] == right.split(b" ")[0] else "was built from other sources"
