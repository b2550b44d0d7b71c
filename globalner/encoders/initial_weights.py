"""Weights to start pretraining with: smaller the more layers there are."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["initialise_by_depth"]

# Standard deviation of a normal variable over that of the same one cut off at two standard deviations.
_CUT_OFF = 1.13684723


@torch.no_grad()
def initialise_by_depth(model: nn.Module, *, num_layers: int, order: int) -> None:
    """Draws the weights of linear layers and token tables anew; vectors (biases, norms) stay as they are.

        w ~ normal cut off at two sigma,   sigma = 1.13684723 / sqrt(fan_in) L^(-1 / order)

    `fan_in` is the width of what a layer reads; of a table of token vectors, the width of these, since it is the
    head's weight too. The factor makes up for what the cutting takes away, so that the standard deviation is
    fan_in^(-1/2) L^(-1 / order): what each of the L layers adds does not make the sum grow with depth.

    Args:
        model: The model; weights that are shared are drawn once.
        num_layers: L.
        order: 3 as in GAU-alpha, 2 as in RoFormerV2.

    Source: post 9052 and the initializer of bert4keras.
    """
    drawn: set[int] = set()
    for module in model.modules():
        if not isinstance(module, (nn.Linear, nn.Embedding)) or id(module.weight) in drawn:
            continue
        drawn.add(id(module.weight))
        sigma = _CUT_OFF * module.weight.shape[1] ** -0.5 * num_layers ** (-1 / order)
        nn.init.trunc_normal_(module.weight, std=sigma, a=-2 * sigma, b=2 * sigma)
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            module.weight[module.padding_idx].zero_()
