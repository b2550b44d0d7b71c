"""Checks and completes the cells that a loss is given: gold spans, their weights, and cells to leave out."""

from __future__ import annotations

import torch
from torch import Tensor

from globalner.errors import ShapeError
from globalner.kernels.scores import SpanScores

__all__ = ["complete_gold", "expand_ignore"]


def complete_gold(
    scores: SpanScores, gold: Tensor, weight: Tensor | None, max_span_tokens: int | None
) -> tuple[Tensor, Tensor]:
    """Gold cells, each once, and their soft targets.

    Args:
        scores: The scores that the cells index.
        gold: (N, 4) long: text, type, first, last (inclusive); a cell given twice counts once, with its largest weight.
        weight: (N,) soft targets in (0, 1], or None for 1.
        max_span_tokens: As in `span_loss`.

    Returns:
        cells (K, 4) long and weights (K,) in the dtype of the loss.

    Raises:
        ShapeError: If a cell is out of range, or lies where no span may be.
    """
    gold = _checked_cells(scores, gold, "gold", lowest_type=0)
    cells, place = torch.unique(gold, dim=0, return_inverse=True)
    _refuse_impossible(scores, cells, max_span_tokens)
    ones = torch.ones(len(gold), dtype=scores.query.dtype, device=gold.device)
    weight = ones if weight is None else weight.to(ones)
    if weight.shape != ones.shape:
        raise ShapeError(f"weight must be {tuple(ones.shape)}, one for each gold span; got {tuple(weight.shape)}")
    if not bool(((weight > 0) & (weight <= 1)).all()):
        raise ShapeError("every weight must be above 0 and at most 1")
    largest = torch.zeros(len(cells), dtype=ones.dtype, device=gold.device)
    return cells, largest.scatter_reduce(0, place, weight, "amax")


def expand_ignore(scores: SpanScores, ignore: Tensor | None) -> Tensor:
    """Cells to leave out as (M, 4) long, rows of type -1 written out for every type."""
    if ignore is None:
        return torch.empty(0, 4, dtype=torch.long, device=scores.query.device)
    ignore = _checked_cells(scores, ignore, "ignore", lowest_type=-1)
    every = ignore[:, 1] == -1
    if not bool(every.any()):
        return ignore
    rows = ignore[every].repeat_interleave(scores.num_types, dim=0)
    rows[:, 1] = torch.arange(scores.num_types, device=rows.device).repeat(int(every.sum()))
    return torch.cat([ignore[~every], rows])


def _checked_cells(scores: SpanScores, cells: Tensor, name: str, lowest_type: int) -> Tensor:
    batch, _, length, _ = scores.query.shape
    if cells.dim() != 2 or cells.shape[1] != 4 or cells.is_floating_point():
        raise ShapeError(f"{name} must be whole numbers (N, 4): text, type, first, last; got {tuple(cells.shape)}")
    cells = cells.to(device=scores.query.device, dtype=torch.long)
    low = torch.tensor([0, lowest_type, 0, 0], device=cells.device)
    high = torch.tensor([batch, scores.num_types, length, length], device=cells.device)
    wrong = ((cells < low) | (cells >= high)).any(dim=1)
    if bool(wrong.any()):
        raise ShapeError(
            f"{name} span {cells[wrong][0].tolist()} (text, type, first, last) is out of range: "
            f"{batch} texts, {scores.num_types} types, {length} tokens"
        )
    return cells


def _refuse_impossible(scores: SpanScores, cells: Tensor, max_span_tokens: int | None) -> None:
    text, _, first, last = cells.unbind(dim=1)
    possible = first <= last
    if max_span_tokens is not None:
        possible &= last - first < max_span_tokens
    if scores.start_mask is not None:
        possible &= scores.start_mask[text, first]
    if scores.end_mask is not None:
        possible &= scores.end_mask[text, last]
    if not bool(possible.all()):
        raise ShapeError(
            f"gold span {cells[~possible][0].tolist()} (text, type, first, last) lies where no span may be: "
            "last before first, longer than max_span_tokens, or at a token that the masks close"
        )
