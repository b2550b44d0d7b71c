"""Memory that was freed lies in few places, and goes back to the system while the server runs."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import signal
import subprocess
import sys
import threading

import pytest

from globalner_service import ServiceSettings, free_memory, serve


@pytest.fixture
def library(monkeypatch):
    """Stands for glibc; `asked` holds what its functions were called with."""

    class Library:
        gnu_get_libc_version = "2.36"

        def __init__(self) -> None:
            self.asked: list[tuple[int, ...]] = []

        def malloc_trim(self, kept: int) -> int:
            self.asked.append((kept,))
            return 1

        def mallopt(self, option: int, value: int) -> int:
            self.asked.append((option, value))
            return 1

    found = Library()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: found)
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    free_memory._of_glibc.cache_clear()
    yield found
    free_memory._of_glibc.cache_clear()


def test_glibc_is_asked(library):
    assert free_memory.keep_few_arenas()
    assert free_memory.return_free_memory()
    assert library.asked == [(-8, 2), (0,)]


@pytest.mark.parametrize(
    ("variable", "value"), [("MALLOC_ARENA_MAX", "8"), ("GLIBC_TUNABLES", "glibc.malloc.arena_max=8")]
)
def test_who_has_chosen_the_arenas_is_obeyed(library, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    assert not free_memory.keep_few_arenas()
    assert library.asked == []


def test_the_mallopt_of_another_library_is_left_alone(library, monkeypatch):
    monkeypatch.delattr(type(library), "gnu_get_libc_version")
    assert not free_memory.keep_few_arenas()
    assert library.asked == []


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("missing", [AttributeError, OSError, TypeError])
def test_other_allocators_are_left_alone(monkeypatch, missing):
    def other(_: None) -> object:
        raise missing

    monkeypatch.setattr(ctypes, "CDLL", other)
    assert not free_memory.return_free_memory()
    assert not free_memory.keep_few_arenas()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another library of C")
def test_the_real_one_knows_both(monkeypatch):
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    code = "from globalner_service import free_memory as m; print(m.keep_few_arenas(), m.return_free_memory())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["True", "True"]


def test_a_server_keeps_few_arenas_and_returns_memory_again_and_again(fake, monkeypatch):
    returned, twice, kept = threading.Semaphore(0), [], []

    def stop_after_two() -> None:
        twice.append(returned.acquire(timeout=20) and returned.acquire(timeout=20))
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(serve, "keep_few_arenas", lambda: kept.append(threading.active_count()))
    monkeypatch.setattr(serve, "_RETURN_MEMORY_EVERY_S", 0.05)
    monkeypatch.setattr(serve, "return_free_memory", returned.release)
    ready, before = threading.Thread(target=stop_after_two).start, threading.active_count()
    serve.run(ServiceSettings(model="unused"), port=0, extractor=fake, on_ready=lambda _: ready())
    gc.unfreeze()
    assert twice == [True]
    assert kept == [before]
