"""A file server on the loopback address with the faults that real ones have, and small sets that it serves."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import re
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from globalner.catalog import Transfer, TransferLimits
from globalner.config import DataCard
from globalner.workflows import GetOptions

QUICK = TransferLimits(timeout_s=0.5, attempts=3, wait_s=0.01, longest_wait_s=0.02, slow_s=0.3, slow_bytes=10_000)
"""Limits of a download that does not wait long."""


@dataclass
class Served:
    """A file of the server and what is wrong with it.

    Attributes:
        content: Its bytes.
        cuts: After how many bytes of the body the connection of each request is cut, one after another; then no more.
        ranges: Whether parts can be asked for.
        etag: Names the version; None: no name.
        status: The answer; 200: the file.
        headers: Further headers; None as value takes one away.
        drip_s: Pause between pieces of 100 bytes, in seconds.
        silent_s: Pause before the answer, in seconds.
        chunked: Whether the length is not told.
        gzipped: Whether the body is sent compressed.
    """

    content: bytes
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    etag: str | None = '"1"'
    status: int = 200
    headers: dict[str, str | None] = field(default_factory=dict)
    drip_s: float = 0.0
    silent_s: float = 0.0
    chunked: bool = False
    gzipped: bool = False


@dataclass
class FileServer:
    """The server: what it serves, and what it was asked for."""

    url: str
    files: dict[str, Served] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    on_request: Callable[[str], None] | None = None

    def serve(self, name: str, content: bytes, **faults: object) -> str:
        """Serves a file; returns its address."""
        self.files[name] = Served(content, **faults)  # type: ignore[arg-type]
        return f"{self.url}/{name}"

    @property
    def ranges(self) -> list[str | None]:
        """The Range header of each request so far."""
        return [headers.get("Range") for _, headers in self.asked]


def handler_of(server: FileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            name = self.path.lstrip("/").partition("?")[0]
            server.asked.append((name, dict(self.headers)))
            if server.on_request is not None:
                server.on_request(name)
            served = server.files.get(name, Served(b"not here", status=404))
            time.sleep(served.silent_s)
            self.close_connection = True
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the other side has left
                self.send_body(served, self.body_of(served))

        def body_of(self, served: Served) -> bytes:
            """Sends the head; the body to send."""
            content = gzip.compress(served.content) if served.gzipped else served.content
            match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
            start = int(match[1]) if match and served.ranges else 0
            if self.headers.get("If-Range") not in (None, served.etag):
                start = 0
            status = served.status
            headers: dict[str, str | None] = {"ETag": served.etag}
            if status == 200 and start:
                status = 206 if start < len(content) else 416
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
                if status == 416:
                    headers["Content-Range"] = f"bytes */{len(content)}"
            body = b"" if status == 416 else content[start:]
            headers["Transfer-Encoding" if served.chunked else "Content-Length"] = (
                "chunked" if served.chunked else str(len(body))
            )
            headers |= {"Content-Encoding": "gzip"} if served.gzipped else {}
            self.protocol_version = "HTTP/1.1"
            self.send_response(status)
            for key, value in (headers | served.headers).items():
                if value is not None:
                    self.send_header(key, value)
            self.end_headers()
            return body

        def send_body(self, served: Served, body: bytes) -> None:
            cut = served.cuts.pop(0) if served.cuts else None
            body = body if cut is None else body[:cut]
            step = 100 if served.drip_s else max(len(body), 1)
            for at in range(0, len(body), step):
                piece = body[at : at + step]
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if served.chunked else piece)
                self.wfile.flush()
                time.sleep(served.drip_s)
            if served.chunked and cut is None:
                self.wfile.write(b"0\r\n\r\n")
            if cut is not None:
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)

    return Handler


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A file server that runs while the test does."""
    made = FileServer("")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler_of(made)) as running:
        running.daemon_threads = True
        made.url = f"http://127.0.0.1:{running.server_address[1]}"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        running.shutdown()
        thread.join()


@pytest.fixture
def quick() -> TransferLimits:
    """See `QUICK`."""
    return QUICK


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def transfer(quick: TransferLimits, notes: list[str]) -> Transfer:
    return Transfer(quick, note=notes.append)


TRAIN = b"Ada B-PER\nleft O\n\n"
DEV = b"Bob B-PER\nstays O\n\n"


def facts(content: bytes) -> dict[str, object]:
    return {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def zip_of(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def card_of(**changes: object) -> DataCard:
    values: dict[str, object] = {
        "name": "own",
        "title": "Own letters",
        "languages": ["en"],
        "domain": "letters",
        "task": "persons",
        "nested": False,
        "licence": "CC0",
        "homepage": "https://sets.example/own",
        "format": "columns",
        "labels": {"PER": "persons"},
        "citation": "nobody 2020",
    }
    return DataCard.model_validate(values | changes)


@pytest.fixture
def card(server) -> DataCard:
    """A set of two files."""
    files = [
        {"path": "train.conll", "url": server.serve("train.conll", TRAIN), **facts(TRAIN)},
        {"path": "deep/dev.conll", "url": server.serve("dev.conll", DEV), **facts(DEV)},
    ]
    return card_of(files=files, splits={"train": "train.conll", "dev": "deep/dev.conll"})


@pytest.fixture
def packed_card(server) -> DataCard:
    """The same set in an archive."""
    packed = zip_of({"own-1.0/train.conll": TRAIN, "own-1.0/dev.conll": DEV, "own-1.0/notes.txt": b"notes"})
    holds = [{"path": "train.conll", **facts(TRAIN)}, {"path": "dev.conll"}]
    files = [
        {"path": "own.zip", "url": server.serve("own.zip", packed), "unpack": True, "holds": holds, **facts(packed)}
    ]
    return card_of(files=files, splits={"train": "train.conll", "dev": "dev.conll"})


@pytest.fixture
def options(tmp_path: Path, quick: TransferLimits) -> GetOptions:
    return GetOptions(tmp_path / "sets" / "own", transfer=Transfer(quick))


@pytest.fixture(name="card_of")
def card_of_fixture() -> Callable[..., DataCard]:
    """See `card_of`."""
    return card_of


@pytest.fixture(name="zip_of")
def zip_of_fixture() -> Callable[[dict[str, bytes]], bytes]:
    """See `zip_of`."""
    return zip_of


@pytest.fixture(name="facts")
def facts_fixture() -> Callable[[bytes], dict[str, object]]:
    """See `facts`."""
    return facts
