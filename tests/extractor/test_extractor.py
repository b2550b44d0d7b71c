from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner import Document, Entity, EntityExtractor
from globalner.decoding import TokenSpans
from globalner.encoders import build_character_tokenizer
from globalner.errors import ConfigError, DataError
from globalner.extractor import choose_device
from globalner.model import GlobalPointerConfig


@pytest.fixture(scope="module")
def extractor(trained_model: Path) -> EntityExtractor:
    return EntityExtractor.from_pretrained(trained_model, device="cpu")


class MarksCapitals:
    """A scorer without a model: each pair of tokens `A`..`B` of the row is a span, scored by its length."""

    def __init__(self, opening: int, closing: int) -> None:
        self.opening, self.closing = opening, closing
        self.rows: list[int] = []

    def find(self, batch: object, threshold_logits: np.ndarray, top_k: int) -> tuple[list[TokenSpans], np.ndarray]:
        parts, more = [], []
        for ids in batch.input_ids.tolist():  # type: ignore[attr-defined]
            self.rows.append(len(ids))
            opens = [place for place, token in enumerate(ids) if token == self.opening]
            closes = [place for place, token in enumerate(ids) if token == self.closing]
            cells = [(i, j, 0, 10.0 - (j - i)) for i in opens for j in closes if i < j]
            cells = sorted((cell for cell in cells if cell[3] > threshold_logits[0]), key=lambda cell: -cell[3])
            kept = np.array(cells[:top_k], dtype=float).reshape(-1, 4)
            parts.append(TokenSpans(*kept.T))
            more.append(len(cells) > top_k)
        return parts, np.array(more)


def marking_extractor(window_tokens: int = 16, overlap_tokens: int = 6) -> EntityExtractor:
    tokenizer = build_character_tokenizer(["AB xyz"])
    config = GlobalPointerConfig(
        encoder={}, labels=["S"], boundary="token", window_tokens=window_tokens, overlap_tokens=overlap_tokens
    )
    vocabulary = tokenizer.get_vocab()
    return EntityExtractor(MarksCapitals(vocabulary["A"], vocabulary["B"]), tokenizer, config)


def test_a_trained_model_finds_nested_entities(extractor: EntityExtractor, documents: list[Document]) -> None:
    for document in documents:
        found = extractor(document.text)
        assert {entity.key for entity in found.entities} == {entity.key for entity in document.entities}
        assert all(0.5 < entity.score < 1 for entity in found.entities if entity.score)
        assert found.windows == 1
        assert not found.limited


def test_flat_keeps_no_overlap(extractor: EntityExtractor, documents: list[Document]) -> None:
    found = extractor(documents[0].text, mode="flat")
    assert [entity.label for entity in found.entities] in (["PER", "ORG", "LOC"], ["PER", "LOC", "LOC"])


def test_a_flat_model_gives_flat_entities_unless_asked(flat_run: Path, documents: list[Document]) -> None:
    extractor = EntityExtractor.from_pretrained(flat_run / "model", device="cpu")
    assert extractor.mode == extractor.description()["mode"] == "flat"
    for own, flat, nested in zip(
        extractor.extract(documents),
        extractor.extract(documents, mode="flat"),
        extractor.extract(documents, mode="nested"),
        strict=True,
    ):
        assert own.entities == flat.entities
        assert len(own.entities) == min(3, len(nested.entities))
    assert extractor(documents[0].text).entities == extractor(documents[0].text, mode="flat").entities


TEXTS = st.lists(st.text(alphabet=st.sampled_from("AnaLisbon北京大学 \n\u0301\ufeff😀.x"), max_size=90), max_size=6)


@settings(max_examples=25, deadline=None)
@given(texts=TEXTS, batch_size=st.integers(1, 5), mode=st.sampled_from(["nested", "flat"]))
def test_a_batch_gives_what_its_members_give_alone(
    extractor: EntityExtractor, texts: list[str], batch_size: int, mode: str
) -> None:
    together = extractor.extract(texts, mode=mode, batch_size=batch_size)
    alone = [extractor(text, mode=mode) for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert [entity.key for entity in one.entities] == [entity.key for entity in other.entities]
        assert [e.score for e in one.entities] == pytest.approx([e.score for e in other.entities], abs=1e-5)
        assert (one.text, one.windows, one.limited) == (other.text, other.windows, other.limited)


@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet="ABxyz", max_size=120))
def test_windows_find_what_one_long_window_finds(text: str) -> None:
    # Spans reach less far than the overlap, so that each lies whole in some window.
    whole = marking_extractor(window_tokens=400, overlap_tokens=6)
    cut = marking_extractor(window_tokens=16, overlap_tokens=6)
    floor = 1 / (1 + np.exp(-5.5))
    expected, found = whole(text, threshold=floor), cut(text, threshold=floor)
    assert found.entities == expected.entities
    if len(text) > 14:
        assert found.windows > 1


def test_no_row_is_longer_than_a_window() -> None:
    extractor = marking_extractor()
    extractor.extract(["x" * 500, "", "AB"])
    assert max(extractor._scorer.rows) == 16  # type: ignore[attr-defined]


def test_a_flood_is_limited_to_the_highest_scores_and_says_so() -> None:
    extractor = marking_extractor(window_tokens=64)
    found = extractor.extract(["AAABBB", "AB"], max_entities=2)
    assert [document.limited for document in found] == [True, False]
    everything = sorted((entity.score for entity in extractor("AAABBB").entities), reverse=True)
    assert len(everything) == 9
    assert sorted((entity.score for entity in found[0].entities), reverse=True) == everything[:2]


