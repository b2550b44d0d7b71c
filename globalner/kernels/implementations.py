"""Choice of an implementation by name; one that was named is used or refused, never replaced in silence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from globalner.errors import ConfigError

__all__ = ["choose_implementation"]

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def choose_implementation(kernels: Mapping[str, Kernel], impl: str) -> Kernel:
    """The kernel called `impl`; `auto` is the last one, since they are listed from plain to fast.

    Raises:
        ConfigError: If there is no such kernel; the message lists those there are.
    """
    if impl == "auto":
        return kernels[list(kernels)[-1]]
    if impl not in kernels:
        raise ConfigError(f"no implementation {impl!r}; there are: auto, {', '.join(kernels)}")
    return kernels[impl]
