"""Memory that was freed goes back to the system while the server runs."""

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

VARIABLES = ("GLIBC_TUNABLES", "MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
ALL = ["glibc.malloc.arena_max", "glibc.malloc.mmap_threshold", "glibc.malloc.trim_threshold"]


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
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    free_memory._of_glibc.cache_clear()
    yield found
    free_memory._of_glibc.cache_clear()


def test_glibc_is_asked(library):
    assert list(free_memory.bound_freed_memory()) == ALL
    assert free_memory.return_free_memory()
    assert library.asked == [(-8, 2), (-3, 2**20), (-1, 2**26), (0,)]


@pytest.mark.parametrize(
    ("variable", "value", "obeyed"),
    [
        ("MALLOC_ARENA_MAX", "8", [ALL[0]]),
        ("MALLOC_MMAP_THRESHOLD_", "4096", [ALL[1]]),
        ("MALLOC_TRIM_THRESHOLD_", "4096", [ALL[2]]),
        ("GLIBC_TUNABLES", "glibc.malloc.arena_max=8:glibc.malloc.trim_threshold=4096", [ALL[0], ALL[2]]),
    ],
)
def test_what_the_environment_has_chosen_is_obeyed(library, monkeypatch, variable, value, obeyed):
    monkeypatch.setenv(variable, value)
    others = [name for name in ALL if name not in obeyed]
    assert list(free_memory.bound_freed_memory()) == others
    assert len(library.asked) == len(others)


def test_what_glibc_refuses_is_not_said_to_be_set(library, monkeypatch):
    monkeypatch.setattr(library, "mallopt", lambda option, _: option != -3)
    assert list(free_memory.bound_freed_memory()) == [ALL[0], ALL[2]]


def test_the_mallopt_of_another_library_is_left_alone(library, monkeypatch):
    monkeypatch.delattr(type(library), "gnu_get_libc_version")
    assert free_memory.bound_freed_memory() == ()
    assert library.asked == []


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("missing", [AttributeError, OSError, TypeError])
def test_other_allocators_are_left_alone(monkeypatch, missing):
    def other(_: None) -> object:
        raise missing

    monkeypatch.setattr(ctypes, "CDLL", other)
    assert not free_memory.return_free_memory()
    assert free_memory.bound_freed_memory() == ()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another library of C")
def test_the_real_one_knows_all(monkeypatch):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    code = "from globalner_service import free_memory as m; print(*m.bound_freed_memory(), m.return_free_memory())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == [*ALL, "True"]


def test_a_server_bounds_what_it_keeps_and_returns_memory_again_and_again(fake, monkeypatch):
    returned, twice, bounded = threading.Semaphore(0), [], []

    def stop_after_two() -> None:
        twice.append(returned.acquire(timeout=20) and returned.acquire(timeout=20))
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(serve, "bound_freed_memory", lambda: bounded.append(threading.active_count()))
    monkeypatch.setattr(serve, "_RETURN_MEMORY_EVERY_S", 0.05)
    monkeypatch.setattr(serve, "return_free_memory", returned.release)
    ready, before = threading.Thread(target=stop_after_two).start, threading.active_count()
    serve.run(ServiceSettings(model="unused"), port=0, extractor=fake, on_ready=lambda _: ready())
    gc.unfreeze()
    assert twice == [True]
    assert bounded == [before]
