"""Time and memory of span loss and span search, beside the published form on the square of scores.

    python -m benchmarks.span_loss                  # every case of the CPU
    python -m benchmarks.span_loss loss-512 'length-*'
    python -m benchmarks.span_loss --device cuda    # those of a GPU

All implementations of a case run in turn in one process for the times; each has processes of its own for the memory.
Run it with nothing else on the machine: small tiles slow down many times over when another job holds a core. The rows
in results/span_loss.csv are replaced; `benchmarks.tables` and `benchmarks.span_loss_plot` show them.
"""

from __future__ import annotations

import argparse
import fnmatch
import statistics
import sys
from collections.abc import Sequence

import torch

from benchmarks.fresh_process import in_fresh_process
from benchmarks.measured_rows import TABLE, Measured, write_measured
from benchmarks.results_file import read_rows
from benchmarks.span_loss_cases import CASES, TINY, Case, Size, prepare
from benchmarks.span_loss_goals import COLUMNS, goal_lines
from benchmarks.workload import Workload, alternate_ms, memory_rise_mib, use_device

__all__ = ["main", "measure_case"]

_OURS = {"cpu": "tiled", "cuda": "triton"}
_MEMORY_REPEATS = 3
_CEILING_WIDTH = 8192
# Forward, and in the backward pass the scores once more and the two gradients.
_PRODUCTS = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures the cases, replaces their rows and prints what was reached."""
    options = _options(arguments)
    ours = options.impl or _OURS[options.device]
    for name in options.cases:
        print(f"{name}: {CASES[name].size}", flush=True)
        write_measured(measure_case(name, ours, options.repeats, options.threads))
    lines = [COLUMNS, *goal_lines(read_rows(TABLE), ours)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    return 0


def measure_case(name: str, ours: str, repeats: int, threads: int) -> list[Measured]:
    """Times and memory of a case, of ours and of what it is held against.

    Args:
        name: Of the case.
        ours: Our implementation.
        repeats: How often each is timed.
        threads: Of the CPU.
    """
    case = CASES[name]
    impls = [impl for impl in (case.baseline, ours) if impl is not None]
    measured = []

    def keep(impl: str, metric: str, values: list[float]) -> None:
        print(f"  {impl} {metric}: {statistics.median(values):.4g}", flush=True)
        measured.append(Measured(name, impl, metric, values, str(case.size), case.device, threads))

    for impl in impls:
        keep(impl, "memory", [in_fresh_process(_memory_mib, case, impl, threads) for _ in range(_MEMORY_REPEATS)])
    times = in_fresh_process(_times_ms, case, impls, repeats, threads)
    for impl in impls:
        keep(impl, "time", times[impl])
    if case.device == "cuda":
        ceiling = in_fresh_process(_matmul_tflops, case.device, repeats)
        keep("matmul", "ceiling", ceiling)
        best = statistics.median(ceiling)
        keep(ours, "share", [100 * _useful_tflop(case.size) / (ms / 1000) / best for ms in times[ours]])
    return measured


def _memory_mib(case: Case, impl: str, threads: int) -> float:
    use_device(case.device, threads)
    # Compiled code has to see the size; on the CPU a large warm-up would leave memory that the run takes again.
    warm_up = prepare(case, impl, TINY if case.device == "cpu" else case.size)
    return memory_rise_mib(prepare(case, impl), warm_up, case.device)


def _times_ms(case: Case, impls: Sequence[str], repeats: int, threads: int) -> dict[str, list[float]]:
    use_device(case.device, threads)
    workloads = {impl: prepare(case, impl) for impl in impls}
    times = alternate_ms(workloads, repeats=repeats, device=case.device)
    for impl, workload in workloads.items():
        if not all(leaf.grad is not None and bool(leaf.grad.isfinite().all()) for leaf in workload.leaves):
            raise FloatingPointError(f"{impl} leaves gradients that are not finite")
    return times


def _matmul_tflops(device: str, repeats: int, width: int = _CEILING_WIDTH) -> list[float]:
    """What a large bf16 matrix product reaches, run by run."""
    use_device(device, torch.get_num_threads())
    left, right = torch.randn(2, width, width, dtype=torch.bfloat16).unbind()
    from_run = alternate_ms({"matmul": Workload(lambda: left @ right)}, repeats=repeats, device=device)
    return [2 * width**3 / 1e12 / (ms / 1000) for ms in from_run["matmul"]]


def _useful_tflop(size: Size) -> float:
    """Matrix products over the cells where first does not come after last."""
    cells = size.batch * size.types * size.length * (size.length + 1) / 2
    return _PRODUCTS * 2 * size.width * cells / 1e12


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"some of: {', '.join(CASES)}; * stands for anything")
    parser.add_argument("--device", choices=tuple(_OURS), default="cpu")
    parser.add_argument("--impl", help="our implementation: tiled on the CPU and triton on CUDA unless named")
    parser.add_argument("--repeats", type=int, default=15, help="how often each is timed (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU (default: %(default)s)")
    options = parser.parse_args(arguments)
    here = [name for name, case in CASES.items() if case.device == options.device]
    for pattern in options.cases:
        if not fnmatch.filter(here, pattern):
            parser.error(f"there is no case {pattern!r} on {options.device}; choose from: {', '.join(here)}")
    options.cases = [name for name in here if _chosen(name, options.cases)]
    return options


def _chosen(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


if __name__ == "__main__":
    sys.exit(main())
