"""Servers in processes of their own: the service, and what people write first.

`python -m benchmarks.service_process KIND MODEL PORT SETTINGS` serves until it is told to stop. The model "rule" is the
one of `benchmarks.service_fake`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from globalner import EntityExtractor

__all__ = ["RULE", "MemoryWatch", "ServerProcess", "load_extractor", "running", "start"]

RULE = "rule"
Settings = Mapping[str, object]
_NO_SETTINGS: Settings = {}
_ROOT = Path(__file__).resolve().parent.parent
_LONGEST_START_S = 120.0


@dataclass
class ServerProcess:
    """A running server.

    Attributes:
        process: The process.
        host: Where it listens.
        port: Where it listens.
    """

    process: subprocess.Popen[str]
    host: str
    port: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.host}:{self.port}"

    def rss_mib(self) -> float:
        """Resident memory; 0 where the system does not tell, and after its end."""
        try:
            pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        except OSError:
            return 0.0
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def stop(self, timeout_s: float = 60.0) -> int:
        """Tells it to stop and waits; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)

    def kill(self) -> None:
        """Ends it as the system does when there is no memory left."""
        self.process.kill()
        self.process.wait()


class MemoryWatch:
    """Notes the resident memory of a server twice a second while the block runs."""

    def __init__(self, server: ServerProcess) -> None:
        self._server, self._ended = server, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.mib: list[float] = []

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def growth_percent(self) -> float:
        """From the peak of the first quarter, the warm-up, to the median of the last tenth."""
        warm = max(self.mib[: max(1, len(self.mib) // 4)])
        last = sorted(self.mib[-max(1, len(self.mib) // 10) :])
        return 100.0 * (last[len(last) // 2] / warm - 1.0)

    def _watch(self) -> None:
        while True:
            self.mib.append(self._server.rss_mib())
            if self._ended.wait(0.5):
                return


def start(
    kind: str, model: str, *, port: int = 0, log: IO[str] | None = None, settings: Settings = _NO_SETTINGS
) -> ServerProcess:
    """A server, once it is ready.

    Args:
        kind: "service", or "plain" and "plain-async": a handler that calls the model for each request.
        model: Folder of a model, or "rule".
        port: Where to listen; 0 for any free port.
        log: Takes what it logs; None: nobody reads it.
        settings: Of the service.

    Raises:
        RuntimeError: If it does not start.
    """
    words = [sys.executable, "-m", "benchmarks.service_process", kind, model, str(port), json.dumps(dict(settings))]
    where = subprocess.DEVNULL if log is None else log
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=where, text=True, cwd=_ROOT)
    assert process.stdout is not None
    url = urlsplit(process.stdout.readline().strip())
    if not url.hostname or not url.port:
        process.kill()
        raise RuntimeError(f"the server did not start: {' '.join(words)}")
    _wait_until_ready(url.geturl())
    return ServerProcess(process, url.hostname, url.port)


@contextmanager
def running(kind: str, model: str, settings: Settings = _NO_SETTINGS) -> Iterator[ServerProcess]:
    """A server for the time of a block; in the end it has to stop cleanly.

    Raises:
        RuntimeError: If it does not start, or ends with another code than 0.
    """
    server = start(kind, model, settings=settings)
    try:
        yield server
        code = server.stop()
        # uvicorn, which serves the plain handlers, dies of the signal once it has stopped.
        if code and (kind == "service" or code != -signal.SIGTERM):
            raise RuntimeError(f"the server ended with {code}")
    finally:
        server.kill()


def load_extractor(model: str) -> EntityExtractor:
    """What the service would load."""
    if model == RULE:
        from benchmarks.service_fake import fake_extractor

        return fake_extractor()
    from globalner import EntityExtractor

    return EntityExtractor.from_pretrained(model, device="cpu")


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + _LONGEST_START_S
    while True:
        try:
            with urllib.request.urlopen(f"{url}/ready", timeout=5):
                return
        except OSError as error:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{url} did not become ready") from error
            time.sleep(0.05)


def _serve(kind: str, model: str, port: int, settings: dict[str, object]) -> None:
    if kind != "service":
        from benchmarks.service_plain import serve_plain

        serve_plain(load_extractor(model), port, waits=kind == "plain-async")
        return
    from globalner_service import ServiceSettings
    from globalner_service.serve import run

    run(
        ServiceSettings.model_validate({"model": model, "device": "cpu", **settings}),
        port=port,
        # A model is loaded by the server itself, as `globalner serve` has it done.
        extractor=load_extractor(model) if model == RULE else None,
        on_ready=lambda url: print(url, flush=True),
    )


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4]))
