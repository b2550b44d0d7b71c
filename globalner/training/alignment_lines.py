"""What training says about entities whose edges lie inside tokens, and which options do something about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from globalner.data import Report, TextTokenizer, unreachable_entities
from globalner.data.alignment import count_edges_inside
from globalner.model import GlobalPointerConfig
from globalner.types import Document

__all__ = ["alignment_lines", "dev_alignment_lines"]

_EXPAND = "expand learns the whole tokens instead"
_CHARACTERS = "characters cuts tokens around each character, so that they can be learnt and found"
_WAYS_OUT = {
    "report": f"{_EXPAND}; split cuts tokens between letters, numbers and other characters; {_CHARACTERS}",
    "split": f"{_EXPAND}; {_CHARACTERS}",
}


def alignment_lines(entities: int, config: GlobalPointerConfig, left_out: Report, expanded: Report) -> Iterator[str]:
    """Lines about the training documents: reasons with examples, how many in all, and the ways out.

    Args:
        entities: How many entities the training documents hold.
        config: The model's configuration: alignment and boundary.
        left_out: Entities that are not learnt, by reason.
        expanded: Entities that are learnt with other edges, by reason.
    """
    for line in left_out.lines():
        yield f"training entities left out: {line}"
    for line in expanded.lines():
        yield f"training entities expanded to the edges of their tokens: {line}"
    inside_token, inside_word = count_edges_inside(left_out)
    if inside_token and config.alignment in _WAYS_OUT:
        yield (
            f"{inside_token:,} of {entities:,} training entities have an edge inside a token and are left out, since "
            f"data.alignment is {config.alignment}: {_WAYS_OUT[config.alignment]}"
        )
    if inside_word:
        yield (
            f"{inside_word:,} of {entities:,} training entities have an edge inside a word and are left out, since "
            "data.boundary is word: with token they may start and end in words"
        )


def dev_alignment_lines(
    dev: Sequence[Document], config: GlobalPointerConfig, tokenizer: TextTokenizer
) -> Iterator[str]:
    """Lines about gold entities of the dev documents that no prediction can equal.

    Args:
        dev: The dev documents.
        config: The model's configuration.
        tokenizer: Of the model.
    """
    for line in unreachable_entities(dev, tokenizer, config.label_set).lines():
        yield f"dev entities that cannot be found and count as missed: {line}"
