"""Time, memory and floating-point operations of a forward and backward pass, by length and kind of attention."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertConfig, BertModel, PreTrainedModel, RoFormerConfig, RoFormerModel

from benchmarks.encoder_cases import VARIANTS, Size
from benchmarks.encoder_flops import BASE, CONTENDERS, TRANSFORMERS, VOCABULARY, encoder_config
from benchmarks.encoder_runs import LENGTHS, TOKENS, EncoderRun, Value
from benchmarks.fresh_process import Answer, Arguments, in_fresh_process
from benchmarks.results_file import read_rows
from benchmarks.workload import Workload, alternate_ms, memory_rise_mib
from globalner.encoders import NativeEncoder
from globalner.extractor import autocast

__all__ = ["build_encoder", "forward_flops", "measure_pairs", "measure_speed"]


_REPEATS = 9
_TINY_LENGTH = 16
_PAIR_S = 2.0  # a pair is of as many passes of each as fill so long


def measure_speed(run: EncoderRun) -> list[Value]:
    """All contenders in turn in one process for the times; on the CPU one process each for the memory.

    A GPU tells what a run takes whatever ran before. The ratios are of pairs: softmax attention and another one in
    the same round. What would not fit, judged by what a shorter length took, is left out.
    """
    assert run.length is not None
    names = [name for name in CONTENDERS if _fits(run, name)]
    settings, values = _settings(run), []

    def keep(variant: str, metric: str, measured: list[float]) -> None:
        values.append(_middle(metric, measured, variant, settings))

    alone = in_fresh_process if run.place.device == "cpu" else _here
    for name in names:
        keep(name, "memory_mib", [alone(_memory_mib, run, name)])
    times = alone(_times_ms, run, names)
    for name in names:
        keep(name, "time_ms", times[name])
        keep(name, "base_ratio", [one / other for one, other in zip(times[BASE], times[name], strict=True)])
    flops = {name: forward_flops(run.size, name, run.length) for name in names if name in VARIANTS}
    return [*values, *(Value("flops", count, variant=name, settings=settings) for name, count in flops.items())]


def measure_pairs(run: EncoderRun) -> list[Value]:
    """Our softmax attention beside each of transformers, in a process of its own: nine pairs, of several passes each.

    The passes of a pair take turns one by one, and their times are added up. Where many take turns, or each has its
    passes at once, the machine may change its speed between the two.
    """
    alone = in_fresh_process if run.place.device == "cpu" else _here
    values = []
    for name in TRANSFORMERS:
        if not _fits(run, name):
            continue
        passes, ratios = alone(_paired_ratios, run, name)
        values.append(_middle("base_ratio", ratios, name, f"{_settings(run)}, {passes} passes"))
    return values


def build_encoder(size: Size, name: str, length: int = LENGTHS[-1]) -> PreTrainedModel:
    """A contender with fresh weights, without dropout.

    Args:
        size: How large.
        name: One of `CONTENDERS`.
        length: Positions that BERT has a table for.
    """
    if name in VARIANTS:
        return NativeEncoder(encoder_config(size, name))
    shape: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": size.width,
        "num_hidden_layers": size.blocks,
        "num_attention_heads": size.heads,
        "intermediate_size": 4 * size.width,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "max_position_embeddings": length,
    }
    if name == "transformers-bert":
        return BertModel(BertConfig(**shape), add_pooling_layer=False)
    return RoFormerModel(RoFormerConfig(**shape))


def forward_flops(size: Size, name: str, length: int) -> int:
    """Floating-point operations of matrix products in a forward pass over one text, counted on tensors without data.

    A fused attention is taken apart for it: what it computes is the same, and only then can it be counted.
    """
    encoder, counter = build_encoder(size, name, length), FlopCounterMode(display=False)
    with FakeTensorMode(allow_non_fake_inputs=True), counter, sdpa_kernel(SDPBackend.MATH):
        encoder(torch.zeros(1, length, dtype=torch.long))
    return int(counter.get_total_flops())


def _workload(run: EncoderRun, name: str, texts: int, length: int) -> Workload:
    torch.manual_seed(0)
    device = torch.device(run.place.device)
    with device:
        encoder = build_encoder(run.size, name, length).train()
    ids = torch.randint(5, VOCABULARY, (texts, length), device=device)
    mask = torch.ones_like(ids)

    def once() -> Tensor:
        with autocast(device, run.place.precision):
            hidden: Tensor = encoder(ids, attention_mask=mask).last_hidden_state
        total = hidden.float().square().mean()
        torch.autograd.backward(total)
        return total.detach()

    return Workload(once, list(encoder.parameters()))


def _here(function: Callable[[*Arguments], Answer], *arguments: *Arguments) -> Answer:
    return function(*arguments)


def _memory_mib(run: EncoderRun, name: str) -> float:
    assert run.length is not None
    warm_up = _workload(run, name, 1, _TINY_LENGTH)
    return memory_rise_mib(_workload(run, name, _texts(run), run.length), warm_up, run.place.device)


def _times_ms(run: EncoderRun, names: list[str]) -> dict[str, list[float]]:
    assert run.length is not None
    workloads = {name: _workload(run, name, _texts(run), run.length) for name in names}
    return alternate_ms(workloads, repeats=_REPEATS, device=run.place.device, longest_s=float("inf"))


def _paired_ratios(run: EncoderRun, name: str) -> tuple[int, list[float]]:
    """Passes of each in a pair, and what ours took in each pair by what the other one took."""
    assert run.length is not None
    workloads = {one: _workload(run, one, _texts(run), run.length) for one in (BASE, name)}
    alternate = partial(alternate_ms, device=run.place.device)
    took_s = min(alternate({BASE: workloads[BASE]}, repeats=_REPEATS, longest_s=0)[BASE]) / 1000
    passes = math.ceil(_PAIR_S / took_s)
    times = alternate(workloads, repeats=_REPEATS * passes, longest_s=float("inf"))
    ours, theirs = (np.reshape(times[one], (_REPEATS, passes)).sum(axis=1) for one in (BASE, name))
    return passes, (ours / theirs).tolist()


def _texts(run: EncoderRun) -> int:
    assert run.length is not None
    return max(TOKENS // run.length, 1)


def _settings(run: EncoderRun) -> str:
    return f"{_texts(run)} texts, {torch.get_num_threads()} threads"


def _middle(metric: str, measured: list[float], variant: str, settings: str) -> Value:
    low, middle, high = (float(value) for value in np.quantile(measured, (0.2, 0.5, 0.8)))
    return Value(metric, middle, low, high, variant=variant, settings=settings)


def _fits(run: EncoderRun, name: str) -> bool:
    """Whether a contender needs no more memory than is allowed, if all that it takes grows with the square."""
    wanted = {"group": "speed", "size": run.size.name, "variant": name, "metric": "memory_mib"}
    wanted |= {"device": run.place.device, "precision": run.place.precision}
    shorter = {
        int(row["length"]): float(row["value"])
        for row in read_rows(run.place.table)
        if row.items() >= wanted.items() and int(row["length"]) < (run.length or 0)
    }
    if not shorter:
        return True
    longest = max(shorter)
    growth = ((run.length or 0) / longest) * max(1.0, (run.length or 0) / TOKENS)
    return shorter[longest] * growth <= run.place.most_gib * 1024
