"""What documents are for a tokenizer: tokens, windows, and entities that tokens or windows cannot hold."""

from __future__ import annotations

from collections.abc import Sequence

from globalner.data.alignment import align_entities
from globalner.data.report import Report
from globalner.data.statistics import Lengths
from globalner.data.tokenization import TextTokenizer
from globalner.data.tokenized_text import TokenizedText
from globalner.data.windows import WindowSize, cut_windows
from globalner.types import Document, LabelSet
from globalner.window_ownership import owning_window

__all__ = ["TokenStatistics"]


class TokenStatistics:
    """Counts tokens and windows as a stream.

    Args:
        tokenizer: The tokenizer.
        size: How long windows are.

    Attributes:
        size: How long windows are.
        tokens: Lengths of documents in tokens, special ones left out.
        windows: Windows that each document is cut into; 0 for one without tokens.
        entity_tokens: Lengths in tokens of the entities that tokens can express.
        lost: Entities that training would have to leave out, by reason.

    Raises:
        ConfigError: If the overlap does not fit in a window.
    """

    def __init__(self, tokenizer: TextTokenizer, size: WindowSize) -> None:
        self.size = size
        self.tokens, self.windows, self.entity_tokens = Lengths(), Lengths(), Lengths()
        self.lost = Report()
        self._tokenizer = tokenizer
        self._room = size.text_tokens(tokenizer)

    def add(self, documents: Sequence[Document]) -> None:
        """Counts some documents, tokenized together."""
        for document, tokens in zip(documents, self._tokenizer.tokenize(documents), strict=True):
            self._add(document, tokens)

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "tokens": self.tokens.to_dict(),
            "window_tokens": self.size.window_tokens,
            "overlap_tokens": self.size.overlap_tokens,
            "windows": self.windows.to_dict(),
            "entity_tokens": self.entity_tokens.to_dict(),
            "lost_entities": self.lost.counts,
        }

    def _add(self, document: Document, tokens: TokenizedText) -> None:
        begins, ends = cut_windows(len(tokens), self._room, self.size.overlap_tokens)
        self.tokens.add(len(tokens))
        self.windows.add(len(begins))
        if not document.entities:
            return
        gold = align_entities(document, tokens, LabelSet.from_documents([document]), self.lost)
        owner = owning_window(gold[:, 1], gold[:, 2], begins, ends, len(tokens))
        for (_, first, last), window in zip(gold.tolist(), owner.tolist(), strict=True):
            self.entity_tokens.add(last - first + 1)
            if window < 0:
                shown = document.text[tokens.char_starts[first] : tokens.char_ends[last]]
                self.lost.add("longer than a window", f"{last - first + 1} tokens {shown[:60]!r}")
