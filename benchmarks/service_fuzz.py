"""Throws at a service what the open network throws at it: requests made from its schema, and broken bytes.

    python -m benchmarks.service_fuzz schema --cases 5000
    python -m benchmarks.service_fuzz bytes --cases 10000

The server is a process of its own around a rule instead of a model; the rest is the real thing. Exit code 1 and a
line that says why, if there was any answer 5xx, a crash, a hang, or an answer that is wrong afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.raw_requests import broken_request

__all__ = ["check_schema", "fuzz_bytes", "fuzz_schema", "served", "throw_bytes"]

_HERE = Path(__file__).resolve().parent
_LONGEST_ANSWER_S = 20.0
_AT_ONCE = 32
_ROUTES = 7
_CASES_FOR_ALL_PHASES = 500
_TEXTS = ["Mara Lindqvist joined the University of Lisbon.", "北京大学的王芳去了上海。"]
_SETTINGS = {
    "header_timeout_s": 0.3,
    "body_timeout_s": 0.3,
    "keep_alive_timeout_s": 0.3,
    "max_connections": 400,
    "max_queue_windows": 100_000,
}


class Served:
    """A running service.

    Args:
        process: The process.
        url: Its address.
    """

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process, self.url = process, url
        self.expected = self.answer()

    def answer(self) -> bytes:
        """What it says to two texts; always the same, while it is well."""
        request = urllib.request.Request(
            f"{self.url}/v1/extract", json.dumps({"texts": _TEXTS}).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=_LONGEST_ANSWER_S) as response:
            body: bytes = response.read()
            return body

    def files_and_mib(self) -> tuple[int, float]:
        """Open files and resident MiB, where the system tells."""
        folder = Path(f"/proc/{self.process.pid}")
        if not folder.is_dir():
            return 0, 0.0
        pages = int((folder / "statm").read_text().split()[1])
        return len(os.listdir(folder / "fd")), pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def complaints(self) -> list[str]:
        """What is wrong with it after all that; empty if it is well."""
        if self.process.poll() is not None:
            return [f"the server ended with {self.process.returncode}"]
        return [] if self.answer() == self.expected else ["the server gives another answer than before"]


@contextmanager
def served(**settings: object) -> Iterator[Served]:
    """A service in a process of its own; in the end it has to stop cleanly and to have logged no failure.

    Raises:
        RuntimeError: If it did not.
    """
    words = [f"{name}={json.dumps(value)}" for name, value in settings.items()]
    command = [sys.executable, "-m", "benchmarks.service_fake", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=_HERE.parent)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError(f"the server did not start: {process.communicate()[1]}")
        yield Served(process, url)
        process.terminate()
        _, log = process.communicate(timeout=60)
        if process.returncode or "Traceback" in log or "Fatal" in log:
            raise RuntimeError(f"the server ended with {process.returncode} and said: {log[-3000:]}")
    finally:
        process.kill()
        process.communicate()


def fuzz_schema(cases: int, seed: int) -> tuple[dict[str, object], list[str]]:
    """All checks of schemathesis; what was done, and what is wrong."""
    with served(max_queue_windows=100_000) as server:
        made, wrong = check_schema(server.url, cases, seed)
        return {"fuzz": "schema", "cases": made, "seed": seed}, [*wrong, *server.complaints()]


def check_schema(url: str, cases: int, seed: int) -> tuple[int, list[str]]:
    """All checks of schemathesis on a running server; how many cases there were, and what is wrong.

    Few cases leave out the phase that goes through every border of the schema, which takes half a minute.
    """
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(_HERE / "service_schema.toml"), "run"]
    options = ["--checks", "all", "-n", str(max(1, cases // _ROUTES)), "--seed", str(seed), "--continue-on-failure"]
    if cases < _CASES_FOR_ALL_PHASES:
        options += ["--phases", "examples,fuzzing"]
    # It leaves a folder where it runs.
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*command, f"{url}/openapi.json", "--no-color", *options],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(_HERE.parent)},
            capture_output=True,
            text=True,
            check=False,
        )
    found = re.search(r"([\d,]+) generated", done.stdout)
    made = int(found[1].replace(",", "")) if found else 0
    failed = done.returncode or not made
    return made, [
        f"schemathesis ended with {done.returncode}:\n{(done.stdout + done.stderr)[-6000:]}"
    ] if failed else []


def fuzz_bytes(cases: int, seed: int) -> tuple[dict[str, object], list[str]]:
    """Broken bytes on many connections; what was done, and what is wrong."""
    with served(**_SETTINGS) as server:
        asyncio.run(throw_bytes(server.url, 500, seed + 1))
        before = server.files_and_mib()
        began = time.monotonic()
        statuses, wrong = asyncio.run(throw_bytes(server.url, cases, seed))
        elapsed_s = time.monotonic() - began
        wrong += server.complaints()
        time.sleep(4)
        after = server.files_and_mib()
        if after[0] > before[0] + 5:
            wrong.append(f"{before[0]} files were open before, {after[0]} after")
        row = {"fuzz": "bytes", "cases": cases, "seed": seed, "statuses": dict(sorted(statuses.items()))}
        return {**row, "elapsed_s": round(elapsed_s, 1), "rss_mib_before": before[1], "rss_mib_after": after[1]}, wrong


async def throw_bytes(url: str, cases: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Throws so many broken requests at a server; how often it gave which status, and what is wrong."""
    statuses: Counter[str] = Counter()
    wrong: list[str] = []
    numbers = iter(range(cases))

    async def throw() -> None:
        for number in numbers:
            data = broken_request(random.Random(f"{seed} {number}"))
            status = await _status(url, data)
            statuses[status] += 1
            if status.startswith("5") or status in ("hang", "no answer to a connection"):
                wrong.append(f"{status} for case {number} of seed {seed}: {data[:300]!r}")

    await asyncio.gather(*(throw() for _ in range(_AT_ONCE)))
    return statuses, wrong


async def _status(url: str, data: bytes) -> str:
    """Status of the first answer, "closed" where there was none, "hang" where the connection stays open."""
    address = urlsplit(url)
    try:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
    except OSError:
        return "no answer to a connection"
    try:
        writer.write(data)
        async with asyncio.timeout(_LONGEST_ANSWER_S):
            answer = await reader.read()
    except TimeoutError:
        return "hang"
    except OSError:
        return "closed"
    finally:
        writer.close()
    # Answers to later requests of the same bytes count as well.
    later = re.findall(rb"HTTP/1\.1 (5\d\d)", answer)
    words = answer.split(b" ", 2)
    return (later[0] if later else words[1] if len(words) > 1 else b"closed").decode("latin-1")


def main() -> int:
    """Parses, runs, prints one row of JSON; the exit code says whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("schema", "bytes"))
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", help="a server that runs already, instead of one of our own")
    options = parser.parse_args()
    row: dict[str, object] = {"fuzz": options.what, "cases": options.cases, "seed": options.seed}
    if options.url is None:
        row, wrong = (fuzz_schema if options.what == "schema" else fuzz_bytes)(options.cases, options.seed)
    elif options.what == "schema":
        row["cases"], wrong = check_schema(options.url, options.cases, options.seed)
    else:
        row["statuses"], wrong = asyncio.run(throw_bytes(options.url, options.cases, options.seed))
    print(json.dumps({**row, "wrong": len(wrong)}))
    for complaint in wrong[:20]:
        print(complaint, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
