"""A profile on a GPU."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from globalner.config import load_recipe
from globalner.workflows import ProfileOptions, profile_recipe


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_profile_on_a_gpu(tiny_recipe: Path) -> None:
    options = ProfileOptions(lengths=[64, 256], steps=2, device="cuda", precision="bf16", against="gau")
    made = profile_recipe(load_recipe(tiny_recipe).recipe, options)
    assert made.device == "cuda"
    for length in made.encoder.lengths:
        assert length.peak_mib is not None
        assert length.peak_mib > 0
        *others, loss = length.parts
        assert all(part.formula == part.counted for part in others)
        assert loss.counted in (None, loss.formula)
