from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.encoders import NativeEncoder, NativeEncoderConfig, build_character_tokenizer


def encoder(convolution_width: int = 0) -> NativeEncoder:
    torch.manual_seed(0)
    shape = NativeEncoderConfig(
        vocab_size=20,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        convolution_width=convolution_width,
        dropout=0.3,
    )
    return NativeEncoder(shape).double().eval()


@pytest.mark.parametrize("convolution_width", [0, 5])
def test_padding_and_company_change_nothing(convolution_width: int) -> None:
    model = encoder(convolution_width)
    ids = torch.tensor([[2, 7, 8, 3, 0, 0], [2, 9, 10, 11, 12, 3]])
    together = model(ids, ids != 0).last_hidden_state
    alone = model(ids[:1, :4], ids[:1, :4] != 0).last_hidden_state
    torch.testing.assert_close(together[:1, :4], alone, rtol=1e-9, atol=1e-9)


def test_every_token_sees_every_other() -> None:
    model = encoder()
    ids = torch.tensor([[2, 7, 8, 9, 3]])
    changed = torch.tensor([[2, 7, 8, 10, 3]])
    mask = torch.ones_like(ids)
    difference = (model(ids, mask).last_hidden_state - model(changed, mask).last_hidden_state).abs().sum(-1)
    assert (difference > 0).all()


def test_order_matters() -> None:
    model = encoder()
    mask = torch.ones(1, 4)
    one = model(torch.tensor([[2, 7, 8, 3]]), mask).last_hidden_state[0, 0]
    other = model(torch.tensor([[2, 8, 7, 3]]), mask).last_hidden_state[0, 0]
    assert not torch.allclose(one, other)


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=30), lowercase=st.booleans())
def test_each_character_is_one_token_with_its_own_offset(text: str, lowercase: bool) -> None:
    tokenizer = build_character_tokenizer(["abc 北京"], lowercase=lowercase)
    encoding = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
    if not lowercase:
        assert encoding.offsets == [(place, place + 1) for place in range(len(text))]
    assert all(0 <= start < end <= len(text) for start, end in encoding.offsets)


def test_rare_characters_share_the_unknown_token(tmp_path: Path) -> None:
    tokenizer = build_character_tokenizer(["aab"], min_count=2)
    unknown = tokenizer.unk_token_id
    ids = tokenizer("ab").input_ids
    assert ids == [tokenizer.cls_token_id, tokenizer.convert_tokens_to_ids("a"), unknown, tokenizer.sep_token_id]
    tokenizer.save_pretrained(tmp_path)
    assert type(tokenizer).from_pretrained(tmp_path)("ab").input_ids == ids


def test_words_are_runs_of_letters_and_single_characters_of_unspaced_scripts() -> None:
    tokenizer = build_character_tokenizer(["abc 北京2017"]).backend_tokenizer
    text = "ab北京2017年c-d สวัสดี ひら"
    encoding = tokenizer.encode(text, add_special_tokens=False)
    words: dict[int, str] = {}
    for word, (start, end) in zip(encoding.word_ids, encoding.offsets, strict=True):
        words[word] = words.get(word, "") + text[start:end]
    spaced = ["ab", "北", "京", "2017", "年", "c", "-", "d", " "]
    assert list(words.values())[: len(spaced)] == spaced
    assert list(words.values())[-3:] == [" ", "ひ", "ら"]
