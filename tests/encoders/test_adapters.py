"""LoRA and frozen layers: what is trained, where gradients go, and that merged weights compute the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from globalner.encoders import (
    LoraSettings,
    adapters,
    add_lora,
    layer_numbers,
    load_pretrained,
    merged_state_dict,
    steer_attention,
    train_last_layers,
)
from globalner.errors import ConfigError, MissingExtraError

Tiny = Callable[..., PreTrainedModel]
SETTINGS = LoraSettings(rank=2, alpha=4.0, dropout=0.0)
IDS = torch.arange(3, 11).reshape(2, 4)


@pytest.fixture(params=["llama", "gpt2", "gemma3_text", "bert"])
def encoder(request: pytest.FixtureRequest, tiny: Tiny, bert_folder: Path) -> PreTrainedModel:
    if request.param == "bert":
        return load_pretrained(str(bert_folder)).encoder.double().eval()
    made = tiny(request.param).double()
    steer_attention(made, "bidirectional")
    return made


def hidden(encoder: PreTrainedModel) -> Tensor:
    ids = IDS % encoder.config.vocab_size
    given: Tensor = encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    return given


def trained(encoder: nn.Module) -> set[str]:
    return {name for name, weight in encoder.named_parameters() if weight.requires_grad}


def learnt(encoder: nn.Module) -> set[str]:
    """Names of the weights that a gradient other than zero arrives at."""
    hidden(encoder).square().sum().backward()  # type: ignore[arg-type]
    return {n for n, weight in encoder.named_parameters() if weight.grad is not None and bool(weight.grad.any())}


def fill(encoder: nn.Module) -> None:
    """Stands for training: the second factor of LoRA starts at zero."""
    torch.manual_seed(1)
    for name, weight in encoder.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(weight)


def test_additions_change_nothing_at_first_and_only_they_are_trained(encoder: PreTrainedModel) -> None:
    before = hidden(encoder).detach()
    add_lora(encoder, SETTINGS)
    assert torch.equal(hidden(encoder), before)
    assert trained(encoder) == {name for name, _ in encoder.named_parameters() if ".lora_" in name}
    layers = encoder.config.num_hidden_layers
    kinds = {"llama": 7, "gpt2": 4, "gemma3_text": 7, "bert": 6}[encoder.config.model_type]
    assert len(trained(encoder)) == 2 * kinds * layers
    fill(encoder)
    assert learnt(encoder) == trained(encoder)


def test_merged_weights_compute_the_same_under_the_old_names(encoder: PreTrainedModel) -> None:
    plain = {name: weight.clone() for name, weight in encoder.state_dict().items()}
    assert merged_state_dict(encoder) is None
    before = hidden(encoder).detach()
    add_lora(encoder, SETTINGS)
    fill(encoder)
    after = hidden(encoder).detach()
    merged = merged_state_dict(encoder)
    assert merged is not None
    assert merged.keys() == plain.keys()
    changed = {name for name in plain if not torch.equal(merged[name], plain[name])}
    assert changed == {name.partition(".lora_")[0] + ".weight" for name in trained(encoder)}
    bare = type(encoder)(encoder.config).double().eval()
    if bare.config.model_type == "bert":
        bare.pooler = None
    else:
        steer_attention(bare, "bidirectional")
    bare.load_state_dict(merged)
    torch.testing.assert_close(hidden(bare).detach(), after, rtol=0, atol=1e-9)
    assert float((after - before).abs().max()) > 1e-3


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma3_text"])
def test_only_the_last_layers_are_trained(family: str, tiny: Tiny) -> None:
    encoder = tiny(family)
    steer_attention(encoder, None)
    train_last_layers(encoder, 1)
    above = ("norm.", "ln_f.")
    assert all(name.startswith(("layers.1.", "h.1.", *above)) for name in trained(encoder))
    assert any(name.startswith(above) for name in trained(encoder))
    assert learnt(encoder) == trained(encoder)
    train_last_layers(encoder, 2)
    under = {"embed_tokens.weight", "wte.weight", "wpe.weight"}
    assert trained(encoder) == {name for name, _ in encoder.named_parameters()} - under
    train_last_layers(encoder, 0)
    assert trained(encoder) == set()
    with pytest.raises(ConfigError, match=f"trainable_layers: 3 layers shall be trained, but this {family} has 2"):
        train_last_layers(encoder, 3)


def test_additions_to_the_last_layers_only(tiny: Tiny) -> None:
    encoder = tiny("qwen2", num_hidden_layers=12)
    steer_attention(encoder, None)
    add_lora(encoder, SETTINGS, last_layers=2)
    assert {number for name, number in layer_numbers(encoder).items() if name in trained(encoder)} == {10, 11}
    assert len(trained(encoder)) == 2 * 2 * 7
    with pytest.raises(ConfigError, match="13 layers shall be trained, but this qwen2 has 12"):
        add_lora(tiny("qwen2", num_hidden_layers=12), SETTINGS, last_layers=13)


def test_targets_are_taken_by_name_and_a_wrong_one_is_said(tiny: Tiny) -> None:
    encoder = tiny("llama")
    add_lora(encoder, LoraSettings(2, 4.0, 0.0, ("q_proj", "v_proj")))
    assert {name.split(".")[3] for name in trained(encoder)} == {"q_proj", "v_proj"}
    assert len(trained(encoder)) == 2 * 2 * 2
    with pytest.raises(ConfigError, match=r"llama has no linear matrix 'q_prj'; nearest: q_proj; there are: down_proj"):
        add_lora(tiny("llama"), LoraSettings(2, 4.0, 0.0, ("q_prj",)))
    with pytest.raises(ConfigError, match="gpt2 has no linear matrix 'xxx'; there are: c_attn, c_fc, c_proj"):
        add_lora(tiny("gpt2"), LoraSettings(2, 4.0, 0.0, ("xxx",)))


def test_what_goes_into_the_additions_is_dropped_in_training_only(tiny: Tiny) -> None:
    encoder = tiny("llama")
    steer_attention(encoder, None)
    add_lora(encoder, LoraSettings(2, 4.0, 0.5))
    fill(encoder)
    assert torch.equal(hidden(encoder), hidden(encoder))
    encoder.train()
    assert not torch.equal(hidden(encoder), hidden(encoder))


def test_without_peft_the_extra_is_named(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r'needs peft; install: pip install "globalner\[lora\]"'):
        add_lora(tiny("llama"), SETTINGS)


def test_an_encoder_whose_layers_cannot_be_told_is_said() -> None:
    from transformers import AlbertConfig, AlbertModel

    shape = {"vocab_size": 9, "hidden_size": 8, "embedding_size": 8, "num_attention_heads": 2, "intermediate_size": 8}
    albert = AlbertModel(AlbertConfig(**shape))
    assert set(layer_numbers(albert).values()) == {-1}
    with pytest.raises(ConfigError, match="the layers of a albert cannot be told"):
        train_last_layers(albert, 1)
    with pytest.raises(ConfigError, match="albert has no linear matrices in its layers"):
        add_lora(albert, SETTINGS)
    train_last_layers(albert, 0)
    assert trained(albert) == set()
