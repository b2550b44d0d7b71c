"""Gives memory that was freed back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

__all__ = ["return_free_memory"]


def return_free_memory() -> bool:
    """Asks the allocator of C to give back what lies free between what is in use; whether it can do that.

    glibc keeps such memory for each thread that ever worked. Under requests of mixed sizes that grows for hours, though
    nothing leaks. Other allocators are left alone.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)
    return trim is not None


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another library of C, or Windows
        return None
