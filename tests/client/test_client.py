"""Both clients against the real service around a small model, and against servers that misbehave."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from globalner import Document, EntityExtractor
from globalner.client import AsyncClient, Client, RetryPolicy, ServiceError, ServiceUnreachableError, connection
from globalner.client.connection import Service
from globalner.client.wire import pages_of
from globalner.errors import ConfigError, DataError, MissingExtraError
from globalner_service import ServiceSettings, create_app
from globalner_service.api_keys import ApiKeys

KEY = "key-0123456789abcdef"
QUICK = RetryPolicy(first_wait_s=0.01)


@pytest.fixture(scope="module")
def extractor(trained_model) -> EntityExtractor:
    return EntityExtractor.from_pretrained(trained_model, device="cpu")


@pytest.fixture(scope="module")
def url(extractor) -> Iterator[str]:
    app = create_app(ServiceSettings(model="unused", api_keys=ApiKeys.of([KEY])), extractor=extractor)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not (server.started and app.state.service.worker.is_ready):
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


class Scripted:
    """A server that gives prepared answers, one after the other, the last one for ever; `break` closes instead."""

    def __init__(self, *answers: tuple[int, dict[str, str], bytes] | str) -> None:
        self.times: list[float] = []
        script = list(answers)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.times.append(time.monotonic())
                self.rfile.read(int(self.headers["Content-Length"]))
                answer = script.pop(0) if len(script) > 1 else script[0]
                if isinstance(answer, str):
                    self.connection.close()
                    return
                status, headers, body = answer
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


GOOD = (200, {}, json.dumps({"model": "m", "results": [{"entities": [], "windows": 1, "limited": False}]}).encode())


def refusal(status: int, kind: str = "queue_full", **headers: str) -> tuple[int, dict[str, str], bytes]:
    body = json.dumps({"error": {"type": kind, "message": "come back"}}).encode()
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, body


@pytest.fixture
def scripted() -> Iterator[object]:
    servers: list[Scripted] = []

    def make(*answers: object) -> Scripted:
        servers.append(Scripted(*answers))  # type: ignore[arg-type]
        return servers[-1]

    yield make
    for one in servers:
        one.server.shutdown()
        one.server.server_close()


def both(service: str | Service, texts: list, api_key: str | None = None, **options: object) -> list[Document]:
    """What the two clients say, which has to be the same."""

    async def ask() -> list[Document]:
        async with AsyncClient(service, api_key=api_key) as client:
            return await client.extract(texts, **options)  # type: ignore[arg-type]

    with Client(service, api_key=api_key) as client:
        found = client.extract(texts, **options)  # type: ignore[arg-type]
    again = asyncio.run(ask())
    assert [[entity.key for entity in document.entities] for document in again] == [
        [entity.key for entity in document.entities] for document in found
    ]
    assert [document.text for document in again] == [document.text for document in found]
    return found


@pytest.mark.parametrize("options", [{}, {"mode": "flat", "labels": ["LOC", "PER"], "threshold": {"LOC": 0.9}}])
def test_answers_are_those_of_the_extractor(url, extractor, documents, options):
    texts = [*[document.text for document in documents], "", "\x00🎉 e\u0301"]
    found, expected = both(url, texts, KEY, **options), extractor.extract(texts, **options)
    assert [document.text for document in found] == texts
    for one, other in zip(found, expected, strict=True):
        assert [entity.key for entity in one.entities] == [entity.key for entity in other.entities]
        assert [entity.score for entity in one.entities] == pytest.approx([e.score for e in other.entities], abs=1e-5)
        assert (one.windows, one.limited) == (other.windows, other.limited)


def test_documents_keep_what_they_carry_and_their_words(url, extractor):
    given = Document("Ana Reis", id="7", tokens=((0, 3), (4, 8)), extra={"meta": 1})
    (found,) = both(url, [given], KEY)
    assert (found.id, found.tokens, found.extra) == ("7", given.tokens, {"meta": 1})
    assert found.entities == extractor(given).entities


def test_long_lists_are_sent_in_pages_and_come_back_in_order(url, documents):
    texts = [f"{document.text} {number}" for number, document in enumerate(documents * 8)]
    found = both(Service(url, KEY, texts_per_request=5, chars_per_request=200), texts)
    assert [document.text for document in found] == texts


@given(lengths=st.lists(st.integers(0, 30), max_size=20))
def test_pages_hold_all_texts_within_both_bounds(lengths):
    texts = ["x" * length for length in lengths]
    pages = pages_of(texts, texts_per_request=3, chars_per_request=40)
    assert [document.text for page in pages for document in page] == texts
    for page in pages:
        assert len(page) <= 3
        assert len(page) == 1 or sum(len(document.text) for document in page) <= 40


def test_one_text_and_info(url):
    with Client(url, api_key=KEY) as client:
        assert client("Nothing here.").entities == ()
        assert client.info()["labels"] == ["LOC", "ORG", "PER"]


def test_refusals_are_errors_with_status_and_kind(url):
    with Client(url) as client, pytest.raises(ServiceError, match=r"401.*asks for an API key") as caught:
        client.info()
    assert (caught.value.status, caught.value.kind) == (401, "unauthorized")
    for client_error in ({"labels": ["NOPE"]}, {"threshold": 2}, {"threshold": float("nan")}):
        with Client(url, api_key=KEY) as client, pytest.raises(ServiceError) as caught:
            client.extract(["x"], **client_error)
        assert caught.value.status == 422
    with Client(url, api_key=KEY) as client, pytest.raises(ServiceError, match=r"413.*--max-text-chars"):
        client.extract(["x" * 100_001])


def test_what_cannot_be_sent_is_said_before(url):
    with Client(url, api_key=KEY) as client:
        with pytest.raises(DataError, match="half a surrogate pair"):
            client.extract(["\ud800"])
        with pytest.raises(DataError, match="list of labels"):
            client.extract(["x"], labels="LOC")


@pytest.mark.parametrize("address", ["", "localhost:8000", "ftp://x", "http://"])
def test_an_address_that_is_none_is_said(address):
    with pytest.raises(ConfigError, match="no address of a service"):
        Client(address)


def test_refused_work_is_brought_again_when_the_service_says(scripted):
    server = scripted(refusal(429, Retry_After="1"), refusal(503, "not_ready"), "break", GOOD, GOOD)
    with Client(Service(server.url, retries=QUICK)) as client:
        assert client.extract(["x"])[0].windows == 1
    waits = [later - earlier for earlier, later in zip(server.times, server.times[1:], strict=False)]
    assert 0.95 < waits[0] < 1.5
    assert max(waits[1:]) < 0.5


def test_both_clients_try_again(scripted):
    answers = [refusal(503, "not_ready"), "break", GOOD]
    for _ in range(2):
        server = scripted(*answers)

        async def ask(url: str = server.url) -> list[Document]:
            async with AsyncClient(Service(url, retries=QUICK)) as client:
                return await client.extract(["x"])

        assert asyncio.run(ask())[0].windows == 1
        assert len(server.times) == 3


@pytest.mark.parametrize(
    ("answer", "tries"),
    [(refusal(429), 4), (refusal(504, "out_of_time"), 1), (refusal(500, "internal"), 1), (refusal(422), 1)],
)
def test_only_what_may_pass_is_tried_again_and_not_for_ever(scripted, answer, tries):
    server = scripted(answer)
    with Client(Service(server.url, retries=QUICK)) as client, pytest.raises(ServiceError, match="come back"):
        client.extract(["x"])
    assert len(server.times) == tries


def test_a_service_that_asks_for_more_patience_than_there_is_is_not_waited_for(scripted):
    server = scripted(refusal(429, Retry_After="3600"))
    with Client(server.url) as client, pytest.raises(ServiceError, match="429"):
        client.extract(["x"])
    assert len(server.times) == 1


def test_nobody_there(scripted):
    server = scripted("break")
    for service in (Service(server.url, retries=QUICK), Service("http://127.0.0.1:9", retries=QUICK)):
        with Client(service) as client, pytest.raises(ServiceUnreachableError, match="no answer after 4 tries"):
            client.extract(["x"])


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"results": []}', b'{"results": [{}]}', b"<html>"])
def test_answers_of_other_servers_are_not_taken_for_good_ones(scripted, body):
    server = scripted((200, {}, body))
    with Client(server.url) as client, pytest.raises(ServiceError, match="not understood"):
        client.extract(["x"])
    other = scripted((400, {}, body))
    with Client(other.url) as client, pytest.raises(ServiceError, match="answered 400"):
        client.extract(["x"])


def test_waits_double_with_chance_in_them_and_dates_are_understood():
    policy = RetryPolicy(tries=9, first_wait_s=1.0, longest_wait_s=5.0, chance=lambda: 1.0)
    assert [policy.wait_after_break_s(tried) for tried in (1, 2, 3, 4, 9)] == [1.0, 2.0, 4.0, 5.0, None]
    half = RetryPolicy(first_wait_s=1.0, chance=lambda: 0.0)
    assert half.wait_after_answer_s(503, {}, 1) == 0.5
    assert policy.wait_after_answer_s(503, {"retry-after": "3"}, 1) == 3.0
    assert policy.wait_after_answer_s(503, {"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 1) == 0.0
    assert policy.wait_after_answer_s(503, {"retry-after": "soon"}, 1) == 1.0
    assert policy.wait_after_answer_s(200, {}, 1) is None


def test_missing_library_is_named(monkeypatch):
    import builtins

    real = builtins.__import__

    def refuse(name: str, *rest: object) -> object:
        if name == "httpx":
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r'pip install "globalner\[client\]"'):
        connection.http_library()


def test_keys_do_not_show():
    assert KEY not in repr(Service("http://x", KEY))
