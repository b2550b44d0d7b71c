from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from globalner.data import MaskingRules, PackedText, TokenStream
from globalner.training.pretraining.data_module import MaskedDataModule
from globalner.training.pretraining.plan import PretrainPlan


def text_of(tokens: int, window: int = 10) -> PackedText:
    ids = np.arange(tokens, dtype=np.int32) % 40 + 5
    return PackedText(TokenStream(ids, np.ones(tokens, dtype=bool), (2,), (3,)), window)


@given(tokens=st.integers(1, 300), batch=st.integers(1, 9), every=st.integers(1, 12), epochs=st.integers(1, 3))
def test_each_pass_sees_every_window_once_and_rounds_cover_all_steps(
    tokens: int, batch: int, every: int, epochs: int
) -> None:
    plan = PretrainPlan(text_of(tokens), batch, every, epochs, None, seed=0)
    steps = [step for number in range(plan.rounds) for step in plan.steps(number)]
    assert steps == list(range(plan.total_steps))
    for number in range(epochs):
        seen = [w for step in steps if plan.place(step)[0] == number for w in plan.windows(step)]
        assert sorted(seen) == list(range(len(plan.text)))
    assert plan.tokens_before(plan.total_steps) == epochs * int(plan.text.lengths.sum())
    assert max(map(len, map(plan.windows, steps))) <= batch


@given(wanted=st.integers(1, 2000), batch=st.integers(1, 9))
def test_a_run_ends_with_the_step_that_reaches_the_tokens(wanted: int, batch: int) -> None:
    plan = PretrainPlan(text_of(160), batch, 5, 1, wanted, seed=0)
    assert plan.tokens_before(plan.total_steps) >= wanted > plan.tokens_before(plan.total_steps - 1)


def test_order_derives_from_seed_and_pass() -> None:
    def order(seed: int, number: int) -> list[list[int]]:
        plan = PretrainPlan(text_of(400), 4, 5, 3, None, seed=seed)
        first = number * plan.steps_per_pass
        return [plan.windows(step) for step in range(first, first + plan.steps_per_pass)]

    assert order(0, 1) == order(0, 1)
    assert order(0, 0) != order(0, 1) != order(1, 1)


def test_masks_of_a_step_do_not_depend_on_the_rounds() -> None:
    rules = MaskingRules(4, (0, 1, 2, 3, 4), 45)
    batches = []
    for every in (2, 7):
        data = MaskedDataModule(PretrainPlan(text_of(400), 4, every, 2, None, seed=1), rules, pad_id=0)
        batches.append([data.batch(step) for step in range(data.plan.total_steps)])
    for one, other in zip(*batches, strict=True):
        assert one.input_ids.tolist() == other.input_ids.tolist()
        assert one.targets.tolist() == other.targets.tolist()
    half = len(batches[0]) // 2
    assert batches[0][0].input_ids.tolist() != batches[0][half].input_ids.tolist()
