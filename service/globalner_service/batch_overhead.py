"""What a batch costs by itself, measured on the device: it says how much padding is cheaper than another batch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from globalner.types import Document

if TYPE_CHECKING:
    from globalner.data import Window
    from globalner_service.extractor import Extractor

__all__ = ["UNMEASURED_OVERHEAD_TOKENS", "measured_overhead_tokens"]

UNMEASURED_OVERHEAD_TOKENS = 256
"""Used where nothing is measured."""

_LEAST, _MOST = 32, 8192
_TEXT = Document(" ".join(["A text of some words warms the model up."] * 3))
_WINDOWS = 12
_ROUNDS = 3


def measured_overhead_tokens(extractor: Extractor) -> int:
    """Tokens, from 32 to 8192, that take as long as it takes to start a batch: few on a CPU, thousands on a GPU.

    It compares a batch of one window with a batch of twelve such, each at its fastest of three.

    Args:
        extractor: What is measured, in the thread that owns it.
    """
    windows = extractor.prepare([_TEXT])[0].windows
    if not windows:
        return UNMEASURED_OVERHEAD_TOKENS
    window = windows[0]
    one, many = (_seconds(extractor, [window] * count) for count in (1, _WINDOWS))
    per_token = (many - one) / ((_WINDOWS - 1) * len(window))
    if per_token <= 0:
        return _MOST
    return round(min(max(one / per_token - len(window), _LEAST), _MOST))


def _seconds(extractor: Extractor, batch: Sequence[Window]) -> float:
    options = extractor.reading_options()
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        extractor.find(batch, options)
        times.append(time.perf_counter() - began)
    return min(times)
