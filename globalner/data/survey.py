"""One pass over documents for all that has to be known of them before they become windows."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from globalner.data.context import NO_CONTEXT, ContextRule
from globalner.types import Document, LabelSet

__all__ = ["Survey", "survey_documents"]


@dataclass(frozen=True)
class Survey:
    """What a set of documents is.

    Attributes:
        documents: Number of documents.
        entities: Number of their entities.
        chars: Characters of their texts.
        labels: Their labels, in alphabetical order.
        digest: SHA-256, as hexadecimal digits, of all that windows are made from: texts, entities, given words, order,
            and which neighbours belong together.
    """

    documents: int
    entities: int
    chars: int
    labels: LabelSet
    digest: str


def survey_documents(documents: Iterable[Document], context: ContextRule = NO_CONTEXT) -> Survey:
    """Looks at documents once, holding one at a time.

    Args:
        documents: The documents.
        context: Which neighbours belong together.
    """
    sha = hashlib.sha256()
    labels: set[str] = set()
    count = entities = chars = 0
    previous: Document | None = None
    for document in documents:
        count, entities, chars = count + 1, entities + len(document.entities), chars + len(document.text)
        labels.update(entity.label for entity in document.entities)
        joined = previous is not None and context.joins(previous, document)
        _add(sha, document, joined)
        previous = document
    return Survey(count, entities, chars, LabelSet(tuple(sorted(labels))), sha.hexdigest())


def _add(sha: hashlib._Hash, document: Document, joined: bool) -> None:
    text = document.text.encode("utf-8", errors="surrogatepass")
    words = () if document.tokens is None else document.tokens
    # Lengths stand first, so that no two sets of documents make the same bytes.
    given = -1 if document.tokens is None else len(words)
    sha.update(struct.pack("<?qqq", joined, len(text), len(document.entities), given))
    sha.update(text)
    if words:
        sha.update(struct.pack(f"<{2 * len(words)}q", *(edge for word in words for edge in word)))
    for entity in document.entities:
        label = entity.label.encode("utf-8", errors="surrogatepass")
        sha.update(struct.pack("<qqq", entity.start, entity.end, len(label)))
        sha.update(label)
