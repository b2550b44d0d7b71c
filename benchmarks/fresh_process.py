"""A call in a process of its own, which starts with nobody's memory and leaves none behind."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar, TypeVarTuple

__all__ = ["Answer", "Arguments", "in_fresh_process"]

Arguments = TypeVarTuple("Arguments")
Answer = TypeVar("Answer")


def in_fresh_process(function: Callable[[*Arguments], Answer], *arguments: *Arguments) -> Answer:
    """What the function, which has to stand in a module, returns there.

    Raises:
        BrokenProcessPool: If the process was killed, as for want of memory.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as executor:
        return executor.submit(function, *arguments).result()
