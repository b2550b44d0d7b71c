"""GlobalPointer and Efficient GlobalPointer: heads that give the factored scores of all spans."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from globalner.errors import ShapeError
from globalner.kernels import SpanScores
from globalner.layers.rotary import apply_rotary, rotary_angles

__all__ = ["EfficientGlobalPointer", "GlobalPointer"]


class GlobalPointer(nn.Module):
    """One multiplicative scorer per entity type.

        q_{i,c} = h_i Wq_c + bq_c        k_{i,c} = h_i Wk_c + bk_c
        score_c(i, j) = (R_i q_{i,c}) . (R_j k_{j,c}) / sqrt(D)

    `R` rotates by position (interleaved). One linear layer holds all heads; the columns of type c are
    [2 D c, 2 D c + D) for q and [2 D c + D, 2 D (c + 1)) for k.

    Args:
        hidden_size: H, width of the encoder.
        num_types: C, number of entity types.
        head_size: D, width of a head; even if `rotary`.
        rotary: Whether positions are rotated in.

    Raises:
        ShapeError: If a size is below 1, or `head_size` is odd with `rotary`.

    Source: Su Jianlin, kexue.fm/archives/8373; arXiv 2208.03054.
    """

    def __init__(self, *, hidden_size: int, num_types: int, head_size: int = 64, rotary: bool = True) -> None:
        super().__init__()
        _check_sizes(hidden_size, num_types, head_size, rotary)
        self.num_types, self.head_size, self.rotary = num_types, head_size, rotary
        self.projection = nn.Linear(hidden_size, 2 * head_size * num_types)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """LeCun-normal weights and zero biases, as published since 2022."""
        _lecun_normal(self.projection)

    def take_types(self, other: GlobalPointer) -> None:
        """Takes the weights of the types of `other`, which has at most as many, for the first types of this head."""
        _copy_rows(other.projection, self.projection)

    def forward(self, hidden: Tensor, start_mask: Tensor | None = None, end_mask: Tensor | None = None) -> SpanScores:
        """Scores of all spans.

        Args:
            hidden: (B, L, H).
            start_mask: (B, L) bool, which tokens may start an entity.
            end_mask: (B, L) bool, which tokens may end one.

        Returns:
            Scores with G = C groups.
        """
        heads = self.projection(hidden).unflatten(-1, (self.num_types, 2, self.head_size))
        query, key = heads.permute(3, 0, 2, 1, 4).unbind(0)
        query, key = _place(query, key, self.rotary)
        return SpanScores(query, key, start_mask=start_mask, end_mask=end_mask)

    def extra_repr(self) -> str:
        return f"num_types={self.num_types}, head_size={self.head_size}, rotary={self.rotary}"


class EfficientGlobalPointer(nn.Module):
    """One scorer shared by all types finds spans, a linear term says of which type.

        p_i = h_i Wp + bp                      q = even features of p, k = odd features of p
        b_i = p_i Wb + bb                      even columns 2c belong to the end, odd ones 2c + 1 to the start
        score_c(i, j) = (R_i q_i) . (R_j k_j) / sqrt(D) + (b_{j,2c} + b_{i,2c+1}) / 2

    2 H D + 2 D + C (4 D + 2) parameters instead of C (2 H D + 2 D).

    Args:
        hidden_size: H, width of the encoder.
        num_types: C, number of entity types.
        head_size: D, width of the shared head; even if `rotary`.
        rotary: Whether positions are rotated in.
        initial_logit: What the biases add to every score before training. Nearly all spans are no entities: a head
            that starts below 0 need not learn that first.

    Raises:
        ShapeError: If a size is below 1, or `head_size` is odd with `rotary`.

    Source: Su Jianlin, kexue.fm/archives/8877; arXiv 2208.03054.
    """

    def __init__(
        self,
        *,
        hidden_size: int,
        num_types: int,
        head_size: int = 64,
        rotary: bool = True,
        initial_logit: float = 0.0,
    ) -> None:
        super().__init__()
        _check_sizes(hidden_size, num_types, head_size, rotary)
        self.num_types, self.head_size, self.rotary = num_types, head_size, rotary
        self.initial_logit = initial_logit
        self.projection = nn.Linear(hidden_size, 2 * head_size)
        self.type_bias = nn.Linear(2 * head_size, 2 * num_types)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """LeCun-normal weights and zero biases, as published since 2022; the types' biases make `initial_logit`."""
        _lecun_normal(self.projection)
        _lecun_normal(self.type_bias)
        nn.init.constant_(self.type_bias.bias, self.initial_logit)

    def take_types(self, other: EfficientGlobalPointer) -> None:
        """Takes what the types share, and the weights of the types of `other` for the first types of this head."""
        _copy_rows(other.projection, self.projection)
        _copy_rows(other.type_bias, self.type_bias)

    def forward(self, hidden: Tensor, start_mask: Tensor | None = None, end_mask: Tensor | None = None) -> SpanScores:
        """Scores of all spans.

        Args:
            hidden: (B, L, H).
            start_mask: (B, L) bool, which tokens may start an entity.
            end_mask: (B, L) bool, which tokens may end one.

        Returns:
            Scores with G = 1 group and both biases.
        """
        pair = self.projection(hidden)
        biases = (self.type_bias(pair) / 2).unflatten(-1, (self.num_types, 2))
        end_bias, start_bias = biases.permute(3, 0, 2, 1).unbind(0)
        query, key = pair.unsqueeze(1).unflatten(-1, (self.head_size, 2)).unbind(-1)
        query, key = _place(query, key, self.rotary)
        return SpanScores(query, key, start_bias, end_bias, start_mask, end_mask)

    def extra_repr(self) -> str:
        return f"num_types={self.num_types}, head_size={self.head_size}, rotary={self.rotary}"


def _place(query: Tensor, key: Tensor, rotary: bool) -> tuple[Tensor, Tensor]:
    """Rotates both by position and takes 1 / sqrt(D) into the query. Both (B, G, L, D)."""
    length, width = query.shape[-2:]
    if not rotary:
        return query / math.sqrt(width), key
    angles = rotary_angles(length, width, device=query.device)
    return apply_rotary(query, angles, scale=width**-0.5), apply_rotary(key, angles)


def _lecun_normal(layer: nn.Linear) -> None:
    nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
    nn.init.zeros_(layer.bias)


@torch.no_grad()
def _copy_rows(source: nn.Linear, target: nn.Linear) -> None:
    """Copies all outputs of a layer into the first outputs of another; those of a type follow each other."""
    if source.in_features != target.in_features or source.out_features > target.out_features:
        raise ShapeError(f"{source} does not fit into {target}: another width, or more types")
    target.weight[: source.out_features] = source.weight
    target.bias[: source.out_features] = source.bias


def _check_sizes(hidden_size: int, num_types: int, head_size: int, rotary: bool) -> None:
    for name, value in (("hidden_size", hidden_size), ("num_types", num_types), ("head_size", head_size)):
        if value < 1:
            raise ShapeError(f"{name} must be at least 1; got {value}")
    if rotary and head_size % 2:
        raise ShapeError(f"head_size must be even with rotary position; got {head_size}")
