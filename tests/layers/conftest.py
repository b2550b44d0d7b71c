"""What the tests of attention share: the generator of the golden values, and a batch with padding."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from globalner.layers import make_rotation


@pytest.fixture
def fill() -> Callable[[tuple[int, ...], float], Tensor]:
    """sin(a (t + 1)) in row-major order, in fp64: the generator of the golden values."""

    def generate(shape: tuple[int, ...], a: float) -> Tensor:
        count = torch.Size(shape).numel()
        return torch.sin(a * torch.arange(1, count + 1, dtype=torch.float64)).reshape(shape)

    return generate


@pytest.fixture
def padding_changes_nothing() -> Callable[..., None]:
    """Sends texts of several lengths through a layer alone, together, and with more padding full of large values."""

    def check(layer: nn.Module, hidden_size: int, rotary_width: int | None, lengths: tuple[int, ...]) -> None:
        for dtype, close in ((torch.float64, 1e-9), (torch.float32, 1e-5)):
            layer = layer.to(dtype).eval()
            texts = [torch.randn(length, hidden_size, dtype=dtype) for length in lengths]
            for extra in (0, 1, 7):
                width = max(lengths) + extra
                hidden = torch.full((len(lengths), width, hidden_size), 3.0, dtype=dtype)
                mask = torch.zeros(len(lengths), width, dtype=torch.bool)
                for place, text in enumerate(texts):
                    hidden[place, : len(text)], mask[place, : len(text)] = text, True
                together = layer(hidden, mask, rotation_of(width, rotary_width))
                for place, text in enumerate(texts):
                    open_ = torch.ones(1, len(text), dtype=torch.bool)
                    alone = layer(text.unsqueeze(0), open_, rotation_of(len(text), rotary_width))[0]
                    torch.testing.assert_close(together[place, : len(text)], alone, rtol=close, atol=close)

    return check


def rotation_of(length: int, width: int | None) -> object:
    return None if width is None else make_rotation(length, width)
