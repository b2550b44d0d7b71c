from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

import globalner
from globalner.errors import CheckpointError
from globalner_service import ServiceSettings, create_app


def error_of(response, status: int) -> dict[str, str]:
    assert response.status_code == status, response.text
    return response.json()["error"]


def test_before_the_model_is_warm(start, fake, until):
    fake.gate.clear()
    client = start(ready=False)
    assert client.get("/health").json() == {"status": "ok"}
    error = error_of(client.get("/ready"), 503)
    assert error == {"type": "not_ready", "message": "the model is still loading"}
    assert error_of(client.post("/v1/extract", content=b"not even JSON"), 503)["type"] == "not_ready"
    assert client.get("/info").json()["ready"] is False
    fake.gate.set()
    until(lambda: client.get("/ready").status_code == 200)
    assert client.get("/ready").json() == {"status": "ready"}
    assert client.post("/v1/extract", json={"texts": ["Bern"]}).status_code == 200


def test_without_warmup_no_text_is_read_at_the_start(start, fake, until):
    fake.gate.clear()
    client = start(ready=False, warmup=False)
    until(lambda: client.get("/ready").status_code == 200)
    assert fake.calls == []


def test_info(client):
    info = client.get("/info").json()
    assert info["model"] == "fake"
    assert info["version"] == globalner.__version__
    assert info["ready"] is True
    assert info["labels"] == ["GPE", "MISC", "ORG", "PER"]
    assert info["description"]["encoder"] == "fake"
    assert info["description"]["mode"] == "nested"
    assert info["limits"] == {
        "max_texts": 32,
        "max_text_chars": 100_000,
        "max_body_bytes": 2 * 1024 * 1024,
        "max_queue_windows": 1024,
        "max_batch_tokens": 16_384,
        "max_batch_cells": 2**27,
        "max_concurrent_requests": 512,
        "max_connections": 900,
        "max_header_bytes": 16 * 1024,
        "batch_size": 32,
        "rate_limit_per_s": None,
        "request_timeout_s": 60,
        "header_timeout_s": 10,
        "body_timeout_s": 30,
        "write_timeout_s": 30,
        "keep_alive_timeout_s": 75,
        "shutdown_timeout_s": 30,
    }


def test_info_while_the_model_loads(until):
    loading = threading.Event()
    app = create_app(ServiceSettings(model="nowhere", served_name="ner"))
    worker = app.state.service.worker
    worker._load = lambda: loading.wait(10) and None
    with TestClient(app) as client:
        info = client.get("/info").json()
        assert (info["model"], info["labels"], info["description"], info["ready"]) == ("ner", None, None, False)
        loading.set()
        until(lambda: worker.failure is not None)


def test_model_that_cannot_be_loaded_is_told_by_ready(until):
    app = create_app(ServiceSettings(model="nowhere"))

    def load():
        raise CheckpointError("nowhere: there is no such model folder")

    app.state.service.worker._load = load
    with TestClient(app) as client:
        until(lambda: app.state.service.worker.failure is not None)
        assert client.get("/health").status_code == 200
        message = error_of(client.get("/ready"), 503)["message"]
        assert message == "the model could not be loaded: nowhere: there is no such model folder"
        assert error_of(client.post("/v1/extract", json={"texts": ["Bern"]}), 503)["type"] == "not_ready"


def test_dead_worker_answers_503_to_those_who_wait_and_to_those_who_come(start, fake, until):
    client = start(batch_size=1)
    fake.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        dying = pool.submit(client.post, "/v1/extract", json={"texts": ["die"]})
        assert fake.entered.wait(10)
        waiting = pool.submit(client.post, "/v1/extract", json={"texts": ["Bern"]})
        until(lambda: client.app.state.service.worker._open_jobs.__len__() == 2)
        fake.gate.set()
        assert error_of(dying.result(), 503)["type"] == "not_ready"
        assert error_of(waiting.result(), 503)["type"] == "not_ready"
    assert "died" in error_of(client.get("/ready"), 503)["message"]
    assert client.get("/health").status_code == 200
    assert error_of(client.post("/v1/extract", json={"texts": ["Bern"]}), 503)


def test_draining_refuses_new_work_and_finishes_what_was_accepted(client, fake):
    worker = client.app.state.service.worker
    fake.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        accepted = pool.submit(client.post, "/v1/extract", json={"texts": ["Bern"]})
        assert fake.entered.wait(10)
        worker.begin_drain()
        assert "stopping" in error_of(client.get("/ready"), 503)["message"]
        assert error_of(client.post("/v1/extract", json={"texts": ["Bern"]}), 503)["type"] == "not_ready"
        assert not worker.idle
        fake.gate.set()
        assert accepted.result().status_code == 200
    assert worker.idle


def test_request_out_of_time_is_504_and_the_server_goes_on(start, fake, until):
    client = start(request_timeout_s=0.1, batch_size=1)
    fake.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(client.post, "/v1/extract", json={"texts": ["one"]})
        assert fake.entered.wait(10)
        waiting = pool.submit(client.post, "/v1/extract", json={"texts": ["two"]})
        for late in (running, waiting):
            error = error_of(late.result(), 504)
            assert error["type"] == "out_of_time"
            assert "0.1 s" in error["message"]
    fake.gate.set()
    until(lambda: client.app.state.service.worker.idle)
    assert fake.calls == [["one"]], "work that nobody waits for is dropped"
    assert client.post("/v1/extract", json={"texts": ["Bern"]}).status_code == 200


@pytest.mark.parametrize("texts", [1, 2])
def test_full_queue_is_429_as_a_whole_with_retry_after(start, fake, until, texts):
    client = start(max_texts=2, max_queue_windows=2, batch_size=1)
    fake.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(client.post, "/v1/extract", json={"texts": ["running"]})
        assert fake.entered.wait(10)
        waiting = pool.submit(client.post, "/v1/extract", json={"texts": ["waiting"] * texts})
        until(lambda: client.app.state.service.worker._open_jobs.__len__() == 2)
        refused = client.post("/v1/extract", json={"texts": ["too", "much"]})
        error = error_of(refused, 429)
        assert error["type"] == "queue_full"
        assert "--max-queue-windows" in error["message"]
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        fake.gate.set()
        assert running.result().status_code == waiting.result().status_code == 200
    assert client.post("/v1/extract", json={"texts": ["now", "fine"]}).status_code == 200


def test_stopping_does_not_wait_longer_than_told(fake):
    fake.gate.clear()
    app = create_app(ServiceSettings(model="unused", shutdown_timeout_s=0.1), extractor=fake)
    began = time.monotonic()
    with TestClient(app):
        pass
    assert time.monotonic() - began < 5
