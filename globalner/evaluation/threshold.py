"""The score above which a predicted entity counts, chosen by what it does to micro F1."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from globalner.decoding import DecodingMode, TokenOffsets, TokenSpans, decode_entities, logit_from_score
from globalner.evaluation.counts import paired_documents
from globalner.types import Document, Entity, LabelSet

__all__ = ["THRESHOLDS", "choose_threshold", "decode_again"]

THRESHOLDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)


def choose_threshold(
    gold: Iterable[Document],
    predicted: Iterable[Document],
    labels: LabelSet,
    mode: DecodingMode,
    thresholds: Sequence[float] = THRESHOLDS,
) -> float:
    """Of the thresholds whose micro F1 is within one standard error of the best, the one nearest to half the best F1.

    If scores were exact probabilities, the threshold of the best F1 would be half of that F1: a further span pays as
    long as it is right more often than that. So 0.5 suits a model that makes no mistakes, and one whose F1 is 0.4 does
    best near 0.2. Scores are not exact, so the curve of F1 over the threshold is asked as well; but it is flat at its
    top, and where its peak lies is an accident of the dev documents. The rule of one standard error (as for the pruning
    of trees) moves away from half the best F1 only as far as the documents can tell.

    With tp right, fp wrong and fn missed entities, a = tp / n of the n = tp + fp + fn, and F1 = 2 a / (1 + a); its
    standard error is that of the share a times the slope, 2 / (1 + a)^2 * sqrt(a (1 - a) / n).

    Args:
        gold: Documents with the right entities.
        predicted: One for each gold one, with every scored entity above the lowest threshold, nested.
        labels: The model's labels, in its order.
        mode: How spans become entities.
        thresholds: To choose from; an entity counts if its score is strictly above.

    Returns:
        One of `thresholds`; the nearest to 0.5 if nothing is found right at any of them.

    Raises:
        DataError: If gold and predicted differ in number or texts.

    Source: Lipton, Elkan and Naryanaswamy, Optimal Thresholding of Classifiers to Maximize F1 Measure, 2014 (half the
    best F1); Breiman, Friedman, Olshen and Stone, Classification and Regression Trees, 1984 (one standard error).
    """
    pairs = [({entity.key for entity in truth.entities}, guess) for truth, guess in paired_documents(gold, predicted)]
    num_gold = sum(len(keys) for keys, _ in pairs)
    shares = {}
    for threshold in thresholds:
        right = found = 0
        for keys, guess in pairs:
            kept = decode_again(guess, labels, mode, threshold).entities
            found += len(kept)
            right += sum(entity.key in keys for entity in kept)
        shares[threshold] = (right / max(1, found + num_gold - right), found + num_gold - right)
    best, count = max(shares.values())
    error = 2 / (1 + best) ** 2 * math.sqrt(best * (1 - best) / max(1, count))
    best_f1 = 2 * best / (1 + best)
    good = [threshold for threshold, (share, _) in shares.items() if 2 * share / (1 + share) >= best_f1 - error]
    aim = best_f1 / 2 if best else 0.5
    return min(good, key=lambda threshold: (abs(threshold - aim), threshold))


def decode_again(document: Document, labels: LabelSet, mode: DecodingMode, threshold: float) -> Document:
    """The document as it would have been decoded at a higher threshold, or in the other mode.

    Args:
        document: With all scored entities above a threshold at most as high, decoded nested.
        labels: The model's labels, in its order.
        mode: How spans become entities.
        threshold: Score strictly above which a span counts, for every label.
    """
    above = [entity for entity in document.entities if entity.score is not None and entity.score > threshold]
    if mode == "flat" and any(before.end > after.start for before, after in pairwise(above)):
        above = list(_flat(document, above, labels, threshold))
    return replace(document, entities=tuple(above))


def _flat(document: Document, entities: list[Entity], labels: LabelSet, threshold: float) -> tuple[Entity, ...]:
    columns = [(entity.start, entity.end - 1, labels.index(entity.label), entity.score) for entity in entities]
    first, last, types, scores = (np.array(column) for column in zip(*columns, strict=True))
    places = np.arange(len(document.text) + 1)
    chosen, _ = decode_entities(
        TokenSpans(first, last, types, logit_from_score(scores)),
        TokenOffsets(document.text, places[:-1], places[1:]),
        labels.names,
        mode="flat",
        threshold_logits=np.full(len(labels), logit_from_score(threshold)),
        max_entities=None,
    )
    return chosen
