"""Short fingerprints of texts, so that equal texts are found without keeping any."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from hashlib import blake2b

from globalner.types import Entity

__all__ = ["entities_digest", "normal_text", "text_digest"]


def text_digest(text: str, *, size_bytes: int = 8) -> int:
    """A number that equal texts share. With 8 bytes, two of a million different texts meet with odds of 1 in 10^7."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size_bytes).digest())


def normal_text(text: str) -> str:
    """The text as readers hardly tell it from others: NFKC, no case, each run of blanks one, none at the edges."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def entities_digest(entities: Iterable[Entity]) -> int:
    """A number that sets of entities share when their spans and labels are the same, in any order."""
    return text_digest(repr(sorted({entity.key for entity in entities})))
