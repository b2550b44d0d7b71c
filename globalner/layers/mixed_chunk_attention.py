"""FLASH: quadratic attention inside chunks and linear attention between them, gated."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, pad, relu, silu

from globalner.errors import ShapeError
from globalner.layers.options import check_option
from globalner.layers.query_key_value import BIASES, Bias
from globalner.layers.rotary import Rotation, rotate
from globalner.layers.scale_offset import ScaleOffset

__all__ = ["MixedChunkAttention"]


class MixedChunkAttention(nn.Module):
    """A gated attention unit whose cost grows with the length and not with its square.

        U = silu(X Wu), V = silu(X Wv)   (B, L, E);   Z = silu(X Wz)   (B, L, S)
        Q, K, Q', K' = R (Z * gain + offset), each with a gain and offset of its own
        near_g = relu(Q_g K_g^T)^2 V_g / (c_g S)                     inside chunk g
        far_g  = Q'_g sum_h K'_h^T V_h / n                           over all chunks h
               | Q'_g sum_{h < g} K'_h^T V_h / (tokens of these h)   causal, with a triangle in near_g
        output_g = (U_g * (near_g + far_g)) Wo

    n is the number of real tokens of a text, c_g that of chunk g. A text shorter than a chunk is one chunk: the
    quadratic unit with squared ReLU, and the linear term. Chunks count from the first place, so padding has to stand
    behind a text.

    Args:
        hidden_size: H.
        expanded_size: E, usually 2 H.
        key_size: S; even with rotary position.
        chunk_size: Tokens of a chunk.
        causal: Whether a token sees only those before it and itself.
        bias: "all"; "query_key" for the four offsets only; "none".
        dropout: Share of the weights inside chunks dropped in training.

    Raises:
        ShapeError: If `chunk_size` is below 1.
        ConfigError: If there is no such bias.

    Source: arXiv 2202.10447; Su Jianlin, kexue.fm/archives/8934, with the number of summed tokens as normaliser.
    """

    def __init__(
        self,
        *,
        hidden_size: int,
        expanded_size: int,
        key_size: int = 128,
        chunk_size: int = 256,
        causal: bool = False,
        bias: Bias = "none",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_option("bias", bias, BIASES)
        if chunk_size < 1:
            raise ShapeError(f"chunk_size must be at least 1; got {chunk_size}")
        self.chunk_size, self.causal, self.dropout = chunk_size, causal, dropout
        self.widths = [expanded_size, expanded_size, key_size]
        self.projection = nn.Linear(hidden_size, sum(self.widths), bias=bias == "all")
        self.query_scale, self.key_scale, self.far_query_scale, self.far_key_scale = (
            ScaleOffset(width=key_size, offset=bias != "none") for _ in range(4)
        )
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
        length, chunk = hidden.shape[1], min(self.chunk_size, hidden.shape[1])
        gate, value, shared = torch.split(silu(self.projection(hidden)), self.widths, dim=-1)
        scales = (self.query_scale, self.key_scale, self.far_query_scale, self.far_key_scale)
        query, key, far_query, far_key = (scale(shared) for scale in scales)
        if rotation is not None:
            query, key, far_query, far_key = (rotate(x, rotation) for x in (query, key, far_query, far_key))
        # Keys of zero get a weight of zero, and values of zero stand in the places that fill the last chunk.
        key, far_key = (x.masked_fill(~mask.unsqueeze(-1), 0.0) for x in (key, far_key))
        query, key, far_query, far_key, value = (_chunks(x, chunk) for x in (query, key, far_query, far_key, value))
        counts = _chunks(mask.unsqueeze(-1), chunk).sum((-2, -1))
        mixed = self._near(query, key, value, counts) + self._far(far_query, far_key, value, counts)
        gated: Tensor = self.output(gate * mixed.flatten(1, 2)[:, :length])
        return gated

    def _near(self, query: Tensor, key: Tensor, value: Tensor, counts: Tensor) -> Tensor:
        factor = (counts.clamp(min=1) * query.shape[-1]).to(_exact(query)).rsqrt()
        query = (query * factor[..., None, None]).to(query.dtype)
        weights = relu(query @ key.mT).square()
        if self.causal:
            weights = weights.tril()
        return dropout(weights, self.dropout, self.training) @ value

    def _far(self, query: Tensor, key: Tensor, value: Tensor, counts: Tensor) -> Tensor:
        if not self.causal:
            total, tokens = key.flatten(1, 2).mT @ value.flatten(1, 2), counts.sum(-1, keepdim=True)
            states = total.unsqueeze(1)
        else:
            before = pad(key.mT @ value, (0, 0, 0, 0, 1, 0))[:, :-1]
            states = before.cumsum(1, dtype=_exact(query)).to(query.dtype)
            tokens = pad(counts, (1, 0))[:, :-1].cumsum(1)
        query = (query / tokens.clamp(min=1).to(_exact(query))[..., None, None]).to(query.dtype)
        return query @ states

    def extra_repr(self) -> str:
        return f"chunk_size={self.chunk_size}, causal={self.causal}"


def _chunks(x: Tensor, chunk: int) -> Tensor:
    """(B, L, D) -> (B, chunks, chunk, D), the last one filled with zeros."""
    filled = pad(x, (0, 0, 0, -x.shape[1] % chunk))
    return filled.reshape(x.shape[0], -1, chunk, x.shape[-1])


def _exact(x: Tensor) -> torch.dtype:
    return torch.promote_types(x.dtype, torch.float32)
