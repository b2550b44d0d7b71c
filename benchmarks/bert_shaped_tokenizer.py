"""A tokenizer in the shape of bert-base-chinese, its vocabulary learnt from the texts of a benchmark."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from globalner.encoders import build_wordpiece_tokenizer

__all__ = ["bert_shaped_tokenizer"]


def bert_shaped_tokenizer(texts: Sequence[str], *, vocabulary_size: int) -> PreTrainedTokenizerFast:
    """Lowercase, without accents; each Chinese character a word, a run of Latin letters and digits one too.

    Args:
        texts: What the word pieces are learnt from; the same texts give the same vocabulary.
        vocabulary_size: Most tokens, single characters included.
    """
    tokenizer = build_wordpiece_tokenizer(texts, vocabulary_size=vocabulary_size, lowercase=True)
    tokenizer.backend_tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer
