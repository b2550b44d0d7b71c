"""The model without a service around it: in a process of its own, beside one that burns a share of the CPU."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import cycle, islice
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event

from benchmarks.service_process import load_extractor
from globalner import EntityExtractor

__all__ = ["direct_calls", "offline_per_s"]

_TEXTS_AT_ONCE = 256


def offline_per_s(model: str, texts: Sequence[str], seconds: float, burnt_cores: float) -> tuple[float, float]:
    """Texts a second of `extractor.extract`, in this process, and cores that were burnt beside it.

    Args:
        model: Folder of the model, or "rule".
        texts: Read in turn.
        seconds: For how long.
        burnt_cores: CPU seconds a second of a process beside it, as a generator of load takes them; 0 for none.
    """
    extractor = load_extractor(model)
    turn = cycle(texts)
    extractor.extract(list(islice(turn, 32)))
    spawn = multiprocessing.get_context("spawn")
    stop, burnt = spawn.Event(), spawn.Value("d", 0.0)
    burner = spawn.Process(target=_burn, args=(burnt_cores, stop, burnt), daemon=True)
    if burnt_cores:
        burner.start()
        while burnt.value == 0.0:
            time.sleep(0.01)
    burnt_before, done, began = burnt.value, 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds:
        done += len(extractor.extract(list(islice(turn, _TEXTS_AT_ONCE))))
    burnt_share = (burnt.value - burnt_before) / elapsed
    if burnt_cores:
        stop.set()
        burner.join()
    return done / elapsed, burnt_share


@contextmanager
def direct_calls(model: str) -> Iterator[Callable[[Sequence[str]], list[float]]]:
    """A process that holds an extractor; the function gives how long each call with one text took there, in ms."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield lambda texts: pool.submit(_time_calls, model, texts).result()


def _time_calls(model: str, texts: Sequence[str]) -> list[float]:
    extractor, times = _held_extractor(model), []
    for text in texts:
        began = time.perf_counter()
        extractor(text)
        times.append(1000.0 * (time.perf_counter() - began))
    return times


@cache
def _held_extractor(model: str) -> EntityExtractor:
    return load_extractor(model)


def _burn(cores: float, stop: Event, burnt: Synchronized[float]) -> None:
    """Takes `cores` CPU seconds a second, as far as the others let it."""
    began, began_cpu = time.perf_counter(), time.process_time()
    while not stop.is_set():
        taken = time.process_time() - began_cpu
        burnt.value = max(taken, 1e-9)
        if taken >= cores * (time.perf_counter() - began):
            time.sleep(0.001)
        else:
            _work()


def _work() -> None:
    """About a millisecond of what a generator of load does: text to bytes and back."""
    for _ in range(200):
        str(b"x" * 1000, "ascii").encode()
