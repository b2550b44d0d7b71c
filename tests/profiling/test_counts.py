"""Formulas against the counter of torch, part by part, and what is kept for the backward pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from globalner.encoders import LoraSettings, NativeEncoderForMaskedLM, add_lora
from globalner.profiling.measure import Counts, count_step
from globalner.profiling.subject import MaskedSubject, Subject

VARIANTS: dict[str, dict[str, object]] = {
    "softmax": {},
    "softmax with dropout": {"dropout": 0.1, "convolution_width": 0},
    "entropy invariant": {"scale": "entropy_invariant", "bias": "query_key", "norm_placement": "post"},
    "gau": {"attention": "gau", "key_size": 8},
    "gau relu_squared": {"attention": "gau", "key_size": 8, "normalizer": "relu_squared"},
    "flash": {"attention": "flash", "key_size": 8, "chunk_size": 16},
    "linear": {"attention": "linear", "key_size": 24},
    "linear elu": {"attention": "linear", "feature_map": "elu"},
    "linear double_softmax": {"attention": "linear", "feature_map": "double_softmax"},
    "performer": {"attention": "performer"},
    "performer with features": {"attention": "performer", "num_features": 5},
}
GATED = {"intermediate_size": 64, "num_key_value_heads": 2, "head_dim": 8}
FAMILIES: dict[str, dict[str, object]] = {
    "bert": {"intermediate_size": 48},
    "electra": {"intermediate_size": 48, "embedding_size": 16},
    "roberta": {"intermediate_size": 48},
    "roformer": {"intermediate_size": 48},
    "distilbert": {"hidden_dim": 48},
    "gpt2": {},
    "llama": GATED,
    "mistral": {**GATED, "sliding_window": 8},
    "qwen2": {**GATED},
    "qwen3": {**GATED},
    "gemma": {**GATED, "head_dim": 12},
    "gemma2": {**GATED, "sliding_window": 8},
    "gemma3_text": {**GATED, "sliding_window": 8},
}


def differences(subject: Subject, tokens: int, texts: int) -> tuple[Counts, dict[tuple[str, str], tuple[int, int]]]:
    """By phase and part: what was counted and what the formula says, where they are not the same."""
    counts = count_step(subject, subject.step(tokens, texts), "fp32")
    formula = subject.flops(tokens, texts, fused=counts.fused)
    expected = {
        (phase, part): getattr(one, phase) for part, one in formula.items() for phase in ("forward", "backward")
    }
    both = {place: (counts.flops.get(place, 0), expected.get(place, 0)) for place in {*counts.flops, *expected}}
    return counts, {place: pair for place, pair in both.items() if pair[0] != pair[1]}


@pytest.mark.parametrize("head", ["efficient_global_pointer", "global_pointer"])
@pytest.mark.parametrize("name", VARIANTS)
def test_every_native_encoder_and_head_costs_what_the_formulas_say(
    name: str, head: str, native: Callable, span_subject: Callable
) -> None:
    subject = span_subject(native(**VARIANTS[name]), head_kind=head)
    for tokens, texts in ((1, 1), (9, 2), (70, 3)):
        counts, wrong = differences(subject, tokens, texts)
        assert wrong == {}
    assert counts.flops["forward", "attention_mixing"] > 0
    assert counts.fused == (name in ("softmax", "entropy invariant"))


@pytest.mark.parametrize("name", FAMILIES)
def test_every_known_family_costs_what_the_formulas_say(name: str, family: Callable, span_subject: Callable) -> None:
    subject = span_subject(family(name, **FAMILIES[name]))
    for tokens, texts in ((9, 2), (40, 1)):
        counts, wrong = differences(subject, tokens, texts)
        assert wrong == {}
    assert counts.flops["backward", "feed_forward"] > 0
    assert {*subject.parts.values()} == {
        "embedding",
        "attention_projections",
        "attention_mixing",
        "feed_forward",
        "rest",
        "head",
    }


def test_other_families_are_counted_though_there_is_no_formula(family: Callable, span_subject: Callable) -> None:
    encoder = family("deberta-v2", intermediate_size=48, relative_attention=True, pos_att_type=["p2c", "c2p"])
    subject = span_subject(encoder)
    step = subject.step(20, 1)
    counts = count_step(subject, step, "fp32")
    assert subject.shape is None
    assert set(subject.flops(20, 1, fused=False)) == {"head", "loss"}
    with FlopCounterMode(display=False) as counter:
        step(lambda _part, compute: compute()).backward()
    assert sum(counts.flops.values()) == counter.get_total_flops()
    # Matrices of the layers, which project relative positions too.
    assert counts.flops["forward", "attention_projections"] > 2 * 2 * 20 * 4 * 32**2


def test_masked_language_models(native: Callable) -> None:
    subject = MaskedSubject(NativeEncoderForMaskedLM(native()).train(), rate=0.15)
    for tokens, texts in ((5, 1), (40, 3)):
        counts, wrong = differences(subject, tokens, texts)
        assert wrong == {}
    assert counts.flops["forward", "head"] == 2 * 3 * 6 * 32 * 50  # 6 of 40 tokens are hidden


def test_dropout_samples_types_and_short_spans(native: Callable, span_subject: Callable) -> None:
    one, two = (span_subject(native(), samples=samples) for samples in (1, 2))
    assert differences(two, 33, 2)[1] == {}
    assert two.head_flops(33)["head"] == one.head_flops(33)["head"].times(2)
    for head in ("efficient_global_pointer", "global_pointer"):
        short = span_subject(native(), types=200, head_kind=head, max_span_tokens=3)
        assert differences(short, 150, 1)[1] == {}


def test_low_rank_additions_are_counted(family: Callable, span_subject: Callable) -> None:
    pytest.importorskip("peft")
    subject = span_subject(family("bert", intermediate_size=48))
    plain = count_step(subject, subject.step(20, 1), "fp32").flops
    add_lora(subject.encoder, LoraSettings(rank=2, alpha=4.0, dropout=0.0, targets=["query"]))
    subject = type(subject)(subject.model, known=False)
    added = count_step(subject, subject.step(20, 1), "fp32").flops
    more = {place: added.get(place, 0) - count for place, count in plain.items() if added.get(place, 0) != count}
    assert more.pop(("forward", "attention_projections")) == 2 * 2 * 20 * 2 * (32 + 32)
    # Weights that are frozen have no gradient, but what stands below the others is gone through.
    assert more.pop(("backward", "feed_forward")) == -plain["backward", "feed_forward"] // 2
    # In the first layer keys and values have no gradient either: two of four products in one of two layers.
    assert more.pop(("backward", "attention_mixing")) == -plain["backward", "attention_mixing"] // 4
    assert set(more) == {("backward", "attention_projections")}
    assert max(more.values()) < 0
    assert set(subject.flops(20, 1, fused=False)) == {"head", "loss"}


def test_what_is_kept(native: Callable, span_subject: Callable) -> None:
    subject = span_subject(native(num_hidden_layers=1, convolution_width=0))
    tokens, width = 64, 32
    kept = count_step(subject, subject.step(tokens, 1), "fp32").kept_bytes
    # The norm of an MLP's input is kept once, by the norm or the matrix behind it; gelu keeps its input and output.
    assert kept["feed_forward"] == 4 * tokens * (width + 2 * 96)
    # Rotated queries and keys, values as a view of the projection, the result, and one number a head and token.
    assert kept["attention_mixing"] >= 4 * tokens * 3 * width
    wide = span_subject(native(num_hidden_layers=1, convolution_width=0, dropout=0.1))
    for tried, growth in ((subject, 2.0), (wide, 4.0)):
        short, long = (count_step(tried, tried.step(n, 1), "fp32").kept_bytes["attention_mixing"] for n in (512, 1024))
        # A fused kernel keeps no square; with dropout the square is kept.
        assert long / short == pytest.approx(growth, rel=0.1)


def test_counting_leaves_nothing_behind(native: Callable, span_subject: Callable) -> None:
    subject = span_subject(native())
    state = {name: weight.clone() for name, weight in subject.model.state_dict().items()}
    count_step(subject, subject.step(9, 1), "bf16")
    assert all(weight.grad is None for weight in subject.model.parameters())
    assert all(torch.equal(state[name], weight) for name, weight in subject.model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in subject.model.modules())
