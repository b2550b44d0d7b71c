from __future__ import annotations

from typing import Any

import pytest


def extract(client: Any, **body: object) -> Any:
    response = client.post("/v1/extract", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def test_nested_and_crossing_entities_come_back_with_exact_offsets(client):
    text = "Maya left Lisbon Hospital of Bern"
    answer = extract(client, texts=[text])
    assert answer["model"] == "fake"
    (result,) = answer["results"]
    assert (result["windows"], result["limited"]) == (1, False)
    found = [(one["text"], one["label"]) for one in result["entities"]]
    assert found == [
        ("Maya", "PER"),
        ("Lisbon Hospital", "ORG"),
        ("Lisbon", "GPE"),
        ("Hospital of Bern", "ORG"),
        ("Bern", "GPE"),
    ]
    assert all(text[one["start"] : one["end"]] == one["text"] for one in result["entities"])
    assert result["entities"][0] == {"start": 0, "end": 4, "label": "PER", "text": "Maya", "score": 0.8}


def test_one_result_for_each_text_in_order(client):
    answer = extract(client, texts=["Bern", "", "nothing", {"text": "Lisbon"}])
    assert [len(result["entities"]) for result in answer["results"]] == [1, 0, 0, 1]


def test_no_texts_give_no_results(client, fake):
    assert extract(client, texts=[])["results"] == []
    assert fake.calls == []


def test_options_reach_the_extractor(client, fake):
    extract(client, texts=["x"], mode="flat", threshold={"ORG": 0.6}, labels=["ORG", "GPE"], max_entities=7)
    assert fake.options == [
        {"mode": "flat", "threshold": {"ORG": 0.6}, "labels": frozenset({"ORG", "GPE"}), "max_entities": 7}
    ]
    extract(client, texts=["x"], threshold=0.7)
    extract(client, texts=["x"], threshold=None, labels=None, model=None)
    assert [options["threshold"] for options in fake.options[1:]] == [0.7, None]


@pytest.mark.parametrize("body", [{}, {"mode": None}])
def test_mode_is_the_models_own_unless_asked(client, fake, body):
    fake.mode = "flat"
    text = "Lisbon Hospital of Bern"
    assert len(extract(client, texts=[text], **body)["results"][0]["entities"]) == 2
    assert len(extract(client, texts=[text], mode="nested")["results"][0]["entities"]) == 4
    assert [options["mode"] for options in fake.options] == [None, "nested"]


def test_flat_threshold_labels_and_flood_guard_show_in_the_answer(client):
    text = "Lisbon Hospital of Bern"

    def labels(**body: object) -> list[str]:
        return [one["label"] for one in extract(client, texts=[text], **body)["results"][0]["entities"]]

    assert labels(mode="flat") == ["GPE", "ORG"]
    assert labels(threshold=0.98) == ["GPE"]
    assert labels(labels=["ORG"]) == ["ORG", "ORG"]
    limited = extract(client, texts=[text], max_entities=1)["results"][0]
    assert limited["limited"] is True
    assert [one["text"] for one in limited["entities"]] == ["Lisbon"]


@pytest.mark.parametrize(
    ("unit", "span"),
    [("code_point", (2, 6)), ("utf16", (3, 7)), ("byte", (5, 17))],
)
def test_offset_unit(client, unit, span):
    text = "🎉 北京大学!"
    (result,) = extract(client, texts=[text], offset_unit=unit, labels=["ORG"])["results"]
    (entity,) = result["entities"]
    assert (entity["start"], entity["end"]) == span
    assert entity["text"] == "北京大学"


@pytest.mark.parametrize(
    ("unit", "tokens"),
    [
        ("code_point", [[0, 1], [2, 4], [4, 6]]),
        ("utf16", [[0, 2], [3, 5], [5, 7]]),
        ("byte", [[0, 4], [5, 11], [11, 17]]),
    ],
)
def test_given_words_are_read_in_the_same_unit(client, fake, unit, tokens):
    extract(client, texts=[{"text": "🎉 北京大学", "tokens": tokens}], offset_unit=unit)
    assert [document.tokens for document in fake.prepared] == [((0, 1), (2, 4), (4, 6))]


def test_text_is_taken_as_it_is(client, fake):
    text = "\ufeffA\r\nB\x00 e\u0301 \U0001f468\u200d\U0001f469\u200d\U0001f467 \u200f"
    extract(client, texts=[text])
    assert fake.calls == [[text]]


def test_the_model_may_be_named(start):
    client = start(served_name="ner")
    assert extract(client, texts=["Bern"], model="ner")["model"] == "ner"
    response = client.post("/v1/extract", json={"texts": ["Bern"], "model": "fake"})
    assert response.status_code == 404
    assert response.json()["error"]["type"] == "not_found"
    assert "'fake' is not served here; this server serves 'ner'" in response.json()["error"]["message"]
