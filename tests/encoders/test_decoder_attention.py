"""Who sees whom in every family of decoders, under every implementation of attention, looked up in what comes out."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel, PreTrainedModel

from globalner.encoders import check_attention, check_family, steer_attention
from globalner.encoders.decoder_attention import DECODER_FAMILIES
from globalner.errors import ConfigError

Tiny = Callable[..., PreTrainedModel]
Windows = dict[str, tuple[int | None, int | None]]

LENGTH, HEADS = 9, 4
MODES = ("causal", "bidirectional", "half_heads", "half_layers")
DIRECTIONS = {
    "causal": ("back", "back"),
    "bidirectional": ("both", "both"),
    "half_heads": ("both", "both"),
    "half_layers": ("back", "ahead"),
}


def sees(direction: str, window: int | None, length: int = LENGTH) -> Tensor:
    """(L, L), True where a layer's query (row) sees a key, written cell by cell."""
    seen = torch.zeros(length, length, dtype=torch.bool)
    for query in range(length):
        for key in range(length):
            allowed = {"back": key <= query, "ahead": key >= query, "both": True}[direction]
            seen[query, key] = allowed and (window is None or abs(key - query) < window)
    return seen


def hidden(encoder: PreTrainedModel, ids: Tensor, mask: Tensor | None = None) -> Tensor:
    mask = torch.ones_like(ids) if mask is None else mask
    with torch.no_grad():
        return encoder(input_ids=ids, attention_mask=mask).last_hidden_state


def changed_ids() -> Tensor:
    """(L + 1, L): a text, and the same with its token j replaced, for each j."""
    ids = torch.arange(3, 3 + LENGTH).repeat(LENGTH + 1, 1)
    ids[torch.arange(1, LENGTH + 1), torch.arange(LENGTH)] = 40
    return ids


def influence(outputs: Tensor) -> Tensor:
    """(L, L), True where token j (column) changes output i (row); outputs (L + 1, L, ...) are of `changed_ids`."""
    return ((outputs[1:] - outputs[0]).abs().flatten(2).amax(2) > 1e-9).T


def steered(encoder: PreTrainedModel, mode: str | None) -> PreTrainedModel:
    steer_attention(encoder, mode)
    return encoder


@pytest.mark.parametrize("mode", MODES)
def test_a_token_changes_exactly_the_outputs_that_see_it(
    mode: str, pair: tuple[str, str], tiny: Tiny, windows: Windows
) -> None:
    encoder = steered(tiny(*pair).double(), mode)
    below, above = (sees(direction, w) for direction, w in zip(DIRECTIONS[mode], windows[pair[0]], strict=True))
    expected = (above.int() @ below.int()) > 0
    assert torch.equal(influence(hidden(encoder, changed_ids())), expected)
    assert bool(expected.triu(1).any()) == (mode != "causal")
    check_attention(encoder, mode)


@pytest.mark.parametrize("mode", [None, *MODES])
def test_padding_on_either_side_and_other_texts_change_nothing(
    mode: str | None, pair: tuple[str, str], tiny: Tiny
) -> None:
    for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 1e-5)):
        if mode is None and dtype == torch.float64 and pair[1] == "eager":
            continue  # the models' own eager masks are not finite there: what padding computes is NaN, and it is seen
        if dtype == torch.float32 and pair[1] == "flex_attention":
            continue  # slow, and it adds nothing
        encoder = steered(tiny(*pair).to(dtype), mode)
        text, real = torch.arange(3, 9), torch.ones(6, dtype=torch.long)
        alone = hidden(encoder, text[None])[0]
        assert alone.isfinite().all()
        sides = ((0, 7, 0), (7, 0, 0), (5, 2, 11))
        ids = [torch.nn.functional.pad(text, (left, right), value=filler) for left, right, filler in sides]
        masks = [torch.nn.functional.pad(real, (left, right)) for left, right, _ in sides]
        other = torch.arange(20, 33)
        together = hidden(encoder, torch.stack([other, *ids]), torch.stack([torch.ones_like(other), *masks]))
        assert together.isfinite().all()
        for padded, (left, right, _) in zip(together[1:], sides, strict=True):
            assert float((padded[left : left + 6] - alone).abs().max()) < tolerance, (dtype, left, right)


def test_causal_is_what_the_models_compute_by_themselves(pair: tuple[str, str], tiny: Tiny) -> None:
    encoder = tiny(*pair).double()
    ids = torch.stack([torch.arange(3, 12), torch.arange(30, 39)])
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    own = hidden(encoder, ids, mask)[mask.bool()]
    for mode in (None, "causal"):
        torch.testing.assert_close(hidden(steered(encoder, mode), ids, mask)[mask.bool()], own, rtol=0, atol=1e-12)


