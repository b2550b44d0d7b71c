"""The Triton kernels without a GPU: Triton interprets them, in a process that is told so before it imports Triton."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from globalner import SpanScores
from globalner.errors import ConfigError
from globalner.kernels.triton_loss import negative_log_sum
from globalner.kernels.triton_operands import why_triton_cannot_run
from globalner.kernels.triton_search import triton_search

PARITY = Path(__file__).with_name("triton_parity.py")
# Earlier interpreters fail on numpy 2.4: a loop bound that was loaded is an array of one dimension.
OLDEST_INTERPRETER = (3, 7)


def triton_version() -> tuple[int, ...]:
    try:
        version = importlib.metadata.version("triton")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("triton is not installed")
    return tuple(int(part) for part in version.split(".")[:2])


def test_interpreted_kernels_agree_with_the_definition() -> None:
    if triton_version() < OLDEST_INTERPRETER:
        pytest.skip(f"the interpreter of triton {triton_version()} is older than {OLDEST_INTERPRETER}")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(PARITY)],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]


def cpu_scores(dtype: torch.dtype = torch.float32) -> SpanScores:
    return SpanScores(torch.zeros(1, 1, 2, 2, dtype=dtype), torch.zeros(1, 1, 2, 2, dtype=dtype))


def test_scores_on_the_cpu_are_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    none = torch.empty(0, 4, dtype=torch.long)
    with pytest.raises(ConfigError, match=r"'triton' cannot run.*(not installed|not on a CUDA device).*'tiled'"):
        negative_log_sum(cpu_scores(), none, none[:, :3], None)
    with pytest.raises(ConfigError, match="'triton' cannot run"):
        triton_search(cpu_scores(), torch.zeros(1), None)


def test_a_missing_or_old_triton_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "triton", None)
    assert why_triton_cannot_run(cpu_scores()) == "the package triton is not installed"
    old = type(sys)("triton")
    old.__version__ = "3.2.0"
    monkeypatch.setitem(sys.modules, "triton", old)
    assert why_triton_cannot_run(cpu_scores()) == "triton 3.2.0 is older than 3.4"


def test_numbers_that_the_kernels_do_not_sum_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    interpreting = type(sys)("triton")
    interpreting.__version__ = "3.7.1"
    runtime = type("Runtime", (), {"interpret": True})
    interpreting.knobs = type("Knobs", (), {"runtime": runtime})
    monkeypatch.setitem(sys.modules, "triton", interpreting)
    assert why_triton_cannot_run(cpu_scores()) is None
    assert "torch.float64" in str(why_triton_cannot_run(cpu_scores(torch.float64)))
    mixed = SpanScores(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2, dtype=torch.float16))
    assert "torch.float16" in str(why_triton_cannot_run(mixed))
