"""How much of a recipe's encoder is trained, and what it can be asked for."""

from __future__ import annotations

from transformers import PreTrainedModel

from globalner.config import EncoderConfig, ModelConfig, PretrainedEncoderConfig
from globalner.encoders import (
    LoraSettings,
    add_lora,
    attention_name,
    check_family,
    describe_pretrained,
    require_peft,
    train_last_layers,
)
from globalner.errors import ConfigError

__all__ = ["adapt_encoder", "attention_of", "check_encoder", "set_attention_implementation"]


def attention_of(recipe: EncoderConfig) -> str | None:
    """What tokens of a pretrained decoder shall see, by the name that models keep; None for the encoder's own."""
    return attention_name(recipe.attention) if isinstance(recipe, PretrainedEncoderConfig) else None


def check_encoder(model: ModelConfig) -> None:
    """Makes sure that a recipe's encoder can have the attention and the adapters it asks for; no weights are read.

    Raises:
        ConfigError: If its name leads nowhere, or it cannot have the attention.
        CheckpointError: If its tokenizer is missing.
        MissingExtraError: If there is LoRA in the recipe and no peft.
    """
    encoder = model.encoder
    if not isinstance(encoder, PretrainedEncoderConfig):
        return
    if encoder.lora is not None:
        require_peft()
    if encoder.attention is not None:
        config, _ = describe_pretrained(encoder.name, revision=encoder.revision)
        check_family(config, encoder.attention)


def set_attention_implementation(recipe: EncoderConfig, encoder: PreTrainedModel) -> None:
    """Makes an encoder compute attention the way that a recipe asks for, if it asks.

    Raises:
        ConfigError: If the encoder cannot, or a package that it takes is not installed.
    """
    if isinstance(recipe, PretrainedEncoderConfig) and recipe.attention_implementation:
        try:
            encoder.set_attn_implementation(recipe.attention_implementation)
        except (ValueError, ImportError) as error:
            raise ConfigError(f"model.encoder.attention_implementation: {error}") from error


def adapt_encoder(recipe: EncoderConfig, encoder: PreTrainedModel) -> tuple[str, ...]:
    """Freezes what a recipe does not train and adds what it adds; the notes say how much is trained.

    Raises:
        ConfigError: If the encoder has not so many layers, or not the matrices that get additions.
        MissingExtraError: If peft is not installed.
    """
    if not isinstance(recipe, PretrainedEncoderConfig) or (recipe.lora is None and recipe.trainable_layers is None):
        return ()
    if recipe.lora is None:
        train_last_layers(encoder, recipe.trainable_layers or 0)
    else:
        targets = None if recipe.lora.targets == "auto" else recipe.lora.targets
        settings = LoraSettings(recipe.lora.rank, recipe.lora.alpha, recipe.lora.dropout, targets)
        add_lora(encoder, settings, last_layers=recipe.trainable_layers)
    trained = sum(weight.numel() for weight in encoder.parameters() if weight.requires_grad)
    total = sum(weight.numel() for weight in encoder.parameters())
    return (f"{trained:,} of {total:,} weights of the encoder are trained",)