def test_bidirectional_is_what_models_made_bidirectional_compute(tiny: Tiny) -> None:
    ids = torch.stack([torch.arange(3, 12), torch.arange(30, 39)])
    # Windows are halved when a model of this family is made so, and the halved one counts.
    gemma = tiny("gemma3_text", "eager", use_bidirectional_attention=True, sliding_window=6)
    llama = tiny("llama", "eager")
    llama.config.is_causal = False
    for encoder in (gemma, llama):
        own = hidden(encoder, ids)
        torch.testing.assert_close(hidden(steered(encoder, "bidirectional"), ids), own, rtol=0, atol=1e-5)
        assert not torch.allclose(hidden(steered(encoder, "causal"), ids), own, rtol=0, atol=1e-2)


def layers_of(encoder: PreTrainedModel) -> nn.ModuleList:
    return encoder.h if encoder.config.model_type == "gpt2" else encoder.layers


def output_of(layer: nn.Module) -> nn.Module:
    """The matrix that mixes the heads of a layer."""
    return layer.attn.c_proj if hasattr(layer, "attn") else layer.self_attn.o_proj


def attended(encoder: PreTrainedModel, place: int) -> Tensor:
    """(L + 1, L, heads, D): what the heads of a layer give for `changed_ids`."""
    given: list[Tensor] = []
    matrix = output_of(layers_of(encoder)[place])
    handle = matrix.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    hidden(encoder, changed_ids())
    handle.remove()
    return given[0].unflatten(2, (HEADS, -1))


def test_each_half_of_the_heads_sees_its_side_only(pair: tuple[str, str], tiny: Tiny, windows: Windows) -> None:
    encoder = steered(tiny(*pair).double(), "half_heads")
    heads = attended(encoder, 0)
    for head in range(HEADS):
        direction = "back" if head < HEADS // 2 else "ahead"
        assert torch.equal(influence(heads[:, :, head]), sees(direction, windows[pair[0]][0])), head


def test_layers_see_back_and_ahead_in_turn(pair: tuple[str, str], tiny: Tiny, windows: Windows) -> None:
    encoder = steered(tiny(*pair).double(), "half_layers")
    assert torch.equal(influence(attended(encoder, 0)), sees("back", windows[pair[0]][0]))
    # With nothing coming out of its two parts the first layer hands its input on, so the second one is seen alone.
    first = layers_of(encoder)[0]
    for matrix in (output_of(first), first.mlp.c_proj if hasattr(first, "attn") else first.mlp.down_proj):
        nn.init.zeros_(matrix.weight)
    assert torch.equal(influence(attended(encoder, 1)), sees("ahead", windows[pair[0]][1]))


def test_half_is_half_of_the_heads_and_an_odd_one_sees_back(tiny: Tiny) -> None:
    encoder = steered(tiny("llama", hidden_size=24, num_attention_heads=3, num_key_value_heads=3).double(), "half")
    given: list[Tensor] = []
    output_of(encoder.layers[0]).register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    hidden(encoder, changed_ids())
    heads = given[0].unflatten(2, (3, -1))
    assert [torch.equal(influence(heads[:, :, h]), sees("back", None)) for h in range(3)] == [True, True, False]
    assert torch.equal(influence(heads[:, :, 2]), sees("ahead", None))


