"""The model: an encoder and a head that scores all spans."""

from __future__ import annotations

from torch import Tensor, nn
from transformers import PreTrainedModel

from globalner.encoders import encoder_from_config
from globalner.errors import CheckpointError, ConfigError
from globalner.kernels import SpanScores
from globalner.layers import EfficientGlobalPointer, GlobalPointer
from globalner.model.config import GlobalPointerConfig

__all__ = ["HEADS", "GlobalPointerModel"]

HEADS: dict[str, type[GlobalPointer] | type[EfficientGlobalPointer]] = {
    "efficient_global_pointer": EfficientGlobalPointer,
    "global_pointer": GlobalPointer,
}


class GlobalPointerModel(PreTrainedModel):
    """Scores every span of every text for every entity type.

    A `PreTrainedModel`: `save_pretrained`, `from_pretrained` and `push_to_hub` work as everywhere, with safetensors
    only. Building it makes fresh weights; a pretrained encoder comes in through `with_encoder`.

    Args:
        config: Shape and labels.

    Raises:
        ConfigError: If the configuration names no encoder, no labels, or a head that does not exist.
    """

    config_class = GlobalPointerConfig
    main_input_name = "input_ids"
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True

    config: GlobalPointerConfig

    def __init__(self, config: GlobalPointerConfig) -> None:
        super().__init__(config)
        if not config.encoder or not config.labels:
            raise ConfigError("a GlobalPointerConfig needs `encoder` (an encoder's configuration) and `labels`")
        if config.head_kind not in HEADS:
            raise ConfigError(f"unknown head {config.head_kind!r}; there are: {', '.join(HEADS)}")
        self.encoder = encoder_from_config(config.encoder)
        self.dropout = nn.Dropout(config.dropout)
        options = {"initial_logit": config.initial_logit} if config.head_kind == "efficient_global_pointer" else {}
        self.head = HEADS[config.head_kind](
            hidden_size=self.encoder.config.hidden_size,
            num_types=len(config.labels),
            head_size=config.head_size,
            rotary=config.rotary,
            **options,
        )
        self.post_init()  # type: ignore[no-untyped-call]

    @classmethod
    def with_encoder(cls, config: GlobalPointerConfig, encoder: PreTrainedModel) -> GlobalPointerModel:
        """A model with a fresh head on an encoder that has its weights already.

        Raises:
            CheckpointError: If the encoder is not the one that the configuration describes.
        """
        model = cls(config)
        wanted = {name: weight.shape for name, weight in model.encoder.state_dict().items()}
        given = {name: weight.shape for name, weight in encoder.state_dict().items()}
        if wanted != given:
            different = sorted(name for name in wanted.keys() | given.keys() if wanted.get(name) != given.get(name))
            raise CheckpointError(f"the encoder is not the one in the configuration: {different[0]} differs")
        model.encoder = encoder
        return model

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, (GlobalPointer, EfficientGlobalPointer)):
            module.reset_parameters()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        start_mask: Tensor | None = None,
        end_mask: Tensor | None = None,
    ) -> SpanScores:
        """Scores of all spans.

        Args:
            input_ids: (B, L) long.
            attention_mask: (B, L), True or 1 for real tokens.
            start_mask: (B, L) bool, which tokens may start an entity; None allows all real ones.
            end_mask: (B, L) bool, which tokens may end one; None allows all real ones.

        Returns:
            Factored scores with C types.
        """
        real = attention_mask.bool()
        start_mask = real if start_mask is None else start_mask & real
        end_mask = real if end_mask is None else end_mask & real
        return self.score(self.encode(input_ids, attention_mask), start_mask, end_mask)

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Vectors of all tokens, (B, L, H), before the head's dropout; arguments as for `forward`."""
        hidden: Tensor = self.encoder(input_ids=input_ids, attention_mask=attention_mask.long()).last_hidden_state
        return hidden

    def score(self, hidden: Tensor, start_mask: Tensor, end_mask: Tensor) -> SpanScores:
        """Scores of all spans from the vectors (B, L, H) of `encode`; in training each call drops other values."""
        scores: SpanScores = self.head(self.dropout(hidden), start_mask=start_mask, end_mask=end_mask)
        return scores
