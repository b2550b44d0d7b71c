"""Collects found spans, of each text the highest ones, without ever holding many more than are wanted."""

from __future__ import annotations

import torch
from torch import Tensor

from globalner.kernels.scores import FoundSpans

__all__ = ["SpanCollection"]

_HELD = 1 << 18


class SpanCollection:
    """Spans of a batch, found in any order.

    Args:
        batch: B, number of texts.
        top_k: How many are wanted of each text, the highest logits, ties by type, first and last token; None for all.
        like: A tensor of the dtype and device of the logits.
    """

    def __init__(self, batch: int, top_k: int | None, like: Tensor) -> None:
        self._top_k = top_k
        self._cells = [torch.empty(0, 4, dtype=torch.long, device=like.device)]
        self._logits = [like.new_empty(0)]
        self._counts = torch.zeros(batch, dtype=torch.long, device=like.device)
        self._held = self._kept = 0

    def add(self, cells: Tensor, logits: Tensor) -> None:
        """Takes spans (N, 4) (text, type, first, last) with their logits (N,)."""
        if not len(cells):
            return
        self._cells.append(cells)
        self._logits.append(logits)
        self._counts += torch.bincount(cells[:, 0], minlength=len(self._counts))
        self._held += len(cells)
        if self._top_k is not None and self._held > 2 * self._kept + _HELD:
            self._sort()
            self._kept = self._held

    def spans(self) -> FoundSpans:
        """What was found, ordered by text, type, first and last token."""
        self._sort()
        counts = self._counts
        limited = torch.zeros_like(counts, dtype=torch.bool) if self._top_k is None else counts > self._top_k
        text, type_, first, last = self._cells[0].unbind(1)
        return FoundSpans(text, type_, first, last, self._logits[0], limited)

    def _sort(self) -> None:
        """Brings all parts into one, in order, and drops what is not wanted."""
        cells, logits = torch.cat(self._cells), torch.cat(self._logits)
        order = _in_order(cells)
        cells, logits = cells[order], logits[order]
        if self._top_k is not None:
            keep = self._highest(cells[:, 0], logits, self._top_k)
            cells, logits = cells[keep], logits[keep]
        self._cells, self._logits, self._held = [cells], [logits], len(cells)

    def _highest(self, text: Tensor, logits: Tensor, top_k: int) -> Tensor:
        """Places of the `top_k` highest of each text, ascending; ties go to the earlier place."""
        order = logits.argsort(descending=True, stable=True)
        order = order[text[order].argsort(stable=True)]
        counts = torch.bincount(text, minlength=len(self._counts))
        rank = torch.arange(len(order), device=order.device) - (counts.cumsum(0) - counts)[text[order]]
        return order[rank < top_k].sort().values


def _in_order(cells: Tensor) -> Tensor:
    """What sorts cells (N, 4) by text, type, first and last token."""
    if not len(cells):
        return cells[:, 0]
    _, types, firsts, lasts = (cells.amax(0) + 1).unbind()
    text, type_, first, last = cells.unbind(1)
    return (((text * types + type_) * firsts + first) * lasts + last).argsort()
