"""Pretrains a small decoder on the next token of plain text: a Llama whose queries and keys may have a bias.

Only for the benchmarks: decoders that people use come pretrained. Text, tokenizer, shape, order of the windows,
optimiser and rates are those of a recipe of `globalner pretrain`; what it says of hidden tokens and of attention is not
used.
"""

from __future__ import annotations

import csv
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import LambdaLR
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from globalner.config import PretrainRecipe
from globalner.data import PackedText, TextTokenizer, TokenStream, token_stream
from globalner.extractor import autocast, choose_device
from globalner.model import build_tokenizer
from globalner.training.optimizer import warmup_then_linear_decay
from globalner.training.pretraining.module import PretrainOptimizer, build_optimizer
from globalner.training.pretraining.plan import PretrainPlan, plan_pretraining
from globalner.workflows.pretrain import read_texts

__all__ = ["CausalOptions", "build_decoder", "next_token_scores", "pretrain_causally"]

_FEED_FORWARD = 3
"""Times the width: with a gate, 8 / 3 would be as large as the four times of an encoder."""
_POSITIONS = 4096
"""Of which a Llama has no table: what it says here only keeps others from longer texts."""
_SAY_EVERY_S = 30.0


@dataclass(frozen=True)
class CausalOptions:
    """What the recipe does not say.

    Attributes:
        query_key_bias: Whether queries and keys have a bias, added before they are rotated.
        device: "auto", "cpu", "cuda" or "mps".
        say: Takes lines of progress.
    """

    query_key_bias: bool = False
    device: str = "auto"
    say: Callable[[str], None] = field(default=lambda _: None)


def pretrain_causally(recipe: PretrainRecipe, folder: Path, options: CausalOptions) -> None:
    """Leaves `model/`, `history.csv` and, last, `metrics.json` in a folder; what is there already is replaced.

    Args:
        recipe: Its data paths absolute.
        folder: Where everything goes.
        options: Bias, device and progress.
    """
    shutil.rmtree(folder, ignore_errors=True)
    texts, heldout = (read_texts(recipe, split, options.say) for split in ("train", "heldout"))
    tokenizer = build_tokenizer(recipe.tokenizer, texts)
    words = TextTokenizer(tokenizer.backend_tokenizer)
    plan = plan_pretraining(recipe, PackedText(token_stream(texts, words), recipe.data.window_tokens))
    torch.manual_seed(recipe.training.seed)
    with choose_device(options.device):
        model = build_decoder(recipe, tokenizer, query_key_bias=options.query_key_bias)
    seconds = _train(model, plan, recipe, options.say)
    model.train(False)
    stream, tokens = token_stream(heldout, words), plan.tokens_before(plan.total_steps)
    scores = {str(length): scored for length, scored in _scores(model, stream, recipe) if scored is not None}
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    with (folder / "history.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("step", "tokens", "train_s"), (plan.total_steps, tokens, f"{seconds:.6f}")])
    found = {"tokens": tokens, "parameters": model.num_parameters(), "lengths": scores}
    (folder / "metrics.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def build_decoder(
    recipe: PretrainRecipe, tokenizer: PreTrainedTokenizerFast, *, query_key_bias: bool
) -> LlamaForCausalLM:
    """A Llama of the width, depth and heads that a recipe gives its encoder, with fresh weights.

    Its matrices start with a deviation of 1 / sqrt(H): 0.02 is meant for a width of some thousands.
    """
    shape = recipe.model.encoder
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=shape.hidden_size,
            intermediate_size=_FEED_FORWARD * shape.hidden_size,
            num_hidden_layers=shape.num_layers,
            num_attention_heads=shape.num_heads,
            num_key_value_heads=shape.num_heads,
            max_position_embeddings=_POSITIONS,
            initializer_range=shape.hidden_size**-0.5,
            attention_bias=query_key_bias,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.sep_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    # Those of values and output are at zero, and stay there.
    for name, weight in model.named_parameters():
        if name.endswith(("v_proj.bias", "o_proj.bias")):
            weight.requires_grad_(False)
    return model


def next_token_scores(model: LlamaForCausalLM, ids: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (M, V), fp32 at least, and the M tokens that they are to find.

    Looked for is every token but the first and the last of a window, which are always the same.

    Args:
        model: The decoder.
        ids: (B, L) long, padded on the right, where no token before sees it.
        real: (B, L) bool.
    """
    wanted = real[:, 2:]
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
    logits: Tensor = model.lm_head(hidden[:, :-2][wanted])
    return logits.to(torch.promote_types(logits.dtype, torch.float32)), ids[:, 1:-1][wanted]


def _train(model: LlamaForCausalLM, plan: PretrainPlan, recipe: PretrainRecipe, say: Callable[[str], None]) -> float:
    """Trains through the plan; seconds that it took."""
    training, total = recipe.training, plan.total_steps
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    settings = PretrainOptimizer("adamw", training.learning_rate, training.weight_decay, training.warmup_fraction)
    optimizer = build_optimizer(model, settings, fused=True)
    schedule = LambdaLR(optimizer, warmup_then_linear_decay(total, training.warmup_fraction))
    pad_id = int(model.config.pad_token_id or 0)
    began = said = time.perf_counter()
    model.train()
    for step in range(total):
        rows = plan.text.rows(plan.windows(step), pad_id)
        ids, real = (torch.from_numpy(part).to(model.device) for part in (rows.ids, rows.attended))
        with autocast(model.device, training.precision):
            logits, targets = next_token_scores(model, ids, real)
        loss = cross_entropy(logits, targets)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(weights, training.clip_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if time.perf_counter() - said > _SAY_EVERY_S or step == total - 1:
            said = time.perf_counter()
            say(f"step {step + 1:,}/{total:,}  loss {loss.item():.4f}  {said - began:.0f} s")
    return time.perf_counter() - began


@torch.inference_mode()
def _scores(
    model: LlamaForCausalLM, stream: TokenStream, recipe: PretrainRecipe
) -> Iterator[tuple[int, dict[str, float] | None]]:
    """Accuracy and loss of next tokens at each length; None where the held-out text fills no window of it."""
    evaluation, batch_tokens = recipe.evaluation, recipe.training.batch_size * recipe.data.window_tokens
    for length in evaluation.lengths:
        if len(stream) < length:
            yield length, None
            continue
        text = PackedText(stream, length, whole=True)
        chosen = text.evenly(evaluation.tokens)
        batch = max(1, batch_tokens // length)
        correct = total = 0
        loss_sum = 0.0
        for place in range(0, len(chosen), batch):
            rows = text.rows(chosen[place : place + batch])
            ids, real = (torch.from_numpy(part).to(model.device) for part in (rows.ids, rows.attended))
            with autocast(model.device, recipe.training.precision):
                logits, targets = next_token_scores(model, ids, real)
            correct += int((logits.argmax(-1) == targets).sum())
            total += len(targets)
            loss_sum += float(cross_entropy(logits, targets, reduction="sum"))
        yield length, {"accuracy": correct / total, "loss": loss_sum / total}
