"""The way of the work: what goes through the model together, side by side, and what a failure takes with it."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

from globalner.types import Document
from globalner_service.jobs import Job


def test_alike_requests_that_wait_go_through_the_model_together(start, fake, until):
    client = start(batch_size=8)
    fake.gate.clear()
    bodies = [{"texts": [f"Bern {number}", "Lisbon"]} for number in range(3)]
    other = {"texts": ["flat Bern"], "mode": "flat"}
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(client.post, "/v1/extract", json={"texts": ["first"]})
        assert fake.entered.wait(10)
        rest = [pool.submit(client.post, "/v1/extract", json=body) for body in [*bodies, other]]
        until(lambda: client.app.state.service.worker._queue.waiting == 7)
        fake.gate.set()
        assert first.result().status_code == 200
        answers = [answer.result().json() for answer in rest]
    assert fake.calls[0] == ["first"]
    assert sorted(len(call) for call in fake.calls[1:]) == [1, 6]
    for body, answer in zip([*bodies, other], answers, strict=True):
        alone = client.post("/v1/extract", json=body).json()
        assert answer == alone


def test_batches_go_through_the_model_side_by_side(start, fake, monkeypatch):
    client = start(model_threads=2)
    both, find = threading.Barrier(2), fake.find

    def meeting(windows, options):
        both.wait(10)
        return find(windows, options)

    monkeypatch.setattr(fake, "find", meeting)
    bodies = [{"texts": ["Bern"], "mode": mode} for mode in ("flat", "nested")]  # not for one batch
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda body: client.post("/v1/extract", json=body), bodies))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(fake.calls) == 2


def test_a_batch_that_is_alone_gets_all_cores(start, fake, until, monkeypatch):
    client = start(model_threads=2)
    shares = []
    monkeypatch.setattr(fake, "share_cores", shares.append)
    client.post("/v1/extract", json={"texts": ["Bern"]})
    assert shares == [1]
    fake.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.post, "/v1/extract", json={"texts": ["Bern"]})
        until(lambda: len(fake.calls) == 2)
        second = pool.submit(client.post, "/v1/extract", json={"texts": ["Lisbon"]})
        until(lambda: len(fake.calls) == 3)
        fake.gate.set()
        assert [answer.result().status_code for answer in (first, second)] == [200, 200]
    assert shares == [1, 1, 2]


def test_batches_that_are_alone_all_go_through_the_first_thread(start, fake, monkeypatch):
    client = start(model_threads=3)
    readers, find = [], fake.find

    def noting(windows, options):
        readers.append(threading.current_thread().name)
        return find(windows, options)

    monkeypatch.setattr(fake, "find", noting)
    for _ in range(9):
        client.post("/v1/extract", json={"texts": ["Bern"]})
    assert readers == ["globalner-model"] * 9, "threads of OpenMP wait asleep once two threads have called for them"


def test_a_thread_beside_the_first_that_dies_ends_the_service(start, fake, until):
    client = start(model_threads=2)
    fake.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        held = pool.submit(client.post, "/v1/extract", json={"texts": ["Bern"]})
        assert fake.entered.wait(10)
        died = pool.submit(client.post, "/v1/extract", json={"texts": ["die"], "mode": "flat"})
        until(lambda: len(fake.calls) == 2)
        fake.gate.set()
        assert died.result().status_code == 503
        assert held.result().status_code in (200, 503)
    assert client.get("/ready").status_code == 503


def test_windows_of_one_text_meet_again(start, fake):
    fake.window_chars = 5
    client = start(batch_size=3)
    text = "Bern Maya Bern Lisbon"
    (result,) = client.post("/v1/extract", json={"texts": [text]}).json()["results"]
    assert result["windows"] == 5
    assert [one["text"] for one in result["entities"]] == ["Bern", "Maya", "Bern", "Lisbon"]
    assert sorted(len(call) for call in fake.calls) == [2, 3]


def test_text_that_breaks_the_model_spoils_only_its_own_request(start, fake, until):
    client = start()
    fake.gate.clear()
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(client.post, "/v1/extract", json={"texts": ["first"]})
        assert fake.entered.wait(10)
        good, bad = (pool.submit(client.post, "/v1/extract", json={"texts": [text]}) for text in ("Bern", "crash"))
        until(lambda: client.app.state.service.worker._queue.waiting == 2)
        fake.gate.set()
        assert [answer.result().status_code for answer in (first, good, bad)] == [200, 200, 500]


def test_an_answered_request_is_freed_without_a_search_for_garbage(start, fake):
    worker = start().app.state.service.worker
    refs = []
    gc.disable()
    try:
        for _ in range(20):
            job = Job([Document("Bern")], fake.reading_options(), lambda _: b"", float("inf"))
            refs.append(weakref.ref(job.render))
            assert worker.submit(job).result(10) == b""
        del job
        assert sum(ref() is not None for ref in refs) <= 4, "each thread may hold the last one"
    finally:
        gc.enable()


def test_a_tokenizer_that_makes_nothing_of_the_warm_up_texts_is_served(start, fake, monkeypatch):
    windows = fake._windows
    monkeypatch.setattr(fake, "_windows", lambda text: windows(text) if "Bern" in text else [])
    client = start(model_threads=2)
    assert client.post("/v1/extract", json={"texts": ["Bern"]}).json()["results"][0]["windows"] == 1
