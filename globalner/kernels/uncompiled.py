"""Keeps functions with a backward of their own out of compiled graphs, without loading the compiler."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

__all__ = ["uncompiled"]

P = ParamSpec("P")
R = TypeVar("R")


def uncompiled(function: Callable[P, R]) -> Callable[P, R]:
    """The function, which a surrounding `torch.compile` calls as it is and does not look into.

    `torch.compiler.disable` alone would do, but it loads the whole compiler, which takes seconds, when it decorates.
    """

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        if not torch.compiler.is_compiling():
            return function(*args, **kwargs)
        outside: Callable[P, R] = torch.compiler.disable(function)  # type: ignore[no-untyped-call]
        return outside(*args, **kwargs)

    return called
