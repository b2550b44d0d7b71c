"""Words by spaCy's rules of a language."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from globalner.errors import DataError

__all__ = ["spacy_words"]


@cache
def spacy_words(language: str) -> Callable[[str], tuple[tuple[int, int], ...]]:
    """What splits a text into words as spaCy's rules of a language do, words of blanks only among them.

    Args:
        language: Code of the language, such as `en`, or `xx` for any.

    Raises:
        DataError: If spaCy has no rules for it, or none without further packages.
    """
    import spacy

    try:
        tokenizer = spacy.blank(language).tokenizer
    except ImportError as error:
        raise DataError(
            f"spaCy has no language {language!r} that can be used here ({error}); codes are those of ISO 639: en"
        ) from None

    def split(text: str) -> tuple[tuple[int, int], ...]:
        return tuple((word.idx, word.idx + len(word)) for word in tokenizer(text))

    return split
