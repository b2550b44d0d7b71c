"""Context of a text: tokens of its neighbours in the same document, which the encoder sees and no entity lies in."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from globalner.data.tokenized_text import TokenizedDocument
from globalner.errors import ConfigError
from globalner.types import Document

__all__ = ["NO_CONTEXT", "ContextKind", "ContextRule", "TextInContext", "with_context"]

ContextKind = Literal["none", "document"]
Ints = NDArray[np.int64]

_NUMBERED = re.compile(r"(.*\S)[\s._:#/-]+\D{0,2}\d+")
_NOTHING: Ints = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class ContextRule:
    """Which neighbours are the context of a text, and how much of them.

    Attributes:
        kind: "none"; or "document": texts next to it whose further key `document` is the same, or, where there is no
            such key, whose ids are the same up to a number at their end (`report-7.3` and `report-7.4`). A text that
            has neither is a document by itself.
        tokens: Most tokens on each side.

    Raises:
        ConfigError: If there is no such kind, or `tokens` is below 0.
    """

    kind: ContextKind = "none"
    tokens: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(ContextKind):
            raise ConfigError(f"context must be one of {', '.join(get_args(ContextKind))}; got {self.kind!r}")
        if self.tokens < 0:
            raise ConfigError(f"context_tokens must be at least 0; got {self.tokens}")

    def joins(self, one: Document, other: Document) -> bool:
        """Whether two texts that stand next to each other belong together."""
        if self.kind == "none" or not self.tokens:
            return False
        name = _document_of(one)
        return name is not None and name == _document_of(other)


NO_CONTEXT = ContextRule()


@dataclass(frozen=True, eq=False)
class TextInContext:
    """A document with its tokens, and those that stand around it.

    Attributes:
        tokenized: The document and its tokens.
        before: Ids of the tokens before it.
        behind: Ids of the tokens behind it.
    """

    tokenized: TokenizedDocument
    before: Ints = field(default_factory=lambda: _NOTHING)
    behind: Ints = field(default_factory=lambda: _NOTHING)


def with_context(texts: Iterable[TokenizedDocument], rule: ContextRule, room: int) -> Iterator[TextInContext]:
    """Each text with as much context as fits in its window, shared evenly between the sides where it does not all fit.

    A text that needs several windows fills them, and has none.

    Args:
        texts: Tokenized documents, in order. Each one has to be walked through before the next one is asked for.
        rule: What belongs together.
        room: Tokens of a window beside the special tokens.
    """
    if rule.kind == "none" or not rule.tokens:
        yield from map(TextInContext, texts)
        return
    stream = iter(texts)
    coming: deque[TokenizedDocument] = deque()
    before = _NOTHING
    while coming or (first := next(stream, None)) is not None:
        text = coming.popleft() if coming else first
        assert text is not None
        behind = _following(text, coming, stream, rule)
        yield _fitted(text, before, behind, room)
        joined = bool(coming) and rule.joins(text.document, coming[0].document)
        before = np.concatenate([before, text.tail(rule.tokens)])[-rule.tokens :] if joined else _NOTHING


def _following(
    text: TokenizedDocument, coming: deque[TokenizedDocument], stream: Iterator[TokenizedDocument], rule: ContextRule
) -> Ints:
    """Ids of the tokens behind a text, as many as may be context; texts that are read for it are queued."""
    ids: list[Ints] = []
    last, wanted, place = text, rule.tokens, 0
    while wanted > 0:
        if place == len(coming):
            read = next(stream, None)
            if read is None:
                break
            coming.append(read)
        if not rule.joins(last.document, coming[place].document):
            break
        last, place = coming[place], place + 1
        ids.append(last.head(wanted))
        wanted -= len(ids[-1])
    return np.concatenate(ids) if ids else _NOTHING


def _fitted(text: TokenizedDocument, before: Ints, behind: Ints, room: int) -> TextInContext:
    spare = 0 if text.tokens is None else max(0, room - len(text.tokens))
    if text.tokens is not None and not len(text.tokens):
        spare = 0
    left = min(len(before), max(spare // 2, spare - len(behind)))
    right = min(len(behind), spare - left)
    return TextInContext(text, before[len(before) - left :], behind[:right])


def _document_of(document: Document) -> object:
    named = document.extra.get("document")
    if isinstance(named, str | int):
        return named
    numbered = None if document.id is None else _NUMBERED.fullmatch(document.id)
    return numbered and numbered[1]
