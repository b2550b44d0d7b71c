"""Flat decoding in the page's script gives what the library gives, in a real browser."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from globalner.decoding import TokenSpans, flat_spans, logit_from_score

pytestmark = pytest.mark.browser

CASES = 1000
DECODE = """
const { flatSpans } = await import("./page/flat.js");
return arguments[0].map(([spans, thresholds]) => {
  const given = spans.map(([start, last, type, logit]) => ({ start, end: last + 1, type, logit }));
  return flatSpans(given, thresholds).map(({ start, end, type, logit }) => [start, end - 1, type, logit]);
});
"""
CHOOSE = """
const { choose } = await import("./page/choosing.js");
return arguments[0].map(([entities, own, threshold, hidden]) => {
  const view = { mode: "flat", threshold, hidden: new Set(hidden) };
  return choose(entities, view, ["A", "B", "C"], own);
});
"""

Span = tuple[int, int, int, float]
Case = tuple[list[Span], list[float]]


def tied_case(rng: random.Random) -> Case:
    """Few places and few values, so that sums tie and spans repeat."""
    places = rng.randint(2, 8)
    values = [-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0]
    return spans_of(rng, places, lambda: rng.choice(values)), [rng.choice((0.0, 0.5, -0.5)) for _ in range(3)]


def wide_case(rng: random.Random) -> Case:
    """Values of very different sizes, whose sums lose digits when they are rounded."""

    def value() -> float:
        return rng.choice((1, -1)) * rng.random() * 10.0 ** rng.randint(-300, 15)

    return spans_of(rng, rng.randint(3, 40), value), [rng.gauss(0, 1e-9) for _ in range(3)]


def usual_case(rng: random.Random) -> Case:
    return spans_of(rng, rng.randint(3, 60), lambda: rng.gauss(2, 3)), [rng.gauss(0, 1) for _ in range(3)]


def spans_of(rng: random.Random, places: int, value: Callable[[], float]) -> list[Span]:
    spans = []
    for _ in range(rng.randint(0, 40)):
        first = rng.randrange(places)
        spans.append((first, min(places - 1, first + rng.randint(0, 6)), rng.randrange(3), value()))
    return spans


def expected(case: Case) -> list[list[float]]:
    spans, thresholds = case
    first, last, kind, logit = zip(*spans, strict=True) if spans else ((), (), (), ())
    chosen = flat_spans(TokenSpans(first, last, kind, logit), thresholds)
    return [list(row) for row in zip(chosen.first, chosen.last, chosen.type, chosen.logit, strict=True)]


def test_a_thousand_cases_are_decoded_as_the_library_does(reader):
    rng = random.Random(20)
    makers = (tied_case, wide_case, usual_case)
    cases = [makers[number % 3](rng) for number in range(CASES)]
    wanted = [expected(case) for case in cases]
    assert sum(len(one) > 1 for one in wanted) > CASES / 2
    found = reader.take(DECODE, cases)
    wrong = [number for number, (one, other) in enumerate(zip(found, wanted, strict=True)) if one != other]
    assert not wrong, (cases[wrong[0]], found[wrong[0]], wanted[wrong[0]])


def test_scores_thresholds_and_switched_off_labels_are_decoded_as_the_library_does(reader):
    rng = random.Random(7)
    given, wanted = [], []
    for _ in range(300):
        own = {label: rng.uniform(0.2, 0.8) for label in "ABC"}
        threshold, hidden = rng.choice((None, 0.3, 0.6)), rng.sample("ABC", rng.randint(0, 1))
        spans = {span[:3]: span for span in spans_of(rng, 25, lambda: rng.uniform(0.05, 0.999))}
        ordered = sorted(spans.values(), key=lambda span: (span[0], -span[1], span[2]))
        given.append((as_entities(ordered), own, threshold, hidden))
        wanted.append(positions(ordered, {label: threshold or own[label] for label in "ABC"}, hidden))
    assert sum(len(one) > 1 for one in wanted) > 200
    assert reader.take(CHOOSE, given) == wanted


def as_entities(spans: list[Span]) -> list[dict[str, object]]:
    return [{"start": one[0], "end": one[1] + 1, "label": "ABC"[one[2]], "score": one[3]} for one in spans]


def positions(spans: list[Span], scores: dict[str, float], hidden: list[str]) -> list[int]:
    thresholds = np.array([np.inf if label in hidden else logit_from_score(scores[label]) for label in "ABC"])
    if not spans:
        return []
    first, last, kind, score = zip(*spans, strict=True)
    chosen = flat_spans(TokenSpans(first, last, kind, logit_from_score(score)), thresholds)
    keys = set(zip(chosen.first.tolist(), chosen.last.tolist(), chosen.type.tolist(), strict=True))
    return [position for position, span in enumerate(spans) if span[:3] in keys]
