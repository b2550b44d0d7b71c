"""The model: an encoder and a head that scores all spans."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from globalner.encoders import encoder_from_config, merged_state_dict, steer_attention
from globalner.errors import CheckpointError, ConfigError
from globalner.kernels import SpanScores
from globalner.layers import EfficientGlobalPointer, GlobalPointer
from globalner.model.config import GlobalPointerConfig
from globalner.model.folder import write_model_files
from globalner.model.hub import push_model
from globalner.model.training_record import TrainingRecord

__all__ = ["HEADS", "GlobalPointerModel"]

HEADS: dict[str, type[GlobalPointer] | type[EfficientGlobalPointer]] = {
    "efficient_global_pointer": EfficientGlobalPointer,
    "global_pointer": GlobalPointer,
}


class GlobalPointerModel(PreTrainedModel):
    """Scores every span of every text for every entity type.

    A `PreTrainedModel`: `save_pretrained` and `from_pretrained` work as everywhere, with safetensors only;
    `push_to_hub` wants the tokenizer too. Building it makes fresh weights; a pretrained encoder comes in through
    `with_encoder`.

    Args:
        config: Shape and labels.

    Raises:
        ConfigError: If the configuration names no encoder, no labels, a head that does not exist, or an attention that
            the encoder cannot have.
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
        steer_attention(self.encoder, config.attention)
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
        steer_attention(encoder, config.attention)
        model.encoder = encoder
        return model

    @classmethod
    def going_on_from(cls, config: GlobalPointerConfig, known: GlobalPointerModel) -> GlobalPointerModel:
        """A model with the encoder of another one and its head for the types that it knows; further types are fresh.

        Args:
            config: Encoder and head of the same shape; its labels begin with those of `known`.
            known: The other model.

        Raises:
            CheckpointError: If the head is of another kind, or the labels do not begin with those of `known`.
        """
        if config.head_kind != known.config.head_kind:
            raise CheckpointError(f"a {config.head_kind} cannot take the types of a {known.config.head_kind}")
        old = known.config.labels or []
        if (config.labels or [])[: len(old)] != old:
            raise CheckpointError(f"labels {config.labels} do not begin with those of the known model, {old}")
        model = cls(config)
        model.encoder.load_state_dict(known.encoder.state_dict())
        model.head.take_types(known.head)  # type: ignore[arg-type]  # of one kind, see above
        return model

    def save_pretrained(  # type: ignore[override]
        self, save_directory: str | os.PathLike[str], *, state_dict: dict[str, Tensor] | None = None, **options: Any
    ) -> None:
        """Saves configuration and weights; what LoRA added is part of the weights there, and loading needs no peft."""
        state_dict = merged_state_dict(self) if state_dict is None else state_dict
        super().save_pretrained(save_directory, state_dict=state_dict, **options)

    def push_to_hub(  # type: ignore[override]
        self,
        repo_id: str,
        *,
        tokenizer: PreTrainedTokenizerFast | None = None,
        record: TrainingRecord | None = None,
        **options: Any,
    ) -> str:
        """Uploads a model in memory with its tokenizer and card; a saved folder goes through `push_model`.

        Args:
            repo_id: As of `push_model`, and so are `options`: private, revision, token, message.
            tokenizer: The model's tokenizer.
            record: What the card tells of the training.

        Raises:
            ConfigError: If there is no tokenizer: nobody could load what the base class would upload.
            OutputError: If the hub cannot be reached or refuses.
        """
        if tokenizer is None:
            raise ConfigError(
                "a model cannot be loaded without its tokenizer: call push_to_hub(repo_id, tokenizer=tokenizer), or "
                "globalner.model.push_model(folder, repo_id) for a model that is saved"
            )
        with TemporaryDirectory() as folder:
            write_model_files(self, tokenizer, Path(folder), record)
            return push_model(folder, repo_id, **options)

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
