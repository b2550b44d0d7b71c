"""Each step of a run draws its own numbers, and the same ones whenever it is run."""

from __future__ import annotations

from itertools import product

import torch

from globalner.training.callbacks import StepSeeds
from globalner.training.callbacks.step_seeds import step_seed


def test_every_step_has_a_seed_of_its_own() -> None:
    places = list(product(range(3), range(4), range(20)))
    assert len({step_seed(*place) for place in places}) == len(places)


def test_the_callback_seeds_torch_by_seed_epoch_and_step() -> None:
    class Trainer:
        current_epoch = 2

    StepSeeds(7).on_train_batch_start(Trainer(), None, None, 5)  # type: ignore[arg-type]
    drawn = torch.rand(4)
    torch.manual_seed(step_seed(7, 2, 5))
    assert torch.equal(drawn, torch.rand(4))