def test_thresholds_and_labels(extractor: EntityExtractor, documents: list[Document]) -> None:
    text = documents[0].text
    assert {e.label for e in extractor.extract([text], labels=["LOC"])[0].entities} == {"LOC"}
    assert extractor.extract([text], labels=[])[0].entities == ()
    assert extractor(text, threshold=0.999999).entities == ()
    high = extractor(text, threshold={"LOC": 0.999999})
    assert {entity.label for entity in high.entities} == {"PER", "ORG"}


@pytest.mark.parametrize("threshold", [0.0, 1.0, -1, 2, float("nan"), {"NO": 0.5}])
def test_bad_thresholds_are_refused(extractor: EntityExtractor, threshold: object) -> None:
    with pytest.raises(DataError):
        extractor("text", threshold=threshold)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"mode": "deep"}, {"mode": ""}, {"max_entities": 0}, {"batch_size": 0}])
def test_bad_options_are_refused(extractor: EntityExtractor, options: dict) -> None:
    with pytest.raises(ConfigError):
        extractor.extract(["text"], **options)


def test_labels_must_be_known_and_a_list(extractor: EntityExtractor) -> None:
    with pytest.raises(DataError, match="there are: LOC, ORG, PER"):
        extractor.extract(["text"], labels=["CITY"])
    with pytest.raises(DataError, match="list of labels"):
        extractor.extract(["text"], labels="LOC")


def test_a_document_keeps_what_it_carries(extractor: EntityExtractor) -> None:
    given = Document("Ana Reis", (Entity(0, 3, "X"),), id="7", tokens=((0, 3), (4, 8)), extra={"meta": 1})
    found = extractor(given)
    assert (found.id, found.tokens, found.extra) == ("7", given.tokens, {"meta": 1})
    assert all(entity.label != "X" for entity in found.entities)


def test_a_million_characters_are_read_in_windows() -> None:
    text = "xyz" * 333_333 + "AB"
    found = marking_extractor(window_tokens=512, overlap_tokens=64)(text)
    assert [entity.key for entity in found.entities] == [(999_999, 1_000_001, "S")]
    assert found.windows == pytest.approx(1_000_001 / 446, abs=2)


def test_training_mode_is_left_as_it_was(trained_model: Path) -> None:
    from globalner.model import load_model

    model, tokenizer = load_model(trained_model)
    model.train()
    EntityExtractor.from_model(model, tokenizer)("Ana Reis")
    assert model.training


def test_devices() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(ConfigError, match="device 'tpu' is not here"):
        choose_device("tpu")


FRESH_PROCESS = """
import sys
from globalner import EntityExtractor
document = EntityExtractor.from_pretrained(sys.argv[1], device="cpu")(sys.argv[2])
print([(e.start, e.end, e.label, e.score.hex()) for e in document.entities])
"""


def test_a_fresh_process_gives_the_same_scores_to_the_bit(
    extractor: EntityExtractor, trained_model: Path, documents: list[Document]
) -> None:
    text = documents[0].text
    command = [sys.executable, "-c", FRESH_PROCESS, str(trained_model), text]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    here = extractor(text)
    assert printed == str([(e.start, e.end, e.label, e.score.hex()) for e in here.entities if e.score])


def test_the_models_longest_span_holds_in_prediction(trained_model: Path, documents: list[Document]) -> None:
    from globalner.model import load_model

    model, tokenizer = load_model(trained_model)
    model.config.max_span_tokens = 6  # characters are tokens here
    short = EntityExtractor.from_model(model, tokenizer)(documents[0].text)
    assert {entity.label for entity in short.entities} == {"LOC"}


def test_stages_give_what_one_call_gives_to_the_bit_whatever_shares_the_batch() -> None:
    extractor = marking_extractor()
    texts = [Document("xAxBx" * 9), Document(""), Document("AB"), Document("AAABBB")]
    options = extractor.reading_options(mode="flat", threshold=0.9, max_entities=3)
    prepared = extractor.prepare(texts)
    assert [len(text.windows) for text in prepared] == [5, 0, 1, 1]
    windows = [(text, window) for text in prepared for window in text.windows]
    mixed = windows[::-1]
    found = {
        id(window): spans
        for (_, window), spans in zip(mixed, extractor.find([w for _, w in mixed], options), strict=True)
    }
    for text in prepared:
        together = extractor.decode(text, [found[id(window)] for window in text.windows], options)
        assert together == extractor.extract([text.document], mode="flat", threshold=0.9, max_entities=3)[0]


def test_options_that_may_share_a_search_say_so(extractor: EntityExtractor) -> None:
    plain = extractor.reading_options()
    assert plain.search_key == extractor.reading_options(threshold=0.5).search_key
    others = [{"threshold": 0.6}, {"labels": ["LOC"]}, {"max_entities": 5}, {"mode": "flat"}]
    keys = {extractor.reading_options(**options).search_key for options in others}  # type: ignore[arg-type]
    assert len(keys | {plain.search_key}) == 5


def test_work_of_a_search_is_that_of_its_tiles(extractor: EntityExtractor) -> None:
    types = len(extractor.labels)
    assert marking_extractor().search_work(10) == 100, "a scorer that does not say is taken to build the square"
    assert extractor.search_work(64) == types * 64**2
    assert extractor.search_work(512) < types * 512**2 * 0.6
