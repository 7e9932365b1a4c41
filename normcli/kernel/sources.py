"""The sources of the native kernel, and the library that is built from them: what loader and build know alike."""

import os
import zlib

FOLDER = os.path.dirname(os.path.abspath(__file__))
LIBRARY = "kernel.so"  # on macOS, too: nothing but ctypes loads it


def digest(folder: str) -> str:
    """Of all sources of the kernel: a library of others is not to be used."""
    value = 0
    for name in sorted(os.listdir(folder)):
        if name.endswith((".c", ".h")) or name == "tables.py":
            with open(os.path.join(folder, name), "rb") as file:
                value = zlib.crc32(name.encode() + b"\0" + file.read(), value)
    return f"{value:08x}"
