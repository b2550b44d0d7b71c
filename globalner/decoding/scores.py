"""Logit and score: the one pair of functions between what kernels speak and what people see."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globalner.errors import DataError

__all__ = ["SCORE_MARGIN", "logit_from_score", "score_from_logit"]

SCORE_MARGIN = 1e-6
"""Scores stay this far from 0 and 1, so that each has a finite logit."""


def score_from_logit(logit: ArrayLike) -> NDArray[np.float64]:
    """score = 1 / (1 + exp(-logit)), computed in double and kept inside [1e-6, 1 - 1e-6].

    Args:
        logit: Logits of any shape and float type; infinite ones too.

    Returns:
        Scores of the same shape, float64.
    """
    logit = np.asarray(logit, dtype=np.float64)
    decay = np.exp(-np.abs(logit))
    score = np.where(logit >= 0, 1.0, decay) / (1.0 + decay)
    return np.asarray(np.clip(score, SCORE_MARGIN, 1.0 - SCORE_MARGIN))


def logit_from_score(score: ArrayLike) -> NDArray[np.float64]:
    """logit = log(score) - log(1 - score), computed in double: the inverse of `score_from_logit`.

    Args:
        score: Scores of any shape, each strictly between 0 and 1.

    Returns:
        Logits of the same shape, float64; exactly 0 for 0.5.

    Raises:
        DataError: If a score is not strictly between 0 and 1.
    """
    score = np.asarray(score, dtype=np.float64)
    inside = (score > 0.0) & (score < 1.0)
    if not np.all(inside):
        raise DataError(
            f"score {float(score[~inside].flat[0])} has no logit; a score lies between 0 and 1, both excluded"
        )
    return np.asarray(np.log(score) - np.log1p(-score))