@pytest.mark.slow
def test_flex_attention_sees_the_same_when_it_is_compiled(tiny: Tiny) -> None:
    encoder = steered(tiny("llama", "flex_attention"), "half_heads")
    plain = steered(tiny("llama", "eager"), "half_heads")
    torch.testing.assert_close(hidden(encoder, changed_ids()), hidden(plain, changed_ids()), rtol=0, atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_one_token_alone_or_among_padding(mode: str, pair: tuple[str, str], tiny: Tiny) -> None:
    encoder = steered(tiny(*pair).double(), mode)
    alone = hidden(encoder, torch.tensor([[5]]))[0, 0]
    assert alone.isfinite().all()
    among = hidden(encoder, torch.tensor([[7, 7, 5, 7]]), torch.tensor([[0, 0, 1, 0]]))[0]
    assert among.isfinite().all()
    torch.testing.assert_close(among[2], alone, rtol=0, atol=1e-9)


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@pytest.mark.parametrize("mode", MODES)
def test_bf16_stays_finite(mode: str, implementation: str, tiny: Tiny) -> None:
    encoder = steered(tiny("qwen2", implementation), mode)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        given = hidden(encoder, torch.tensor([[7, 3, 4, 5, 7]]), torch.tensor([[0, 1, 1, 1, 0]]))
    assert given.isfinite().all()


def gradients(encoder: PreTrainedModel, length: int = 4) -> list[Tensor]:
    ids = torch.arange(3, 3 + 2 * length).reshape(2, length)
    encoder.zero_grad()
    encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state.square().sum().backward()
    return [weight.grad.clone() for weight in encoder.parameters() if weight.grad is not None]


@pytest.mark.parametrize("mode", ["bidirectional", "half_layers"])
@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_gradients_with_checkpoints_of_activations_are_the_same(family: str, mode: str, tiny: Tiny) -> None:
    encoder = steered(tiny(family).double(), mode)
    plain = gradients(encoder)
    encoder.train()
    for module in encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if hasattr(module, "attn_dropout"):
            module.attn_dropout.p = 0.0
    encoder.gradient_checkpointing_enable()
    gradients(encoder, 7)  # the masks of another batch, made once more in its backward pass, are no longer in the way
    again = gradients(encoder)
    assert len(plain) == len(again) > 0
    assert all(torch.allclose(one, other, rtol=0, atol=1e-9) for one, other in zip(plain, again, strict=True))


def test_a_mode_can_be_changed_and_copied(tiny: Tiny) -> None:
    encoder = steered(tiny("llama").double(), "bidirectional")
    twin = copy.deepcopy(encoder)
    ahead = influence(hidden(encoder, changed_ids()))
    steer_attention(encoder, "causal")
    assert not influence(hidden(encoder, changed_ids())).triu(1).any()
    assert torch.equal(influence(hidden(twin, changed_ids())), ahead)
    assert ahead.all()
    # Without a mode, and without padding, the models make no mask: a flag left behind would decide.
    steer_attention(twin, None)
    assert not influence(hidden(twin, changed_ids())).triu(1).any()


def test_there_is_no_cache_and_no_mask_left_behind(tiny: Tiny) -> None:
    for mode in (None, "half_heads"):
        encoder = steered(tiny("qwen3"), mode)
        ids = torch.arange(3, 9)[None]
        given = encoder(input_ids=ids, attention_mask=torch.ones_like(ids))
        assert given.get("cache") is None
        assert given.get("past_key_values") is None
        assert encoder.__dict__["_steering"]._latest is None


def test_a_mode_that_is_not_in_effect_is_an_error_that_names_both(tiny: Tiny) -> None:
    encoder = tiny("llama", "eager")
    with pytest.raises(ConfigError, match=r"bidirectional is not in effect in this llama with eager"):
        check_attention(encoder, "bidirectional")
    check_attention(encoder, "causal")
    with pytest.raises(ConfigError, match="causal is not in effect in this llama with eager"):
        check_attention(steered(encoder, "bidirectional"), "causal")


def test_an_implementation_without_masks_is_an_error_that_names_both(tiny: Tiny) -> None:
    encoder = steered(tiny("qwen2"), "half_layers")
    encoder.config._attn_implementation_internal = "flash_attention_2"
    with pytest.raises(ConfigError, match="half_layers cannot be had with flash_attention_2 in a qwen2") as raised:
        check_attention(encoder, "half_layers")
    assert "eager, sdpa, flex_attention" in str(raised.value)


def test_training_with_flex_attention_on_a_cpu_is_refused(tiny: Tiny) -> None:
    encoder = steered(tiny("llama", "flex_attention"), "causal")
    ids = torch.arange(3, 9)[None]
    with pytest.raises(ConfigError, match="flex_attention of this llama cannot be trained on a CPU"):
        encoder(input_ids=ids, attention_mask=torch.ones_like(ids))


def test_a_release_that_hands_on_no_mask_is_an_error(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = steered(tiny("llama"), "bidirectional")
    monkeypatch.setattr("transformers.models.llama.modeling_llama.create_causal_mask", lambda **_: None)
    with pytest.raises(ConfigError, match=r"cannot be had in a llama with sdpa: LlamaAttention .* not handed the mask"):
        check_attention(encoder, "bidirectional")


def test_what_cannot_be_had_is_said(tiny: Tiny) -> None:
    bert = BertModel(BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2))
    steer_attention(bert, None)
    with pytest.raises(ConfigError, match=r"attention: causal is for decoder-only encoders \(gemma, .* is a bert"):
        steer_attention(bert, "causal")
    with pytest.raises(ConfigError, match="unknown attention 'sideways'"):
        check_family(tiny("llama").config, "sideways")
    with pytest.raises(ConfigError, match="half_heads needs at least two heads"):
        check_family(tiny("llama", num_attention_heads=1, num_key_value_heads=1).config, "half")
    with pytest.raises(ConfigError, match="half_layers needs at least two layers"):
        check_family(tiny("llama", num_hidden_layers=1).config, "half_layers")
    strange = tiny("qwen2")
    strange.config.layer_types[1] = "chunked_attention"
    with pytest.raises(ConfigError, match="no layers of the type 'chunked_attention'"):
        steer_attention(strange, "causal")
    strange = tiny("llama")
    strange.layers[0].self_attn = None
    with pytest.raises(ConfigError, match="not built as this release of globalner knows a llama"):
        steer_attention(strange, "causal")
    with pytest.raises(ConfigError, match=r"needs attention_mask \(B, L\)"):
        steered(tiny("llama"), "causal")(input_ids=torch.tensor([[3]]))


def test_every_family_is_tested(windows: Windows) -> None:
    assert set(windows) == set(DECODER_FAMILIES)
