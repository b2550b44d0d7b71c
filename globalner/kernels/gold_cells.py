"""Checks and completes the cells that a loss is given: gold spans, their weights, and cells to leave out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from globalner.errors import ShapeError
from globalner.kernels.scores import SpanScores

__all__ = ["LossCells", "complete_cells", "expand_ignore", "left_out"]


@dataclass(frozen=True, eq=False, slots=True)
class LossCells:
    """The cells of a loss that are not plain negatives.

    Attributes:
        gold: (K, 4) long: text, type, first, last (inclusive); each once, sorted.
        weights: (K,) soft targets of the gold cells in (0, 1], in the dtype of the loss.
        ignore: (M, 4) long as `gold`, left out of both sums; type -1 stands for every type. May hold gold cells.
        max_span_tokens: Longest span in tokens, both ends counted; None for no limit.
    """

    gold: Tensor
    weights: Tensor
    ignore: Tensor
    max_span_tokens: int | None


def complete_cells(
    scores: SpanScores,
    gold: Tensor,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
    max_span_tokens: int | None = None,
) -> LossCells:
    """Checked cells, gold ones each once.

    Args:
        scores: The scores that the cells index.
        gold: (N, 4) long: text, type, first, last (inclusive); a cell given twice counts once, with its largest weight.
        weight: (N,) soft targets in (0, 1], or None for 1.
        ignore: (M, 4) long, or None for no cell.
        max_span_tokens: As in `span_loss`.

    Raises:
        ShapeError: If a cell is out of range, a gold one lies where no span may be, or a weight is outside (0, 1].
    """
    gold = _checked_cells(scores, gold, "gold", lowest_type=0)
    cells, place = torch.unique(gold, dim=0, return_inverse=True)
    _refuse_impossible(scores, cells, max_span_tokens)
    dtype = torch.float64 if scores.query.dtype == torch.float64 else torch.float32
    ones = torch.ones(len(gold), dtype=dtype, device=gold.device)
    weight = ones if weight is None else weight.to(ones)
    if weight.shape != ones.shape:
        raise ShapeError(f"weight must be {tuple(ones.shape)}, one for each gold span; got {tuple(weight.shape)}")
    if not bool(((weight > 0) & (weight <= 1)).all()):
        raise ShapeError("every weight must be above 0 and at most 1")
    largest = torch.zeros(len(cells), dtype=ones.dtype, device=gold.device)
    weights = largest.scatter_reduce(0, place, weight, "amax")
    if ignore is None:
        ignore = torch.empty(0, 4, dtype=torch.long, device=gold.device)
    return LossCells(cells, weights, _checked_cells(scores, ignore, "ignore", lowest_type=-1), max_span_tokens)


def left_out(cells: LossCells) -> tuple[Tensor, Tensor]:
    """The cells that are no plain negatives, each once and sorted: those of one type, and those of all types.

    Returns:
        (K, 4) long: text, type, first, last, gold ones and ignored ones; (M, 3) long: text, first, last.
    """
    every = cells.ignore[:, 1] == -1
    of_one = torch.unique(torch.cat([cells.gold, cells.ignore[~every]]), dim=0)
    return of_one, torch.unique(cells.ignore[every][:, [0, 2, 3]], dim=0)


def expand_ignore(ignore: Tensor, num_types: int) -> Tensor:
    """Cells to leave out with rows of type -1 written out for every type."""
    every = ignore[:, 1] == -1
    if not bool(every.any()):
        return ignore
    rows = ignore[every].repeat_interleave(num_types, dim=0)
    rows[:, 1] = torch.arange(num_types, device=rows.device).repeat(int(every.sum()))
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
