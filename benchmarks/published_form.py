"""GlobalPointer as its published implementations compute it, on the square of scores: the baseline of the benchmarks.

It stays as it is, slow or not: what is measured against it would mean something else otherwise.

Sources: Su Jianlin, kexue.fm/archives/8373 (head), 8877 (Efficient GlobalPointer), 7359 (loss); arXiv 2208.03054.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["square_efficient_span_loss", "square_head", "square_span_loss"]


def square_span_loss(query: Tensor, key: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Loss of GlobalPointer, the mean over B * C.

    Args:
        query: (B, C, L, D), rotated and scaled.
        key: (B, C, L, D), rotated.
        labels: (B, C, L, L), 1.0 at gold spans and 0.0 elsewhere.
        mask: (B, L), 1.0 for real tokens and 0.0 for padding.
    """
    batch, types, length, _ = query.shape
    scores = torch.einsum("bcmd,bcnd->bcmn", query, key)
    valid = (mask[:, None, :, None] * mask[:, None, None, :]).bool() & torch.ones(
        length, length, dtype=torch.bool
    ).triu()
    scores = scores.masked_fill(~valid, -1e12).reshape(batch * types, -1)
    labels = labels.reshape(batch * types, -1)
    signed = (1 - 2 * labels) * scores
    negative = signed - labels * 1e12
    positive = signed - (1 - labels) * 1e12
    zero = torch.zeros_like(signed[:, :1])
    negative = torch.logsumexp(torch.cat([negative, zero], dim=-1), dim=-1)
    positive = torch.logsumexp(torch.cat([positive, zero], dim=-1), dim=-1)
    return (negative + positive).mean()


def square_efficient_span_loss(
    factors: tuple[Tensor, Tensor], biases: tuple[Tensor, Tensor], labels: Tensor, mask: Tensor
) -> Tensor:
    """Loss of Efficient GlobalPointer: other scores, then step by step what `square_span_loss` does.

    Args:
        factors: Query and key shared by all types, (B, L, D) each.
        biases: Those of the first and of the last token, (B, C, L) each.
        labels: As for `square_span_loss`.
        mask: As for `square_span_loss`.
    """
    start, end = biases
    batch, types, length = start.shape
    scores = torch.einsum("bmd,bnd->bmn", *factors)[:, None] + start[..., :, None] + end[..., None, :]
    valid = (mask[:, None, :, None] * mask[:, None, None, :]).bool() & torch.ones(
        length, length, dtype=torch.bool
    ).triu()
    scores = scores.masked_fill(~valid, -1e12).reshape(batch * types, -1)
    labels = labels.reshape(batch * types, -1)
    signed = (1 - 2 * labels) * scores
    negative = signed - labels * 1e12
    positive = signed - (1 - labels) * 1e12
    zero = torch.zeros_like(signed[:, :1])
    negative = torch.logsumexp(torch.cat([negative, zero], dim=-1), dim=-1)
    positive = torch.logsumexp(torch.cat([positive, zero], dim=-1), dim=-1)
    return (negative + positive).mean()


def square_head(hidden: Tensor, projection: nn.Linear, types: int) -> tuple[Tensor, Tensor]:
    """Query and key of GlobalPointer, rotated and the query scaled, (B, C, L, D) each.

    Args:
        hidden: (B, L, H).
        projection: From H to C * 2 * D: query and key of the first type, of the second, and so on.
        types: C.
    """
    length, width = hidden.shape[1], projection.out_features // (2 * types)
    heads = projection(hidden).reshape(*hidden.shape[:2], types, 2 * width).transpose(1, 2)
    frequencies = 10000.0 ** (-torch.arange(0, width, 2) / width)
    angles = (torch.arange(length)[:, None] * frequencies).repeat_interleave(2, dim=-1)
    cos, sin = angles.cos().to(heads), angles.sin().to(heads)

    def rotated(heads: Tensor) -> Tensor:
        turned = torch.stack([-heads[..., 1::2], heads[..., ::2]], dim=-1).reshape(heads.shape)
        return heads * cos + turned * sin

    return rotated(heads[..., :width]) / width**0.5, rotated(heads[..., width:])
