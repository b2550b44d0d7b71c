"""Rows of shared scores that a factored sum cannot answer for, computed cell by cell in plain torch.

A row is one (text, type, first token) with all its last tokens. The rows of a text stand in W slots, so that one
batched product serves all texts; some slots at a time, so that no temporary grows with the number of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from globalner.kernels.gold_terms import ScoreGradients
from globalner.kernels.scores import SpanScores

__all__ = ["ExactRows", "add_exact_gradients", "exact_sums", "gather_rows"]

_CELLS_AT_A_TIME = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class ExactRows:
    """Distinct rows in slots (B, W), and the cells that are left out of them.

    Attributes:
        types, firsts: (B, W) long.
        filled: (B, W) bool; slots beyond the rows of a text are empty.
        cells: (K, 3) long: text, slot, last token; left out.
        max_span_tokens: Longest span; None for no limit.
    """

    types: Tensor
    firsts: Tensor
    filled: Tensor
    cells: Tensor
    max_span_tokens: int | None

    @property
    def count(self) -> int:
        """How many rows there are."""
        return int(self.filled.sum())


def gather_rows(flagged: Tensor, excluded: Tensor, ignored_for_all: Tensor, max_span_tokens: int | None) -> ExactRows:
    """The rows that are `flagged` (B, C, L); each of them is one that may start a span.

    Args:
        flagged: Which rows.
        excluded: (K, 4) long: text, type, first, last; those in flagged rows are left out of them.
        ignored_for_all: (M, 3) long: text, first, last; left out of every flagged row that they lie in.
        max_span_tokens: Longest span; None for no limit.
    """
    batch = len(flagged)
    text, type_, first = flagged.nonzero().unbind(1)
    counts = torch.bincount(text, minlength=batch)
    slot = torch.arange(len(text), device=text.device) - (counts.cumsum(0) - counts)[text]
    slots = torch.zeros(3, batch, int(counts.max()), dtype=torch.long, device=text.device)
    slots[:, text, slot] = torch.stack([type_, first, torch.ones_like(text)])
    slot_of = torch.full(flagged.shape, -1, dtype=torch.int32, device=text.device)
    slot_of[text, type_, first] = slot.int()
    place = slot_of[excluded[:, 0], excluded[:, 1], excluded[:, 2]].long()
    own = torch.stack([excluded[:, 0], place, excluded[:, 3]], dim=1)[place >= 0]
    cells = torch.cat([own, _in_every_type(slot_of, ignored_for_all)])
    return ExactRows(slots[0], slots[1], slots[2].bool(), cells, max_span_tokens)


def _in_every_type(slot_of: Tensor, ignored_for_all: Tensor) -> Tensor:
    """(text, slot, last) of cells left out for all types, once for each flagged row that they lie in."""
    text, first, last = ignored_for_all.unbind(1)
    cell, type_ = (slot_of[text, :, first] >= 0).nonzero(as_tuple=True)
    return torch.stack([text[cell], slot_of[text[cell], type_, first[cell]].long(), last[cell]], dim=1)


def exact_sums(scores: SpanScores, exact: ExactRows) -> tuple[Tensor, Tensor]:
    """Maximum of each row and its sum of exp(score - maximum), both (B, W); -inf and 0 for a row without a cell."""
    tops, totals = [], []
    for chunk in _chunks(scores, exact):
        top = chunk.logits.amax(dim=2)
        tops.append(top)
        totals.append((chunk.logits - top.masked_fill(top == -torch.inf, 0.0).unsqueeze(2)).exp().sum(dim=2))
    return torch.cat(tops, dim=1), torch.cat(totals, dim=1)


def add_exact_gradients(
    gradients: ScoreGradients, scores: SpanScores, exact: ExactRows, top: Tensor, weight: Tensor
) -> None:
    """Adds exp(score - top) * weight of every cell of the rows; top, weight (B, C). Both biases must be there."""
    assert gradients.start_bias is not None
    assert gradients.end_bias is not None
    text = torch.arange(len(top), device=top.device).unsqueeze(1)
    key = scores.in_full_precision().key[:, 0]
    for types, firsts, query, logits in _chunks(scores, exact):
        shares = (logits - top.gather(1, types).unsqueeze(2)).exp() * weight.gather(1, types).unsqueeze(2)
        gradients.query[:, 0].index_put_((text, firsts), shares @ key, accumulate=True)
        gradients.key[:, 0].add_(shares.transpose(1, 2) @ query)
        # Empty slots stand at the first type and token, where they add 0.
        gradients.start_bias.index_put_((text, types, firsts), shares.sum(dim=2), accumulate=True)
        gradients.end_bias.index_put_((text, types), shares, accumulate=True)


class _Chunk(NamedTuple):
    types: Tensor
    firsts: Tensor
    query: Tensor
    logits: Tensor


def _chunks(scores: SpanScores, exact: ExactRows) -> Iterator[_Chunk]:
    """Some slots at a time: types, firsts (B, w), queries (B, w, D), logits (B, w, L), -inf where no span may be."""
    batch, slots = exact.types.shape
    length = scores.query.shape[2]
    text = torch.arange(batch, device=exact.types.device).unsqueeze(1)
    full = scores.in_full_precision()
    columns = torch.arange(length, device=exact.types.device)
    step = max(1, _CELLS_AT_A_TIME // (batch * length))
    for begin in range(0, slots, step):
        types, firsts, filled = (
            values[:, begin : begin + step] for values in (exact.types, exact.firsts, exact.filled)
        )
        query = full.query[text, 0, firsts]
        logits = query @ full.key[:, 0].transpose(1, 2)
        if full.start_bias is not None:
            logits += full.start_bias[text, types, firsts].unsqueeze(2)
        if full.end_bias is not None:
            logits += full.end_bias[text, types]
        distance = columns - firsts.unsqueeze(2)
        closed = (distance < 0) | ~filled.unsqueeze(2)
        if exact.max_span_tokens is not None:
            closed |= distance >= exact.max_span_tokens
        if full.end_mask is not None:
            closed |= ~full.end_mask.unsqueeze(1)
        logits.masked_fill_(closed, -torch.inf)
        slot = exact.cells[:, 1] - begin
        here = (slot >= 0) & (slot < step)
        logits[exact.cells[here, 0], slot[here], exact.cells[here, 2]] = -torch.inf
        yield _Chunk(types, firsts, query, logits)
