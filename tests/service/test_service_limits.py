from __future__ import annotations

import asyncio
import json

import pytest

from globalner.errors import ConfigError


def error_of(response, status: int) -> dict[str, str]:
    assert response.status_code == status, response.text
    return response.json()["error"]


def test_too_many_texts(start):
    client = start(max_texts=3)
    assert client.post("/v1/extract", json={"texts": [""] * 3}).status_code == 200
    error = error_of(client.post("/v1/extract", json={"texts": [""] * 4}), 413)
    assert error["type"] == "too_large"
    assert error["message"] == "the request holds 4 texts, over the limit of 3 (server flag --max-texts)"


def test_too_long_text_counts_code_points(start):
    client = start(max_text_chars=4)
    assert client.post("/v1/extract", json={"texts": ["🎉北京大"]}).status_code == 200
    for item in ("abcde", {"text": "abcde"}):
        error = error_of(client.post("/v1/extract", json={"texts": ["a", item]}), 413)
        assert error["message"] == "texts[1] has 5 characters, over the limit of 4 (server flag --max-text-chars)"


def test_too_large_body_is_refused_by_its_declared_size(start, fake):
    client = start(max_body_bytes=100)
    error = error_of(client.post("/v1/extract", json={"texts": ["x" * 100]}), 413)
    assert "over the limit of 100 (server flag --max-body-bytes)" in error["message"]
    assert fake.calls == []


def test_too_large_chunked_body_is_refused_while_it_arrives(start):
    client = start(max_body_bytes=100)
    sent = []

    def chunks():
        for _ in range(10):
            sent.append(1)
            yield b" " * 60

    response = client.post("/v1/extract", content=chunks(), headers={"Content-Type": "application/json"})
    assert "--max-body-bytes" in error_of(response, 413)["message"]


def call_app(app, messages: list[dict[str, object]], headers: list[tuple[bytes, bytes]]) -> tuple[int, bytes, int]:
    """Talks ASGI with an app; returns status, body, and how many messages it read."""
    sent: list[dict[str, object]] = []
    left = list(messages)

    async def receive():
        if left:
            return left.pop(0)
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/extract",
        "raw_path": b"/v1/extract",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json"), *headers],
        "server": ("test", 80),
        "client": ("test", 1),
    }
    asyncio.run(asyncio.wait_for(app(scope, receive, send), 10))
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], body, len(messages) - len(left)


@pytest.mark.parametrize("declared", [b"10", b"-5", b"abc", b"", b"1e9"])
def test_wrong_content_length_does_not_get_around_the_limit(start, declared):
    client = start(max_body_bytes=100)
    endless = [{"type": "http.request", "body": b" " * 60, "more_body": True}] * 50
    status, body, read = call_app(client.app, endless, [(b"content-length", declared)])
    assert status == 413
    assert json.loads(body)["error"]["type"] == "too_large"
    assert read == 2


def test_body_that_stops_arriving_is_408(start):
    client = start(body_timeout_s=0.05)
    stalled = [{"type": "http.request", "body": b'{"texts"', "more_body": True}]
    status, body, _ = call_app(client.app, stalled, [])
    assert status == 408
    assert json.loads(body)["error"]["type"] == "body_timeout"


def test_client_that_leaves_while_it_sends_harms_nothing(start):
    client = start()
    gone = [{"type": "http.request", "body": b'{"texts"', "more_body": True}, {"type": "http.disconnect"}]
    status, _, _ = call_app(client.app, gone, [])
    assert status == 400
    assert client.post("/v1/extract", json={"texts": ["Bern"]}).status_code == 200


def test_full_request_must_fit_into_the_queue(start):
    with pytest.raises(ConfigError, match="--max-queue-windows 2 is smaller than --max-texts 3"):
        start(max_texts=3, max_queue_windows=2)
