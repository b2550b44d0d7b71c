from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from globalner.types import Document
from globalner_service.errors import NotReadyError, OutOfTimeError, QueueFullError
from globalner_service.job_queue import ExtractionJob, ExtractionOptions, JobQueue


def job(*texts: str, deadline: float = float("inf"), **options) -> ExtractionJob:
    return ExtractionJob([Document(text) for text in texts], ExtractionOptions(**options), deadline)


def test_alike_requests_that_wait_go_through_the_model_together(start, fake, until):
    client = start(max_batch_texts=8)
    fake.gate.clear()
    bodies = [{"texts": [f"Bern {number}", "Lisbon"]} for number in range(3)]
    other = {"texts": ["flat Bern"], "mode": "flat"}
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(client.post, "/v1/extract", json={"texts": ["first"]})
        assert fake.entered.wait(10)
        rest = [pool.submit(client.post, "/v1/extract", json=body) for body in [*bodies, other]]
        until(lambda: client.app.state.service.worker._queue.unfinished_jobs == 5)
        fake.gate.set()
        assert first.result().status_code == 200
        answers = [answer.result().json() for answer in rest]
    assert fake.calls[0] == ["first"]
    assert sorted(len(call) for call in fake.calls[1:]) == [1, 6]
    for body, answer in zip([*bodies, other], answers, strict=True):
        alone = client.post("/v1/extract", json=body).json()
        assert answer == alone


def test_text_that_breaks_the_model_spoils_only_its_own_request(start, fake, until):
    client = start()
    fake.gate.clear()
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(client.post, "/v1/extract", json={"texts": ["first"]})
        assert fake.entered.wait(10)
        good, bad = (pool.submit(client.post, "/v1/extract", json={"texts": [text]}) for text in ("Bern", "crash"))
        until(lambda: client.app.state.service.worker._queue.unfinished_jobs == 3)
        fake.gate.set()
        assert [answer.result().status_code for answer in (first, good, bad)] == [200, 200, 500]


def test_queue_groups_equal_options_in_order_up_to_its_size():
    queue = JobQueue(max_texts=100)
    jobs = [job("a", "b"), job("c", mode="flat"), job("d"), job("e", "f", "g"), job("h")]
    for one in jobs:
        queue.put(one)
    assert queue.take(4) == [jobs[0], jobs[2], jobs[4]]
    assert queue.take(4) == [jobs[1]]
    assert queue.take(1) == [jobs[3]], "a job larger than a group goes alone"


def test_queue_is_bounded_in_texts():
    queue = JobQueue(max_texts=3)
    queue.put(job("a", "b"))
    with pytest.raises(QueueFullError, match="2 texts are waiting and 2 more do not fit") as caught:
        queue.put(job("c", "d"))
    assert caught.value.retry_after_s == 1
    queue.put(job("c"))
    with pytest.raises(QueueFullError):
        queue.check_open()
    group = queue.take(10)
    queue.check_open()
    queue.finish(group, elapsed_s=300.0)
    queue.put(job("a", "b", "c"))
    with pytest.raises(QueueFullError) as caught:
        queue.put(job("d"))
    assert caught.value.retry_after_s == 60, "the slower the model, the later, but a minute at most"


def test_closed_queue_hands_out_what_it_holds():
    queue = JobQueue(max_texts=3)
    queue.put(job("a"))
    queue.close()
    with pytest.raises(NotReadyError):
        queue.put(job("b"))
    assert queue.unfinished_jobs == 1
    group = queue.take(10)
    assert len(group) == 1
    queue.finish(group, 0.1)
    assert queue.unfinished_jobs == 0
    assert queue.take(10) == []


def test_job_that_nobody_waits_for_does_not_start():
    late, cancelled, wanted = job("a", deadline=0.0), job("b"), job("c")
    cancelled.answer.cancel()
    assert [late.start(), cancelled.start(), wanted.start()] == [False, False, True]
    with pytest.raises(OutOfTimeError):
        late.answer.result()
