from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

JSON = {"Content-Type": "application/json"}


def post(client, body: bytes | str, headers=None):
    return client.post("/v1/extract", content=body, headers=JSON if headers is None else headers)


def error_of(response, status: int) -> str:
    assert response.status_code == status, response.text
    assert set(response.json()) == {"error"}
    assert set(response.json()["error"]) == {"type", "message"}
    assert "Traceback" not in response.text
    return response.json()["error"]["message"]


def ask(**more: object) -> str:
    return json.dumps({"texts": ["Bern"], **more})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not valid JSON"),
        (b'{"texts": ["a"', "line 1 column 14"),
        (b'{"texts":\n["a" "b"]}', "line 2"),
        (b"\xff\xfe{}", "not valid JSON"),
        (b'{"texts": ["\xff"]}', "invalid unicode"),
        (b'{"texts": ["\\ud800"]}', "not valid JSON"),
        (b'{"texts": ["\\udc00\\ud800"]}', "not valid JSON"),
        (b"[" * 100_000, "recursion limit"),
        (b'{"texts":' * 100_000, "recursion limit"),
        (b"[]", "the body: input should be an object"),
        (b"null", "the body"),
        (b"{}", "texts: this field is required"),
        (b'{"texts": "a"}', "texts: input should be a valid array"),
        (b'{"texts": [1]}', "texts[0]: input should be a string or an object"),
        (b'{"texts": ["a", {"tokens": []}]}', "texts[1].text: this field is required"),
        (b'{"texts": [{"text": "a", "ents": 1}]}', "texts[0].ents: unknown field"),
        (b'{"texts": [{"text": "a", "tokens": [[0]]}]}', "texts[0].tokens[0]"),
        (b'{"texts": [{"text": "a", "tokens": [[0, 2]]}]}', "texts[0].tokens: offset 2"),
        (b'{"texts": [{"text": "ab", "tokens": [[0, 1], [0, 2]]}]}', "texts[0].tokens: token 0:2"),
        (b'{"texts": [{"text": "ab", "tokens": [[1, 1]]}]}', "texts[0].tokens: token 1:1"),
        (b'{"texts": [{"text": "ab", "tokens": [[-1, 1]]}]}', "texts[0].tokens: offset -1"),
        (ask(threshold=float("nan")), "threshold: input should be a finite number"),
        (ask(threshold=float("inf")), "threshold"),
        (ask(threshold=2), "threshold: input should be less than 1; got 2"),
        (ask(threshold=0), "threshold: input should be greater than 0; got 0"),
        (ask(threshold=True), "threshold: input should be a number between 0 and 1 or a map"),
        (ask(threshold="0.5"), "threshold"),
        (ask(threshold={"ORG": -1}), "threshold.ORG: input should be greater than 0; got -1"),
        (ask(threshold={"NOPE": 0.5}), "threshold: unknown label 'NOPE'; there are: GPE, MISC, ORG, PER"),
        (ask(labels=["ORG", "NOPE"]), "labels: unknown label 'NOPE'; there are: GPE, MISC, ORG, PER"),
        (ask(labels=[]), "labels"),
        (ask(labels="ORG"), "labels"),
        (ask(mode="both"), "mode: input should be 'nested' or 'flat'; got 'both'"),
        (ask(offset_unit="char"), "offset_unit"),
        (ask(max_entities=0), "max_entities"),
        (ask(max_entities=1.5), "max_entities"),
        (ask(max_entities=10**30), "max_entities"),
        (ask(treshold=0.5), "treshold: unknown field; known fields: texts, model, mode, threshold"),
        (ask(model=3), "model"),
    ],
)
def test_body_that_cannot_be_used_is_422_and_says_where(client, body, says):
    message = error_of(post(client, body), 422)
    assert says in message
    assert len(message) < 1000
    assert post(client, ask()).status_code == 200


@pytest.mark.parametrize("unit", ["utf16", "byte"])
def test_word_offset_inside_a_character_is_422(client, unit):
    body = {"texts": [{"text": "🎉", "tokens": [[0, 1]]}], "offset_unit": unit}
    assert f"offset 1 ({unit}) lies inside the character" in error_of(post(client, json.dumps(body)), 422)


def test_many_errors_are_cut_short(client):
    message = error_of(post(client, json.dumps({"texts": list(range(1000))})), 422)
    assert message.endswith("and 997 more")


def test_values_are_not_echoed_at_length(client):
    assert len(error_of(post(client, ask(mode="x" * 100_000)), 422)) < 300
    assert len(error_of(post(client, ask(**{"y" * 100_000: 1})), 422)) < 300
    assert len(error_of(post(client, ask(labels=["z" * 100_000])), 422)) < 300
    assert len(error_of(post(client, ask(model="m" * 100_000)), 404)) < 300


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {"Content-Type": ";;;="},
    ],
)
def test_other_media_types_are_415(client, headers):
    assert post(client, ask(), headers).json()["error"]["type"] == "unsupported_media_type"
    assert error_of(post(client, ask(), headers), 415)


@pytest.mark.parametrize("value", ["application/json; charset=UTF-8", 'Application/JSON;charset="utf-8"'])
def test_json_in_utf8_may_be_declared_in_many_ways(client, value):
    assert post(client, ask(), {"Content-Type": value}).status_code == 200


def test_unknown_route_and_method(client):
    assert "GET /v2/extract" in error_of(client.get("/v2/extract"), 404)
    assert client.get("/v1/extract/").status_code == 404
    response = client.get("/v1/extract")
    assert error_of(response, 405)
    assert response.headers["Allow"] == "POST"


def test_failure_of_the_model_is_500_without_its_inside(client):
    message = error_of(post(client, json.dumps({"texts": ["crash"]})), 500)
    assert "fake model broke" not in message
    assert post(client, ask()).status_code == 200


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
fields = st.sampled_from(["texts", "model", "mode", "threshold", "labels", "offset_unit", "max_entities", "text", "x"])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.dictionaries(fields, json_values, max_size=4).map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=40)
)
def test_no_body_makes_the_server_fail(client, body):
    response = post(client, body)
    assert response.status_code in (200, 404, 413, 422), response.text
