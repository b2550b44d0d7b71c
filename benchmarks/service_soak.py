"""Minutes of mixed sizes and faults; each answer is compared with the one that the model gives offline."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from benchmarks.fresh_process import in_fresh_process
from benchmarks.raw_requests import broken_request
from benchmarks.service_load import BROKEN, Connection, post
from benchmarks.service_process import MemoryWatch, load_extractor, running
from benchmarks.service_rows import Measured, Subject
from globalner.decoding import DecodingMode

if TYPE_CHECKING:
    from globalner import Document
    from globalner.decoding import DecodingMode

__all__ = ["Expected", "Soaked", "differences", "expected_answers", "run_soak", "soak"]

_MODES: tuple[DecodingMode, ...] = get_args(DecodingMode)
_REQUESTS = 300
_CLIENTS = 8
_THRESHOLD = 0.5
_UNSURE = 0.002
_SCORE_TOLERANCE = 0.001
_SHARE_OF_FAULTS = 0.15
_LONGEST_TEXT = 40
_SHOWN = 5
_HEADERS_S = 1.0

FoundEntity = tuple[int, int, str, str, float]


@dataclass(frozen=True)
class Expected:
    """A request and what the model found in its texts offline.

    Attributes:
        request: As bytes.
        entities: For each text: start (inclusive), end (exclusive), label, text, score.
    """

    request: bytes
    entities: tuple[tuple[FoundEntity, ...], ...]


@dataclass
class Soaked:
    """What came of it.

    Attributes:
        kinds: How often what was done.
        compared: Answers that were compared.
        wrong: Answers that differ from what was expected, or were none.
        cpu_s: CPU seconds of the process that asked and compared.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    wrong: list[str] = field(default_factory=list)
    cpu_s: float = 0.0


def soak(subject: Subject) -> Iterator[Measured]:
    """Eight clients for ten minutes, 15 % of whose requests are faults."""
    expected = in_fresh_process(expected_answers, subject.model, subject.texts, subject.seed)
    short = {"header_timeout_s": _HEADERS_S, "body_timeout_s": _HEADERS_S}
    with running("service", subject.model, short) as server, MemoryWatch(server) as memory:
        done = in_fresh_process(run_soak, (server.host, server.port), expected, subject.sizes.soak_s, subject.seed)
    kinds = ", ".join(f"{kind}: {count}" for kind, count in sorted(done.kinds.items()))
    shown = "; ".join([kinds, *done.wrong[:_SHOWN]])
    yield Measured("soak", "wrong answers", "answers", len(done.wrong), "== 0", (), done.cpu_s, shown)
    yield Measured("soak", "compared answers", "answers", done.compared)
    growth = memory.growth_percent()
    details = f"{memory.mib[0]:.0f} MiB at first, {memory.mib[-1]:.0f} MiB at last"
    yield Measured("soak", "memory growth", "%", growth, "<= 3", memory.mib, None, details)


def expected_answers(model: str, texts: Sequence[str], seed: int) -> list[Expected]:
    """Requests of mixed sizes and what the model finds in them, one text at a time.

    A request with an entity whose score is nearly the threshold is left out: a sum in another order may decide it
    either way.
    """
    extractor, chance = load_extractor(model), random.Random(seed)
    modes: tuple[DecodingMode, ...] = ("nested", "flat")
    made = []
    for _ in range(_REQUESTS):
        drawn = [_text(texts, chance) for _ in range(chance.choice((1, 1, 1, 2, 4, 8)))]
        mode = chance.choice(modes)
        sure = extractor.extract(drawn, mode="nested", threshold=_THRESHOLD - _UNSURE)
        scores = [entity.score or 0.0 for document in sure for entity in document.entities]
        if any(abs(score - _THRESHOLD) <= _UNSURE for score in scores):
            continue
        alone = [extractor.extract([text], mode=mode, threshold=_THRESHOLD)[0] for text in drawn]
        request = post("/v1/extract", {"texts": drawn, "mode": mode, "threshold": _THRESHOLD})
        made.append(Expected(request, tuple(map(_entities, alone))))
    if not made:
        raise ValueError("every request has an entity whose score is nearly the threshold; train the model longer")
    return made


