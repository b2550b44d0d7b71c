"""What Prometheus sees: every name, and numbers that are true."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.parser import text_string_to_metric_families

from globalner.errors import ConfigError
from globalner_service import ServiceSettings
from globalner_service.errors import DisconnectedError, OutOfTimeError
from globalner_service.waiting import wait_for_answer

NAMES = {
    "requests_total",
    "request_duration_seconds",
    "queue_duration_seconds",
    "tokenize_duration_seconds",
    "inference_duration_seconds",
    "decode_duration_seconds",
    "batch_size",
    "batch_tokens",
    "batch_fill_ratio",
    "queue_size",
    "in_flight",
    "input_chars",
    "windows_per_document",
    "truncated_total",
    "entities_total",
    "rejected_total",
}


def samples(client) -> dict[str, float]:
    """`name{label="value"}` without the prefix -> value."""
    read = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            read[sample.name.removeprefix("globalner_") + (f"{{{labels}}}" if labels else "")] = sample.value
    return read


def test_every_name_is_there(client):
    client.post("/v1/extract", json={"texts": ["Bern"]})
    client.post("/v1/extract", json={"texts": 3})
    assert client.get("/metrics").headers["Content-Type"].startswith("text/plain")
    names = {re.sub(r"(_bucket|_count|_sum)?(\{.*)?$", "", name) for name in samples(client)}
    assert names >= NAMES | {"process_resident_memory_bytes", "process_open_fds"}


def test_numbers_are_true(start, fake):
    fake.window_chars = 10
    client = start(batch_size=4)
    client.post("/v1/extract", json={"texts": ["Bern " * 5, "Maya"], "max_entities": 3})
    client.post("/v1/extract", json={"texts": ["x"] * 33})
    client.post("/v1/extract", content=b"x" * 99)
    client.get("/nothing/at/all")
    read = samples(client)
    assert read['requests_total{code="200",route="/v1/extract"}'] == 1
    assert read['requests_total{code="413",route="/v1/extract"}'] == 1
    assert read['requests_total{code="404",route="other"}'] == 1
    assert read['request_duration_seconds_count{route="/v1/extract"}'] == 3
    assert read['rejected_total{reason="too_large"}'] == 1
    assert read['rejected_total{reason="unsupported_media_type"}'] == 1
    assert read['rejected_total{reason="not_found"}'] == 1
    assert read["batch_size_sum"] == 4
    assert read["batch_tokens_sum"] == 4 * 12
    assert read["batch_fill_ratio_sum"] == pytest.approx((12 + 12 + 7 + 6) / 48)
    assert read["input_chars_sum"] == 25 + 4
    assert read["windows_per_document_sum"] == 4
    assert read["windows_per_document_count"] == 2
    assert read["truncated_total"] == 1
    assert read['entities_total{type="GPE"}'] == 3
    assert read['entities_total{type="PER"}'] == 1
    assert read["queue_duration_seconds_count"] == 4
    for stage in ("tokenize", "inference", "decode"):
        assert read[f"{stage}_duration_seconds_count"] == 1
    assert (read["queue_size"], read["in_flight"]) == (0, 0)


def test_gauges_show_what_waits(start, fake, until):
    client = start(batch_size=1)
    fake.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.post, "/v1/extract", json={"texts": ["Bern"] * 3})
        assert fake.entered.wait(10)
        until(lambda: samples(client)["queue_size"] == 2)
        assert samples(client)["in_flight"] == 1
        fake.gate.set()
        assert answer.result().status_code == 200
    assert samples(client)["in_flight"] == 0


def test_refusals_are_counted_by_their_kind(start, fake, until):
    client = start(max_texts=1, max_queue_windows=1, batch_size=1, request_timeout_s=0.3)
    fake.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(client.post, "/v1/extract", json={"texts": ["one"]})
        assert fake.entered.wait(10)
        waiting = pool.submit(client.post, "/v1/extract", json={"texts": ["two"]})
        until(lambda: client.app.state.service.worker._queue.waiting == 1)
        assert client.post("/v1/extract", content=b"this is never read").status_code == 429
        assert {running.result().status_code, waiting.result().status_code} == {504}
    fake.gate.set()
    read = samples(client)
    assert read['rejected_total{reason="queue_full"}'] == 1
    assert read['rejected_total{reason="out_of_time"}'] == 2


def test_requests_inside_are_bounded(start, fake):
    client = start(max_concurrent_requests=1)
    fake.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(client.post, "/v1/extract", json={"texts": ["one"]})
        assert fake.entered.wait(10)
        refused = client.post("/v1/extract", json={"texts": ["two"]})
        assert refused.status_code == 429
        assert "--max-concurrent-requests" in refused.json()["error"]["message"]
        assert refused.headers["Retry-After"] == "1"
        fake.gate.set()
        assert running.result().status_code == 200


@pytest.mark.parametrize(("leaves", "error"), [(True, DisconnectedError), (False, OutOfTimeError)])
def test_nobody_waits_for_a_client_that_left_or_beyond_the_time(leaves, error):
    from concurrent.futures import Future

    answer: Future[bytes] = Future()

    async def receive():
        if not leaves:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    with pytest.raises(error):
        asyncio.run(wait_for_answer(answer, 0.05, receive))
    assert answer.cancelled()


def test_metrics_may_have_a_port_of_their_own(spawn_server, start):
    client = start(metrics_port=1)
    assert client.get("/metrics").status_code == 404
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process, url = spawn_server(metrics_port=port)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        assert b"globalner_queue_size 0.0" in response.read()
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{url}/metrics", timeout=10)
    process.terminate()
    assert process.wait(20) == 0


def test_port_of_the_metrics_in_use_is_said(fake):
    import socket

    from globalner_service.serve import run

    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = ServiceSettings(model="unused", metrics_port=taken.getsockname()[1])
        with pytest.raises(ConfigError, match=r"cannot listen on port .* see --metrics-port"):
            run(settings, port=0, extractor=fake)
