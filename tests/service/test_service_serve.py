"""A server in a process of its own: signals, raw bytes, and what `run` refuses."""

from __future__ import annotations

import gc
import http.client
import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from globalner.errors import CheckpointError, ConfigError
from globalner_service import ServiceSettings
from globalner_service import app as app_module
from globalner_service.serve import _bind as bind
from globalner_service.serve import run


class Server:
    """A process that serves a fake extractor."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.address = (urlsplit(url).hostname, urlsplit(url).port)

    def request(self, method: str, path: str, body: object = None, headers=None) -> tuple[int, dict]:
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        data = json.dumps(body) if isinstance(body, dict) else body
        connection.request(method, path, data, headers or {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    def extract(self, *texts: str) -> int:
        return self.request("POST", "/v1/extract", {"texts": texts})[0]

    def raw(self, data: bytes) -> bytes:
        """The answer to raw bytes; empty where the server cut the connection."""
        with socket.create_connection(self.address, timeout=20) as connection:
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                return b"".join(iter(lambda: connection.recv(65536), b""))
            except TimeoutError:
                raise
            except OSError:
                return b""

    def ready_becomes(self, status: int) -> None:
        deadline = time.monotonic() + 10
        while self.request("GET", "/ready")[0] != status:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def end(self) -> int:
        return self.process.wait(20)


@pytest.fixture(scope="module")
def server(spawn_server) -> Iterator[Server]:
    running = Server(*spawn_server())
    yield running
    running.process.terminate()
    assert running.end() == 0
    assert "Traceback" not in running.process.stderr.read()


@pytest.fixture
def own_server(spawn_server) -> Server:
    return Server(*spawn_server(slow_s=1.0))


def test_first_signal_finishes_accepted_work_and_refuses_new(own_server):
    with ThreadPoolExecutor(1) as pool:
        accepted = pool.submit(own_server.extract, "slow Bern")
        time.sleep(0.3)
        own_server.process.send_signal(signal.SIGTERM)
        own_server.ready_becomes(503)
        assert own_server.extract("Bern") == 503
        assert own_server.request("GET", "/health")[0] == 200
        assert accepted.result() == 200
    assert own_server.end() == 0


def test_idle_server_stops_at_once(own_server):
    began = time.monotonic()
    own_server.process.send_signal(signal.SIGINT)
    assert own_server.end() == 0
    assert time.monotonic() - began < 3


def test_second_signal_ends_at_once(spawn_server):
    server = Server(*spawn_server(slow_s=15.0))
    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(server.extract, "slow")
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        server.ready_becomes(503)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.end() != 0
        assert time.monotonic() - began < 10
        assert isinstance(lost.exception(), http.client.HTTPException | OSError)


def test_proxy_path(spawn_server):
    server = Server(*spawn_server(root_path="/ner"))
    assert server.request("GET", "/ready")[0] == 200
    assert server.request("GET", "/openapi.json")[1]["servers"] == [{"url": "/ner"}]
    server.process.terminate()
    assert server.end() == 0


def test_large_body_is_answered_with_413_and_not_with_a_broken_connection(server):
    for _ in range(3):
        status, answer = server.request("POST", "/v1/extract", b" " * (20 * 1024 * 1024))
        assert status == 413
        assert "--max-body-bytes" in answer["error"]["message"]
    assert server.extract("Bern") == 200


def test_large_chunked_body_is_answered_with_413(server):
    status, answer = server.request("POST", "/v1/extract", (b" " * 65536 for _ in range(100)))
    assert status == 413
    assert "--max-body-bytes" in answer["error"]["message"]
    assert server.extract("Bern") == 200


POST = b"POST /v1/extract HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\xff\x16\x03\x01garbage\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Bomb: y\r\n" * 20_000 + b"\r\n",
        POST + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\n{}",
        POST + b"Content-Length: -1\r\n\r\n{}",
        POST + b"Content-Length: 99\r\n\r\n{}",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    ],
)
def test_broken_http_gets_4xx_or_a_closed_connection(server, data):
    answer = server.raw(data)
    assert answer == b"" or answer.split(b" ")[1].startswith(b"4"), answer[:200]
    assert server.extract("Bern") == 200


def test_http_1_0(server):
    answer = server.raw(b"GET /health HTTP/1.0\r\n\r\n")
    assert answer.split(b" ")[1] == b"200"


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_port_in_use_is_said(taken_port):
    with pytest.raises(ConfigError, match=f"port {taken_port} of 127.0.0.1 is in use.*--port {taken_port + 1}"):
        run(ServiceSettings(model="unused"), port=taken_port)


def test_answers_do_not_wait_until_their_head_is_acknowledged():
    with bind("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_address_of_another_machine_is_said():
    with pytest.raises(ConfigError, match=r"cannot listen on port 0 of '203\.0\.113\.7'.*--host"):
        run(ServiceSettings(model="unused"), host="203.0.113.7", port=0)


def test_model_that_cannot_be_loaded_ends_the_server(monkeypatch):
    def load(settings: ServiceSettings):
        raise CheckpointError(f"{settings.model}: there is no such model folder")

    monkeypatch.setattr(app_module, "load_extractor", load)
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(run, ServiceSettings(model="nowhere"), port=0)
        with pytest.raises(CheckpointError, match="nowhere: there is no such model folder"):
            ended.result(timeout=20)


def test_what_is_loaded_is_no_garbage_to_look_at(fake):
    """A search of all that torch and transformers hold would stop a busy server for half a second."""
    before, frozen = gc.get_freeze_count(), []

    def ready(_: str) -> None:
        frozen.append(gc.get_freeze_count())
        gc.unfreeze()
        signal.raise_signal(signal.SIGTERM)

    run(ServiceSettings(model="unused"), port=0, extractor=fake, on_ready=ready)
    assert frozen[0] > before + 10_000
