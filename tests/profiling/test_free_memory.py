"""Free memory is the least of what machine and container have left."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from globalner.profiling import free_memory
from globalner.profiling.free_memory import free_bytes

CPU = torch.device("cpu")


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the limits of a container stand."""
    monkeypatch.setattr(free_memory, "_GROUP", tmp_path)
    return tmp_path


def test_a_container_with_a_limit(group: Path) -> None:
    (group / "memory.max").write_text("5000\n")
    (group / "memory.current").write_text("3000\n")
    assert free_bytes(CPU) == 2000
    (group / "memory.stat").write_text("anon 2000\ninactive_file 700\nslab 9\n")
    assert free_bytes(CPU) == 2700


def test_a_machine_without_a_container(group: Path) -> None:
    unlimited = free_bytes(CPU)
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("3000\n")
    told = Path("/proc/meminfo").exists()
    for free in (unlimited, free_bytes(CPU)):
        assert (free is None) == (not told)
        assert free is None or free > 1 << 20
