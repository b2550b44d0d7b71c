"""Keeps memory that was freed from staying with the process: in few arenas, and given back from time to time."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any

__all__ = ["keep_few_arenas", "return_free_memory"]

_M_ARENA_MAX = -8  # of glibc's malloc.h
_ARENAS = 2


def keep_few_arenas() -> bool:
    """Lets glibc serve all threads from two arenas instead of eight for each core; whether it does.

    Each arena keeps what is freed in it, and with one for nearly every thread more of it lies idle under load. To be
    called before there are threads. Who says otherwise by `MALLOC_ARENA_MAX` or `GLIBC_TUNABLES` is obeyed.
    """
    if "MALLOC_ARENA_MAX" in os.environ or "malloc.arena_max" in os.environ.get("GLIBC_TUNABLES", ""):
        return False
    set_option = _of_glibc("mallopt")
    return set_option is not None and bool(set_option(_M_ARENA_MAX, _ARENAS))


def return_free_memory() -> bool:
    """Asks glibc to give back what lies free between what is in use; whether it can do that.

    It keeps such memory for each arena. Under requests of mixed sizes that grows for hours, though nothing leaks. Other
    allocators are left alone.
    """
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)
    return trim is not None


@cache
def _of_glibc(name: str) -> Any:
    """A function of glibc; None with another library of C, or on Windows."""
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018  # others have a mallopt too, with other numbers
        return getattr(library, name)
    except (AttributeError, OSError, TypeError):
        return None
