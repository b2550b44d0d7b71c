"""How much memory a step may take."""

from __future__ import annotations

import re
from pathlib import Path

import torch

__all__ = ["free_bytes"]

_GROUP = Path("/sys/fs/cgroup")


def free_bytes(device: torch.device) -> int | None:
    """Memory that is free on a device; None where it cannot be told."""
    if device.type == "cuda":
        # What torch has taken from the GPU and does not use is free as well.
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + held
    told = [free for free in (_of_machine(), _of_group()) if free is not None]
    return min(told, default=None)


def _of_machine() -> int | None:
    kibibytes = _number(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo"))
    return None if kibibytes is None else kibibytes << 10


def _of_group() -> int | None:
    """What is left of the limit of the container that this process runs in, if it has one."""
    limit, used = (_number(r"^(\d+)$", _GROUP / name) for name in ("memory.max", "memory.current"))
    if limit is None or used is None:
        return None
    # Files that were read and can be read again stand in the way of nobody.
    return limit - used + (_number(r"^inactive_file (\d+)", _GROUP / "memory.stat") or 0)


def _number(pattern: str, path: Path) -> int | None:
    try:
        found = re.search(pattern, path.read_text("ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None
