"""`TokenSpans`: found spans as arrays, the common currency of decoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globalner.errors import ShapeError

__all__ = ["TokenSpans"]


@dataclass(frozen=True, slots=True, eq=False)
class TokenSpans:
    """N typed spans of one text with their logits.

    The house's order of spans is: smaller `first`, then larger `last`, then smaller `type`; an outer span comes before
    the spans inside it.

    Attributes:
        first: First tokens, **inclusive**, (N,) int64.
        last: Last tokens, **inclusive**, (N,) int64.
        type: Index of the entity type, (N,) int64.
        logit: (N,) float64; any float type is taken and widened.

    Raises:
        ShapeError: If the arrays are not flat and of one length, or a span has not 0 <= first <= last.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    type: NDArray[np.int64]
    logit: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("first", "last", "type"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.int64))
        object.__setattr__(self, "logit", np.asarray(self.logit, dtype=np.float64))
        shapes = [array.shape for array in (self.first, self.last, self.type, self.logit)]
        if len(set(shapes)) > 1 or len(shapes[0]) != 1:
            raise ShapeError(
                f"first, last, type and logit have the shapes {', '.join(map(str, shapes))}; "
                "give four flat arrays of one length"
            )
        wrong = np.flatnonzero((self.first < 0) | (self.last < self.first))
        if wrong.size:
            at = wrong[0]
            raise ShapeError(
                f"span {at} goes from {self.first[at]} to {self.last[at]}; both are inclusive, so 0 <= first <= last"
            )

    @classmethod
    def empty(cls) -> TokenSpans:
        """No spans."""
        none = np.empty(0, dtype=np.int64)
        return cls(none, none, none, np.empty(0, dtype=np.float64))

    @classmethod
    def concatenate(cls, parts: Sequence[TokenSpans]) -> TokenSpans:
        """The spans of all parts, one part after the other."""
        if not parts:
            return cls.empty()
        return cls(
            np.concatenate([part.first for part in parts]),
            np.concatenate([part.last for part in parts]),
            np.concatenate([part.type for part in parts]),
            np.concatenate([part.logit for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.first)

    def take(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> TokenSpans:
        """Some of the spans, by indices (any order) or by a boolean mask (N,)."""
        return TokenSpans(self.first[chosen], self.last[chosen], self.type[chosen], self.logit[chosen])

    def in_order(self) -> TokenSpans:
        """The spans in the house's order; of equal spans the one with the higher logit comes first."""
        return self.take(np.lexsort((-self.logit, self.type, -self.last, self.first)))

    def above(self, threshold_logits: ArrayLike) -> TokenSpans:
        """The spans whose logit lies strictly above the threshold of their type.

        Args:
            threshold_logits: (C,); plus infinity switches a type off.

        Raises:
            ShapeError: If a type index has no threshold.
        """
        thresholds = np.asarray(threshold_logits, dtype=np.float64)
        if thresholds.ndim != 1:
            raise ShapeError(f"threshold_logits has the shape {thresholds.shape}; give one threshold a type, (C,)")
        wrong = self.type[(self.type < 0) | (self.type >= len(thresholds))]
        if wrong.size:
            raise ShapeError(f"type index {wrong[0]} has no threshold; there are {len(thresholds)}, counted from 0")
        return self.take(self.logit > thresholds[self.type])
