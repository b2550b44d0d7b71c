"""From documents with gold entities to the windows that a model learns from, as a stream."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from globalner.data.alignment import align_entities
from globalner.data.context import TextInContext, with_context
from globalner.data.report import Report
from globalner.data.tokenization import TextTokenizer
from globalner.data.tokenized_text import TokenizedText
from globalner.data.window_store import GOLD, MAY_END, MAY_START, TOKEN, WINDOW, WindowFrame, WindowStore
from globalner.data.windows import Window, WindowSize, cut_windows
from globalner.types import Document, LabelSet
from globalner.window_ownership import owning_window

__all__ = ["WindowRules", "training_windows", "windows_in_memory", "write_windows"]

Ints = NDArray[np.int64]
_NO_GOLD: Ints = np.empty((0, 3), dtype=np.int64)
_ROW = struct.Struct("<qqqqiiiii")
assert _ROW.size == WINDOW.itemsize


@dataclass(frozen=True)
class WindowRules:
    """How documents become windows.

    Attributes:
        tokenizer: Of the model.
        labels: Types of the model.
        size: How long windows and entities are.
    """

    tokenizer: TextTokenizer
    labels: LabelSet
    size: WindowSize

    @property
    def frame(self) -> WindowFrame:
        """What all windows have in common."""
        room = self.size.text_tokens(self.tokenizer)
        reach = -(-room // (room - self.size.overlap_tokens))
        return WindowFrame(self.tokenizer.prefix_ids, self.tokenizer.suffix_ids, reach)


def training_windows(
    documents: Iterable[Document],
    tokenizer: TextTokenizer,
    labels: LabelSet,
    size: WindowSize,
    report: Report,
    expanded: Report | None = None,
) -> list[Window]:
    """The windows of all documents with the gold spans that each owns.

    Args:
        documents: Documents with their gold entities.
        tokenizer: Of the model.
        labels: Types of the model.
        size: How long windows and entities are.
        report: Takes each entity that cannot be kept.
        expanded: Takes each that is expanded to the edges of its tokens; None: none is. See `align_entities`.
    """
    return list(windows_in_memory(documents, WindowRules(tokenizer, labels, size), report, expanded))


def windows_in_memory(
    documents: Iterable[Document], rules: WindowRules, report: Report, expanded: Report | None = None
) -> WindowStore:
    """The windows of all documents; see `write_windows`."""
    files = (io.BytesIO(), io.BytesIO(), io.BytesIO())
    write_windows(documents, rules, files, report, expanded)
    tokens, table, gold = (file.getvalue() for file in files)
    return WindowStore((tokens, table, gold), rules.frame)


def write_windows(
    documents: Iterable[Document],
    rules: WindowRules,
    files: tuple[BinaryIO, BinaryIO, BinaryIO],
    report: Report,
    expanded: Report | None = None,
) -> None:
    """Writes what a `WindowStore` reads. Of the documents, some hundreds are held at a time.

    Args:
        documents: Documents with their gold entities.
        rules: How they become windows.
        files: Take tokens, windows and gold spans.
        report: Takes each entity that cannot be kept, by reason.
        expanded: Takes each that is expanded to the edges of its tokens, by reason; None: none is. See
            `align_entities`.
    """
    room = rules.size.text_tokens(rules.tokenizer)
    writer = _Writer(files)
    texts = rules.tokenizer.stream_stretches(documents, report)
    for index, text in enumerate(with_context(texts, rules.size.context, room)):
        document, tokens = text.tokenized.document, text.tokenized.whole()
        gold = _NO_GOLD
        if document.entities:
            gold = align_entities(document, tokens, rules.labels, report, expanded)
        bounds = cut_windows(len(tokens), room, rules.size.overlap_tokens)
        gold, owner = _owned(gold, bounds, document, tokens, rules, report)
        writer.add(index, text, tokens, bounds, (gold, owner))


def _owned(
    gold: Ints, bounds: tuple[Ints, Ints], document: Document, tokens: TokenizedText, rules: WindowRules, report: Report
) -> tuple[Ints, Ints]:
    """The gold that some window owns, and which; the rest is reported."""
    longest = rules.size.max_span_tokens
    if len(bounds[0]) == 1:
        owner = np.zeros(len(gold), dtype=np.int64)
    else:
        owner = owning_window(gold[:, 1], gold[:, 2], *bounds, len(tokens))
    if longest is not None:
        owner[gold[:, 2] - gold[:, 1] >= longest] = -1
    for type_, first, last in gold[owner == -1]:
        span = document.text[tokens.char_starts[first] : tokens.char_ends[last]]
        reason = "longer than a window or max_span_tokens"
        report.add(reason, f"{rules.labels.names[type_]} of {last - first + 1} tokens {span[:60]!r}")
    return gold[owner >= 0], owner[owner >= 0]


class _Writer:
    """Appends to the three files of a store."""

    def __init__(self, files: tuple[BinaryIO, BinaryIO, BinaryIO]) -> None:
        self._tokens, self._table, self._gold = files
        self._num_tokens = self._num_gold = 0

    def add(
        self, index: int, text: TextInContext, tokens: TokenizedText, bounds: tuple[Ints, Ints], gold: tuple[Ints, Ints]
    ) -> None:
        flagged = tokens.input_ids + tokens.may_start * MAY_START + tokens.may_end * MAY_END
        self._tokens.write(flagged.astype(TOKEN).tobytes())
        around = (len(text.before), len(text.behind))
        for place, (begin, end) in enumerate(zip(bounds[0].tolist(), bounds[1].tolist(), strict=True)):
            own = gold[0][gold[1] == place] if len(gold[0]) else _NO_GOLD
            if len(own):
                self._gold.write((own - [0, begin, begin]).astype(GOLD.base).tobytes())
            row = (index, begin, self._num_tokens + begin, self._num_gold)
            sizes = (end - begin, *around, len(own), int(end == len(tokens)))
            self._table.write(_ROW.pack(*row, *sizes))
            self._num_gold += len(own)
        self._num_tokens += len(tokens)
