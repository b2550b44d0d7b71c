"""`/hf`: what clients of the Hugging Face inference API send and get."""

from __future__ import annotations

import pytest

TEXT = "Maya left Lisbon Hospital of Bern"


def ask(client, inputs: object, status: int = 200, **parameters: object):
    body = {"inputs": inputs, **({"parameters": parameters} if parameters else {})}
    response = client.post("/hf", json=body)
    assert response.status_code == status, response.text
    return response.json() if status == 200 else response.json()["error"]["message"]


def test_one_text_gives_a_flat_list_of_groups(client):
    assert ask(client, TEXT) == [
        {"entity_group": "PER", "score": 0.8, "word": "Maya", "start": 0, "end": 4},
        {"entity_group": "GPE", "score": 0.99, "word": "Lisbon", "start": 10, "end": 16},
        {"entity_group": "ORG", "score": 0.55, "word": "Hospital of Bern", "start": 17, "end": 33},
    ]


def test_several_texts_give_a_list_each(client):
    assert [len(groups) for groups in ask(client, ["Bern", "", TEXT])] == [1, 0, 3]
    assert ask(client, []) == []
    assert ask(client, "") == []


def test_parameters(client):
    def words(**parameters: object) -> list[str]:
        return [entity["word"] for entity in ask(client, TEXT, **parameters)]

    assert words(aggregation_strategy="simple") == words(aggregation_strategy=None) == words()
    assert words(ignore_labels=["ORG", "O"]) == ["Maya", "Lisbon", "Bern"]
    assert words(threshold=0.98) == ["Lisbon"]
    assert len(words(mode="nested")) == 5
    assert words(mode="nested", max_entities=1) == ["Lisbon"]


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"aggregation_strategy": "none"}, "finds whole entities"),
        ({"aggregation_strategy": "other"}, "parameters.aggregation_strategy"),
        ({"ignore_labels": ["NOPE"]}, "unknown label 'NOPE'; there are: GPE, MISC, ORG, PER"),
        ({"ignore_labels": ["GPE", "MISC", "ORG", "PER"]}, "leaves out every label"),
        ({"stride": 3}, "parameters.stride: unknown field"),
        ({"threshold": 1}, "parameters.threshold"),
    ],
)
def test_parameters_that_cannot_be_used_are_422(client, parameters, says):
    assert says in ask(client, TEXT, 422, **parameters)


def test_inputs_of_another_kind_are_422(client):
    for inputs in (None, 3, {"text": "Bern"}):
        assert "inputs: input should be a string or a list of strings" in ask(client, inputs, 422)
    assert "inputs[0]" in ask(client, [["Bern"]], 422)


def test_limits_hold(start):
    client = start(max_texts=2, max_text_chars=5)
    assert "--max-texts" in ask(client, ["a"] * 3, 413)
    assert "--max-text-chars" in ask(client, "abcdef", 413)


def test_the_clients_of_the_inference_api_work(spawn_server, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    # It only reaches for the server on this machine.
    monkeypatch.setattr("huggingface_hub.constants.is_offline_mode", lambda: False)
    key = "key-0123456789abcdef"
    process, url = spawn_server(keys=(key,))
    found = hub.InferenceClient(model=f"{url}/hf", token=key).token_classification(
        TEXT, aggregation_strategy="simple", ignore_labels=["ORG"]
    )
    assert [(one.entity_group, one.word, one.start, one.end) for one in found] == [
        ("PER", "Maya", 0, 4),
        ("GPE", "Lisbon", 10, 16),
        ("GPE", "Bern", 29, 33),
    ]
    process.terminate()
