"""Long texts, tokenized stretch by stretch: together the stretches have the tokens of the whole text.

What the library keeps of a text while it encodes it is far larger than the tokens. So a long text goes to it in
stretches that overlap. Two of them are joined at a token border inside the overlap, where both have the same tokens for
as far as a quarter of the overlap on either side: what stands further away has no say there, neither the beginning of a
stretch, before which some tokenizers put a blank, nor its end, which may cut a word. Blanks are preferred as borders,
then edges of words; where hardly any token is, any place outside of them.

For tokenizers that cut a text into words before anything else, and all but those of the SentencePiece kind do, a token
depends on its word alone, and the join is exact. The others find the same pieces wherever two readings agree on so many
neighbours. Where nothing agrees (a word longer than a stretch, a run of one letter that is paired in another way each
time) the overlap is doubled up to the whole stretch; then the text is cut there, and the report says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from globalner.data.report import Report
from globalner.data.tokenized_text import TokenizedText

__all__ = ["CUT_ANYWHERE", "StretchSize", "stretches"]

CUT_ANYWHERE = "place in a long text where it was cut although its tokens may depend on it"


@dataclass(frozen=True)
class StretchSize:
    """How a long text is read.

    Attributes:
        chars: Characters that a stretch adds; texts of no more are read at once.
        margin_chars: Half of what two stretches share at first. To be longer than most words.
    """

    chars: int = 65_536
    margin_chars: int = 512


def stretches(
    num_chars: int, read: Callable[[int, int], TokenizedText], size: StretchSize, report: Report
) -> Iterator[TokenizedText]:
    """The tokens of a text, some at a time.

    Args:
        num_chars: Characters of the text.
        read: Tokens of the characters from the first number up to and without the second; offsets of the whole text.
        size: How much is read at once.
        report: Takes the places where nothing agreed.
    """
    begin, end = 0, min(num_chars, size.chars)
    tokens, first = read(begin, end), 0
    while end < num_chars:
        further = min(num_chars, end + size.chars)
        joined = _joined(tokens, read, end, further, size)
        if joined is None:
            cut = end - size.margin_chars
            report.add(CUT_ANYWHERE, f"at character {cut:,}")
            done = int(tokens.char_starts[first]) if first < len(tokens) else cut
            tokens = read(begin, cut)
            yield tokens.part(_places(tokens, done), len(tokens))
            begin, tokens, first = cut, read(cut, further), 0
        else:
            last, (begin, following, first_following) = joined
            yield tokens.part(first, last)
            tokens, first = following, first_following
        end = further
    yield tokens.part(first, len(tokens))


def _joined(
    tokens: TokenizedText, read: Callable[[int, int], TokenizedText], end: int, further: int, size: StretchSize
) -> tuple[int, tuple[int, TokenizedText, int]] | None:
    """Where the tokens end, and the stretch behind them: its first character, its tokens, and which of them goes on."""
    overlap = 2 * size.margin_chars
    while overlap <= size.chars:
        begin = end - overlap
        following = read(begin, further)
        seam = _seam(tokens, following, begin + overlap // 4, end - overlap // 4)
        if seam is not None:
            return seam[0], (begin, following, seam[1])
        overlap *= 2
    return None


def _seam(one: TokenizedText, other: TokenizedText, low: int, high: int) -> tuple[int, int] | None:
    """The same border in both, as an index of each, if their tokens that start in [low, high) are the same."""
    mine, theirs = (slice(_places(tokens, low), _places(tokens, high)) for tokens in (one, other))
    if not one.part(mine.start, mine.stop).equals(other.part(theirs.start, theirs.stop)):
        return None
    starts = one.char_starts[mine]
    before = np.maximum.accumulate(one.char_ends[: mine.stop])[mine.start :]
    clean = np.flatnonzero(starts[1:] >= before[:-1]) + 1
    if not clean.size:
        blank = _end(one, mine.start) <= low and _end(other, theirs.start) <= low
        return (mine.start, theirs.start) if blank else None
    rank = 2 * (starts[clean] > before[clean - 1]) + one.may_start[mine][clean]
    best = clean[rank == rank.max()]
    chosen = int(best[np.argmin(np.abs(starts[best] - (low + high) // 2))])
    return mine.start + chosen, theirs.start + chosen


def _end(tokens: TokenizedText, count: int) -> int:
    """Where the last of the first `count` tokens ends."""
    return int(tokens.char_ends[:count].max(initial=0))


def _places(tokens: TokenizedText, char: int) -> int:
    """Index of the first token that starts at the character or behind it."""
    return int(np.searchsorted(np.maximum.accumulate(tokens.char_starts), char))
