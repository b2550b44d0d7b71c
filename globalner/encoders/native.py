"""The encoder of our own: one class for softmax, gated, mixed-chunk, linear and Performer attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from globalner.encoders.native_blocks import build_block, build_norm, check_shape, initialize
from globalner.encoders.native_config import NativeEncoderConfig
from globalner.layers import PerformerAttention, TokenConvolution, make_rotation

__all__ = ["NativeEncoder"]


class NativeEncoder(PreTrainedModel):
    """Token embeddings, perhaps a convolution, and blocks of attention.

        pre:   x = dropout(E[ids]);  convolution;  blocks;  norm
        post:  x = dropout(norm(E[ids]));  convolution;  blocks

    There is no limit of length. Attention goes through `scaled_dot_product_attention` wherever it is a softmax.

    Raises:
        ConfigError: If the configuration names an attention, a norm, ... that does not exist.
        ShapeError: If heads do not divide the hidden size, or a width to rotate is odd.
    """

    config_class = NativeEncoderConfig
    base_model_prefix = "encoder"
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _supports_sdpa = True

    config: NativeEncoderConfig

    def __init__(self, config: NativeEncoderConfig) -> None:
        super().__init__(config)
        check_shape(config)
        post = config.norm_placement == "post"
        self.gradient_checkpointing = False
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id)
        self.embedding_norm = build_norm(config) if post else None
        self.dropout = nn.Dropout(config.dropout)
        self.convolution = (
            TokenConvolution(hidden_size=config.hidden_size, width=config.convolution_width)
            if config.convolution_width
            else None
        )
        self.blocks = nn.ModuleList(build_block(config) for _ in range(config.num_hidden_layers))
        self.norm = None if post else build_norm(config)
        self.post_init()  # type: ignore[no-untyped-call]

    def get_input_embeddings(self) -> nn.Module:
        """The table of token vectors."""
        return self.embedding

    def redraw_features(self) -> None:
        """Draws the random features of every Performer attention anew; in training every thousand steps or so."""
        for module in self.modules():
            if isinstance(module, PerformerAttention):
                module.redraw()

    def _init_weights(self, module: nn.Module) -> None:
        initialize(module, self.config)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> BaseModelOutput:
        """Vectors of all tokens.

        Args:
            input_ids: (B, L) long.
            attention_mask: (B, L), True or 1 for real tokens, at least one in each text; None where all are. With
                flash attention padding has to stand behind the texts.

        Returns:
            last_hidden_state (B, L, H); what it is for tokens that are masked means nothing.
        """
        mask = torch.ones_like(input_ids, dtype=torch.bool) if attention_mask is None else attention_mask.bool()
        hidden = self.embedding(input_ids)
        hidden = self.dropout(hidden if self.embedding_norm is None else self.embedding_norm(hidden))
        if self.convolution is not None:
            hidden = self.convolution(hidden, mask)
        rotation = None
        if self.config.rotary:
            rotation = make_rotation(input_ids.shape[1], self.config.rotary_width, device=input_ids.device)
        # Without padding softmax needs no mask, and some of its kernels are faster then; the result is the same.
        softmax = self.config.attention == "softmax"
        attended = None if softmax and (attention_mask is None or _all_open(mask)) else mask
        for block in self.blocks:
            if self.gradient_checkpointing and self.training:
                hidden = self._gradient_checkpointing_func(block.__call__, hidden, attended, rotation)
            else:
                hidden = block(hidden, attended, rotation)
        return BaseModelOutput(last_hidden_state=hidden if self.norm is None else self.norm(hidden))


def _all_open(mask: Tensor) -> bool:
    """Whether nothing is masked; no while a graph is made, which has to hold for every mask."""
    return not torch.compiler.is_compiling() and bool(mask.all())
