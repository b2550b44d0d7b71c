"""`POST /v1/extract/stream`: a line for a line, in order, and never more inside than one request may hold."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterable

import pytest

from globalner_service.errors import BodyTimeoutError, DisconnectedError, TooLargeError
from globalner_service.line_reader import LineReader

NDJSON = {"Content-Type": "application/x-ndjson"}


def lines_of(texts: Iterable[object]) -> bytes:
    return b"".join(json.dumps(text if isinstance(text, dict) else {"text": text}).encode() + b"\n" for text in texts)


def stream(client, body: bytes, query: str = "", status: int = 200) -> list[dict]:
    response = client.post(f"/v1/extract/stream{query}", content=body, headers=NDJSON)
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == ("application/x-ndjson" if status == 200 else "application/json")
    return [json.loads(line) for line in response.text.splitlines()]


def test_one_result_for_each_line_in_order(client):
    items = [{"text": f"Bern {'x' * (number % 7)}", "id": str(number)} for number in range(100)]
    answers = stream(client, lines_of(items))
    assert [answer["id"] for answer in answers] == [item["id"] for item in items]
    assert all(answer["entities"][0]["text"] == "Bern" and answer["windows"] == 1 for answer in answers)


def test_answers_are_those_of_the_plain_route(client):
    texts = ["Maya left Lisbon Hospital of Bern", "", "🎉 北京大学"]
    body = {"texts": texts, "mode": "flat", "threshold": {"ORG": 0.9}, "labels": ["ORG", "GPE"], "offset_unit": "utf16"}
    plain = client.post("/v1/extract", json={**body, "max_entities": 2}).json()["results"]
    query = '?mode=flat&threshold={"ORG": 0.9}&labels=ORG&labels=GPE&offset_unit=utf16&max_entities=2'
    assert stream(client, lines_of(texts), query) == plain


def test_given_words_are_read(client, fake):
    stream(client, lines_of([{"text": "🎉 Bern", "tokens": [[0, 2], [3, 7]]}]), "?offset_unit=utf16")
    assert fake.prepared[0].tokens == ((0, 1), (2, 6))


def test_an_error_is_one_object_in_its_line_and_the_stream_goes_on(start):
    client = start(max_text_chars=10, max_body_bytes=60)
    bad = [
        b"{",
        b'{"text": "\xff"}',
        b'{"text": "crash"}',
        b'{"text": "xxxxxxxxxxxxx", "id": "long"}',
        b"y" * 500,
        b"[]",
    ]
    body = b'{"text": "Bern"}\n\n' + b"\n".join(bad) + b'\n{"text": "Bern"}'
    answers = stream(client, body)
    errors = [(answer["line"], answer["error"]["type"]) for answer in answers[1:-1]]
    kinds = ["invalid", "invalid", "internal", "too_large", "too_large", "invalid"]
    assert errors == list(zip(range(3, 9), kinds, strict=True))
    assert answers[4]["id"] == "long"
    assert "--max-text-chars" in answers[4]["error"]["message"]
    assert "--max-body-bytes" in answers[5]["error"]["message"]
    assert answers[0]["entities"] == answers[-1]["entities"] != []


def test_an_empty_stream_has_an_empty_answer(client):
    assert stream(client, b"") == []
    assert stream(client, b"\n \r\n") == []


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("?threshold=2", "threshold: input should be less than 1; got 2"),
        ("?threshold=NaN", "threshold"),
        ("?threshold=much", "threshold: input should be a number"),
        ("?threshold=" + "[" * 3000, "threshold: input should be a number"),
        ("?labels=NOPE", "labels: unknown label 'NOPE'; there are: GPE, MISC, ORG, PER"),
        ("?max_entities=0", "max_entities"),
        ("?max_entities=1e3", "max_entities"),
        ("?mode=both", "mode"),
        ("?treshold=0.5", "treshold: unknown field"),
        ("?mode=flat&mode=nested", "mode: given 2 times"),
    ],
)
def test_options_that_cannot_be_used_are_422_before_anything_is_read(client, fake, query, says):
    (answer,) = stream(client, lines_of(["Bern"]), query, status=422)
    assert says in answer["error"]["message"]
    assert fake.calls == []


def test_other_media_types_are_415_and_other_models_404(client):
    response = client.post("/v1/extract/stream", content=b"", headers={"Content-Type": "application/json"})
    assert response.status_code == 415
    assert "application/x-ndjson" in response.json()["error"]["message"]
    stream(client, b"", "?model=other", status=404)


def test_a_stream_waits_where_a_request_would_be_refused(start):
    client = start(max_texts=4, max_queue_windows=4, batch_size=1)
    answers = stream(client, lines_of(["Bern"] * 60))
    assert [len(answer["entities"]) for answer in answers] == [1] * 60


class Connection:
    """A client that writes and reads a chunked stream by hand."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.socket.sendall(
            b"POST /v1/extract/stream HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )

    def send(self, data: bytes) -> None:
        self.socket.sendall(b"%x\r\n%b\r\n" % (len(data), data))

    def read_until(self, end: bytes) -> bytes:
        seen = b""
        while end not in seen:
            part = self.socket.recv(65536)
            assert part, seen
            seen += part
        return seen


