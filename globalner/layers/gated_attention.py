"""The gated attention unit: attention and feed-forward in one, with a single head."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, relu, scaled_dot_product_attention, silu

from globalner.layers.entropy_scale import scale_by_length
from globalner.layers.options import check_option
from globalner.layers.query_key_value import BIASES, Bias
from globalner.layers.rotary import Rotation, rotate
from globalner.layers.scale_offset import ScaleOffset

__all__ = ["NORMALIZERS", "GatedAttentionUnit", "Normalizer"]

Normalizer = Literal["relu_squared", "softmax", "softmax_plus"]
NORMALIZERS: tuple[Normalizer, ...] = ("relu_squared", "softmax", "softmax_plus")


class GatedAttentionUnit(nn.Module):
    """Attention whose result is multiplied by a gate.

        U = silu(X Wu), V = silu(X Wv)   (B, L, E);   Z = silu(X Wz)   (B, L, S)
        Q = R (Z * gain_q + offset_q),   K = R (Z * gain_k + offset_k)
        A = relu(Q K^T)^2 / (n S)                        relu_squared; n: number of tokens attended to
          | softmax(Q K^T / sqrt(S))                     softmax
          | softmax(log_512(n) Q K^T / sqrt(S))          softmax_plus
        output = (U * (A V)) Wo

    One matrix product gives U, V and Z, in this order. Two units are about as large as one block of attention and
    feed-forward.

    Args:
        hidden_size: H.
        expanded_size: E, usually 2 H.
        key_size: S; even with rotary position.
        normalizer: How logits become weights.
        normalizer_tokens: A fixed n for relu_squared; None for the number of real tokens of each text. Fixed is the
            better choice for a unit that was pretrained at one length.
        clamp_tokens: Shorter texts count as this long in log_512(n).
        bias: "all"; "query_key" for offset_q and offset_k only; "none".
        dropout: Share of attention weights dropped in training.

    Raises:
        ConfigError: If there is no such normaliser or bias.

    Source: arXiv 2202.10447; Su Jianlin, kexue.fm/archives/8934 (1 / (n S)), 9019 (softmax), 9052 (GAU-alpha).
    """

    def __init__(
        self,
        *,
        hidden_size: int,
        expanded_size: int,
        key_size: int = 128,
        normalizer: Normalizer = "softmax_plus",
        normalizer_tokens: int | None = None,
        clamp_tokens: int = 16,
        bias: Bias = "none",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_option("normalizer", normalizer, NORMALIZERS)
        check_option("bias", bias, BIASES)
        self.normalizer, self.normalizer_tokens, self.clamp_tokens = normalizer, normalizer_tokens, clamp_tokens
        self.widths, self.dropout = [expanded_size, expanded_size, key_size], dropout
        self.projection = nn.Linear(hidden_size, sum(self.widths), bias=bias == "all")
        self.query_scale = ScaleOffset(width=key_size, offset=bias != "none")
        self.key_scale = ScaleOffset(width=key_size, offset=bias != "none")
        self.output = nn.Linear(expanded_size, hidden_size, bias=bias == "all")

    def forward(self, hidden: Tensor, mask: Tensor, rotation: Rotation | None = None) -> Tensor:
        """Attends to the tokens that `mask` leaves open.

        Args:
            hidden: (B, L, H).
            mask: (B, L) bool, True for tokens that may be attended to; at least one in each text.
            rotation: Of width S, from `make_rotation`; None for attention that knows no order.

        Returns:
            (B, L, H); what it is for tokens that are masked means nothing.
        """
        gate, value, shared = torch.split(silu(self.projection(hidden)), self.widths, dim=-1)
        query, key = self.query_scale(shared), self.key_scale(shared)
        if rotation is not None:
            query, key = rotate(query, rotation), rotate(key, rotation)
        attend = self._relu_squared if self.normalizer == "relu_squared" else self._softmax
        gated: Tensor = self.output(gate * attend(query, key, value, mask))
        return gated

    def _relu_squared(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        count = mask.sum(-1).clamp(min=1)
        if self.normalizer_tokens is not None:
            count = torch.full_like(count, self.normalizer_tokens)
        # Scaled before the square, which keeps small weights in the range of half precision.
        factor = (count * query.shape[-1]).to(torch.promote_types(query.dtype, torch.float32)).rsqrt()
        query = (query * factor.view(-1, 1, 1)).to(query.dtype)
        # Keys of zero get a weight of zero.
        key = key.masked_fill(~mask.unsqueeze(-1), 0.0)
        weights = relu(query @ key.transpose(-1, -2)).square()
        return dropout(weights, self.dropout, self.training) @ value

    def _softmax(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        if self.normalizer == "softmax_plus":
            query = scale_by_length(query, mask, clamp_tokens=self.clamp_tokens)
        mixed = scaled_dot_product_attention(
            query.unsqueeze(1),
            key.unsqueeze(1),
            value.unsqueeze(1),
            attn_mask=mask[:, None, None, :],
            dropout_p=self.dropout if self.training else 0.0,
        )
        return mixed.squeeze(1)
