"""Two replicas behind nginx, as deploy/ sets it up: one is killed under load, both are restarted in turn."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.fresh_process import in_fresh_process
from benchmarks.service_cases import single_requests
from benchmarks.service_load import Load, Plan, run_load
from benchmarks.service_process import ServerProcess, start
from benchmarks.service_rows import Measured, Subject

__all__ = ["Replicas", "client_failures", "nginx_program", "replicas", "two_replicas"]

CONFIGURATION = Path(__file__).resolve().parent.parent / "deploy" / "nginx.conf"
_RETRIES = "proxy_next_upstream error timeout http_503 non_idempotent;"
_NO_RETRIES = "proxy_next_upstream error timeout;"
_CLIENTS = 16
_REMEMBERED_S = 1.5


@dataclass
class Replicas:
    """Two servers behind one address.

    Attributes:
        model: What they serve.
        servers: The two.
        port: Of nginx, on loopback.
    """

    model: str
    servers: list[ServerProcess]
    port: int

    @property
    def url(self) -> str:
        """The address of both."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self, number: int) -> None:
        """Kills one (-9)."""
        self.servers[number].kill()

    def end(self) -> None:
        """Kills both."""
        for server in self.servers:
            server.kill()

    def restart(self, number: int) -> int:
        """Tells one to stop, waits for its end, starts it again, and waits until nginx asks it; its exit code."""
        old = self.servers[number]
        code = old.stop()
        self.servers[number] = start("service", self.model, port=old.port)
        # As long as nginx leaves one alone that it could not reach (fail_timeout).
        time.sleep(_REMEMBERED_S)
        return code


def nginx_program() -> str | None:
    """Where nginx is; None where it is not installed."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def two_replicas(model: str, *, nginx_retries: bool = True) -> Iterator[Replicas]:
    """Two servers and nginx for the time of a block.

    Args:
        model: What they serve.
        nginx_retries: As deploy/nginx.conf has it; False: nginx hands on failures of requests that it had sent.

    Raises:
        RuntimeError: If nginx is not installed or does not start.
    """
    with ExitStack() as stack:
        port = _free_port()
        behind = Replicas(model, [], port)
        stack.callback(behind.end)
        with ThreadPoolExecutor(2) as pool:
            for starting in [pool.submit(start, "service", model) for _ in range(2)]:
                behind.servers.append(starting.result())
        stack.enter_context(_nginx([server.port for server in behind.servers], port, nginx_retries))
        yield behind


def replicas(subject: Subject) -> Iterator[Measured]:
    """A rolling restart, and a kill with and without retries in nginx, each under the load of two times 16 clients."""
    with two_replicas(subject.model) as behind:
        load, done, failures = _loaded(behind, subject, lambda: [behind.restart(number) for number in range(2)])
        lost, details = load.total - load.count(200), f"{load.statuses}; {load.wall_s:.0f} s"
        yield Measured("rolling restart", "requests lost", "requests", lost, "== 0", (), load.cpu_s, details)
        yield _shown("rolling restart", done, failures)
        yield from _killed("kill -9", behind, subject)
    with two_replicas(subject.model, nginx_retries=False) as behind:
        yield from _killed("kill -9, no retries in nginx", behind, subject)


def _killed(case: str, behind: Replicas, subject: Subject) -> Iterator[Measured]:
    """What the death of one costs: without retries at most what was under way, one request a client."""
    load, done, failures = _loaded(behind, subject, partial(behind.kill, 0))
    failed, load_cpu_s = load.total - load.count(200), load.cpu_s
    yield Measured(case, "failed requests", "requests", failed, f"<= {_CLIENTS}", (), load_cpu_s, load.statuses)
    yield _shown(case, done, failures)


def _shown(case: str, done: int, failures: Sequence[str]) -> Measured:
    details = "; ".join([f"{done} answers", *failures[:3]])
    return Measured(case, "failures that globalner.client shows", "requests", len(failures), "== 0", details=details)


def client_failures(url: str, texts: Sequence[str], seconds: float) -> tuple[int, list[str]]:
    """Answers to `globalner.client` within some seconds, and what failed for good; for a process of its own."""
    from globalner.client import AsyncClient
    from globalner.errors import GlobalNerError

    failures: list[str] = []

    async def ask() -> int:
        deadline, done = time.monotonic() + seconds, 0
        async with AsyncClient(url) as client:

            async def one(number: int) -> None:
                nonlocal done
                while time.monotonic() < deadline:
                    number += 1
                    try:
                        await client.extract([texts[number % len(texts)]])
                        done += 1
                    except GlobalNerError as error:
                        failures.append(str(error))

            await asyncio.gather(*map(one, range(_CLIENTS)))
        return done

    return asyncio.run(ask()), failures


def _loaded(behind: Replicas, subject: Subject, happens: Callable[[], object]) -> tuple[Load, int, list[str]]:
    """Load through nginx for some seconds, in the middle of which something happens, and until that is over.

    Returns:
        Of sockets that do not retry: what came of it. Of our client: its answers, and what failed for good.
    """
    seconds = subject.sizes.replica_s
    plan = Plan("127.0.0.1", behind.port, single_requests(subject.texts), seconds, _CLIENTS)
    total, done, failures = Load(), 0, list[str]()
    with ThreadPoolExecutor(3) as pool:
        happening = pool.submit(_in_the_middle, seconds, happens)
        while True:
            asked = pool.submit(in_fresh_process, client_failures, behind.url, subject.texts, seconds)
            total += pool.submit(in_fresh_process, run_load, plan).result()
            done += asked.result()[0]
            failures += asked.result()[1]
            if happening.done():
                happening.result()
                return total, done, failures


def _in_the_middle(seconds: float, happens: Callable[[], object]) -> None:
    time.sleep(seconds / 2)
    happens()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def _nginx(ports: Sequence[int], port: int, retries: bool) -> Iterator[None]:
    program = nginx_program()
    if program is None:
        raise RuntimeError("nginx is not installed")
    text = CONFIGURATION.read_text("utf-8")
    changes = {"127.0.0.1:8001": f"127.0.0.1:{ports[0]}", "127.0.0.1:8002": f"127.0.0.1:{ports[1]}"}
    changes |= {"127.0.0.1:8080": f"127.0.0.1:{port}", _RETRIES: _RETRIES if retries else _NO_RETRIES}
    for old, new in changes.items():
        if old not in text:
            raise RuntimeError(f"{CONFIGURATION} no longer holds {old!r}")
        text = text.replace(old, new)
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "nginx.conf"
        written.write_text(text, encoding="utf-8")
        # Its workers are another user, if it was started by root.
        Path(folder).chmod(0o755)
        words = [program, "-p", folder, "-c", str(written), "-g", "daemon off;"]
        process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        try:
            _wait_for(port, process)
            yield
        finally:
            process.terminate()
            process.communicate(timeout=20)


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    for _ in range(400):
        if process.poll() is not None:
            raise RuntimeError(f"nginx did not start: {process.communicate()[1]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            time.sleep(0.025)
    raise RuntimeError("nginx does not listen")
