"""A second task for the encoder while it learns: to tag the words of entities."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from globalner.data import Batch

__all__ = ["TaggingLoss"]


class TaggingLoss(nn.Module):
    """Says of each word which types of entities begin with it, and which go on in it; thrown away after the training.

        s_t = h_w W_t + b_t,   t = "an entity of type c begins" or "goes on", 2 C in all, any of which may be right
        L = mean over words of log(1 + sum_{t right} e^-s_t) + log(1 + sum_{t wrong} e^s_t)

    Every word of an entity teaches the encoder then, where a span is one right cell among all pairs of words. A
    word is a token that may start an entity. One that another window of the same text owns is left out; of an entity
    that lies across the border of two windows, the part on the other side of its owner's is tagged as no entity.

    Args:
        hidden_size: H, width of the encoder.
        num_types: C.

    Source: the loss is that of kexue.fm/archives/7359, applied to tags.
    """

    def __init__(self, *, hidden_size: int, num_types: int) -> None:
        super().__init__()
        self.tags = nn.Linear(hidden_size, 2 * num_types)

    def forward(self, hidden: Tensor, batch: Batch) -> Tensor:
        """Loss of a batch, in fp32 at least; 0 where there is no word.

        Args:
            hidden: (B, L, H), the encoder's vectors.
            batch: Its B windows of L tokens.
        """
        words = _owned_words(batch)
        scores = self.tags(hidden[words])
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        right = _right_tags(batch, scores.shape[-1])[words]
        none = scores.new_zeros(len(scores), 1)
        low = torch.cat([none, -scores.masked_fill(~right, torch.inf)], dim=-1).logsumexp(-1)
        high = torch.cat([none, scores.masked_fill(right, -torch.inf)], dim=-1).logsumexp(-1)
        return (low + high).sum() / max(1, len(scores))


def _owned_words(batch: Batch) -> Tensor:
    """(B, L) bool."""
    words = batch.start_mask.clone()
    alone = batch.ignore[batch.ignore[:, 2] == batch.ignore[:, 3]]
    words[alone[:, 0], alone[:, 2]] = False
    return words


def _right_tags(batch: Batch, num_tags: int) -> Tensor:
    """(B, L, 2 C) bool: in column 2 c, where entities of type c begin, in 2 c + 1 where they go on."""
    row, type_, first, last = batch.gold.unbind(-1)
    length = batch.start_mask.shape[1]
    places = torch.arange(length, device=row.device)
    going_on = (places > first[:, None]) & (places <= last[:, None])
    counts = torch.zeros(len(batch.start_mask), num_tags, length, dtype=torch.int32, device=row.device)
    counts.index_put_((row, 2 * type_ + 1), going_on.int(), accumulate=True)
    right = counts.movedim(1, 2) > 0
    right[row, first, 2 * type_] = True
    return right
