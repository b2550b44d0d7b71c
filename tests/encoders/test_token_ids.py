from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tokenizers import AddedToken
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from globalner.encoders import load_pretrained, padding_id
from globalner.encoders.token_ids import highest_text_id
from globalner.errors import CheckpointError


def test_a_batch_is_filled_with_padding_else_the_end_else_zero(decoder_folder: Path) -> None:
    tokenizer: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(decoder_folder)
    assert tokenizer.pad_token_id is None
    assert padding_id(tokenizer) == tokenizer.eos_token_id > 0
    tokenizer.pad_token = "!"
    assert padding_id(tokenizer) == tokenizer.convert_tokens_to_ids("!")
    bare = PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend_tokenizer)
    assert padding_id(bare) == 0


@pytest.mark.parametrize("special", [True, False])
def test_only_ids_that_a_text_can_have_must_have_a_vector(decoder_folder: Path, tmp_path: Path, special: bool) -> None:
    folder = shutil.copytree(decoder_folder, tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    size = load_pretrained(str(folder)).encoder.config.vocab_size
    extra = [AddedToken(f"<picture {number}>", special=special) for number in range(size)]
    tokenizer.add_tokens(extra, special_tokens=special)
    tokenizer.save_pretrained(folder)
    assert (highest_text_id(tokenizer) < size) == special
    if special:
        assert load_pretrained(str(folder)).tokenizer.convert_tokens_to_ids(extra[-1].content) >= size
    else:
        with pytest.raises(CheckpointError, match="do not belong together"):
            load_pretrained(str(folder))
