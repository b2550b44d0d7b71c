"""Choice of an implementation by name; one that was named is used or refused, never replaced in silence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from globalner.errors import ConfigError
from globalner.kernels.scores import SpanScores
from globalner.kernels.triton_operands import why_triton_cannot_run

__all__ = ["choose_implementation"]

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def choose_implementation(kernels: Mapping[str, Kernel], impl: str, scores: SpanScores) -> Kernel:
    """The kernel called `impl`; "auto" is "triton" where it can run on a GPU, else "tiled".

    Raises:
        ConfigError: If there is no such kernel; the message lists those there are.
    """
    if impl == "auto":
        on_gpu = scores.query.is_cuda and why_triton_cannot_run(scores) is None
        return kernels["triton" if on_gpu else "tiled"]
    if impl not in kernels:
        raise ConfigError(f"no implementation {impl!r}; there are: auto, {', '.join(kernels)}")
    return kernels[impl]
