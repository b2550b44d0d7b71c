"""Cuts that a tokenizer is given beside its own, so that entities with an edge inside its tokens can be expressed."""

from __future__ import annotations

import json
from typing import Any, Literal

from tokenizers import Tokenizer

from globalner.data.own_words import GRAPHEME_PATTERN, UNSPACED_SCRIPTS

__all__ = ["Alignment", "cut_word_pattern", "with_cuts"]

Alignment = Literal["report", "expand", "split", "characters"]

_BLANK = r"\s▁"
_LETTER = rf"[[\p{{L}}\p{{M}}\x{{200c}}\x{{200d}}]&&[^{UNSPACED_SCRIPTS}]]"
_BETWEEN_GRAPHEMES = rf"\y(?<=[^{_BLANK}])(?=[^{_BLANK}])"
_BEFORE_BLANK = rf"(?<=[^{_BLANK}])(?=[ ▁])"
# Of no width: a cut takes nothing away, and the blank that many vocabularies put before a word stays with the word.
_CUTS = {
    "split": rf"{_BETWEEN_GRAPHEMES}(?!(?<={_LETTER})(?={_LETTER}))(?!(?<=\p{{N}})(?=\p{{N}}))|{_BEFORE_BLANK}",
    "characters": rf"{_BETWEEN_GRAPHEMES}|{_BEFORE_BLANK}",
}
_WORDS = {
    "split": rf"(?:(?=[[\p{{L}}\p{{M}}]&&[^{UNSPACED_SCRIPTS}]])\X)+|(?:(?=\p{{N}})\X)+|{GRAPHEME_PATTERN}",
    "characters": GRAPHEME_PATTERN,
}


def cut_word_pattern(alignment: Alignment) -> str | None:
    """What a word is where tokens are cut, as a regular expression; None where nothing is cut."""
    return _WORDS.get(alignment)


def with_cuts(tokenizer: Tokenizer, alignment: Alignment) -> Tokenizer:
    """A copy of a tokenizer that also cuts where the alignment says; no token reaches over a cut.

    "split" cuts between letters and numbers, and around each character that is neither or is of a script written
    without spaces; runs of letters and runs of numbers stay whole. "characters" cuts around every character. A
    character is a grapheme here: nothing is cut off its combining marks, and no emoji from what it is joined with.
    "report" and "expand" cut nowhere.

    Args:
        tokenizer: Any fast tokenizer; it is not changed.
        alignment: What is done about entities whose edge lies inside a token.
    """
    if alignment not in _CUTS:
        return Tokenizer.from_str(tokenizer.to_str())
    description: dict[str, Any] = json.loads(tokenizer.to_str())
    steps = _steps(description["pre_tokenizer"])
    # Behind a byte-level step there are no characters any more, so that the cuts stand before it.
    place = next((at for at, step in enumerate(steps) if step["type"] == "ByteLevel"), len(steps))
    before, behind = _blank_put_first(steps[place:])
    cut = {"type": "Split", "pattern": {"Regex": _CUTS[alignment]}, "behavior": "Isolated", "invert": False}
    steps = [*steps[:place], *before, cut, *behind]
    description["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": steps}
    return Tokenizer.from_str(json.dumps(description))


def _steps(pre_tokenizer: dict[str, Any] | None) -> list[dict[str, Any]]:
    if pre_tokenizer is None:
        return []
    if pre_tokenizer["type"] != "Sequence":
        return [pre_tokenizer]
    return [step for part in pre_tokenizer["pretokenizers"] for step in _steps(part)]


def _blank_put_first(steps: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What goes before the cuts and behind them.

    A byte-level step may put a blank before each of its pieces. Behind the cuts these are more; so a step before them
    does it instead.
    """
    if not steps or not steps[0].get("add_prefix_space"):
        return [], steps
    blank_first = {"type": "Metaspace", "replacement": " ", "prepend_scheme": "always", "split": False}
    return [blank_first], [{**steps[0], "add_prefix_space": False}, *steps[1:]]
