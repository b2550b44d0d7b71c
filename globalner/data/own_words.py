"""Words of our own, for tokenizers whose words are no words: runs of letters, or whatever stands between blanks."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, pre_tokenizers

__all__ = ["GRAPHEME_PATTERN", "UNSPACED_SCRIPTS", "WORD_PATTERN", "own_word_edges", "tells_words_apart"]

UNSPACED_SCRIPTS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
"""What stands in a character class for the scripts that put no blanks between words."""
GRAPHEME_PATTERN = r"\X"
"""What a reader takes for one character, with its marks and all that is joined to it."""
WORD_PATTERN = rf"(?:(?=[[\p{{L}}\p{{M}}\p{{N}}]&&[^{UNSPACED_SCRIPTS}]]){GRAPHEME_PATTERN})+|{GRAPHEME_PATTERN}"
"""A run of letters, marks and digits, or any other single grapheme; those of scripts written without spaces too."""

_PROBE = "(ab) 北京"
_PROBE_WORDS = frozenset(("(", "ab", ")", "北", "京"))


def tells_words_apart(tokenizer: Tokenizer) -> bool:
    """Whether the words of a tokenizer end where punctuation begins, and each Chinese character is one.

    Those of BERT do. A byte-level tokenizer makes a Chinese clause one word, some glue a bracket to what follows it,
    and SentencePiece has a word for what stands between two blanks, or a single one for the whole text.
    """
    encoding = tokenizer.encode(_PROBE, add_special_tokens=False)
    words: dict[int | None, tuple[int, int]] = {}
    for word, (start, end) in zip(encoding.word_ids, encoding.offsets, strict=True):
        first, last = words.get(word, (start, end))
        words[word] = min(first, start), max(last, end)
    texts = (_PROBE[start:end].strip() for start, end in words.values())
    return all(len(text) <= 1 or text in _PROBE_WORDS for text in texts)


def own_word_edges(text: str, pattern: str = WORD_PATTERN) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Characters at which words start and end (**exclusive**).

    Args:
        text: Any text.
        pattern: What a word is, as a regular expression of Oniguruma that fits something everywhere.
    """
    spans = [span for _, span in _splitter(pattern).pre_tokenize_str(text)]
    edges = np.array(spans, dtype=np.int64).reshape(-1, 2)
    return edges[:, 0], edges[:, 1]


@cache
def _splitter(pattern: str) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Split(Regex(pattern), behavior="isolated")
