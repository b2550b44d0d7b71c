"""With what texts are read: the same for short and long ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from globalner.data import TextTokenizer, Window, WindowSize
from globalner.decoding import DecodingRules, TokenSpans
from globalner.types import LabelSet

__all__ = ["Reading"]


@dataclass(frozen=True)
class Reading:
    """With what texts are read.

    Attributes:
        find: Spans of each of some windows (token indices of the window, both inclusive), and (B,) whether it had more.
        tokenizer: Of the model.
        size: How long windows are.
        labels: Types of the model.
        rules: How spans become entities.
        batch_size: Windows that are read at once.
    """

    find: Callable[[Sequence[Window]], tuple[list[TokenSpans], NDArray[np.bool_]]]
    tokenizer: TextTokenizer
    size: WindowSize
    labels: LabelSet
    rules: DecodingRules
    batch_size: int
