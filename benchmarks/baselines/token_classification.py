"""The usual baseline: a softmax over BIO tags for the first piece of each word."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from benchmarks.baselines.tagger import Tagger, gold_tags, words_of
from benchmarks.baselines.tagging import Words, number_of_tags
from globalner.data import Batch

__all__ = ["TokenClassifier"]


class TokenClassifier(Tagger):
    """Encoder, dropout 0.1, one linear layer to 2 C + 1 tags.

    Args:
        encoder: Any encoder of hidden width H.
        num_types: C.
    """

    def __init__(self, encoder: PreTrainedModel, num_types: int) -> None:
        super().__init__(encoder, nn.Linear(encoder.config.hidden_size, number_of_tags(num_types)))

    def loss(self, batch: Batch) -> Tensor:
        """Cross-entropy, the mean over all words."""
        words = words_of(batch)
        real = torch.from_numpy(words.real).to(self.device)
        tags = gold_tags(batch, words).to(self.device)
        logits = self.head(self.word_vectors(batch, words)).float()
        return cross_entropy(logits[real], tags[real], reduction="sum") / max(1, int(words.real.sum()))

    def best_tags(self, batch: Batch, words: Words) -> Tensor:
        """(B, W) the tag with the highest logit, each word for itself."""
        tags: Tensor = self.head(self.word_vectors(batch, words)).argmax(dim=-1)
        return tags
