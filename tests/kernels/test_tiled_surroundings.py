"""What the tiled loss takes of memory, and how it behaves inside a compiled function."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from globalner import SpanScores, span_loss
from globalner.kernels.gold_cells import complete_cells
from globalner.kernels.tiled_loss import tiled_loss
from globalner.kernels.tiles import TileSize

GOLD = torch.tensor([[0, 1, 3, 5], [0, 0, 0, 7]])


def scores_of(types: int, length: int, *, shared: bool) -> SpanScores:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator).requires_grad_()

    groups = 1 if shared else types
    return SpanScores(
        draw(1, groups, length, 8), draw(1, groups, length, 8), draw(1, types, length), draw(1, types, length)
    )


class LargestTensor(TorchDispatchMode):
    """Notes the largest storage that any operation makes, in fp32 values."""

    largest = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = function(*args, **(kwargs or {}))
        for part in made if isinstance(made, (tuple, list)) else [made]:
            if isinstance(part, torch.Tensor):
                self.largest = max(self.largest, part.untyped_storage().nbytes() // 4)
        return made


@pytest.mark.parametrize("shared", [False, True])
def test_no_temporary_is_larger_than_a_tile_or_an_input(shared: bool) -> None:
    types, length = 24, 512
    scores = scores_of(types, length, shared=shared)
    size = TileSize(rows=32, columns=128, cells=1 << 14)
    with LargestTensor() as watch:
        tiled_loss(scores, complete_cells(scores, GOLD), size).sum().backward()
    # Query and key of own scorers get two more columns; a shared one makes tiles over all types of a chunk.
    assert watch.largest <= types * length * (8 + 2)
    assert watch.largest * 20 < types * length**2


def test_it_works_inside_a_compiled_function() -> None:
    scores = scores_of(3, 17, shared=False)

    def around(query: torch.Tensor) -> torch.Tensor:
        made = SpanScores(2 * query, scores.key, scores.start_bias, scores.end_bias)
        return 3 * span_loss(made, GOLD, impl="tiled")

    compiled = torch.compile(around, backend="eager")
    torch.testing.assert_close(compiled(scores.query), around(scores.query))


def test_the_compiler_is_not_loaded_with_the_kernels() -> None:
    code = "import sys, globalner.kernels; sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
