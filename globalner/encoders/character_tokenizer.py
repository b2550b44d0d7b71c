"""A fast tokenizer that makes each character one token, built from a training text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

__all__ = ["build_character_tokenizer"]

_SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def build_character_tokenizer(
    texts: Iterable[str], *, min_count: int = 1, lowercase: bool = False
) -> PreTrainedTokenizerFast:
    """A tokenizer of single code points, blanks included; offsets are exact for any text.

    Args:
        texts: The training texts.
        min_count: Characters seen fewer times are left to `[UNK]`, which is thereby trained.
        lowercase: Whether letters are lowered first.
    """
    counts = Counter(character for text in texts for character in (text.lower() if lowercase else text))
    kept = sorted(character for character, count in counts.items() if count >= min_count)
    vocabulary = {token: index for index, token in enumerate((*_SPECIAL_TOKENS, *kept))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    if lowercase:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
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
