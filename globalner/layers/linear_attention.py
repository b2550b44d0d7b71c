"""Linear attention: the sum over keys is made once for all queries."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from globalner.errors import ShapeError
from globalner.layers.options import check_option
from globalner.layers.query_key_value import Bias, QueryKeyValue
from globalner.layers.rotary import Rotation, join_pairs, rotate, split_pairs

__all__ = ["FEATURE_MAPS", "FeatureMap", "LinearAttention", "linear_attention"]

FeatureMap = Literal["exp", "elu", "double_softmax"]
FEATURE_MAPS: tuple[FeatureMap, ...] = ("exp", "elu", "double_softmax")


class LinearAttention(nn.Module):
    """Multi-head linear attention; see `linear_attention` for the formula.

    Args:
        hidden_size: H, a multiple of `num_heads`; D = H / num_heads.
        num_heads: Number of heads.
        key_size: M, width of queries and keys; even with rotary position. The attention matrix has no higher rank, so
            about 4 D is advised; None for D.
        feature_map: What makes queries and keys positive: "exp", "elu" or "double_softmax".
        bias: "all", "query_key" (queries and keys only) or "none".

    Raises:
        ShapeError: If `hidden_size` does not divide into heads, or `key_size` is below 1.
        ConfigError: If there is no such feature map or bias.

    Source: arXiv 2006.16236; Su Jianlin, kexue.fm/archives/7546 (double softmax), 8338 (exp and a larger key size).
    """

    def __init__(
        self,
        *,
        hidden_size: int,
        num_heads: int,
        key_size: int | None = None,
        feature_map: FeatureMap = "exp",
        bias: Bias = "all",
    ) -> None:
        super().__init__()
        check_option("feature map", feature_map, FEATURE_MAPS)
        if key_size is not None and key_size < 1:
            raise ShapeError(f"key_size must be at least 1; got {key_size}")
        self.feature_map = feature_map
        self.query_key_value = QueryKeyValue(hidden_size=hidden_size, num_heads=num_heads, key_size=key_size, bias=bias)
        self.output = nn.Linear(hidden_size, hidden_size, bias=bias == "all")

    def forward(self, hidden: Tensor, mask: Tensor, rotation: Rotation | None = None) -> Tensor:
        """Attends to the tokens that `mask` leaves open.

        Args:
            hidden: (B, L, H).
            mask: (B, L) bool, True for tokens that may be attended to; at least one in each text.
            rotation: Of width M, from `make_rotation`; None for attention that knows no order.

        Returns:
            (B, L, H).
        """
        query, key, value = self.query_key_value.heads(hidden)
        mixed = linear_attention(query, key, value, mask, rotation, feature_map=self.feature_map)
        mixed_tokens: Tensor = self.output(mixed.transpose(1, 2).flatten(-2))
        return mixed_tokens


def linear_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor,
    rotation: Rotation | None = None,
    *,
    feature_map: FeatureMap = "exp",
) -> Tensor:
    """Attention whose weights are products of features, in time that grows with L and not with its square.

        o_i = R_i phi(q_i) (sum_j (R_j psi(k_j))^T v_j) / (phi(q_i) . sum_j psi(k_j))

        exp              phi(x) = psi(x) = e^x
        elu              phi(x) = psi(x) = elu(x) + 1
        double_softmax   phi: softmax over features, psi: softmax over tokens; the denominator is one and left out

    psi is zero for masked tokens, in both sums. Positions are rotated into the numerator only: the denominator stays
    positive. In fp32 at least, under autocast too.

    Args:
        query: (B, heads, L, M).
        key: (B, heads, L, M).
        value: (B, heads, L, D).
        mask: (B, L) bool, True for tokens that may be attended to; at least one in each text.
        rotation: Of width M.
        feature_map: One of `FEATURE_MAPS`.

    Returns:
        (B, heads, L, D) in the dtype of `value`.

    Source: arXiv 2006.16236; kexue.fm/archives/7546, 8265 (rotary position), 8338.
    """
    with torch.autocast(value.device.type, enabled=False):
        exact = torch.promote_types(value.dtype, torch.float32)
        query_features, key_features, values = (x.to(exact) for x in (query, key, value))
        open_ = mask[:, None, :, None]
        if feature_map == "double_softmax":
            query_features = query_features.softmax(-1)
            key_features = key_features.masked_fill(~open_, -torch.inf).softmax(-2)
            total = None
        else:
            features = _exp_features if feature_map == "exp" else _elu_features
            query_features, key_features = features(query_features, key_features, open_, rotation)
            total = query_features @ key_features.sum(-2).unsqueeze(-1)
        if rotation is not None:
            query_features, key_features = rotate(query_features, rotation), rotate(key_features, rotation)
        mixed = query_features @ (key_features.mT @ values)
        return (mixed if total is None else mixed / total).to(value.dtype)


def _exp_features(query: Tensor, key: Tensor, open_: Tensor, rotation: Rotation | None) -> tuple[Tensor, Tensor]:
    """e^x of both without overflow, and without a denominator that underflows.

    What is taken from a feature of all keys is given to that feature of all queries, and any constant may be taken
    from a query: both cancel exactly. Features that are turned together have to share what is taken from them.
    """
    key = key.masked_fill(~open_, -torch.inf)
    highest = key.detach().amax(-2, keepdim=True)
    if rotation is not None:
        top = torch.maximum(*split_pairs(highest, rotation.layout))
        highest = join_pairs(top, top, rotation.layout)
    query = query + highest
    return (query - query.detach().amax(-1, keepdim=True)).exp(), (key - highest).exp()


def _elu_features(
    query: Tensor,
    key: Tensor,
    open_: Tensor,
    rotation: Rotation | None,  # noqa: ARG001
) -> tuple[Tensor, Tensor]:
    return _elu_plus_one(query), _elu_plus_one(key).masked_fill(~open_, 0.0)


def _elu_plus_one(x: Tensor) -> Tensor:
    # Not elu(x) + 1: far below zero that is -1 + 1, and a denominator of zero.
    return torch.where(x > 0, x + 1, x.clamp(max=0.0).exp())
