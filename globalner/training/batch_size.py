"""How many windows go in a step where the recipe leaves it open."""

from __future__ import annotations

import math
from typing import Literal

__all__ = ["FEWEST_STEPS", "LARGEST_BATCH", "SMALLEST_BATCH", "resolve_batch_size"]

FEWEST_STEPS = 512
LARGEST_BATCH, SMALLEST_BATCH = 32, 4


def resolve_batch_size(setting: int | Literal["auto"], num_windows: int, epochs: int) -> int:
    """A number as it is; for "auto", the largest of 32, 16, 8 and 4 with which training has 512 steps, 4 if none has.

    A head starts from nothing, and on a small set a large batch leaves it too few steps to learn: it finds little and
    is unsure of what it finds.

    Args:
        setting: What the recipe says.
        num_windows: Training windows.
        epochs: Passes over them.
    """
    if setting != "auto":
        return setting
    size = LARGEST_BATCH
    while size > SMALLEST_BATCH and epochs * math.ceil(num_windows / size) < FEWEST_STEPS:
        size //= 2
    return size
