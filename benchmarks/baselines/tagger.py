"""What the taggers share: the encoder's vectors of words, and a scorer that puts one behind an `EntityExtractor`."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel

from benchmarks.baselines.tagging import Words, spans_from_tags, tags_from_spans
from globalner.data import Batch
from globalner.decoding import TokenSpans
from globalner.extractor import autocast

__all__ = ["TagScorer", "Tagger", "gold_tags", "words_of"]

_DROPOUT = 0.1
_LOGIT_OF_A_FOUND_SPAN = 10.0


def words_of(batch: Batch) -> Words:
    """The words of a batch, which is on the CPU."""
    return Words.from_masks(batch.start_mask.numpy(), batch.end_mask.numpy())


def gold_tags(batch: Batch, words: Words) -> Tensor:
    """(B, W) the tags of a batch's gold; the batch is on the CPU."""
    return torch.from_numpy(tags_from_spans(batch.gold.numpy(), words))


class Tagger(nn.Module, ABC):
    """An encoder and a head that tags the first piece of each word.

    Batches stay on the CPU: words and tags are made there, and only what the encoder reads is moved.

    Args:
        encoder: Any encoder of hidden width H.
        head: What comes after it; the optimiser gives it the rate of heads.
    """

    def __init__(self, encoder: PreTrainedModel, head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.dropout, self.head = encoder, nn.Dropout(_DROPOUT), head

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        device: torch.device = self.encoder.device
        return device

    def word_vectors(self, batch: Batch, words: Words) -> Tensor:
        """(B, W, H): the encoder's vectors of the words' first tokens, some of them dropped out in training."""
        hidden: Tensor = self.encoder(
            input_ids=batch.input_ids.to(self.device), attention_mask=batch.attention_mask.to(self.device).long()
        ).last_hidden_state
        first = torch.from_numpy(words.first).to(self.device)
        vectors: Tensor = self.dropout(hidden[torch.arange(len(first), device=self.device)[:, None], first])
        return vectors

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """Loss of a batch of `tagging_windows`, a scalar in fp32, a mean over words; `ignore` is not looked at."""

    @abstractmethod
    def best_tags(self, batch: Batch, words: Words) -> Tensor:
        """(B, W) the tags that the model chooses; anything on padding."""


class TagScorer:
    """A `SpanScorer` on a tagger: the entities of its tags, all with the same high logit.

    Args:
        tagger: The model; it is put in evaluation mode while it runs and back afterwards.
        precision: "fp32", or "bf16" or "fp16" for automatic mixed precision.
    """

    def __init__(self, tagger: Tagger, precision: str = "fp32") -> None:
        self._tagger, self.precision = tagger, precision

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self._tagger.device

    def find(
        self, batch: Batch, threshold_logits: NDArray[np.float64], top_k: int
    ) -> tuple[list[TokenSpans], NDArray[np.bool_]]:
        """The entities of the best tags, at most the first `top_k` of each row; see `SpanScorer`."""
        words = words_of(batch)
        was_training = self._tagger.training
        self._tagger.train(False)
        try:
            with torch.inference_mode(), autocast(self.device, self.precision):
                tags = self._tagger.best_tags(batch, words).cpu().numpy()
        finally:
            self._tagger.train(was_training)
        spans = spans_from_tags(tags, words)
        spans = spans[threshold_logits[spans[:, 1]] < _LOGIT_OF_A_FOUND_SPAN]
        of_row = [spans[spans[:, 0] == row] for row in range(len(tags))]
        found = [
            TokenSpans(
                row[:top_k, 2], row[:top_k, 3], row[:top_k, 1], np.full(len(row[:top_k]), _LOGIT_OF_A_FOUND_SPAN)
            )
            for row in of_row
        ]
        return found, np.array([len(row) > top_k for row in of_row], dtype=bool)
