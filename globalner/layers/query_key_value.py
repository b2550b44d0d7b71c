"""One projection to the queries, keys and values of all heads, with the biases that are asked for."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad

from globalner.errors import ShapeError
from globalner.layers.options import check_option
from globalner.layers.rotary import Rotation
from globalner.layers.rotated_heads import split_heads, split_rotated_heads

__all__ = ["BIASES", "Bias", "QueryKeyValue"]

Bias = Literal["all", "query_key", "none"]
BIASES: tuple[Bias, ...] = ("all", "query_key", "none")


class QueryKeyValue(nn.Linear):
    """Queries, keys and values of all heads by one matrix product; columns in this order, head by head.

    Args:
        hidden_size: H, a multiple of `num_heads`.
        num_heads: Number of heads.
        key_size: Width of the queries and keys of a head; None for that of its values, H / num_heads.
        bias: "all"; "query_key" for queries and keys only, added before rotation, so that attention learns to decay
            with distance (kexue.fm/archives/9577); "none".

    Raises:
        ShapeError: If `hidden_size` does not divide into heads.
        ConfigError: If there is no such bias.
    """

    def __init__(self, *, hidden_size: int, num_heads: int, key_size: int | None = None, bias: Bias = "all") -> None:
        check_option("bias", bias, BIASES)
        if num_heads < 1 or hidden_size % num_heads:
            raise ShapeError(f"hidden_size {hidden_size} does not divide into {num_heads} heads")
        keys = num_heads * (hidden_size // num_heads if key_size is None else key_size)
        super().__init__(hidden_size, 2 * keys + hidden_size, bias=bias == "all")
        self.num_heads, self.key_size, self.value_columns = num_heads, keys // num_heads, hidden_size
        if bias == "query_key":
            self.bias = nn.Parameter(torch.zeros(2 * keys))

    def forward(self, input: Tensor) -> Tensor:
        """(..., H) -> (..., 2 * heads * key size + H)."""
        if self.bias is None or len(self.bias) == self.out_features:
            return super().forward(input)
        return linear(input, self.weight, pad(self.bias, (0, self.value_columns)))

    def heads(self, hidden: Tensor, rotation: Rotation | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """hidden (B, L, H) -> queries and keys (B, heads, L, key size), values (B, heads, L, H / heads).

        Queries and keys are turned by `rotation`, if there is one.
        """
        if rotation is not None:
            return split_rotated_heads(self(hidden), self.num_heads, rotation)
        return split_heads(self(hidden), self.num_heads, self.key_size)
