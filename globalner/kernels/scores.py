"""The factored scores of all spans of a batch, and the spans that a search found in them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from globalner.errors import ShapeError

__all__ = ["FoundSpans", "SpanScores"]


@dataclass(frozen=True, eq=False, slots=True)
class SpanScores:
    """Logits of every (type, first token, last token), kept as factors instead of the square.

        score[b, c, i, j] = <query[b, g(c), i], key[b, g(c), j]> + start_bias[b, c, i] + end_bias[b, c, j]

    `B` texts, `C` entity types, `G` groups (C, or 1 shared by all types), `L` tokens, `D` head width.
    A span may be where `i <= j`, `start_mask[b, i]` and `end_mask[b, j]`; both ends are inclusive.

    Attributes:
        query: (B, G, L, D), rotated and scaled; belongs to the first token.
        key: (B, G, L, D), rotated; belongs to the last token.
        start_bias: (B, C, L) or None.
        end_bias: (B, C, L) or None.
        start_mask: (B, L) bool, which tokens may start an entity; None allows all.
        end_mask: (B, L) bool, which tokens may end an entity; None allows all.

    Raises:
        ShapeError: If the shapes do not fit together or a mask is not boolean.
    """

    query: Tensor
    key: Tensor
    start_bias: Tensor | None = None
    end_bias: Tensor | None = None
    start_mask: Tensor | None = None
    end_mask: Tensor | None = None

    def __post_init__(self) -> None:
        if self.query.dim() != 4 or self.query.shape != self.key.shape:
            raise ShapeError(
                f"query and key must both be (B, G, L, D); got {tuple(self.query.shape)} and {tuple(self.key.shape)}"
            )
        batch, groups, length, _ = self.query.shape
        if groups not in (1, self.num_types):
            raise ShapeError(f"query has {groups} groups; it must have 1 or one for each of the {self.num_types} types")
        for name, bias in (("start_bias", self.start_bias), ("end_bias", self.end_bias)):
            if bias is not None and bias.shape != (batch, self.num_types, length):
                raise ShapeError(f"{name} must be {(batch, self.num_types, length)}; got {tuple(bias.shape)}")
        for name, mask in (("start_mask", self.start_mask), ("end_mask", self.end_mask)):
            if mask is not None and (mask.shape != (batch, length) or mask.dtype != torch.bool):
                raise ShapeError(f"{name} must be bool {(batch, length)}; got {mask.dtype} {tuple(mask.shape)}")

    @property
    def num_types(self) -> int:
        """C, the number of entity types."""
        for bias in (self.start_bias, self.end_bias):
            if bias is not None:
                return int(bias.shape[1])
        return int(self.query.shape[1])

    def square(self) -> Tensor:
        """The logits of all cells, allowed or not: (B, C, L, L)."""
        square = self.query @ self.key.transpose(-1, -2)
        if self.start_bias is not None:
            square = square + self.start_bias.unsqueeze(-1)
        if self.end_bias is not None:
            square = square + self.end_bias.unsqueeze(-2)
        return square

    def allowed(self, max_span_tokens: int | None = None) -> Tensor:
        """Where a span may be: (B, 1, L, L) bool.

        Args:
            max_span_tokens: Longest span in tokens, counting both ends; None for no limit.
        """
        batch, _, length, _ = self.query.shape
        allowed = torch.ones(length, length, dtype=torch.bool, device=self.query.device).triu()
        if max_span_tokens is not None:
            allowed = allowed & ~torch.ones_like(allowed).triu(max_span_tokens)
        allowed = allowed.expand(batch, 1, length, length)
        if self.start_mask is not None:
            allowed = allowed & self.start_mask[:, None, :, None]
        if self.end_mask is not None:
            allowed = allowed & self.end_mask[:, None, None, :]
        return allowed

    def dense(self) -> Tensor:
        """The square itself, (B, C, L, L): the lowest finite value of the dtype where no span may be."""
        square = self.square()
        return square.masked_fill(~self.allowed(), torch.finfo(square.dtype).min)

    def in_full_precision(self) -> SpanScores:
        """The same scores in at least fp32, so that a half-precision head makes neither loss nor search coarse."""
        if self.query.dtype in (torch.float32, torch.float64):
            return self
        start = None if self.start_bias is None else self.start_bias.float()
        end = None if self.end_bias is None else self.end_bias.float()
        return SpanScores(self.query.float(), self.key.float(), start, end, self.start_mask, self.end_mask)


@dataclass(frozen=True, eq=False, slots=True)
class FoundSpans:
    """N spans above a threshold, ordered by text, type, first and last token.

    Attributes:
        batch: (N,) long, index of the text.
        type: (N,) long, index of the entity type.
        first: (N,) long, first token, inclusive.
        last: (N,) long, last token, inclusive.
        logit: (N,) the score of the span.
        limited: (B,) bool, texts of which only the `top_k` highest spans are here.
    """

    batch: Tensor
    type: Tensor
    first: Tensor
    last: Tensor
    logit: Tensor
    limited: Tensor

    def __len__(self) -> int:
        return int(self.logit.shape[0])
