"""Throughput, latency and overload of the service, against the model without it and against a plain handler."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.fresh_process import in_fresh_process
from benchmarks.service_load import Load, Plan, post, run_load
from benchmarks.service_offline import direct_calls, offline_per_s
from benchmarks.service_process import MemoryWatch, ServerProcess, running
from benchmarks.service_rows import Measured, Subject

__all__ = ["latency", "overload", "single_requests", "throughput"]

_CLIENTS = 64
_QUEUE_WINDOWS = 256
_TEXTS_IN_TURN = 50


def single_requests(texts: Sequence[str]) -> tuple[bytes, ...]:
    """A request for each text."""
    return tuple(post("/v1/extract", {"texts": [text]}) for text in texts)


def throughput(subject: Subject) -> Iterator[Measured]:
    """Single texts of 64 clients; offline, offline beside what the load took, and plain handlers, all in turn."""
    loads: dict[str, list[Load]] = {kind: [] for kind in ("service", "plain", "plain-async")}
    raw, fair, burnt = list[float](), list[float](), list[float]()
    for _ in range(subject.sizes.rounds):
        for kind, found in loads.items():
            found.append(_saturated(kind, subject))
        generator = loads["service"][-1].cpu_share
        raw.append(_offline(subject, 0.0)[0])
        per_s, share = _offline(subject, generator)
        fair.append(per_s)
        burnt.append(share)
    rates = {kind: [load.per_s for load in found] for kind, found in loads.items()}
    cpu = {kind: sum(load.cpu_s for load in found) for kind, found in loads.items()}
    case = "throughput, 64 clients"
    for kind, per_s_of_rounds in rates.items():
        statuses = "; ".join(load.statuses for load in loads[kind])
        yield _rate(case, kind, per_s_of_rounds, load_cpu_s=cpu[kind], details=statuses)
    yield _rate(case, "offline", raw)
    taken = np.mean([load.cpu_share for load in loads["service"]])
    yield _rate(case, "offline beside the load", fair, details=f"cores taken {taken:.3f}, burnt {np.mean(burnt):.3f}")
    plain = max((rates["plain"], rates["plain-async"]), key=lambda of_rounds: float(np.median(of_rounds)))
    yield _ratio(case, "service / offline beside the load", rates["service"], fair, ">= 0.8")
    yield _ratio(case, "service / offline", rates["service"], raw, "")
    yield _ratio(case, "service / better plain handler", rates["service"], plain, ">= 3")
    yield _ratio(case, "service / plain handler in threads", rates["service"], rates["plain"], "")


def latency(subject: Subject) -> Iterator[Measured]:
    """One client that waits for each answer, against direct calls in another process, a few of each in turn."""
    sizes, served, direct, ratios, cpu_s, wrong = subject.sizes, list[float](), list[float](), list[float](), 0.0, 0
    for _ in range(sizes.rounds):
        with running("service", subject.model) as server, direct_calls(subject.model) as call:
            run_load(Plan(server.host, server.port, single_requests(subject.texts[:10]), 60.0, most_requests=10))
            call(subject.texts[:10])
            for some in _in_turn(subject.texts, sizes.requests):
                plan = Plan(server.host, server.port, single_requests(some), 600.0, most_requests=len(some))
                load = in_fresh_process(run_load, plan)
                answers, called = load.latencies_ms.get(200, []), call(some)
                served += answers
                direct += called
                ratios.append(float(np.median(answers) / np.median(called)))
                cpu_s += load.cpu_s
                wrong += load.total - load.count(200)
    case = "latency, 1 client"
    details = f"{wrong} without an answer"
    yield Measured(case, "p50 of the service", "ms", float(np.median(served)), "", served, cpu_s, details)
    yield Measured(case, "p50 of a direct call", "ms", float(np.median(direct)), "", direct)
    ratio = float(np.median(ratios))
    yield Measured(case, "p50 of the service / of a direct call", "ratio", ratio, "<= 1.3", ratios)


def _in_turn(texts: Sequence[str], count: int) -> Iterator[Sequence[str]]:
    """So many texts, a few at a time: few enough that the machine is as fast for the first as for the last."""
    for start in range(0, count, _TEXTS_IN_TURN):
        yield [texts[at % len(texts)] for at in range(start, min(start + _TEXTS_IN_TURN, count))]


def overload(subject: Subject) -> Iterator[Measured]:
    """Open loop at twice and five times what the server could do just before, with a queue of 256 windows."""
    with running("service", subject.model, {"max_queue_windows": _QUEUE_WINDOWS}) as server:
        for times in (2, 5):
            case = f"overload, {times} times"
            capacity = in_fresh_process(run_load, _closed(server, subject)).per_s
            yield Measured(case, "capacity", "texts/s", capacity, details=f"{_QUEUE_WINDOWS} windows may wait")
            rate, requests = times * capacity, single_requests(subject.texts)
            plan = Plan(server.host, server.port, requests, subject.sizes.overload_s, rate_per_s=rate)
            with MemoryWatch(server) as memory:
                load = in_fresh_process(run_load, plan)
            yield from _overloaded(case, load, 1000.0 * _QUEUE_WINDOWS / capacity, "<= 50" if times == 2 else "")
            growth = memory.growth_percent()
            details = f"{memory.mib[0]:.0f} MiB at first, {memory.mib[-1]:.0f} MiB at last"
            yield Measured(case, "memory growth", "%", growth, "<= 3", memory.mib, None, details)


def _overloaded(case: str, load: Load, bound_ms: float, refused_goal: str) -> Iterator[Measured]:
    accepted, refused = load.latencies_ms.get(200, []), load.latencies_ms.get(429, [])
    details = f"{load.statuses}; not sent: {load.unsent}"
    p99 = _p99(accepted)
    yield Measured(case, "p99 of accepted", "ms", p99, "", accepted, load.cpu_s, details)
    yield Measured(case, "p99 of accepted / (queue bound / capacity)", "ratio", p99 / bound_ms, "<= 2")
    yield Measured(case, "p99 of refused", "ms", _p99(refused), refused_goal, refused)
    yield Measured(case, "accepted", "texts/s", load.per_s)
    bad = sum(load.count(status) for status in load.latencies_ms if status not in (200, 429, 504))
    yield Measured(case, "answers but 200, 429 and 504", "requests", bad, "== 0", details=details)


def _saturated(kind: str, subject: Subject) -> Load:
    with running(kind, subject.model) as server:
        run_load(Plan(server.host, server.port, single_requests(subject.texts[:64]), 60.0, 8, most_requests=64))
        return in_fresh_process(run_load, _closed(server, subject))


def _closed(server: ServerProcess, subject: Subject) -> Plan:
    return Plan(server.host, server.port, single_requests(subject.texts), subject.sizes.seconds, _CLIENTS)


def _offline(subject: Subject, burnt_cores: float) -> tuple[float, float]:
    return in_fresh_process(offline_per_s, subject.model, subject.texts, subject.sizes.seconds, burnt_cores)


def _rate(
    case: str, metric: str, of_rounds: Sequence[float], *, load_cpu_s: float | None = None, details: str = ""
) -> Measured:
    middle = float(np.median(of_rounds))
    return Measured(case, metric, "texts/s", middle, "", of_rounds, load_cpu_s, details)


def _ratio(case: str, metric: str, ours: Sequence[float], theirs: Sequence[float], goal: str) -> Measured:
    """The median over the rounds, ours and theirs of the same round."""
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return Measured(case, metric, "ratio", float(np.median(ratios)), goal, ratios)


def _p99(times: Sequence[float]) -> float:
    return float(np.quantile(times, 0.99)) if len(times) else 0.0
