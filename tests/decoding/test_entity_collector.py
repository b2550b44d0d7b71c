"""Decoding piece by piece gives what decoding all spans at once gives."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.decoding import DecodingRules, EntityCollector, TokenOffsets, TokenSpans, decode_entities

TEXT, LABELS = "abcdefghij" * 8, ("A", "B")
OFFSETS = TokenOffsets(TEXT, np.arange(80), np.arange(1, 81))
SPAN = st.tuples(st.integers(0, 70), st.integers(0, 9), st.integers(0, 1), st.integers(-4, 12).map(lambda n: n / 4))


def spans_of(rows: list[tuple[int, int, int, float]]) -> TokenSpans:
    first, length, type_, logit = np.array(rows, dtype=float).reshape(-1, 4).T
    return TokenSpans(first.astype(int), (first + length).astype(int), type_.astype(int), logit)


@settings(max_examples=200)
@given(
    rows=st.lists(SPAN, max_size=40),
    step=st.integers(1, 30),
    mode=st.sampled_from(["nested", "flat"]),
    max_entities=st.sampled_from([1, 2, 5, 100]),
)
def test_pieces_give_what_the_whole_gives(
    rows: list[tuple[int, int, int, float]], step: int, mode: str, max_entities: int
) -> None:
    thresholds = np.array([0.0, 0.5])
    expected = decode_entities(
        spans_of(rows),
        OFFSETS,
        LABELS,
        mode=mode,  # type: ignore[arg-type]
        threshold_logits=thresholds,
        max_entities=max_entities,
    )
    collector = EntityCollector(DecodingRules(mode, thresholds, max_entities))  # type: ignore[arg-type]
    for floor in range(0, 80, step):
        collector.add(spans_of([row for row in rows if floor <= row[0] < floor + step]), floor)
    assert collector.entities(TEXT, LABELS) == expected


def test_no_more_is_held_than_can_still_change() -> None:
    thresholds = np.zeros(2)
    for mode in ("nested", "flat"):
        collector = EntityCollector(DecodingRules(mode, thresholds, 3))  # type: ignore[arg-type]
        for floor in range(0, 10_000, 10):
            collector.add(spans_of([(floor + at, 2, 0, 1.0) for at in range(8)]), floor)
            assert len(collector._kept) <= 3
            assert len(collector._open) <= 20
