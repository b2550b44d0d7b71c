"""From token spans to entities of a text."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.decoding import TokenOffsets, TokenSpans, decode_entities
from globalner.errors import ConfigError, ShapeError
from globalner.types import Document, Entity

TEXT = "\U0001f600 Beijing University"
STARTS, ENDS = [0, 2, 10], [1, 9, 20]
LABELS = ("LOC", "ORG")


def spans_of(*rows: tuple[int, int, int, float]) -> TokenSpans:
    first, last, types, logit = zip(*rows, strict=True) if rows else ((), (), (), ())
    return TokenSpans(first, last, types, logit)  # type: ignore[arg-type]


def decode(
    spans: TokenSpans, *, mode: str = "nested", max_entities: int | None = None, starts: list[int] = STARTS
) -> tuple[tuple[Entity, ...], bool]:
    return decode_entities(
        spans,
        TokenOffsets(TEXT, starts, ENDS),
        LABELS,
        mode=mode,  # type: ignore[arg-type]
        threshold_logits=np.zeros(2),
        max_entities=max_entities,
    )


def test_nested_entities_carry_offsets_text_and_score() -> None:
    entities, limited = decode(spans_of((1, 1, 0, 0.5), (1, 2, 1, 1000.0), (0, 0, 0, -1.0)))
    assert not limited
    assert entities == (
        Entity(2, 20, "ORG", "Beijing University", 1 - 1e-6),
        Entity(2, 9, "LOC", "Beijing", pytest.approx(1 / (1 + np.exp(-0.5)))),
    )
    assert Document(TEXT, entities).entities == entities


def test_flat_keeps_the_best_without_overlap() -> None:
    entities, _ = decode(spans_of((1, 1, 0, 0.5), (1, 2, 1, 2.0)), mode="flat")
    assert [entity.key for entity in entities] == [(2, 20, "ORG")]


def test_overlap_is_judged_in_characters() -> None:
    # Two byte pieces of one emoji share its character.
    starts, ends = [0, 0, 2], [1, 1, 9]
    found = spans_of((0, 0, 0, 1.0), (1, 2, 1, 2.0), (1, 1, 0, 3.0))
    arguments = (found, TokenOffsets(TEXT, starts, ends), LABELS)
    flat, _ = decode_entities(*arguments, mode="flat", threshold_logits=np.zeros(2), max_entities=None)
    nested, _ = decode_entities(*arguments, mode="nested", threshold_logits=np.zeros(2), max_entities=None)
    assert [entity.key for entity in flat] == [(0, 1, "LOC")]
    assert [entity.key for entity in nested] == [(0, 9, "ORG"), (0, 1, "LOC")]
    assert nested[1].score == pytest.approx(1 / (1 + np.exp(-3.0)))


def test_touching_entities_are_both_kept() -> None:
    found = spans_of((0, 0, 0, 1.0), (1, 1, 0, 1.0))
    entities, _ = decode_entities(
        found,
        TokenOffsets("北京上海", [0, 2], [2, 4]),
        ("LOC",),
        mode="flat",
        threshold_logits=[0.0],
        max_entities=None,
    )
    assert [entity.text for entity in entities] == ["北京", "上海"]


def test_a_span_without_characters_is_left_out() -> None:
    assert decode(spans_of((0, 0, 0, 1.0)), starts=[1, 2, 10]) == ((), False)


def test_guard_keeps_the_highest_scores_in_order() -> None:
    entities, limited = decode(spans_of((0, 0, 0, 2.0), (1, 1, 0, 1.0), (2, 2, 0, 3.0)), max_entities=2)
    assert limited
    assert [entity.start for entity in entities] == [0, 10]


def test_nothing_found() -> None:
    assert decode(TokenSpans.empty()) == decode(TokenSpans.empty(), mode="flat") == ((), False)


def test_unknown_mode_names_the_choices() -> None:
    with pytest.raises(ConfigError, match="no mode 'fast'; choose one of: nested, flat"):
        decode(TokenSpans.empty(), mode="fast")


def test_offsets_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="ends at token 3, but there are offsets of 3 tokens only"):
        decode(spans_of((0, 3, 0, 1.0)))
    with pytest.raises(ShapeError, match="one offset a token"):
        decode(spans_of((0, 0, 0, 1.0)), starts=[0])
    with pytest.raises(ShapeError, match="ends at character 3, but the text has 2"):
        decode_entities(
            spans_of((0, 0, 0, 1.0)),
            TokenOffsets("ab", [0], [3]),
            ("A",),
            mode="nested",
            threshold_logits=[0.0],
            max_entities=None,
        )
    with pytest.raises(ShapeError, match="there are 1 labels"):
        decode_entities(
            TokenSpans.empty(),
            TokenOffsets("ab", [0], [3]),
            ("A",),
            mode="nested",
            threshold_logits=[0.0, 0.0],
            max_entities=None,
        )


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1, max_size=20), st.data())
def test_any_text_gives_entities_that_slice_it(text: str, data: st.DataObject) -> None:
    cells = st.tuples(st.integers(0, len(text) - 1), st.integers(0, len(text) - 1), st.floats(-5, 5))
    found = [(min(a, b), max(a, b), 0, logit) for a, b, logit in data.draw(st.lists(cells, max_size=20))]
    starts = np.arange(len(text))
    for mode in ("nested", "flat"):
        entities, _ = decode_entities(
            spans_of(*found),
            TokenOffsets(text, starts, starts + 1),
            ("A",),
            mode=mode,
            threshold_logits=[0.0],
            max_entities=None,
        )
        assert Document(text, entities).entities == entities
        assert {(entity.start, entity.end - 1) for entity in entities} <= {row[:2] for row in found if row[3] > 0}
        if mode == "flat":
            assert all(one.end <= other.start for one, other in pairwise(entities))


def test_decoding_loads_numpy_only() -> None:
    code = "import sys, globalner.decoding; print(sorted({'torch', 'transformers', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
