"""How entities lie to each other, against the plain definition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from globalner.data.overlaps import count_overlaps, crossing_spans, inner_keys
from globalner.evaluation import inner_keys as inner_keys_of_evaluation
from globalner.types import Document, Entity

_SPANS = st.tuples(st.integers(0, 11), st.integers(1, 8)).map(lambda pair: (pair[0], min(sum(pair), 12)))
_ENTITIES = st.lists(st.builds(lambda span, label: Entity(*span, label), _SPANS, st.sampled_from("ab")), max_size=9)


def crosses(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[0] < one[1] < other[1] or other[0] < one[0] < other[1] < one[1]


def holds(outer: tuple[int, int], inner: tuple[int, int]) -> bool:
    return outer != inner and outer[0] <= inner[0] and inner[1] <= outer[1]


@given(st.lists(_SPANS, max_size=9))
def test_crossing_spans_are_those_of_the_definition(spans: list[tuple[int, int]]) -> None:
    assert crossing_spans(spans) == {span for span in spans if any(crosses(span, other) for other in spans)}


@given(_ENTITIES)
def test_counts_are_those_of_the_definition(entities: list[Entity]) -> None:
    keys = {entity.key for entity in entities}
    spans = {key[:2] for key in keys}
    counts = count_overlaps(Document("x" * 12, tuple(entities)))
    assert counts.nested == sum(any(holds(other, key[:2]) for other in spans) for key in keys)
    assert counts.crossing == sum(any(crosses(key[:2], other) for other in spans) for key in keys)
    assert counts.duplicated == len(entities) - len(keys)
    assert counts.several_labels == sum((*span, "a") in keys and (*span, "b") in keys for span in spans)


def test_evaluation_counts_inner_entities_in_the_same_way() -> None:
    assert inner_keys_of_evaluation is inner_keys
