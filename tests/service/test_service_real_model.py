"""The service around a real, small model: what comes over HTTP is what the extractor gives."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from globalner import Document, EntityExtractor
from globalner_service import ServiceSettings, create_app

ODD_TEXTS = ["", " ", "\x00", "\ufeff\r\n", "e\u0301🎉👩‍👩‍👧", "\u200f", "x" * 5000]


@contextmanager
def served(model: Path) -> Iterator[TestClient]:
    app = create_app(ServiceSettings(model=str(model), device="cpu", served_name="tiny"))
    worker = app.state.service.worker
    with TestClient(app, raise_server_exceptions=False) as client:
        while not worker.is_ready:
            assert worker.failure is None, worker.failure
            time.sleep(0.005)
        yield client


@pytest.fixture(scope="module")
def client(trained_model: Path):
    with served(trained_model) as client:
        yield client


@pytest.fixture(scope="module")
def extractor(trained_model: Path) -> EntityExtractor:
    return EntityExtractor.from_pretrained(trained_model, device="cpu")


@pytest.mark.parametrize("mode", ["nested", "flat"])
def test_answers_are_those_of_the_extractor(client, extractor, documents: list[Document], mode: str):
    texts = [document.text for document in documents][:8] + ODD_TEXTS
    response = client.post("/v1/extract", json={"texts": texts, "mode": mode})
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["model"] == "tiny"
    assert any(result["entities"] for result in answer["results"])
    for result, document in zip(answer["results"], extractor.extract(texts, mode=mode), strict=True):
        found = [(one["start"], one["end"], one["label"], one["text"]) for one in result["entities"]]
        assert found == [(one.start, one.end, one.label, one.text) for one in document.entities]
        assert [one["score"] for one in result["entities"]] == pytest.approx([one.score for one in document.entities])
        assert (result["windows"], result["limited"]) == (document.windows, document.limited)


def test_given_words_thresholds_and_labels_are_understood(client, extractor, documents: list[Document]):
    text, (label, *_) = documents[0].text, extractor.labels
    body = {"texts": [{"text": text, "tokens": [[0, len(text)]]}], "threshold": {label: 0.9}, "labels": [label]}
    assert client.post("/v1/extract", json=body).status_code == 200


def test_info_describes_the_model(client, extractor):
    info = client.get("/info").json()
    assert info["labels"] == list(extractor.labels)
    assert info["description"]["boundary"] in ("word", "token")
    assert info["description"]["device"] == "cpu"
    assert "/" not in client.get("/info").text, "a served name hides where the model lies"


def test_a_flat_model_is_served_flat_unless_asked(flat_run: Path, documents: list[Document]):
    text = documents[4].text

    def found(**body: object) -> list[str]:
        response = client.post("/v1/extract", json={"texts": [text], **body})
        assert response.status_code == 200, response.text
        return [entity["text"] for entity in response.json()["results"][0]["entities"]]

    with served(flat_run / "model") as client:
        assert client.get("/info").json()["description"]["mode"] == "flat"
        assert found() == found(mode=None) == found(mode="flat")
        assert len(found()) == 3
        assert sorted(found(mode="nested")) == sorted(["北京大学", "北京", "王芳", "北京"])


def test_texts_that_meet_in_batches_get_the_entities_they_get_alone(client, documents: list[Document]):
    texts = [document.text for document in documents] + [documents[0].text * 60, *ODD_TEXTS]

    def ask(text: str, **options: object) -> list[dict[str, object]]:
        response = client.post("/v1/extract", json={"texts": [text], **options})
        assert response.status_code == 200, response.text
        return response.json()["results"][0]["entities"]

    options = [{}, {"mode": "flat"}, {"threshold": 0.3}]
    alone = {(text, number): ask(text, **options[number]) for text in texts for number in range(3)}
    asked = list(alone) * 4
    with ThreadPoolExecutor(12) as pool:
        together = list(pool.map(lambda pair: ask(pair[0], **options[pair[1]]), asked))
    for pair, found in zip(asked, together, strict=True):
        assert [{**one, "score": 0} for one in found] == [{**one, "score": 0} for one in alone[pair]]
        assert [one["score"] for one in found] == pytest.approx([one["score"] for one in alone[pair]], abs=1e-5)
    sizes = client.get("/metrics").text
    (batches,) = re.findall(r"globalner_batch_size_count (\S+)", sizes)
    (windows,) = re.findall(r"globalner_batch_size_sum (\S+)", sizes)
    assert float(windows) > 1.2 * float(batches), "they did meet"
