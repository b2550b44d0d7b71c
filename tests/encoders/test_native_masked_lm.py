from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM

from globalner.encoders import (
    NativeEncoder,
    NativeEncoderConfig,
    NativeEncoderForMaskedLM,
    build_character_tokenizer,
    load_pretrained,
)

Build = Callable[..., NativeEncoder]


def masked_lm(build: Build, **options: object) -> NativeEncoderForMaskedLM:
    torch.manual_seed(0)
    return NativeEncoderForMaskedLM(build(**options).config).eval()


def test_logits_are_products_with_the_token_vectors(small_encoder: Build, variant: dict) -> None:
    model = masked_lm(small_encoder, **variant)
    ids, mask = torch.randint(1, 30, (2, 7)), torch.arange(7) < torch.tensor([[7], [4]])
    if model.output_bias is not None:
        torch.nn.init.normal_(model.output_bias)
    output = model(ids, mask)
    hidden = model.encoder(ids, mask).last_hidden_state
    scale = 1.0 if variant.get("initialization") == "truncated_normal" else 0.25
    expected = scale * hidden @ model.encoder.embedding.weight.T
    if model.output_bias is not None:
        expected = expected + model.output_bias
    torch.testing.assert_close(output.logits, expected)
    torch.testing.assert_close(model.token_logits(hidden[0, 2]), expected[0, 2])
    assert output.loss is None


def test_it_starts_with_about_the_loss_of_a_guess(small_encoder: Build, variant: dict) -> None:
    """Logits far from even would be a lost start; both initialisations have to fit the tied table."""
    model = masked_lm(small_encoder, **{**variant, "vocab_size": 500, "hidden_size": 64})
    ids = torch.randint(1, 500, (4, 32))
    labels = torch.randint(1, 500, (4, 32))
    loss = model(ids, labels=labels).loss
    assert loss.item() == pytest.approx(math.log(500), abs=1.2)


def test_the_loss_is_the_mean_over_labelled_tokens(small_encoder: Build) -> None:
    model = masked_lm(small_encoder)
    ids, mask = torch.randint(1, 30, (2, 7)), torch.arange(7) < torch.tensor([[7], [4]])
    labels = torch.full_like(ids, -100)
    labels[0, 2], labels[0, 5], labels[1, 1] = 4, 9, 21
    output = model(ids, mask, labels)
    chosen = output.logits.log_softmax(-1)[[0, 0, 1], [2, 5, 1], [4, 9, 21]]
    torch.testing.assert_close(output.loss, -chosen.mean())
    output.loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_the_loss_is_made_in_single_precision(small_encoder: Build) -> None:
    ids = torch.randint(1, 30, (2, 7))
    assert masked_lm(small_encoder).bfloat16()(ids, labels=ids).loss.dtype == torch.float32


def test_a_saved_folder_gives_the_encoder_with_all_its_weights(
    small_encoder: Build, variant: dict, tmp_path: Path
) -> None:
    tokenizer = build_character_tokenizer(["abcdefghijklmnopqrst"])
    model = masked_lm(small_encoder, **variant)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    encoder, loading = AutoModel.from_pretrained(tmp_path, output_loading_info=True)
    assert isinstance(encoder, NativeEncoder)
    assert not loading["missing_keys"]
    ids = torch.randint(1, 30, (2, 7))
    expected = model.encoder(ids).last_hidden_state
    assert torch.equal(encoder(ids).last_hidden_state, expected)
    loaded = load_pretrained(str(tmp_path))
    assert torch.equal(loaded.encoder.eval()(ids).last_hidden_state, expected)
    assert loaded.unused_weights == (("output_bias",) if model.output_bias is not None else ())
    assert loaded.tokenizer("abc").input_ids == tokenizer("abc").input_ids


def test_a_saved_folder_gives_the_whole_model_again(small_encoder: Build, variant: dict, tmp_path: Path) -> None:
    model = masked_lm(small_encoder, **variant)
    if model.output_bias is not None:
        torch.nn.init.normal_(model.output_bias)
    model.save_pretrained(tmp_path)
    again = AutoModelForMaskedLM.from_pretrained(tmp_path)
    assert isinstance(again, NativeEncoderForMaskedLM)
    ids = torch.randint(1, 30, (2, 7))
    assert torch.equal(again(ids).logits, model(ids).logits)


def test_an_encoder_goes_on_as_a_masked_lm(small_encoder: Build, tmp_path: Path) -> None:
    encoder = small_encoder(attention="gau", bias="none")
    encoder.save_pretrained(tmp_path)
    model, loading = AutoModelForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not loading["missing_keys"]
    assert not loading["unexpected_keys"]
    ids = torch.randint(1, 30, (1, 7))
    assert torch.equal(model.encoder(ids).last_hidden_state, encoder(ids).last_hidden_state)


def test_it_learns_to_say_what_was_masked() -> None:
    torch.manual_seed(0)
    shape = NativeEncoderConfig(
        vocab_size=12,
        hidden_size=16,
        num_hidden_layers=1,
        intermediate_size=32,
        attention="gau",
        key_size=8,
        dropout=0.0,
    )
    model = NativeEncoderForMaskedLM(shape).train()
    texts = torch.arange(2, 12).repeat(8, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(150):
        place = torch.randint(10, (8,), generator=torch.Generator().manual_seed(step))
        masked = texts.scatter(1, place.unsqueeze(1), 1)
        loss = model(masked, labels=texts.masked_fill(masked != 1, -100)).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.7 * math.log(10)
