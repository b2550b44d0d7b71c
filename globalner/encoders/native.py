"""A small transformer with rotary position, trained from scratch."""

from __future__ import annotations

from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from globalner.layers import TokenConvolution, TransformerBlock, rotary_angles

__all__ = ["NativeEncoder", "NativeEncoderConfig"]


class NativeEncoderConfig(PreTrainedConfig):
    """Shape of a `NativeEncoder`.

    Attributes:
        vocab_size: Number of token ids.
        hidden_size: H; must divide into `num_attention_heads` heads of an even width.
        num_hidden_layers: Number of transformer blocks.
        num_attention_heads: Heads of each attention.
        intermediate_size: Width inside the feed-forward parts.
        convolution_width: Tokens under a convolution before the blocks, an odd number; 0 for none.
        dropout: Share dropped in training, everywhere.
        pad_token_id: Id of the padding token.
        tie_word_embeddings: Whether a masked-LM head has the token table for weights.
    """

    model_type = "globalner_native"

    vocab_size: int = 1000
    hidden_size: int = 192
    num_hidden_layers: int = 3
    num_attention_heads: int = 4
    intermediate_size: int = 768
    convolution_width: int = 0
    dropout: float = 0.1
    pad_token_id: int | None = 0
    tie_word_embeddings: bool = True


class NativeEncoder(PreTrainedModel):
    """Token embeddings, perhaps a convolution, pre-norm transformer blocks with rotary attention, and a last norm.

    There is no limit of length.

    Raises:
        ShapeError: If the hidden size does not divide into heads of an even width.
    """

    config_class = NativeEncoderConfig
    base_model_prefix = "encoder"
    main_input_name = "input_ids"

    config: NativeEncoderConfig

    def __init__(self, config: NativeEncoderConfig) -> None:
        super().__init__(config)
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id)
        self.dropout = nn.Dropout(config.dropout)
        self.convolution = (
            TokenConvolution(hidden_size=config.hidden_size, width=config.convolution_width)
            if config.convolution_width
            else None
        )
        self.blocks = nn.ModuleList(
            TransformerBlock(
                hidden_size=config.hidden_size,
                num_heads=config.num_attention_heads,
                intermediate_size=config.intermediate_size,
                dropout=config.dropout,
            )
            for _ in range(config.num_hidden_layers)
        )
        self.norm = nn.LayerNorm(config.hidden_size)
        self.post_init()  # type: ignore[no-untyped-call]

    def get_input_embeddings(self) -> nn.Module:
        """The table of token vectors."""
        return self.embedding

    def _init_weights(self, module: nn.Module) -> None:
        # The scale that keeps activations of a narrow network near one; 0.02 is meant for a width of 768.
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=module.in_features**-0.5)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight)
        elif isinstance(module, (nn.LayerNorm, nn.Conv1d)):
            module.reset_parameters()

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> BaseModelOutput:
        """input_ids (B, L) long, attention_mask (B, L), True or 1 for real tokens -> last_hidden_state (B, L, H)."""
        mask = attention_mask.bool()
        hidden = self.dropout(self.embedding(input_ids))
        if self.convolution is not None:
            hidden = self.convolution(hidden, mask)
        width = self.config.hidden_size // self.config.num_attention_heads
        angles = rotary_angles(input_ids.shape[1], width, device=input_ids.device)
        for block in self.blocks:
            hidden = block(hidden, mask, angles)
        return BaseModelOutput(last_hidden_state=self.norm(hidden))
