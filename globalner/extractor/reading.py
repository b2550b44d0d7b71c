"""With what texts are read: the same for short and long ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from globalner.data import TextTokenizer, Window, WindowSize
from globalner.extractor.stages import ReadingOptions, WindowSpans
from globalner.types import LabelSet

__all__ = ["Reading"]


@dataclass(frozen=True)
class Reading:
    """With what texts are read.

    Attributes:
        find: What the model finds in each of some windows.
        tokenizer: Of the model.
        size: How long windows are.
        labels: Types of the model.
        options: How texts are read.
        batch_size: Windows that are read at once.
    """

    find: Callable[[Sequence[Window]], list[WindowSpans]]
    tokenizer: TextTokenizer
    size: WindowSize
    labels: LabelSet
    options: ReadingOptions
    batch_size: int
