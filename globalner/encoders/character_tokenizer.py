"""A fast tokenizer that makes each character one token, built from a training text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from globalner.data.own_words import WORD_PATTERN

__all__ = ["build_character_tokenizer", "count_unknown_characters"]

_SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


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
    counts = Counter(character for text in texts for character in (text.lower() if lowercase else text))
    kept = sorted(character for character, count in counts.items() if count >= min_count)
    vocabulary = {token: index for index, token in enumerate((*_SPECIAL_TOKENS, *kept))}
    # Byte pair encoding without a single merge: words fall into their characters.
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="[UNK]", fuse_unk=False))
    if lowercase:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORD_PATTERN), behavior="isolated")
    ends = [(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")]
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


def count_unknown_characters(tokenizer: PreTrainedTokenizerFast, texts: Iterable[str]) -> Counter[str]:
    """How often each character that a tokenizer of characters reads as `[UNK]` stands in texts."""
    known, normalizer = tokenizer.get_vocab(), tokenizer.backend_tokenizer.normalizer
    counts = Counter(
        character for text in texts for character in (normalizer.normalize_str(text) if normalizer else text)
    )
    return Counter({character: count for character, count in counts.items() if character not in known})
