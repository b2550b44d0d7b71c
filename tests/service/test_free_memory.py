"""Memory that was freed goes back to the system while the server runs."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import threading

import pytest

from globalner_service import ServiceSettings, free_memory, serve


@pytest.fixture
def library(monkeypatch):
    """Stands for the library of C; `asked` holds what `malloc_trim` was called with."""

    class Library:
        def __init__(self) -> None:
            self.asked: list[int] = []

        def malloc_trim(self, kept: int) -> int:
            self.asked.append(kept)
            return 1

    found = Library()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: found)
    free_memory._malloc_trim.cache_clear()
    yield found
    free_memory._malloc_trim.cache_clear()


def test_glibc_is_asked(library):
    assert free_memory.return_free_memory()
    assert library.asked == [0]


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("missing", [AttributeError, OSError, TypeError])
def test_other_allocators_are_left_alone(monkeypatch, missing):
    def other(_: None) -> object:
        raise missing

    monkeypatch.setattr(ctypes, "CDLL", other)
    assert not free_memory.return_free_memory()


def test_a_server_returns_memory_again_and_again(fake, monkeypatch):
    returned, twice = threading.Semaphore(0), []

    def stop_after_two() -> None:
        twice.append(returned.acquire(timeout=20) and returned.acquire(timeout=20))
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(serve, "_RETURN_MEMORY_EVERY_S", 0.05)
    monkeypatch.setattr(serve, "return_free_memory", returned.release)
    ready = threading.Thread(target=stop_after_two).start
    serve.run(ServiceSettings(model="unused"), port=0, extractor=fake, on_ready=lambda _: ready())
    gc.unfreeze()
    assert twice == [True]
