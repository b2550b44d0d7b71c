"""A pretraining run: from plain text and a recipe to a folder with an encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytorch_lightning as pl
import torch
from transformers import PreTrainedTokenizerFast

from globalner.config import PretrainRecipe
from globalner.data import (
    MaskedBatch,
    MaskingRules,
    PackedText,
    TextTokenizer,
    TokenStream,
    heldout_batches,
    token_stream,
)
from globalner.encoders import padding_id
from globalner.errors import DataError
from globalner.evaluation import MaskedScore
from globalner.extractor import choose_device
from globalner.model import build_masked_lm, keep_tokenizer
from globalner.training.callbacks import FeatureRedraw, HeldOutEvaluation, PretrainHistory, ResumeCheckpoint, StepSeeds
from globalner.training.lightning import FitSettings, fit
from globalner.training.pretraining.data_module import MaskedDataModule
from globalner.training.pretraining.module import MaskedLMModule, PretrainOptimizer
from globalner.training.pretraining.plan import PretrainPlan, plan_pretraining
from globalner.training.run_folder import RunFolder

__all__ = ["PretrainOptions", "PretrainResult", "PretrainTexts", "pretrain"]


@dataclass(frozen=True)
class PretrainTexts:
    """Records of plain text."""

    train: Sequence[str]
    heldout: Sequence[str]


@dataclass(frozen=True)
class PretrainOptions:
    """How to run, apart from what decides the outcome.

    Attributes:
        device: "auto", "cpu", "cuda" or "mps".
        progress_bar: Whether to draw a bar on the terminal.
        say: Takes lines of progress and notes.
    """

    device: str = "auto"
    progress_bar: bool = False
    say: Callable[[str], None] = lambda _: None


@dataclass(frozen=True)
class PretrainResult:
    """What a run did.

    Attributes:
        steps: Optimiser steps.
        tokens: Tokens seen, special tokens included.
        vocabulary: Tokens that the tokenizer knows.
        parameters: Weights of the model.
        scores: Held-out scores of the model that was left, one for each length.
    """

    steps: int
    tokens: int
    vocabulary: int
    parameters: int
    scores: tuple[MaskedScore, ...]

    def to_dict(self) -> dict[str, object]:
        """As it stands in metrics.json."""
        lengths = {str(score.length): score.to_dict() for score in self.scores}
        sizes = {"steps": self.steps, "tokens": self.tokens}
        return {"split": "heldout", **sizes, "vocabulary": self.vocabulary, "parameters": self.parameters} | {
            "lengths": lengths
        }


def pretrain(
    recipe: PretrainRecipe, texts: PretrainTexts, folder: RunFolder, options: PretrainOptions
) -> PretrainResult:
    """Trains a tokenizer and a masked-language model, and leaves both in the folder.

    Goes on from the folder's checkpoint if there is one.

    Args:
        recipe: What to train and how.
        texts: What to train on, and what to hold out.
        folder: Where everything goes; see `RunFolder`.
        options: Device and how to show progress.

    Raises:
        ConfigError, CheckpointError: As `keep_tokenizer`.
        DataError: If the held-out text fills no window of any length.
    """
    tokenizer = keep_tokenizer(folder.tokenizer, recipe.tokenizer, texts.train)
    rules, words = _rules(recipe, tokenizer), TextTokenizer(tokenizer.backend_tokenizer)
    heldout = _heldout(recipe, token_stream(texts.heldout, words), rules, options.say)
    plan = plan_pretraining(recipe, PackedText(token_stream(texts.train, words), recipe.data.window_tokens))
    torch.manual_seed(recipe.training.seed)
    model = build_masked_lm(recipe.model, tokenizer)
    parameters = model.num_parameters()
    options.say(
        f"{len(tokenizer):,} tokens in the vocabulary, {parameters:,} weights; {len(plan.text):,} windows of "
        f"{plan.text.window_tokens}, {plan.total_steps:,} steps"
    )
    module = MaskedLMModule(model, _optimizer(recipe), plan.total_steps).to(choose_device(options.device))
    evaluation = HeldOutEvaluation(heldout, tokenizer, folder.model, recipe.training.precision)
    callbacks: list[pl.Callback] = [
        StepSeeds(recipe.training.seed),
        FeatureRedraw(),
        evaluation,
        PretrainHistory(folder.history, plan, evaluation, options.say),
        ResumeCheckpoint(folder.checkpoint),
    ]
    data = MaskedDataModule(plan, rules, pad_id=padding_id(tokenizer))
    fit(module, data, callbacks, folder, _settings(recipe, plan, options))
    tokens = plan.tokens_before(plan.total_steps)
    return PretrainResult(plan.total_steps, tokens, len(tokenizer), parameters, evaluation.scores)


def _settings(recipe: PretrainRecipe, plan: PretrainPlan, options: PretrainOptions) -> FitSettings:
    training = recipe.training
    return FitSettings(plan.rounds, training.precision, training.clip_norm, options.device, options.progress_bar)


def _rules(recipe: PretrainRecipe, tokenizer: PreTrainedTokenizerFast) -> MaskingRules:
    return MaskingRules(
        mask_id=int(tokenizer.mask_token_id),
        special_ids=tuple(tokenizer.all_special_ids),
        vocabulary_size=len(tokenizer),
        rate=recipe.masking.rate,
        mean_span_words=recipe.masking.mean_span_words,
    )


def _optimizer(recipe: PretrainRecipe) -> PretrainOptimizer:
    training = recipe.training
    return PretrainOptimizer(
        training.optimizer, training.learning_rate, training.weight_decay, training.warmup_fraction
    )


def _heldout(
    recipe: PretrainRecipe, stream: TokenStream, rules: MaskingRules, say: Callable[[str], None]
) -> dict[int, list[MaskedBatch]]:
    """Masked windows of each length; those that the text does not fill are said and left out."""
    batches: dict[int, list[MaskedBatch]] = {}
    for length in sorted(set(recipe.evaluation.lengths)):
        try:
            text = PackedText(stream, length, whole=True)
        except DataError as error:
            say(f"held-out text is not evaluated at {length}: {error}")
            continue
        batch_tokens = recipe.training.batch_size * recipe.data.window_tokens
        most = recipe.evaluation.tokens
        batches[length] = heldout_batches(text, rules, most_tokens=most, batch_tokens=batch_tokens)
    if not batches:
        raise DataError(
            f"the held-out text has {len(stream):,} tokens, which fill no window of evaluation.lengths "
            f"({', '.join(map(str, recipe.evaluation.lengths))}); hold out more text, or evaluate at a smaller length"
        )
    return batches
