"""A native encoder under a head that finds hidden tokens."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, PreTrainedModel
from transformers.modeling_outputs import MaskedLMOutput

from globalner.encoders.native import NativeEncoder, NativeEncoderConfig

__all__ = ["NativeEncoderForMaskedLM"]


class NativeEncoderForMaskedLM(PreTrainedModel):
    """A `NativeEncoder` whose token table, transposed, gives the scores of all tokens at each place; no bias."""

    config_class = NativeEncoderConfig
    base_model_prefix = "encoder"
    main_input_name = "input_ids"
    _tied_weights_keys = {"head.weight": "encoder.embedding.weight"}  # noqa: RUF012

    config: NativeEncoderConfig

    def __init__(self, config: NativeEncoderConfig) -> None:
        super().__init__(config)
        self.encoder = NativeEncoder(config)
        self.head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()  # type: ignore[no-untyped-call]

    def get_output_embeddings(self) -> nn.Module:
        """The head, whose weights are the table of token vectors."""
        return self.head

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> MaskedLMOutput:
        """input_ids (B, L) long, attention_mask (B, L), labels (B, L) long, -100: not asked -> logits (B, L, V)."""
        hidden = self.encoder(input_ids, attention_mask).last_hidden_state
        logits = self.head(hidden)
        loss = None if labels is None else cross_entropy(logits.float().flatten(0, 1), labels.flatten())
        return MaskedLMOutput(loss=loss, logits=logits)


AutoConfig.register(NativeEncoderConfig.model_type, NativeEncoderConfig)
AutoModel.register(NativeEncoderConfig, NativeEncoder)
AutoModelForMaskedLM.register(NativeEncoderConfig, NativeEncoderForMaskedLM)
