"""Something to run again and again: its time beside that of others, and how far memory rises while it runs."""

from __future__ import annotations

import re
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

__all__ = ["Workload", "alternate_ms", "memory_rise_mib", "peak_resident_mib", "start_of_peak_mib", "use_device"]

_FEWEST_REPEATS = 3


@dataclass(frozen=True)
class Workload:
    """One implementation on its inputs.

    Attributes:
        run: What is measured, backward included.
        leaves: Tensors whose gradients a run leaves behind.
    """

    run: Callable[[], object]
    leaves: Sequence[Tensor] = ()

    def forget(self) -> None:
        """Frees the gradients of the last run."""
        for leaf in self.leaves:
            leaf.grad = None


def use_device(device: str, threads: int) -> None:
    """Makes new tensors of this process lie on the device, and computes with so many threads on the CPU."""
    torch.set_num_threads(threads)
    if device != "cpu":
        torch.set_default_device(device)


def alternate_ms(
    workloads: Mapping[str, Workload], *, repeats: int, device: str = "cpu", longest_s: float = 300.0
) -> dict[str, list[float]]:
    """Milliseconds of each run: all workloads in turn, to and fro, after one round that does not count.

    Args:
        workloads: What to run, by name.
        repeats: Rounds; fewer, though not below three, where they would take longer than `longest_s`.
        device: "cpu" or "cuda".
        longest_s: Seconds after which no further round begins.
    """
    measured: dict[str, list[float]] = {name: [] for name in workloads}
    began = time.perf_counter()
    for done in range(-1, repeats):
        if done >= _FEWEST_REPEATS and time.perf_counter() - began > longest_s:
            break
        for name, workload in list(workloads.items())[:: -1 if done % 2 else 1]:
            workload.forget()
            took_ms = _run_ms(workload, device)
            if done >= 0:
                measured[name].append(took_ms)
    return measured


def memory_rise_mib(workload: Workload, warm_up: Workload, device: str = "cpu") -> float:
    """MiB by which memory rises while a workload runs once, its gradients included and its inputs not.

    On the CPU the rise of this process's peak resident memory over what it holds just before: call it in a fresh
    process. On CUDA that of the allocated memory.

    Args:
        workload: What to run.
        warm_up: Run first, so that what a library sets up at its first call does not count: something tiny on the CPU,
            where a large run would leave memory that the next one takes again.
        device: "cpu" or "cuda".
    """
    warm_up.run()
    warm_up.forget()
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        workload.run()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    before_mib = start_of_peak_mib()
    workload.run()
    return peak_resident_mib() - before_mib


def _run_ms(workload: Workload, device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    began = time.perf_counter()
    workload.run()
    if device == "cuda":
        torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - began)


def start_of_peak_mib() -> float:
    """Resident memory now, from which the peak is counted anew; where Linux lets nobody reset it, the peak so far."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return peak_resident_mib()
    return _status_mib("VmRSS") or peak_resident_mib()


def peak_resident_mib() -> float:
    """Most resident memory since `start_of_peak_mib`, or since the process began."""
    # ru_maxrss of a new process starts at what the process that started it had; VmHWM does not.
    peak = _status_mib("VmHWM")
    if peak is not None:
        return peak
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def _status_mib(name: str) -> float | None:
    status = Path("/proc/self/status")
    found = re.search(rf"^{name}:\s+(\d+) kB", status.read_text("ascii"), re.MULTILINE) if status.is_file() else None
    return int(found[1]) / 1024 if found else None