def differences(expected: Expected, status: int, body: bytes) -> str | None:
    """What is wrong with an answer; None if nothing is."""
    if status != 200:
        return f"{status} instead of an answer: {body[:200]!r}"
    results = json.loads(body)["results"]
    if len(results) != len(expected.entities):
        return f"{len(results)} results for {len(expected.entities)} texts"
    for number, (result, wanted) in enumerate(zip(results, expected.entities, strict=True)):
        found = [(one["start"], one["end"], one["label"], one["text"], one["score"]) for one in result["entities"]]
        if [one[:4] for one in found] != [one[:4] for one in wanted]:
            return f"text {number}: {found} instead of {list(wanted)}"
        if any(abs(one[4] - other[4]) > _SCORE_TOLERANCE for one, other in zip(found, wanted, strict=True)):
            return f"text {number}: other scores: {found} instead of {list(wanted)}"
    return None


def run_soak(address: tuple[str, int], expected: Sequence[Expected], seconds: float, seed: int) -> Soaked:
    """Asks, breaks and compares; for a process of its own."""
    began = time.process_time()
    done = asyncio.run(_soak(address, expected, seconds, seed))
    done.cpu_s = time.process_time() - began
    return done


async def _soak(address: tuple[str, int], expected: Sequence[Expected], seconds: float, seed: int) -> Soaked:
    done, deadline = Soaked(), time.monotonic() + seconds

    async def client(number: int) -> None:
        chance = random.Random(f"{seed} {number}")
        connection = await Connection.open(*address)
        while time.monotonic() < deadline:
            if chance.random() < _SHARE_OF_FAULTS:
                await _fault(address, expected, chance, done)
                continue
            one = chance.choice(expected)
            if connection.closed:
                connection = await Connection.open(*address)
            answer = await connection.ask(one.request)
            done.kinds["good"] += 1
            done.compared += 1
            if wrong := differences(one, *answer):
                done.wrong.append(wrong)
        connection.close()

    await asyncio.gather(*map(client, range(_CLIENTS)))
    return done


async def _fault(address: tuple[str, int], expected: Sequence[Expected], chance: random.Random, done: Soaked) -> None:
    """Does one thing that clients should not do; a 5xx to it counts as wrong."""
    kind = chance.choice(("broken bytes", "gone", "too many texts", "no JSON", "unknown label", "half a body"))
    done.kinds[kind] += 1
    request = chance.choice(expected).request
    connection = await Connection.open(*address)
    if kind in ("gone", "half a body"):
        connection.send(request if kind == "gone" else request[: len(request) // 2])
        await asyncio.sleep(chance.random() * 0.02)
        connection.close()
        return
    sent = {
        "too many texts": post("/v1/extract", {"texts": [""] * 1000}),
        "no JSON": post("/v1/extract", None).replace(b"null", b"nul}"),
        "unknown label": post("/v1/extract", {"texts": ["a"], "labels": ["NO SUCH LABEL"]}),
    }
    status, _ = await _within(connection, sent.get(kind) or broken_request(chance))
    if status >= 500 or (kind != "broken bytes" and status not in (413, 422)):
        done.wrong.append(f"{status} for {kind}")
    connection.close()


async def _within(connection: Connection, request: bytes) -> tuple[int, bytes]:
    """The answer; broken bytes may look like half a request, which the server cuts after a while."""
    try:
        return await asyncio.wait_for(connection.ask(request), 10 * _HEADERS_S)
    except TimeoutError:
        return BROKEN, b""


def _text(texts: Sequence[str], chance: random.Random) -> str:
    """One text, or for some many in one, which need several windows."""
    count = chance.choice((1, 1, 1, 1, 3, 10, _LONGEST_TEXT))
    return " ".join(chance.choice(texts) for _ in range(count))


def _entities(document: Document) -> tuple[FoundEntity, ...]:
    def entity(one: Any) -> FoundEntity:
        return one.start, one.end, one.label, one.text, one.score or 0.0

    return tuple(map(entity, document.entities))
