"""Load on a server from one process, with as little of its own as a socket takes: in closed or in open loop."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["BROKEN", "Connection", "Load", "Plan", "post", "run_load"]

BROKEN = 0
"""The status of a request whose connection broke before the answer was whole."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_LONGEST_ANSWER_S = 90.0


def post(path: str, body: object) -> bytes:
    """A request as bytes."""
    data = json.dumps(body, ensure_ascii=False).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


@dataclass(frozen=True)
class Plan:
    """What load to make.

    Attributes:
        host: Of the server.
        port: Of the server.
        requests: As bytes, sent in turn.
        seconds: For how long new requests are sent.
        clients: In closed loop: connections, each of which sends when it has its answer.
        rate_per_s: In open loop: requests a second, whatever comes back; None for closed loop.
        most_connections: In open loop: what would need more is not sent, and counted.
        most_requests: Ends earlier, after so many; None: by the time alone.
    """

    host: str
    port: int
    requests: Sequence[bytes]
    seconds: float
    clients: int = 1
    rate_per_s: float | None = None
    most_connections: int = 850
    most_requests: int | None = None


@dataclass
class Load:
    """What came of it.

    Attributes:
        latencies_ms: By status, from the time a request was due to the end of its answer.
        unsent: Requests for which there was no connection.
        wall_s: From the first request to the last answer.
        cpu_s: CPU seconds of this process meanwhile.
    """

    latencies_ms: dict[int, list[float]] = field(default_factory=dict)
    unsent: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0

    def note(self, status: int, due: float) -> None:
        """Notes an answer to a request that was due at a time of `time.perf_counter()`."""
        self.latencies_ms.setdefault(status, []).append(1000.0 * (time.perf_counter() - due))

    def __iadd__(self, other: Load) -> Load:
        for status, times in other.latencies_ms.items():
            self.latencies_ms.setdefault(status, []).extend(times)
        self.unsent += other.unsent
        self.wall_s += other.wall_s
        self.cpu_s += other.cpu_s
        return self

    def count(self, status: int) -> int:
        """Answers with a status."""
        return len(self.latencies_ms.get(status, ()))

    @property
    def total(self) -> int:
        """Requests that were sent."""
        return sum(map(len, self.latencies_ms.values()))

    @property
    def per_s(self) -> float:
        """Good answers a second."""
        return self.count(200) / self.wall_s if self.wall_s else 0.0

    @property
    def cpu_share(self) -> float:
        """Cores that this process kept busy."""
        return self.cpu_s / self.wall_s if self.wall_s else 0.0

    @property
    def statuses(self) -> str:
        """How often there was which status."""
        return ", ".join(f"{status}: {len(times)}" for status, times in sorted(self.latencies_ms.items()))


class Connection(asyncio.Protocol):
    """A connection with one request under way at a time."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._whole: int | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None
        self.closed = False

    @classmethod
    async def open(cls, host: str, port: int) -> Connection:
        """A new one; `closed` where the server takes none."""
        try:
            _, made = await asyncio.get_running_loop().create_connection(cls, host, port)
        except OSError:
            made = cls()
            made.closed = True
        return made

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Sends a request; status and body of the answer, or `BROKEN` and nothing."""
        if self.closed or self._transport is None:
            return BROKEN, b""
        self._buffer.clear()
        self._whole = None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await asyncio.wait_for(self._answer, _LONGEST_ANSWER_S)
        except TimeoutError:
            self.close()
            return BROKEN, b""

    def send(self, request: bytes) -> None:
        """Sends and does not wait."""
        if self._transport is not None:
            self._transport.write(request)

    def close(self) -> None:
        """Closes it."""
        self.closed = True
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._buffer += data
        if self._whole is None:
            head = self._buffer.find(b"\r\n\r\n")
            if head < 0:
                return
            length = _LENGTH.search(self._buffer, 0, head)
            self._whole = head + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) >= self._whole and self._answer is not None and not self._answer.done():
            head = self._buffer.find(b"\r\n\r\n")
            if _CLOSES.search(self._buffer, 0, head):
                self.close()
            self._answer.set_result((int(self._buffer[9:12]), bytes(self._buffer[head + 4 : self._whole])))

    def connection_lost(self, _: Exception | None) -> None:
        """Called by the loop."""
        self.closed = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((BROKEN, b""))


def run_load(plan: Plan) -> Load:
    """Makes the load; for a process of its own (`in_fresh_process`)."""
    began_cpu, began = time.process_time(), time.perf_counter()
    load = asyncio.run(_closed_loop(plan) if plan.rate_per_s is None else _open_loop(plan, plan.rate_per_s))
    load.cpu_s, load.wall_s = time.process_time() - began_cpu, time.perf_counter() - began
    return load


async def _closed_loop(plan: Plan) -> Load:
    load, deadline = Load(), time.perf_counter() + plan.seconds
    numbers = iter(range(plan.most_requests if plan.most_requests is not None else 10**12))

    async def client() -> None:
        connection = await Connection.open(plan.host, plan.port)
        for number in numbers:
            due = time.perf_counter()
            if due >= deadline:
                break
            status, _ = await connection.ask(plan.requests[number % len(plan.requests)])
            load.note(status, due)
            if connection.closed:
                # A server that is away shall not be asked ten thousand times a second.
                await asyncio.sleep(0.01 if status == BROKEN else 0)
                connection = await Connection.open(plan.host, plan.port)
        connection.close()

    await asyncio.gather(*(client() for _ in range(plan.clients)))
    return load


async def _open_loop(plan: Plan, rate_per_s: float) -> Load:
    load, idle, tasks = Load(), list[Connection](), set[asyncio.Task[None]]()
    began = time.perf_counter()

    async def one(number: int, due: float) -> None:
        connection = idle.pop() if idle else await Connection.open(plan.host, plan.port)
        status, _ = await connection.ask(plan.requests[number % len(plan.requests)])
        load.note(status, due)
        if not connection.closed:
            idle.append(connection)

    for number in range(int(plan.seconds * rate_per_s)):
        due = began + number / rate_per_s
        if (wait_s := due - time.perf_counter()) > 0 or number % 64 == 0:
            await asyncio.sleep(max(0.0, wait_s))
        idle[:] = [one_idle for one_idle in idle if not one_idle.closed] if number % 256 == 0 else idle
        if not idle and len(tasks) >= plan.most_connections:
            load.unsent += 1
            continue
        task = asyncio.create_task(one(number, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    for connection in idle:
        connection.close()
    return load
