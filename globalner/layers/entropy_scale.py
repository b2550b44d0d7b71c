"""The factor of attention logits that keeps the entropy of attention the same at every length."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["CALIBRATION_TOKENS", "scale_by_length"]

CALIBRATION_TOKENS = 512
"""Length at which the factor is 1."""


def scale_by_length(query: Tensor, mask: Tensor, *, clamp_tokens: int = 16) -> Tensor:
    """Queries times log_512(n), with n the number of real tokens of each text and never the padded length.

        softmax(log_512(n) / sqrt(D) * Q K^T)

    Args:
        query: (B, ..., D).
        mask: (B, L) bool, True for tokens that may be attended to.
        clamp_tokens: Shorter texts count as this long: very short ones would be attended to too evenly. 1 is the form
            without a clamp that GAU-alpha was trained with.

    Returns:
        (B, ..., D) in the dtype of `query`.

    Source: Su Jianlin, kexue.fm/archives/8823.
    """
    count = mask.sum(-1).clamp(min=clamp_tokens).to(torch.promote_types(query.dtype, torch.float32))
    factor = count.log() / math.log(CALIBRATION_TOKENS)
    return (query * factor.view(-1, *[1] * (query.ndim - 1))).to(query.dtype)
