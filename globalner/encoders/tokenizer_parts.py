"""What the tokenizers that are built here share: special tokens and the frame around a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tokenizers import Tokenizer, normalizers, processors
from transformers import PreTrainedTokenizerFast

__all__ = ["SPECIAL_TOKENS", "framed_tokenizer", "frequent_characters"]

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""In the order of their ids."""


def frequent_characters(texts: Iterable[str], *, min_count: int, lowercase: bool) -> list[str]:
    """Characters that are seen at least `min_count` times, in the order of their code points."""
    counts = Counter(character for text in texts for character in (text.lower() if lowercase else text))
    return sorted(character for character, count in counts.items() if count >= min_count)


def framed_tokenizer(tokenizer: Tokenizer, *, lowercase: bool) -> PreTrainedTokenizerFast:
    """Finishes a tokenizer whose vocabulary holds the special tokens: a text stands between [CLS] and [SEP]."""
    if lowercase:
        tokenizer.normalizer = normalizers.Lowercase()
    ends = [(token, SPECIAL_TOKENS.index(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "attention_mask"],
    )
