"""Whole-word masking: which tokens a masked-language model has to find, and what it sees in their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from globalner.data.packing import TokenRows

__all__ = ["MaskedRows", "MaskingRules", "mask_words"]

_MASKED, _RANDOM = 0.8, 0.1


@dataclass(frozen=True)
class MaskingRules:
    """How tokens are chosen and hidden.

    Attributes:
        mask_id: Id of the mask token.
        special_ids: Ids that are never chosen: padding, unknown, and what frames a text.
        vocabulary_size: Number of ids.
        rate: Share of the other tokens that is chosen.
        mean_span_words: Mean number of neighbouring words that are chosen together, drawn geometrically.
    """

    mask_id: int
    special_ids: tuple[int, ...]
    vocabulary_size: int
    rate: float = 0.15
    mean_span_words: float = 1.0

    @property
    def ordinary_ids(self) -> NDArray[np.int64]:
        """Ids that are not special."""
        return np.setdiff1d(np.arange(self.vocabulary_size), self.special_ids)


class MaskedRows(NamedTuple):
    """What the model sees, and where it has to find what was there.

    Attributes:
        ids: (B, L) int64.
        chosen: (B, L) bool.
    """

    ids: NDArray[np.int64]
    chosen: NDArray[np.bool_]

    def part(self, rows: slice) -> MaskedRows:
        """Some of the rows."""
        return MaskedRows(self.ids[rows], self.chosen[rows])


def mask_words(rows: TokenRows, rules: MaskingRules, random: np.random.Generator) -> MaskedRows:
    """Chooses about `rate` of each row's ordinary tokens, whole words at a time, and hides them.

    Of the chosen tokens 80 % become the mask token, 10 % any ordinary token, and 10 % stay as they are. Words that are
    chosen together are neighbours: a word goes with the one before it with probability 1 - 1 / mean_span_words.

    Args:
        rows: Windows; rows do not influence each other's share.
        rules: What is chosen and what is put in its place.
        random: Source of all choices.

    Source: BERT (arXiv 1810.04805) with whole words; spans as in SpanBERT (arXiv 1907.10529).
    """
    open_places = rows.attended & ~np.isin(rows.ids, rules.special_ids)
    chosen = _chosen(rows, open_places, rules, random)
    ids = rows.ids.copy()
    ordinary, size = rules.ordinary_ids, rows.ids.shape
    fate = random.random(size)
    ids[chosen & (fate < _MASKED)] = rules.mask_id
    replaced = chosen & (fate >= _MASKED) & (fate < _MASKED + _RANDOM)
    ids[replaced] = ordinary[random.integers(len(ordinary), size=size)][replaced]
    return MaskedRows(ids, chosen)


def _chosen(
    rows: TokenRows, open_places: NDArray[np.bool_], rules: MaskingRules, random: np.random.Generator
) -> NDArray[np.bool_]:
    """Units in a random order, row by row, as long as the middle of a unit lies within the row's share.

    The middle, since neither all units that reach over the edge of the share nor none of them would give the rate.
    """
    row_of, column_of = np.nonzero(open_places)
    share = np.maximum(1, np.rint(open_places.sum(axis=1) * rules.rate).astype(np.int64))
    begins = _unit_begins(rows, open_places, share, rules.mean_span_words, random)[row_of, column_of]
    unit_of = np.cumsum(begins) - 1
    row_of_unit = row_of[begins]
    length = np.bincount(unit_of)
    order = np.lexsort((random.random(len(length)), row_of_unit))
    reached = np.cumsum(length[order])
    before_row = np.concatenate([[0], reached])[np.searchsorted(row_of_unit[order], row_of_unit[order])]
    taken = np.zeros(len(length), dtype=bool)
    taken[order] = reached - before_row - length[order] / 2 <= share[row_of_unit[order]]
    chosen = np.zeros_like(open_places)
    chosen[row_of, column_of] = taken[unit_of]
    return chosen


def _unit_begins(
    rows: TokenRows,
    open_places: NDArray[np.bool_],
    share: NDArray[np.int64],
    mean_span_words: float,
    random: np.random.Generator,
) -> NDArray[np.bool_]:
    """(B, L): where a unit begins. A unit is one or more whole words; one longer than the row's share is cut."""
    alone = random.random(rows.ids.shape) < 1 / mean_span_words
    behind_special = np.ones_like(open_places)
    behind_special[:, 1:] = ~open_places[:, :-1]
    begins = open_places & (behind_special | (rows.word_starts & alone))
    columns = np.arange(rows.ids.shape[1])
    first = np.maximum.accumulate(np.where(begins, columns, 0), axis=1)
    cut: NDArray[np.bool_] = open_places & ((columns - first) % share[:, None] == 0)
    return begins | cut
