"""Time and memory of whole training steps with the published form of the loss and with ours.

    python -m benchmarks.training_step
    python -m benchmarks.training_step step-conll2003 --steps 20

A step is encoder, head, loss, backward, clipping and optimiser; the published form makes its dense labels in it. Only
the loss differs. Texts are generated, so no data are needed. Memory is what the first steps add to the model, optimiser
state included. The rows in results/span_loss.csv are replaced.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import AdamW

from benchmarks.fresh_process import in_fresh_process
from benchmarks.measured_rows import Measured, write_measured
from benchmarks.published_form import square_efficient_span_loss, square_span_loss
from benchmarks.workload import Workload, alternate_ms, memory_rise_mib, use_device
from globalner.config import Recipe, load_recipe
from globalner.data import Batch, Report, TextTokenizer, WindowSize, collate, shuffled_batches, training_windows
from globalner.encoders import padding_id
from globalner.kernels import span_loss
from globalner.model import BuiltModel, GlobalPointerModel, build_model
from globalner.training.optimizer import OptimizerSettings, parameter_groups
from globalner.types import Document, Entity, LabelSet

__all__ = ["CASES", "StepCase", "main", "step_workload"]

IMPLS = ("published", "auto")
_MEMORY_REPEATS, _MEMORY_STEPS = 3, 3
_BATCHES = 8
_SENTENCE = (
    "the of and to in a for said on at with from by was after which their Germany Bolton Arafat Jakarta Rotterdam Inc "
    "minister police match second 1996-08-29 3-1 dollars . , ( ) shares bank fell per cent week Thursday Kurdistan"
)


@dataclass(frozen=True)
class StepCase:
    """A recipe's model on generated texts.

    Attributes:
        recipe: Shipped recipe.
        changes: Changes to it, KEY=VALUE each.
        types: Number of entity types.
        batch_size: Windows in a step.
        words: Mean number of words of a text; a text is one window, and at most as long.
    """

    recipe: str
    changes: tuple[str, ...]
    types: int
    batch_size: int
    words: float


_LONG = ("data.window_tokens=1024", "data.boundary=token", "model.encoder.dropout=0.0", "model.head.dropout=0.0")
CASES = {
    "step-conll2003": StepCase("conll2003", (), 4, 32, 14.5),
    "step-200-types-efficient": StepCase("demo", _LONG, 200, 1, 400.0),
    "step-200-types-full": StepCase("demo", (*_LONG, "model.head.kind=global_pointer"), 200, 1, 400.0),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures the cases and replaces their rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"some of: {', '.join(CASES)}")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--steps", type=int, default=2 * _BATCHES, help="how often each is timed (default: %(default)s)"
    )
    parser.add_argument("--threads", type=int, default=2, help="of the CPU (default: %(default)s)")
    options = parser.parse_args(arguments)
    for name in options.cases or CASES:
        if name not in CASES:
            parser.error(f"there is no case {name!r}; choose from: {', '.join(CASES)}")
        write_measured(_measure(name, options.device, options.steps, options.threads))
    return 0


def _measure(name: str, device: str, steps: int, threads: int) -> list[Measured]:
    memory = {
        impl: [in_fresh_process(_memory_mib, name, impl, device, threads) for _ in range(_MEMORY_REPEATS)]
        for impl in IMPLS
    }
    times, shape = in_fresh_process(_times_ms, name, device, steps, threads)
    for impl in IMPLS:
        time_ms, rise_mib = statistics.median(times[impl]), statistics.median(memory[impl])
        print(f"{name}, {impl}: {time_ms:.0f} ms, {rise_mib:.0f} MiB ({shape})", flush=True)
    return [
        Measured(name, impl, metric, values[impl], shape, device, threads)
        for metric, values in (("time", times), ("memory", memory))
        for impl in IMPLS
    ]


def _memory_mib(name: str, impl: str, device: str, threads: int) -> float:
    use_device("cpu", threads)
    workload = step_workload(CASES[name], impl, device)[0]

    def first_steps() -> None:
        for _ in range(_MEMORY_STEPS):
            workload.run()

    return memory_rise_mib(Workload(first_steps), Workload(lambda: None), device)


def _times_ms(name: str, device: str, steps: int, threads: int) -> tuple[dict[str, list[float]], str]:
    use_device("cpu", threads)
    made = {impl: step_workload(CASES[name], impl, device) for impl in IMPLS}
    times = alternate_ms({impl: workload for impl, (workload, _) in made.items()}, repeats=steps, device=device)
    return times, made[IMPLS[0]][1]


def step_workload(case: StepCase, impl: str, device: str = "cpu") -> tuple[Workload, str]:
    """A training step, on another batch of the same few at each run, and the shape of the longest batch.

    Args:
        case: What to train.
        impl: "published", or as of `span_loss`.
        device: "cpu" or "cuda".
    """
    recipe = load_recipe(case.recipe, case.changes).recipe
    built, batches = _built_with_batches(case, recipe)
    model = built.model.train().to(device)
    training = recipe.training
    settings = OptimizerSettings(
        training.encoder_learning_rate, training.head_learning_rate, training.weight_decay, training.warmup_fraction
    )
    optimizer = AdamW(parameter_groups(model, settings), fused=True)
    ready = itertools.cycle([batch.to(device) for batch in batches])

    def step() -> None:
        torch.autograd.backward(_batch_loss(model, next(ready), impl))
        nn.utils.clip_grad_norm_(model.parameters(), training.clip_norm)
        optimizer.step()
        optimizer.zero_grad()

    length = max(batch.input_ids.shape[1] for batch in batches)
    return Workload(step), f"B {case.batch_size}, C {case.types}, L {length}, D {recipe.model.head.head_size}"


def _batch_loss(model: GlobalPointerModel, batch: Batch, impl: str) -> Tensor:
    scores = model.score(model.encode(batch.input_ids, batch.attention_mask), batch.start_mask, batch.end_mask)
    if impl != "published":
        return span_loss(scores, batch.gold, ignore=batch.ignore, impl=impl)
    length = scores.query.shape[-2]
    real = batch.attention_mask.float()
    labels = torch.zeros(len(real), scores.num_types, length, length, device=real.device)
    labels[tuple(batch.gold.unbind(1))] = 1
    with torch.device(real.device):
        if scores.start_bias is None or scores.end_bias is None:
            return square_span_loss(scores.query, scores.key, labels, real)
        factors = scores.query.squeeze(1), scores.key.squeeze(1)
        return square_efficient_span_loss(factors, (scores.start_bias, scores.end_bias), labels, real)


def _built_with_batches(case: StepCase, recipe: Recipe) -> tuple[BuiltModel, list[Batch]]:
    torch.manual_seed(0)
    labels = LabelSet(tuple(f"TYPE{number}" for number in range(case.types)))
    documents = _documents(case, recipe.data.window_tokens, labels)
    built = build_model(recipe.model, recipe.data, labels, [document.text for document in documents])
    tokenizer = TextTokenizer(built.tokenizer.backend_tokenizer, recipe.data.boundary, recipe.data.alignment)
    size = WindowSize(recipe.data.window_tokens, recipe.data.overlap_tokens)
    windows = training_windows(documents, tokenizer, labels, size, Report())
    chosen = shuffled_batches(list(map(len, windows)), case.batch_size, seed=0, epoch=0)[:_BATCHES]
    pad_id = padding_id(built.tokenizer)
    batches = [collate([windows[place] for place in batch], pad_id) for batch in chosen]
    return built, sorted(batches, key=lambda batch: -batch.input_ids.shape[1])


def _documents(case: StepCase, window_tokens: int, labels: LabelSet) -> list[Document]:
    """Texts of words in any order, one in eight of them an entity; their lengths spread as those of sentences do."""
    random = np.random.default_rng(0)
    documents = []
    for _ in range(_BATCHES * case.batch_size):
        number = max(2, round(case.words * random.lognormal(sigma=0.5 if case.batch_size > 1 else 0.0)))
        words = [str(word) for word in random.choice(_SENTENCE.split(), size=number)]
        # Special tokens need room too, and no word makes more tokens than it has characters.
        text = " ".join(words)[: window_tokens - 2]
        ends = np.cumsum([len(word) + 1 for word in words]) - 1
        entities = tuple(
            Entity(int(end) - len(word), int(end), labels.names[random.integers(len(labels.names))])
            for word, end in zip(words, ends, strict=True)
            if end <= len(text) and random.random() < 1 / 8
        )
        documents.append(Document(text, entities))
    return documents


if __name__ == "__main__":
    sys.exit(main())
