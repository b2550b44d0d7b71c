"""Keeps memory that was freed from staying with the process, and gives back from time to time what stays."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any, NamedTuple

__all__ = ["bound_freed_memory", "return_free_memory"]


class _Option(NamedTuple):
    """An option of glibc's malloc: its number in malloc.h, its names in the environment, what it is set to."""

    number: int
    variable: str
    tunable: str
    value: int


_OPTIONS = (
    # Each arena keeps what is freed in it. There would be eight for each core, so one for nearly every thread.
    _Option(-8, "MALLOC_ARENA_MAX", "glibc.malloc.arena_max", 2),
    # Larger blocks, the tensors of a batch, go back at once. Else they are kept from 32 MiB down, and what two batches
    # side by side leave behind has gaps that the next two do not fit into.
    _Option(-3, "MALLOC_MMAP_THRESHOLD_", "glibc.malloc.mmap_threshold", 2**20),
    # What is free at the end of an arena stays up to this size. To set the one above would make it 128 KiB.
    _Option(-1, "MALLOC_TRIM_THRESHOLD_", "glibc.malloc.trim_threshold", 64 * 2**20),
)


def bound_freed_memory() -> tuple[str, ...]:
    """Tells glibc to keep little of what is freed; the names of the options that were set.

    To be called before there are threads. An option that the environment sets, by its variable or in
    `GLIBC_TUNABLES`, stays as it is.
    """
    set_option = _of_glibc("mallopt")
    if set_option is None:
        return ()
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    free = (option for option in _OPTIONS if option.variable not in os.environ and option.tunable not in tunables)
    return tuple(option.tunable for option in free if set_option(option.number, option.value))


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
