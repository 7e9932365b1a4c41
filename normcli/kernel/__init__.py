"""Native code for plain text: found, checked and called here. All of it can be done without, in more time."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes

INTERFACE = 5  # NK_INTERFACE of kernel.h, as text.py knows it
SWITCH = "NORMCLI_KERNEL"  # the variable
SETTINGS = dict.fromkeys(("", "on", "1", "true", "yes"), True) | dict.fromkeys(("off", "0", "false", "no"), False)
REUSED = "pip may use again a wheel that was built without a compiler: pip install --no-cache-dir builds another"


def library() -> ctypes.CDLL | None:
    """The library that was built from the sources beside it; None if there is none, or it is switched off. Raises
    UsageError where the variable says neither."""
    loaded = _load(_is_on())
    return None if isinstance(loaded, str) else loaded


def description() -> str:
    """How text is read and written, and co-moments are computed, and why, for people."""
    loaded = _load(_is_on())
    if isinstance(loaded, str):
        text = f"text is read and written without the native kernel: {loaded}"
    else:
        text = f"plain text is read and written by the native kernel ({_path()}); {SWITCH}=off switches it off"
    return f"{text}\n{comoments_description()}"


def comoments_description() -> str:
    """How co-moments are computed, and what that means for bits, for people."""
    if why := comoments_lack():
        return f"co-moments are computed by numpy: their last digits depend on the processor ({why})"
    return "co-moments are computed by the native kernel: to the same bits on every processor with fused multiply-adds"


def comoments_lack() -> str:
    """Why the kernel computes no co-moments here; empty where it does."""
    loaded = _load(_is_on())
    if isinstance(loaded, str):
        return loaded
    return "" if loaded.nk_lanes() else "the processor has no fused multiply-adds"


def _is_on() -> bool:
    """What the variable says, in any case of letters. Raises UsageError."""
    setting = os.environ.get(SWITCH, "")
    on = SETTINGS.get(setting.lower())
    if on is None:
        from normcli.errors import UsageError, printable

        raise UsageError(f"{SWITCH}={printable(setting)}: is neither on nor off", "off switches the native kernel off")
    return on


def _path() -> str:
    from normcli.kernel import sources

    return os.path.join(sources.FOLDER, sources.LIBRARY)


@cache
def _load(on: bool) -> ctypes.CDLL | str:
    """The library, or why it is not used."""
    if not on:
        return f"{SWITCH}=off"
    import ctypes

    from normcli.kernel import sources

    path = _path()
    if not os.path.exists(path):
        return f"none was built; {REUSED}"
    try:
        if fault := sources.fault(sources.FOLDER):
            return f"{path} {fault}: python -m normcli.kernel.build, or pip install, builds it again"
        loaded = ctypes.CDLL(path)
        interface = loaded.nk_interface()
    except (OSError, AttributeError) as e:
        return f"{path} is none of this system: {e}"
    if interface != INTERFACE:
        return f"{path} has interface {interface}, and this version of normcli calls interface {INTERFACE}"
    _declare(loaded)
    return loaded


def _declare(loaded: ctypes.CDLL) -> None:
    """Sets what its functions return and take, as kernel.h has them."""
    from ctypes import c_int32, c_uint32, c_uint64, c_void_p

    of = {
        "nk_parse": (c_int32, c_void_p, c_void_p, c_uint64, c_void_p),
        "nk_format": (c_int32, c_void_p, c_void_p),
        "nk_count": (None, c_void_p, c_uint64, c_void_p, c_void_p),
        "nk_reduce": (None, c_void_p),
        "nk_reduce_deviations": (None, c_void_p),
        "nk_present": (c_uint64, c_void_p, c_uint64, c_void_p),
        "nk_sample": (c_int32, c_void_p),
        "nk_halve": (None, c_void_p),
        "nk_merge_sketches": (c_int32, c_void_p),
        "nk_lay_cuts": (None, c_void_p),
        "nk_count_between": (None, c_void_p, c_void_p, c_void_p),
        "nk_comoments_room": (c_uint64, c_void_p),
        "nk_find_comoments": (c_int32, c_void_p),
        "nk_lanes": (c_uint32,),
    }
    for name, (result, *arguments) in of.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