def test_an_answer_comes_while_the_stream_is_still_open(spawn_server):
    process, url = spawn_server()
    connection = Connection(url)
    for number in range(3):
        connection.send(lines_of([{"text": "Bern", "id": f"n{number}"}]))
        assert b"Bern" in connection.read_until(f'"id":"n{number}"}}\n'.encode())
    connection.socket.sendall(b"0\r\n\r\n")
    connection.read_until(b"0\r\n\r\n")
    process.terminate()


def test_a_client_that_does_not_read_is_not_read_either_and_then_cut(spawn_server):
    process, url = spawn_server(write_timeout_s=0.5)
    connection = Connection(url)
    lines = lines_of(["Bern " * 200]) * 1000
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        connection.send(lines * 32)
    process.terminate()
    assert process.wait(20) == 0
    assert "Traceback" not in process.stderr.read()


def read_lines(parts: list[dict], *, timeout_s: float = 5.0, max_line_bytes: int = 10) -> list[object]:
    async def receive():
        if parts:
            return parts.pop(0)
        await asyncio.Event().wait()

    async def read() -> list[object]:
        reader = LineReader(receive, max_line_bytes=max_line_bytes, timeout_s=timeout_s)
        return [line async for line in reader.lines()]

    return asyncio.run(read())


def part(body: bytes, more: bool = True) -> dict:
    return {"type": "http.request", "body": body, "more_body": more}


def test_lines_are_put_together_from_any_parts():
    whole = b"one\n\ntwo\r\nthree"
    for size in range(1, len(whole) + 1):
        parts = [part(whole[at : at + size]) for at in range(0, len(whole), size)]
        assert read_lines([*parts, part(b"", False)]) == [b"one", b"", b"two\r", b"three"]


def test_of_a_line_that_is_too_long_nothing_is_kept():
    parts = [part(b"ab\n" + b"x" * 8), *[part(b"x" * 8)] * 5, part(b"\ncd", False)]
    first, second, third = read_lines(parts)
    assert (first, third) == (b"ab", b"cd")
    assert isinstance(second, TooLargeError)
    assert isinstance(read_lines([part(b"x" * 11, False)])[0], TooLargeError)
    assert isinstance(read_lines([part(b"x" * 11 + b"\n", False)])[0], TooLargeError)


def test_a_line_that_does_not_arrive_or_a_client_that_leaves_ends_the_reading():
    with pytest.raises(BodyTimeoutError):
        read_lines([part(b"ab\ncd")], timeout_s=0.05)
    with pytest.raises(DisconnectedError):
        read_lines([part(b"ab\ncd"), {"type": "http.disconnect"}])


def test_a_client_that_leaves_takes_its_work_with_it(start, fake, until):
    client = start(batch_size=1)
    fake.gate.clear()
    app, sent = client.app, []
    leave = threading.Event()

    async def receive():
        if not sent_parts:
            while not leave.is_set():
                await asyncio.sleep(0.01)
            return {"type": "http.disconnect"}
        return sent_parts.pop(0)

    async def send(message):
        sent.append(message)

    sent_parts = [part(lines_of(["Bern"] * 5))]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/extract/stream",
        "raw_path": b"/v1/extract/stream",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/x-ndjson")],
        "server": ("test", 80),
        "client": ("test", 1),
    }
    runner = threading.Thread(target=lambda: asyncio.run(app(scope, receive, send)))
    runner.start()
    worker = app.state.service.worker
    until(lambda: len(worker._open_jobs) == 5)
    leave.set()
    runner.join(5)
    assert worker.idle
    fake.gate.set()
    until(lambda: worker._queue.waiting == 0)
    assert len(fake.calls) == 1, "what was not yet in the model is dropped"
    assert 'globalner_rejected_total{reason="disconnected"} 1.0' in client.get("/metrics").text
