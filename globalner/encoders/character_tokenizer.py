"""A fast tokenizer that makes each character one token, built from a training text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from globalner.data.own_words import WORD_PATTERN
from globalner.encoders.tokenizer_parts import SPECIAL_TOKENS, framed_tokenizer, frequent_characters

__all__ = ["build_character_tokenizer", "count_unknown_characters"]


def build_character_tokenizer(
    texts: Iterable[str], *, min_count: int = 1, lowercase: bool = False
) -> PreTrainedTokenizerFast:
    """A tokenizer of single code points, blanks included; offsets are exact for any text.

    Its words, which `boundary: word` goes by, are runs of letters, marks and digits; every character of a script
    written without spaces, every punctuation mark and every blank is a word of its own.

    Args:
        texts: The training texts.
        min_count: Characters seen fewer times are left to `[UNK]`, which is thereby trained.
        lowercase: Whether letters are lowered first.
    """
    kept = frequent_characters(texts, min_count=min_count, lowercase=lowercase)
    vocabulary = {token: index for index, token in enumerate((*SPECIAL_TOKENS, *kept))}
    # Byte pair encoding without a single merge: words fall into their characters.
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="[UNK]", fuse_unk=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORD_PATTERN), behavior="isolated")
    return framed_tokenizer(tokenizer, lowercase=lowercase)


def count_unknown_characters(tokenizer: PreTrainedTokenizerFast, texts: Iterable[str]) -> Counter[str]:
    """How often each character that a tokenizer of characters reads as `[UNK]` stands in texts."""
    known, normalizer = tokenizer.get_vocab(), tokenizer.backend_tokenizer.normalizer
    counts = Counter(
        character for text in texts for character in (normalizer.normalize_str(text) if normalizer else text)
    )
    return Counter({character: count for character, count in counts.items() if character not in known})
