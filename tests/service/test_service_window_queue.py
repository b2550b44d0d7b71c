"""What waits: how it is counted, refused, cut into batches and dropped."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, replace
from queue import SimpleQueue

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.types import Document
from globalner_service.batches import BatchBudget, oldest_part, plan_batches
from globalner_service.errors import NotReadyError, OutOfTimeError, QueueFullError
from globalner_service.jobs import Job, WindowTask
from globalner_service.window_queue import WindowQueue


@dataclass(frozen=True)
class Options:
    search_key: str = ""


BUDGET = BatchBudget(max_windows=8, max_tokens=100, max_cells=4000, cells=lambda length: length**2, overhead_tokens=40)


def job(texts: int = 1, *, deadline: float = float("inf"), key: str = "") -> Job:
    return Job([Document("x")] * texts, Options(key), lambda _: b"", deadline)  # type: ignore[arg-type]


def tasks_of(job: Job, *lengths: int) -> list[WindowTask]:
    return [WindowTask(job, 0, place, "w" * length) for place, length in enumerate(lengths)]  # type: ignore[arg-type]


def queued(queue: WindowQueue, *lengths: int, **options) -> Job:
    made = job(len(lengths), **options)
    queue.reserve(made)
    made.answer.add_done_callback(lambda _: queue.forget(made))
    queue.put(made, tasks_of(made, *lengths))
    return made


def test_the_next_batch_holds_what_came_meanwhile_however_little():
    queue = WindowQueue(max_windows=100)
    first = queued(queue, 10)
    assert [task.job for task in queue.take(BUDGET)] == [first]
    second, third = queued(queue, 10), queued(queue, 30)
    assert {task.job for task in queue.take(BUDGET)} == {second, third}


def test_a_waiting_thread_is_woken_at_once():
    queue = WindowQueue(max_windows=100)
    taken = []
    thread = threading.Thread(target=lambda: taken.append((queue.take(BUDGET), time.monotonic())))
    thread.start()
    time.sleep(0.05)
    began = time.monotonic()
    queued(queue, 10)
    thread.join(5)
    assert taken[0][1] - began < 0.5


def test_a_thread_beside_the_first_gets_what_comes_while_the_first_is_busy():
    queue = WindowQueue(max_windows=100)
    first, beside = SimpleQueue(), SimpleQueue()
    go_on = threading.Semaphore(0)

    def take_first():
        while batch := queue.take(BUDGET):
            first.put(batch[0].job)
            go_on.acquire()

    def take_beside():
        while batch := queue.take(BUDGET, beside=True):
            beside.put(batch[0].job)

    threads = [threading.Thread(target=take_beside, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    early = queued(queue, 10)
    time.sleep(0.05)
    assert beside.empty(), "nobody takes it before the first thread has been there"
    threads.append(threading.Thread(target=take_first, daemon=True))
    threads[-1].start()
    assert first.get(timeout=10) == early
    for _ in range(3):
        late = queued(queue, 10)
        assert beside.get(timeout=10) == late
    go_on.release(2)
    time.sleep(0.05)
    last = queued(queue, 10)
    assert first.get(timeout=10) == last
    queue.close()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


lengths = st.lists(st.integers(1, 120), min_size=1, max_size=80)


@settings(max_examples=150, deadline=None)
@given(lengths=lengths, keys=st.lists(st.sampled_from("ab"), min_size=80, max_size=80))
def test_batches_keep_the_budget_and_lose_nothing(lengths, keys):
    jobs = {key: job(key=key) for key in "ab"}
    tasks = [
        WindowTask(jobs[key], 0, place, "w" * n) for place, (n, key) in enumerate(zip(lengths, keys, strict=False))
    ]
    batches = plan_batches(tasks, BUDGET)
    assert sorted(task.place for batch in batches for task in batch) == list(range(len(tasks)))
    for batch in batches:
        longest, real = max(map(len, batch)), sum(map(len, batch))
        assert len({task.job for task in batch}) == 1
        assert BUDGET.allows(len(batch), longest)
        assert len(batch) * longest <= real + BUDGET.overhead_tokens
    assert [min(task.place for task in batch) for batch in batches] == sorted(
        min(task.place for task in batch) for batch in batches
    ), "the batch with the oldest window goes first"


def test_a_batch_is_cut_where_padding_costs_more_than_another_one():
    sizes = [[len(task) for task in batch] for batch in plan_batches(tasks_of(job(), 12, *[1] * 7), BUDGET)]
    assert sizes == [[12, 1, 1, 1], [1, 1, 1, 1]], "a fourth window of 1 would bring padding to 44 tokens, over 40"
    roomy = replace(BUDGET, max_windows=99, max_tokens=10_000, max_cells=10_000_000)
    assert [len(batch) for batch in plan_batches(tasks_of(job(), *[50] * 9), roomy)] == [8, 1], "ten times 40 tokens"


def test_both_budgets_bind():
    tasks = tasks_of(job(), *[10] * 8, *[60] * 2)
    sizes = [[len(task) for task in batch] for batch in plan_batches(tasks, BUDGET)]
    assert sizes == [[10] * 8, [60], [60]], "2 * 60 tokens break the tokens, 2 * 60 ** 2 the cells"
    roomy = replace(BUDGET, max_windows=99, max_tokens=10_000, max_cells=2 * 60**2)
    assert [len(batch) for batch in plan_batches(tasks_of(job(), *[60] * 5), roomy)] == [2, 2, 1]
    huge = plan_batches(tasks_of(job(), 5000), BUDGET)
    assert [len(batch) for batch in huge] == [1], "one window goes through whatever its size"


def test_like_lengths_go_together_under_backlog():
    random.seed(1)
    sizes = [random.choice((5, 6, 45, 50)) for _ in range(60)]
    batches = plan_batches(tasks_of(job(), *sizes), BUDGET)
    fill = sum(sizes) / sum(len(batch) * max(map(len, batch)) for batch in batches)
    arrival = [sizes[at : at + 2] for at in range(0, len(sizes), 2)]
    assert fill > 0.9 > sum(sizes) / sum(2 * max(pair) for pair in arrival)


@settings(max_examples=50, deadline=None)
@given(ahead=st.integers(0, 100), length=st.sampled_from([1, 5, 50]), later=st.sampled_from([1, 5, 50]))
def test_no_window_is_overtaken_by_more_than_is_sorted_with_it(ahead, length, later):
    queue = WindowQueue(max_windows=100_000)
    for _ in range(ahead):
        queued(queue, 5)
    late = queued(queue, length)
    before = 0
    while True:
        for _ in range(8):
            queued(queue, later)
        batch = queue.take(BUDGET)
        if late in {task.job for task in batch}:
            break
        before += len(batch)
    assert before <= ahead + 2 * BUDGET.max_windows


def test_only_the_oldest_part_is_sorted():
    tasks = tasks_of(job(), *[10] * 500)
    assert oldest_part(tasks, BUDGET) == tasks[: 2 * BUDGET.max_windows]
    assert oldest_part(tasks[:5], BUDGET) == tasks[:5]
    assert len(oldest_part(tasks_of(job(), *[100] * 50), BUDGET)) == 1, "2 * 4000 cells, over after the first"


def test_queue_is_bounded_in_windows_and_takes_a_job_as_a_whole():
    queue = WindowQueue(max_windows=3)
    queued(queue, 5, 5)
    with pytest.raises(QueueFullError, match="2 windows of text are waiting and 2 more do not fit") as caught:
        queue.reserve(job(2))
    assert caught.value.retry_after_s == 1
    late = job()
    queue.reserve(late)
    with pytest.raises(QueueFullError, match="3 windows of text are waiting and 1 more"):
        queue.check_open()
    with pytest.raises(QueueFullError, match="2 windows of text are waiting and 4 more"):
        queue.put(late, tasks_of(late, 5, 5, 5, 5))
    assert queue.waiting == 2, "what was refused counts no more"
    queue.check_open()


def test_an_empty_queue_takes_a_job_of_any_size():
    queue = WindowQueue(max_windows=3)
    queued(queue, *[5] * 10)
    assert queue.waiting == 10
    with pytest.raises(QueueFullError):
        queue.check_open()


@pytest.mark.parametrize(
    ("elapsed_s", "consumers", "retry_after_s"), [(0.001, 1, 1), (20.0, 1, 4), (20.0, 2, 2), (3000.0, 1, 60)]
)
def test_retry_after_follows_the_speed_of_the_model(elapsed_s, consumers, retry_after_s):
    queue = WindowQueue(max_windows=2)
    queue.consumers = consumers
    queue.finished(2, elapsed_s)
    queued(queue, 5, 5)
    with pytest.raises(QueueFullError) as caught:
        queue.check_open()
    assert caught.value.retry_after_s == retry_after_s


def test_closed_queue_hands_out_what_it_holds_and_what_is_being_tokenised():
    queue = WindowQueue(max_windows=3)
    queued(queue, 5)
    on_its_way = job()
    queue.reserve(on_its_way)
    queue.close()
    with pytest.raises(NotReadyError):
        queue.reserve(job())
    assert len(queue.take(BUDGET)) == 1
    queue.put(on_its_way, tasks_of(on_its_way, 5))
    assert len(queue.take(BUDGET)) == 1
    assert queue.take(BUDGET) == []


def test_work_that_nobody_waits_for_is_dropped():
    queue = WindowQueue(max_windows=10)
    late, given_up, wanted = queued(queue, 5, 5, deadline=0.0), queued(queue, 5), queued(queue, 5)
    assert queue.waiting == 4
    given_up.answer.cancel()
    assert queue.waiting == 3, "its place is free at once"
    assert [task.job for task in queue.take(BUDGET)] == [wanted]
    assert queue.waiting == 0
    with pytest.raises(OutOfTimeError):
        late.answer.result()


def test_jobs_given_up_do_not_fill_the_memory():
    queue = WindowQueue(max_windows=4)
    for _ in range(1000):
        queued(queue, 5, 5, 5).answer.cancel()
    assert len(queue._tasks) <= 12
