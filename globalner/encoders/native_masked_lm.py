"""The native encoder with what masked-language-model pretraining needs on top."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear
from transformers import PreTrainedModel
from transformers.modeling_outputs import MaskedLMOutput

from globalner.encoders.native import NativeEncoder
from globalner.encoders.native_blocks import initialize
from globalner.encoders.native_config import NativeEncoderConfig

__all__ = ["IGNORED_LABEL", "NativeEncoderForMaskedLM"]

IGNORED_LABEL = -100
"""Label of a token that nothing is to be said about."""


class NativeEncoderForMaskedLM(PreTrainedModel):
    """Says for each token which one it is, with the table of token vectors that it was embedded with.

        logit[b, i, v] = s <h[b, i], E[v]> + bias[v]

    The bias is there with `bias: all` only. s is 1 where the vectors E start with a length of about one
    (`initialization: truncated_normal`), and 1 / sqrt(H) where each of their values does. A folder saved from it loads
    as a `NativeEncoder` too, with all weights.

    Raises:
        ConfigError, ShapeError: As `NativeEncoder`.

    Source: tied embedding as in arXiv 1608.05859 and GAU-alpha.
    """

    config_class = NativeEncoderConfig
    base_model_prefix = "encoder"
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _supports_sdpa = True

    config: NativeEncoderConfig

    def __init__(self, config: NativeEncoderConfig) -> None:
        super().__init__(config)
        self.encoder = NativeEncoder(config)
        self.output_bias = nn.Parameter(torch.zeros(config.vocab_size)) if config.bias == "all" else None
        self.post_init()  # type: ignore[no-untyped-call]

    def get_input_embeddings(self) -> nn.Module:
        """The table of token vectors, which is that of the output too."""
        return self.encoder.embedding

    def _init_weights(self, module: nn.Module) -> None:
        if module is self:
            if self.output_bias is not None:
                nn.init.zeros_(self.output_bias)
        else:
            initialize(module, self.config)

    def token_logits(self, hidden: Tensor) -> Tensor:
        """hidden (..., H) -> (..., V): of all tokens, or of the few that are asked for, which is far cheaper."""
        scale = 1.0 if self.config.initialization == "truncated_normal" else self.config.hidden_size**-0.5
        return linear(hidden * scale, self.encoder.embedding.weight, self.output_bias)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None
    ) -> MaskedLMOutput:
        """Logits of all tokens, and the loss where labels are given.

        Args:
            input_ids: (B, L) long.
            attention_mask: As of `NativeEncoder`.
            labels: (B, L) long: what the token is, or -100 for tokens that do not count.

        Returns:
            logits (B, L, V); loss, the mean cross-entropy over all tokens with a label, in fp32 at least.
        """
        logits = self.token_logits(self.encoder(input_ids, attention_mask).last_hidden_state)
        loss = None
        if labels is not None:
            exact = logits.to(torch.promote_types(logits.dtype, torch.float32))
            loss = cross_entropy(exact.flatten(0, 1), labels.flatten(), ignore_index=IGNORED_LABEL)
        return MaskedLMOutput(loss=loss, logits=logits)
